"""What can be wished for bricks."""

from pyheketi.control_plane.brick_sets import BrickSets
from pyheketi.control_plane.finding import existing
from pyheketi.control_plane.work import Work
from pyheketi.domain.ids import BrickId, IdSource, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.engine.runner import Replan
from pyheketi.operations.operation import Kind, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import brick_evict


class Bricks:
    """Moves bricks from device to device."""

    def __init__(self, work: Work, brick_sets: BrickSets, ids: IdSource) -> None:
        self._work, self._brick_sets, self._ids = work, brick_sets, ids

    async def evict(self, id_: str, *, check_heal: bool = True) -> OperationId:
        """Begin to move a brick to another device; that there is none is told by the job.

        Raises:
            NotFound: no such brick.
            Conflict: it is being made or removed, or its volume is busy.
            TooManyOperations: the limit is reached.
        """
        brick = existing(self._work.tip.brick(BrickId(id_)))
        brick_evict.check(self._work.tip, brick)
        await self._brick_sets.learn(brick.volume)
        operation = OperationId(self._ids.new())
        plan = self.eviction(operation, brick.id, check_heal=check_heal)
        return await self._work.decide(
            operation,
            Kind.EVICT_BRICK,
            id_,
            lambda: plan(self._work.tip, self._work.avoid),
            throttled=True,
            replan=plan,
        )

    def eviction(self, operation: OperationId, id_: BrickId, *, check_heal: bool) -> Replan:
        """Return what plans the move of a brick; that raises ``NotFound``, ``Conflict``, ``NoSpace``."""

        def plan(topology: Topology, avoid: Avoid) -> Plan:
            return brick_evict.plan(
                topology,
                existing(topology.brick(id_)),
                operation=operation,
                limits=self._work.limits,
                avoid=avoid,
                ids=self._ids,
                check_heal=check_heal,
            )

        return plan
