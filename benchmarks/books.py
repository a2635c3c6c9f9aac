"""A store and the topology that it holds: operations are planned, begun and ended as servers do it, without nodes."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from benchmarks.planning import LIMITS, REPLICA_3, entities
from pyheketi.control_plane.ids import SeededIds
from pyheketi.domain.change import Change, Put
from pyheketi.domain.ids import OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation, OperationState
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volume_create, volume_delete
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store.base import Store
from pyheketi.store.opening import open_store


class Books:
    """A cluster of a hundred nodes with ten devices each, and its volumes: in memory and in a store."""

    def __init__(self, place: str, store: Store) -> None:
        self.place, self.store = place, store
        self.topology, self.revision = Topology(), 0
        self._ids = SeededIds(1)

    @classmethod
    async def open(cls, place: str) -> Self:
        """Furnish an empty database."""
        books = cls(place, await open_store(place))
        await books.write([Put(each) for each in entities(books._ids, 100, 10, 0)], ())
        return books

    async def reopen(self) -> None:
        """Open the store, which has been closed."""
        self.store = await open_store(self.place)

    async def write(self, changes: Sequence[Change], operations: Sequence[Operation]) -> float:
        """Commit, here and there; return the seconds that the store took."""
        self.topology = self.topology.apply(changes)
        began = time.perf_counter()
        self.revision = await self.store.commit(changes, operations, expected=self.revision)
        return time.perf_counter() - began

    async def grow(self, to: int, *, at_once: int = 100) -> None:
        """Make volumes until there are so many, as fast as it goes: many creations share their two commits."""
        while (missing := to - sum(1 for _ in self.topology.volumes())) > 0:
            planned = [self.plan_creation() for _ in range(min(missing, at_once))]
            await self.write([change for changes, _ in planned for change in changes], [each for _, each in planned])
            ended = [self.end_of_creation(each) for _, each in planned]
            await self.write([change for changes, _ in ended for change in changes], [each for _, each in ended])

    def plan_creation(self) -> tuple[tuple[Change, ...], Operation]:
        """Return what the begin of a replica 3 volume of 1 GiB writes."""
        id_ = OperationId(self._ids.new())
        wish = VolumeCreate(size_gib=1, durability=REPLICA_3)
        volume = VolumeId(self._ids.new())
        plan = volume_create.plan(
            self.topology, wish, volume=volume, operation=id_, limits=LIMITS, avoid=Avoid(), ids=self._ids
        )
        return plan.begin, Operation.of(plan, id_, now=time.time())

    def end_of_creation(self, operation: Operation) -> tuple[tuple[Change, ...], Operation]:
        """Return what the end of a creation writes."""
        return volume_create.finish(self.topology, operation, {}), _done(operation)

    def plan_deletion(self, volume: str) -> tuple[tuple[Change, ...], Operation]:
        """Return what the begin of a deletion writes."""
        found = self.topology.volume(volume)
        if found is None:
            raise KeyError(volume)
        id_ = OperationId(self._ids.new())
        plan = volume_delete.plan(self.topology, found, operation=id_, avoid=Avoid())
        return plan.begin, Operation.of(plan, id_, now=time.time())

    def end_of_deletion(self, operation: Operation) -> tuple[tuple[Change, ...], Operation]:
        """Return what the end of a deletion writes."""
        return volume_delete.finish(self.topology, operation, {}), _done(operation)


def _done(operation: Operation) -> Operation:
    return replace(operation, state=OperationState.DONE, updated_at=time.time())
