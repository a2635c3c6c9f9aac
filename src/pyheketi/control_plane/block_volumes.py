"""What can be wished for block volumes."""

from pyheketi.control_plane.finding import existing
from pyheketi.control_plane.work import Work
from pyheketi.domain.ids import BlockVolumeId, IdSource, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Kind, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import block_create, block_volumes
from pyheketi.planning.block_create import BlockVolumeCreate


class BlockVolumes:
    """Makes, changes and removes block volumes."""

    def __init__(self, work: Work, ids: IdSource) -> None:
        self._work, self._ids = work, ids

    async def create(self, request: BlockVolumeCreate) -> OperationId:
        """Begin to create a block volume. Raises ``RequestError``, ``Conflict``, ``NoSpace``, ``TooManyOperations``."""
        block_create.check(self._work.tip, request)
        operation = OperationId(self._ids.new())
        block, volume = BlockVolumeId(self._ids.new()), VolumeId(self._ids.new())

        def plan(topology: Topology, avoid: Avoid) -> Plan:
            return block_create.plan(
                topology,
                request,
                block=block,
                volume=volume,
                operation=operation,
                limits=self._work.limits,
                avoid=avoid,
                ids=self._ids,
            )

        return await self._work.begin_anywhere(operation, plan)

    async def expand(self, id_: str, new_gib: int) -> OperationId:
        """Begin to expand a block volume, or go on with the same expansion that got stuck.

        Raises:
            NotFound: no such block volume.
            Conflict: it is not to grow, or it is busy.
            NoSpace: its hosting volume has not enough left.
            TooManyOperations: the limit is reached.
        """
        block = existing(self._work.tip.block_volume(id_))
        stuck = self._work.stuck_on(block, Kind.EXPAND_BLOCK_VOLUME)
        if stuck and block.space_gib == new_gib:
            return self._work.take_up(stuck)
        operation = OperationId(self._ids.new())
        with self._work.slot(operation):
            plan = block_volumes.plan_expand(
                self._work.tip, block, new_gib, operation=operation, avoid=self._work.avoid
            )
            return await self._work.begin(operation, plan)

    async def delete(self, id_: str) -> OperationId:
        """Begin to delete a block volume, or go on with a deletion that got stuck.

        Raises:
            NotFound: no such block volume.
            InUse: an operation is at work on it.
            TooManyOperations: the limit is reached.
        """
        block = existing(self._work.tip.block_volume(id_))
        if stuck := self._work.stuck_on(block, Kind.DELETE_BLOCK_VOLUME):
            return self._work.take_up(stuck)
        operation = OperationId(self._ids.new())
        with self._work.slot(operation):
            plan = block_volumes.plan_delete(self._work.tip, block, operation=operation, avoid=self._work.avoid)
            return await self._work.begin(operation, plan)
