"""The client's view of operations: ``/queue/{id}``. Results outlive a restart and more than one reading."""

import asyncio
import contextlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pyheketi.control_plane.alarm import Alarm
from pyheketi.domain import errors
from pyheketi.engine.runner import Run
from pyheketi.operations.operation import Operation, OperationState
from pyheketi.store.base import Store

_log = logging.getLogger(__name__)

_REMEMBERED = 10_000
"""Jobs whose end is kept in memory; older ones are read from the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How an operation stands."""

    pending: bool
    error: str = ""
    """Why it failed; empty if it did not."""
    result: str = ""
    """Path of what it made; empty for nothing."""
    progress: tuple[int, int] = (0, 0)
    """Steps done, and steps in all."""


class Jobs:
    """Finds the job of an id among running, recent and stored operations."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[str, tuple[Run, asyncio.Event]] = {}
        self._finished: OrderedDict[str, Job] = OrderedDict()
        self._stopping = False

    def start(self, run: Run) -> None:
        """Take up an operation."""
        self._finished.pop(run.operation.id, None)
        self._running[run.operation.id] = run, asyncio.Event()

    def end(self, run: Run) -> None:
        """Keep the end of an operation."""
        if work := self._running.pop(run.operation.id, None):
            _, ended = work
            ended.set()
        self._finished[run.operation.id] = _job_of(run.operation)
        if len(self._finished) > _REMEMBERED:
            self._finished.popitem(last=False)

    @property
    def running(self) -> int:
        """How many operations are at work."""
        return len(self._running)

    @property
    def runs(self) -> dict[str, Run]:
        """The operations at work, by id, as they stand now."""
        return {id_: run for id_, (run, _) in self._running.items()}

    @property
    def at_work(self) -> list[Operation]:
        """The operations at work, in the order they were begun."""
        return [run.operation for run, _ in self._running.values()]

    def is_running(self, id_: str) -> bool:
        """Whether that operation is at work now."""
        return id_ in self._running

    async def wait_for(self, id_: str, seconds: float) -> bool:
        """Wait until that job is at work no more, ``seconds`` at most.

        Tell whether it was waited for: a job that is not at work is not, and nobody waits once the server stops.
        """
        work = self._running.get(id_)
        if work is None or self._stopping:
            return False
        _, ended = work
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ended.wait()
        return not self._stopping

    def let_go(self) -> None:
        """Let nobody wait any more, as the server stops."""
        self._stopping = True
        for _, ended in self._running.values():
            ended.set()

    async def find(self, id_: str) -> Job | None:
        """Return the job of an id, if there is or was one that is still kept."""
        if work := self._running.get(id_):
            run, _ = work
            return Job(pending=True, progress=run.progress)
        if job := self._finished.get(id_):
            return job
        operation = await self._store.operation(id_)
        return _job_of(operation) if operation else None

    async def forget_old(self, retentions: Callable[[], tuple[float, float]], alarm: Alarm) -> None:
        """Delete from the store what ended long ago, now and regularly; asks how many seconds, jobs and history."""
        loop, done_at = asyncio.get_running_loop(), -math.inf

        def due() -> float:
            return done_at + min(3600, *retentions())

        while True:
            await alarm.at(due)
            now, (retention, history_retention) = time.time(), retentions()
            try:
                await self._store.forget_finished(now - retention)
                await self._store.forget_history(now - history_retention)
            except errors.StoreError as error:
                _log.warning("Unable to forget old jobs: %s", error)
            done_at = loop.time()


def _job_of(operation: Operation) -> Job:
    """Return how an operation stands that nobody works on."""
    match operation.state:
        case OperationState.DONE:
            return Job(pending=False, result=operation.result)
        case OperationState.ABANDONED | OperationState.STUCK:
            return Job(pending=False, error=operation.error or "The operation failed")
        case _:  # of a server that stopped; recovery will take it up
            return Job(pending=True)
