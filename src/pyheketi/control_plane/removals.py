"""Empty devices and nodes for good: evictions one after the other, each an operation of its own (operations.md §4)."""

import asyncio
from collections.abc import Callable, Sequence

from pyheketi.control_plane.brick_sets import BrickSets
from pyheketi.control_plane.bricks import Bricks
from pyheketi.control_plane.work import Work
from pyheketi.domain import errors
from pyheketi.domain.entities import Device, Node
from pyheketi.domain.ids import BrickId, IdSource, OperationId
from pyheketi.engine.runner import Run
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, OperationState, Plan
from pyheketi.planning import removal
from pyheketi.planning.catalog import USE_CASES

_RELEASED = (
    "The deletion waited for a node that is being removed now, with the bricks on it: ask for it again afterwards."
)


class Removals:
    """Removes devices and nodes that hold bricks."""

    def __init__(self, work: Work, bricks: Bricks, brick_sets: BrickSets, ids: IdSource) -> None:
        self._work, self._bricks, self._brick_sets, self._ids = work, bricks, brick_sets, ids

    async def begin_device(self, device: Device, *, check_heal: bool) -> OperationId:
        """Begin to empty a device; a refusal is told by the job. Raises ``TooManyOperations``."""
        operation = OperationId(self._ids.new())
        await self._release([device.volume_group])
        return await self._begin(
            operation,
            Kind.REMOVE_DEVICE,
            device.id,
            lambda: removal.plan_device(self._work.tip, device, operation=operation),
            check_heal=check_heal,
        )

    async def begin_node(self, node: Node, *, check_heal: bool) -> OperationId:
        """Begin to empty all devices of a node; a refusal is told by the job. Raises ``TooManyOperations``."""
        operation = OperationId(self._ids.new())
        await self._release([device.volume_group for device in self._work.tip.devices_of(node.id)])
        return await self._begin(
            operation,
            Kind.REMOVE_NODE,
            node.id,
            lambda: removal.plan_node(self._work.tip, node, operation=operation),
            check_heal=check_heal,
        )

    async def _release(self, groups: Sequence[str]) -> None:
        """Let go the bricks of volumes whose deletion waits for a node: nobody waits for one that is removed."""
        await self._work.release(
            lambda operation: any(
                isinstance(step, steps.DestroyBrick) and step.place.volume_group in groups for step in operation.steps
            ),
            _RELEASED,
        )

    async def _begin(
        self, operation: OperationId, kind: Kind, subject: str, plan: Callable[[], Plan], *, check_heal: bool
    ) -> OperationId:
        return await self._work.decide(
            operation, kind, subject, plan, throttled=True, way=lambda run: self._empty(run, check_heal=check_heal)
        )

    async def take_up(self, others: "Sequence[asyncio.Task[None]]", run: Run) -> None:
        """Go on with a removal after a restart, when evictions that were at work are at their ends."""
        await asyncio.gather(*others, return_exceptions=True)
        await self._empty(run, check_heal=True)

    async def _empty(self, run: Run, *, check_heal: bool) -> None:
        """Move brick after brick away; what was moved before a failure stays so."""
        use_case = USE_CASES[run.operation.kind]
        if run.operation.state is not OperationState.RUNNING:
            run.move(OperationState.RUNNING)
        try:
            while brick := removal.next_brick(self._work.tip, run.operation):
                await self._move_away(run, brick, check_heal=check_heal)
            done = use_case.finish(self._work.tip, run.operation, {})
            await self._work.conclude(run, OperationState.DONE, done)
        except errors.Error as why:
            left = use_case.abandon(self._work.tip, run.operation, {})
            await self._work.conclude(run, OperationState.ABANDONED, left, error=str(why))

    async def _move_away(self, removing: Run, brick: BrickId, *, check_heal: bool) -> None:
        operation = OperationId(self._ids.new())
        plan = self._bricks.eviction(operation, brick, check_heal=check_heal)
        try:
            if known := self._work.tip.brick(brick):
                await self._brick_sets.learn(known.volume)
            planned = plan(self._work.tip, self._work.avoid)
        except errors.Error as why:
            raise errors.Conflict(removal.refusal(self._work.tip, removing.operation, brick, why)) from why
        ended = await self._work.run_part(operation, planned, plan, of=removing)
        if ended.state is not OperationState.DONE:
            raise errors.Conflict(ended.error)
