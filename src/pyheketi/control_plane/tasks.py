"""The tasks of a server: those that run operations, and chores that never end."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger(__name__)


class Tasks:
    """Holds tasks from their start to their end, so that all are known when the server stops."""

    def __init__(self) -> None:
        self._operations: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()

    def run(self, operation: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Bring an operation to its end, beside the others."""
        return _held(self._operations, operation)

    def keep(self, chore: Coroutine[Any, Any, None]) -> None:
        """Do something, for ever or not, that no one waits for."""
        _held(self._chores, chore)

    async def settle(self) -> None:
        """Wait for the end of all operations."""
        while self._operations:
            await asyncio.wait(self._operations)

    async def stop(self, grace: float) -> None:
        """Give operations ``grace`` seconds to come to a step boundary, then drop everything."""
        if self._operations:
            _log.info("Waiting for the running steps of %d operations", len(self._operations))
            await asyncio.wait(self._operations, timeout=grace)
        left = self._operations | self._chores
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _held(among: "set[asyncio.Task[None]]", work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = asyncio.create_task(work)
    among.add(task)
    task.add_done_callback(among.discard)
    return task
