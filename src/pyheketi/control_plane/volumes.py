"""What can be wished for volumes."""

from pyheketi.control_plane.brick_sets import BrickSets
from pyheketi.control_plane.finding import existing, shown
from pyheketi.control_plane.work import Work
from pyheketi.domain.entities import Volume
from pyheketi.domain.ids import IdSource, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Kind, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import hosting, volume_clone, volume_create, volume_delete, volume_expand
from pyheketi.planning.volume_create import VolumeCreate


class Volumes:
    """Makes, changes and removes volumes."""

    def __init__(self, work: Work, brick_sets: BrickSets, ids: IdSource) -> None:
        self._work, self._brick_sets, self._ids = work, brick_sets, ids

    async def create(self, request: VolumeCreate) -> OperationId:
        """Begin to create a volume. Raises ``RequestError``, ``Conflict``, ``NoSpace``, ``TooManyOperations``."""
        volume_create.check(self._work.tip, request, self._work.limits)
        operation = OperationId(self._ids.new())
        volume = VolumeId(self._ids.new())

        def plan(topology: Topology, avoid: Avoid) -> Plan:
            return volume_create.plan(
                topology,
                request,
                volume=volume,
                operation=operation,
                limits=self._work.limits,
                avoid=avoid,
                ids=self._ids,
            )

        return await self._work.begin_anywhere(operation, plan)

    async def expand(self, id_: str, expand_gib: int) -> OperationId:
        """Begin to expand a volume. Raises ``NotFound``, ``InUse``, ``NoSpace``, ``TooManyOperations``."""
        operation = OperationId(self._ids.new())

        def plan(topology: Topology, avoid: Avoid) -> Plan:
            return volume_expand.plan(
                topology,
                existing(topology.volume(id_)),
                expand_gib,
                operation=operation,
                limits=self._work.limits,
                avoid=avoid,
                ids=self._ids,
            )

        return await self._work.begin_anywhere(operation, plan)

    async def delete(self, id_: str) -> OperationId:
        """Begin to delete a volume, or go on with a deletion that got stuck.

        Raises:
            NotFound: no such volume.
            Conflict: it must not be deleted.
            InUse: an operation is at work on it.
            TooManyOperations: the limit is reached.
        """
        volume = existing(self._work.tip.volume(id_))
        if stuck := self._work.stuck_on(volume, Kind.DELETE_VOLUME):
            return self._work.take_up(stuck)
        operation = OperationId(self._ids.new())
        with self._work.slot(operation):
            plan = volume_delete.plan(self._work.tip, volume, operation=operation, avoid=self._work.avoid)
            return await self._work.begin(operation, plan)

    async def clone(self, id_: str, name: str) -> OperationId:
        """Begin to make a volume that starts as a copy. Raises ``NotFound``, ``Conflict``, ``TooManyOperations``."""
        await self._brick_sets.learn(self._find(id_).id)
        operation = OperationId(self._ids.new())
        with self._work.slot(operation):
            plan = volume_clone.plan(
                self._work.tip,
                self._find(id_),
                name,
                volume=VolumeId(self._ids.new()),
                operation=operation,
                avoid=self._work.avoid,
                ids=self._ids,
            )
            return await self._work.begin(operation, plan)

    async def restrict(self, id_: str, restriction: str) -> OperationId:
        """Lock or unlock a hosting volume. Raises ``NotFound``, ``Conflict``, ``TooManyOperations``."""
        volume = self._find(id_)
        operation = OperationId(self._ids.new())
        with self._work.slot(operation):
            return await self._work.begin(operation, hosting.plan_restriction(self._work.tip, volume, restriction))

    def _find(self, id_: str) -> Volume:
        return shown(self._work.tip.volume(id_))
