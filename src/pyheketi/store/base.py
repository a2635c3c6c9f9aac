"""The seam: what a store is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.entities import Entity
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a store holds. Let it go after the start: the topology goes on without it."""

    entities: tuple[Entity, ...]
    """Everything, parents first."""
    unfinished: tuple[Operation, ...]
    """Operations that have not ended, oldest first."""
    revision: int
    """Number of the last commit."""
    generation: str = ""
    """Id that the database was given when it was made; Heketi's exports tell it (db.md §7)."""

    @cached_property
    def topology(self) -> Topology:
        """The entities with their indexes.

        Raises:
            StoreError: they contradict each other.
        """
        try:
            return Topology(self.entities)
        except errors.BrokenInvariant as why:
            raise errors.StoreError(f"The database contradicts itself: {why}") from why


END_OF_TIME = (float(2**62), "")
"""Later than every end: where the history begins, read backwards."""


class Store(Protocol):
    """Keeps the topology and the operations. One server at a time owns a store."""

    async def load(self) -> Loaded:
        """Return everything that matters at start-up."""
        ...

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        """Write changes and operations (added or replaced, by id) in one transaction; return the new revision.

        Raises:
            StaleRevision: the store is not at revision ``expected``: another server wrote. Nothing was written.
            StoreError: the database failed. Nothing was written.
        """
        ...

    async def operation(self, id_: str) -> Operation | None:
        """Return an operation by id, finished ones included."""
        ...

    async def history(
        self, *, limit: int, since: float = 0, before: tuple[float, str] = END_OF_TIME
    ) -> Sequence[Operation]:
        """Return operations that have ended, the latest first, without their steps and results.

        Each was written in the commit of its end, and stays as it was written until it is forgotten.

        Args:
            limit: how many at most.
            since: those that ended at this time or later, seconds since the epoch.
            before: those that stand after this one: its end and its id.
        """
        ...

    async def backup(self) -> bytes | None:
        """Return a copy of everything as an SQLite file that a server can be started on; None if it is no such file.

        Raises:
            StoreError: the database failed.
        """
        ...

    async def forget_finished(self, before: float) -> int:
        """Delete operations that finished before a time (seconds since the epoch); return how many."""
        ...

    async def forget_history(self, before: float) -> int:
        """Delete from the history what ended before a time (seconds since the epoch); return how much."""
        ...

    async def aclose(self) -> None:
        """Close the database and give up its ownership."""
        ...
