"""The one mutable reference to the topology, in step with the store.

Two topologies are kept. Decisions are made on ``tip``, which holds every change as soon as it is decided, so that two
operations never take the same space. Readers see ``durable``, which lags behind by the commit on its way, so that
nobody is shown what a crash could still take back. Commits that wait for the disk together are written together.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation
from pyheketi.store.base import Store

_log = logging.getLogger(__name__)

_Entry = tuple[tuple[Change, ...], tuple[Operation, ...], Topology, "asyncio.Future[None]"]


class Ledger:
    """Applies changes in memory at once and on disk soon after."""

    def __init__(
        self, store: Store, topology: Topology, revision: int, on_fatal: Callable[[errors.Error], None]
    ) -> None:
        """``on_fatal`` is called once when another server has taken the store: this one has to stop."""
        self.tip = topology
        self.durable = topology
        self.revision = revision
        self._store = store
        self._on_fatal = on_fatal
        self._waiting: list[_Entry] = []
        self._writer: asyncio.Task[None] | None = None
        self._broken: errors.Error | None = None

    def stage(self, changes: Iterable[Change], operations: Sequence[Operation] = ()) -> "asyncio.Future[None]":
        """Apply changes to ``tip`` now; the future is done when they are on disk.

        No other coroutine runs between a decision made on ``tip`` and this call: that is the whole locking.

        Raises:
            BrokenInvariant: the changes contradict the topology; nothing happened.
            StoreError: another server owns the store by now.
        """
        if self._broken is not None:
            raise self._broken
        changes = tuple(changes)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tip = self.tip.apply(changes)
        self._waiting.append((changes, tuple(operations), self.tip, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return future

    async def commit(self, changes: Iterable[Change], operations: Sequence[Operation] = ()) -> None:
        """Stage and wait for the disk.

        Raises:
            StoreError: nothing was written; ``tip`` is as it was on disk.
        """
        await asyncio.shield(self.stage(changes, operations))

    async def settle(self) -> None:
        """Wait until nothing is on its way to the disk."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            changes = [change for entry in batch for change in entry[0]]
            operations = [operation for entry in batch for operation in entry[1]]
            try:
                self.revision = await self._store.commit(changes, operations, expected=self.revision)
            except Exception as error:  # whatever it is, those who wait must hear of it  # noqa: BLE001
                self._fail(batch, error)
            else:
                self.durable = batch[-1][2]
                for *_, future in batch:
                    if not future.done():
                        future.set_result(None)

    def _fail(self, batch: list[_Entry], error: Exception) -> None:
        """Forget everything that is not on disk: what waits was decided on what just failed."""
        known = isinstance(error, errors.Error)
        cause = error if known else errors.StoreError(f"Unable to write the database: {error}")
        _log.error("Database commit failed: %s", error, exc_info=not known)
        lost, self._waiting = batch + self._waiting, []
        self.tip = self.durable
        for *_, future in lost:
            if not future.done():
                future.set_exception(cause)
                future.exception()  # whoever waits gets it all the same; nobody waiting is no news
        if isinstance(cause, errors.StaleRevision):
            self._broken = cause
            self._on_fatal(cause)
