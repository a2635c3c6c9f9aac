"""Hold a command up until a test says go: what others do meanwhile can be looked at, without clocks."""

import asyncio
from collections.abc import Sequence

from tests.house import House

from pyheketi.commands.command import Result, Script
from pyheketi.executors.base import Executor
from pyheketi.executors.faults import Predicate, matching


class Gate:
    """An executor that lets matching scripts wait before anything of them is sent."""

    name, simulated = "gate", True

    def __init__(self, inner: Executor, when: Predicate) -> None:
        self.inner, self.when = inner, when
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self.waiting: list[str] = []
        """Hosts whose scripts wait, in the order they came."""

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        if any(self.when(host, command) for command in script.commands):
            self.waiting.append(host)
            self.reached.set()
            await self.opened.wait()
        return await self.inner.run(host, script)

    async def aclose(self) -> None:
        await self.inner.aclose()


def close(house: House, pattern: str, host: str | None = None) -> Gate:
    """Put a gate before the nodes of a house."""
    gate = Gate(house.executor.inner, matching(pattern, host))
    house.executor.inner = gate
    return gate
