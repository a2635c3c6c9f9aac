"""The executor of ``executor: mock``: scripts run on simulated nodes."""

import asyncio
from collections.abc import Sequence

from pyheketi.commands.command import Result, Script
from pyheketi.domain import errors
from pyheketi.executors.fake import programs
from pyheketi.executors.fake.nodes import FakeNodes


class FakeExecutor:
    """Runs scripts on simulated nodes, at once. A script is never interrupted by another one."""

    name = "mock"
    simulated = True

    def __init__(self, nodes: FakeNodes | None = None, *, delay: float = 0.0) -> None:
        """``delay`` is seconds that every script takes before anything happens."""
        self.nodes = nodes if nodes is not None else FakeNodes()
        self.delay = delay
        self._closed = False

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script on the node ``host``.

        Raises:
            Unreachable: the node has no power, or the executor was closed; nothing was sent.
        """
        await asyncio.sleep(self.delay)
        if self._closed:
            raise errors.Unreachable(host, "the server is stopping")
        node = self.nodes.node(host)
        if not node.powered:
            raise errors.Unreachable(host, "No route to host")
        results = []
        for command in script.commands:
            result = programs.run(node, command)
            results.append(result)
            if result.status and not command.may_fail:
                break
        return results

    async def aclose(self) -> None:
        """Refuse everything from now on."""
        self._closed = True
