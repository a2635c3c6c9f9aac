"""Bring operations to their end: forward, or back. The only place that changes an operation's state.

An operation is written when it is planned and when it has ended, not in between: whatever happens to the server,
the plan is on disk and the nodes can be asked what was done of it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pyheketi.commands import gluster
from pyheketi.commands.bricks import BrickFacts
from pyheketi.commands.examination import NodePicture
from pyheketi.commands.mount import Mount
from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.topology import Topology
from pyheketi.engine import advice
from pyheketi.engine.ledger import Ledger
from pyheketi.engine.watching import AtWork, Watch
from pyheketi.operations import describing, steps
from pyheketi.operations.operation import TRANSITIONS, Operation, OperationState, Plan, StepGroup
from pyheketi.operations.steps import BrickPlace, Outcome, Step
from pyheketi.placement.rings import Avoid
from pyheketi.planning.catalog import USE_CASES

_log = logging.getLogger(__name__)

Replan = Callable[[Topology, Avoid], Plan]
"""Plan the same wish again on another topology, keeping away from what failed."""

_LATER = "\nNot everything could be undone or finished, this is tried again later: "

WAITING = "a node that it needs does not answer; it goes on by itself as soon as that is back"

INTERRUPTED = (
    "The server was stopped while this operation was at work. What had been made of it is removed again; try it again."
)


class Performs(Protocol):
    """Does steps on nodes: ``engine.perform.Performer``."""

    def watched(self, watch: Watch) -> "Performs":
        """Return the same, telling ``watch`` what is waited for."""
        ...

    async def do(self, step: Step, *, sure: bool) -> Outcome:
        """Do a step; ``sure`` if nothing of it can exist yet."""
        ...

    async def undo(self, step: Step, outcome: Outcome = None) -> Outcome:
        """Undo a step, whatever of it was done."""
        ...

    async def examine(self, host: str, hosting: Sequence[str]) -> NodePicture:
        """Return everything that a node has."""
        ...

    async def mounts(self, host: str) -> tuple[Mount, ...]:
        """Return what is mounted on a node."""
        ...

    async def dead_bricks(self, hosts: Sequence[str]) -> frozenset[str]:
        """Return gluster's names of bricks whose process does not run, though its node does."""
        ...

    def preview(self, place: BrickPlace, facts: BrickFacts) -> tuple[str, ...]:
        """Return the commands that would destroy a brick."""
        ...

    async def has_effect(self, step: Step) -> bool:
        """Tell whether a step without return has had any effect."""
        ...


@dataclass(slots=True)
class Run:
    """An operation at work: its present state, and what is known of its steps. Lives in memory only."""

    operation: Operation
    outcomes: dict[Step, Outcome] = field(default_factory=dict)
    """Steps that are done."""
    touched: set[Step] = field(default_factory=set)
    """Steps that may have done something, done ones included."""
    at_work: dict[Step, AtWork] = field(default_factory=dict)
    """Steps that are being done or undone now."""
    failed: dict[Step, str] = field(default_factory=dict)
    """Steps that could not be done, or undone, and why."""
    undone: set[Step] = field(default_factory=set)
    """Steps that were done, or may have been, and are undone."""
    attempt: int = 1
    """Which plan this is: one that failed may be followed by another."""
    part: str = ""
    """Id of the operation that is at work for this one, if it is made of others."""

    @contextmanager
    def working_on(self, step: Step, *, undoing: bool = False) -> Iterator[Watch]:
        """Do or undo a step; for those who look on."""
        at_work = AtWork(undoing=undoing, since=time.time())
        if self.failed:  # a look at a step costs its hash, which is that of all it holds
            self.failed.pop(step, None)
        self.at_work[step] = at_work
        try:
            yield at_work.watch
        except errors.Error as error:
            self.failed[step] = str(error)
            raise
        finally:
            del self.at_work[step]

    def begin_anew(self, plan: Plan) -> None:
        """Take another plan for the same wish."""
        self.operation = replace(self.operation, groups=plan.groups, result=plan.result)
        self.attempt += 1
        for known in (self.outcomes, self.touched, self.failed, self.undone):
            known.clear()

    def move(self, state: OperationState, *, error: str = "") -> None:
        """Take the operation to another state."""
        if state not in TRANSITIONS[self.operation.state]:
            raise errors.BrokenInvariant(f"operation {self.operation.id}: {self.operation.state} -> {state}")
        self.operation = replace(
            self.operation, state=state, error=error or self.operation.error, updated_at=time.time()
        )

    @property
    def progress(self) -> tuple[int, int]:
        """Steps done, and steps in all."""
        return len(self.outcomes), len(self.operation.steps)


class Stopping(Exception):  # no error, and never shown
    """The server stops: the operation is left for the next one."""


class Runner:
    """Runs operations one by one; ``run`` may be called for many at the same time."""

    def __init__(
        self,
        performer: Performs,
        ledger: Ledger,
        *,
        retries: Callable[[], int],
        suspect: Callable[[set[str]], Awaitable[None]],
        avoid: Callable[[], Avoid],
    ) -> None:
        """Begin with nothing at work.

        Args:
            performer: does steps on nodes.
            ledger: holds the topology.
            retries: tells how often something is tried again elsewhere; asked when an operation begins.
            suspect: looks after hosts that may be down.
            avoid: tells what placement keeps away from then.
        """
        self._performer, self._ledger = performer, ledger
        self._retries, self._suspect, self._avoid = retries, suspect, avoid
        self.stopping = False
        """Set to let operations stop at the next step boundary."""

    async def run(self, run: Run, replan: Replan | None = None) -> None:
        """Bring a freshly planned operation to its end, planning it again if that helps.

        What goes wrong on nodes is told by the operation's state and error.

        Raises:
            Stopping: at a step boundary, as the server stops.
            StoreError: its state could not be written; what is on disk is to be taken up again.
        """
        avoid, retries = Avoid(), self._retries()
        for attempt in range(1, retries + 2):
            run.move(OperationState.RUNNING)
            _log.info("%s %s: attempt %d", run.operation.kind.label, run.operation.id, attempt)
            failures = await self._forward(run, sure=True)
            if not failures:
                failures = await self._finish(run)
                if not failures:
                    return
            avoid = await self._learn(run, failures, avoid)
            first = _root_cause(failures)
            if self._waits(run, first):
                await self._stick(run, advice.advised(str(first)), WAITING)
                return
            again = replan if attempt <= retries and first.transient else None
            if not await self._give_up(run, advice.advised(str(first)), again, avoid):
                return

    async def resume(self, run: Run) -> None:
        """Bring an operation that a crash or a failure left behind to its end, asking nodes what was done of it.

        Raises as ``run``.
        """
        use_case = USE_CASES[run.operation.kind]
        run.touched = set(run.operation.steps)
        if run.operation.state is OperationState.PLANNED:
            run.move(OperationState.RUNNING)
        error = run.operation.error or INTERRUPTED
        try:
            forward = use_case.forward_on_restart or await self._past_return(run)
        except errors.Error as unknown:
            await self._stick(run, error, f"unable to find out what was done: {advice.advised(str(unknown))}")
            return
        if not forward:
            await self._give_up(run, error, None, Avoid())
            return
        if run.operation.state is not OperationState.RUNNING:
            run.move(OperationState.RUNNING)
        failures = await self._forward(run, sure=False) or await self._finish(run)
        if failures:
            await self._learn(run, failures, Avoid())
            first = _root_cause(failures)
            if self._waits(run, first) or (not use_case.waits and isinstance(first, _PASSING)):
                await self._stick(run, error, advice.advised(str(first)))
            else:
                await self._give_up(run, advice.advised(str(first)), None, Avoid())

    async def release(self, run: Run, why: str) -> None:
        """Abandon an operation that only waits for a node, as far as nothing of it has happened yet."""
        run.touched = set(run.operation.steps)
        await self._give_up(run, why, None, Avoid())

    def _waits(self, run: Run, first: errors.Error) -> bool:
        """Return whether an operation that failed is to go on when a node is back that it needs."""
        if not USE_CASES[run.operation.kind].waits or isinstance(first, errors.Conflict):
            return False
        down = (self._ledger.tip.node(id_) for id_ in self._avoid().nodes)
        needed = {host for step in run.operation.steps for host in _hosts_of(step)}
        return any(node.manage_host in needed for node in down if node)

    async def _forward(self, run: Run, *, sure: bool) -> list[tuple[Step, errors.Error]]:
        """Do all groups in order; return what failed in the group that stopped it."""
        for group in run.operation.groups:
            if self.stopping:
                raise Stopping
            failures = await self._all(group, lambda step: self._do(run, step, sure=sure))
            if failures:
                return failures
        return []

    async def _do(self, run: Run, step: Step, *, sure: bool) -> None:
        run.touched.add(step)
        try:
            with run.working_on(step) as watch:
                run.outcomes[step] = await self._performer.watched(watch).do(step, sure=sure)
            if run.undone:
                run.undone.discard(step)
        except errors.Unreachable as error:
            if not error.sent and sure:
                run.touched.discard(step)
            raise
        except errors.Conflict:
            if sure:  # it was refused at a look, before anything was done
                run.touched.discard(step)
            raise

    async def _all(
        self, group: StepGroup, deed: Callable[[Step], Coroutine[Any, Any, None]]
    ) -> list[tuple[Step, errors.Error]]:
        """Do a deed for all steps of a group at once and wait for every one of them."""
        results = await asyncio.gather(*(deed(step) for step in group), return_exceptions=True)
        failures: list[tuple[Step, errors.Error]] = []
        for step, result in zip(group, results, strict=True):
            if isinstance(result, errors.Error):
                _log.error("%s failed: %s", type(step).__name__, result)
                failures.append((step, result))
            elif isinstance(result, Exception):
                _log.error("%s failed unexpectedly", type(step).__name__, exc_info=result)
                bug = errors.BrokenInvariant(f"{type(step).__name__} failed unexpectedly: {result!r}")
                failures.append((step, bug))
            elif result is not None:
                raise result
        return failures

    async def _finish(self, run: Run) -> list[tuple[Step, errors.Error]]:
        """Commit the end. A world that has moved on, or a database that fails, counts as a failure of the last step."""
        before = run.operation
        try:
            changes = USE_CASES[before.kind].finish(self._ledger.tip, before, run.outcomes)
            run.move(OperationState.DONE)
            await self._ledger.commit(changes, [_without_error(run.operation)])
        except errors.StaleRevision:  # perhaps the end is on disk after all: nothing must be undone any more
            run.operation = before
            raise
        except errors.Error as error:
            run.operation = before
            return [(before.steps[-1], error)]
        run.operation = _without_error(run.operation)
        return []

    async def _past_return(self, run: Run) -> bool:
        kind = USE_CASES[run.operation.kind].no_return
        for step in run.operation.steps:
            if kind is not None and isinstance(step, kind) and step in run.touched:
                return await self._performer.has_effect(step)
        return False

    async def _give_up(self, run: Run, error: str, replan: Replan | None, avoid: Avoid) -> bool:
        """Undo, and abandon or plan anew. Return whether there is a new plan to run.

        That it is undone is written first: a commit that failed may be on disk all the same, and only the next one
        tells. What the database takes for done must not be undone.
        """
        use_case = USE_CASES[run.operation.kind]
        try:
            past = await self._past_return(run)
        except errors.Error as unknown:
            await self._stick(run, error, f"unable to find out what was done: {unknown}")
            return False
        if past:
            await self._stick(run, error, "there is no way back, only forward")
            return False
        if run.operation.state is not OperationState.UNDOING:
            run.move(OperationState.UNDOING, error=error)
            await self._ledger.commit((), [run.operation])
        failures = await self._undo(run)
        if failures:
            await self._stick(run, error, advice.advised(str(_root_cause(failures))))
            return False
        undone, abandon = run.operation, use_case.abandon(self._ledger.tip, run.operation, run.outcomes)
        if replan is not None:
            try:
                plan = replan(self._ledger.tip.apply(abandon), avoid)
            except errors.Error as none:
                _log.info("%s %s: no other plan: %s", run.operation.kind.label, run.operation.id, none)
            else:
                run.move(OperationState.PLANNED)
                run.begin_anew(plan)
                return await self._turn(run, undone, (*abandon, *plan.begin), error)
        run.move(OperationState.ABANDONED, error=error.split(_LATER, 1)[0])
        await self._turn(run, undone, abandon, error)
        return False

    async def _turn(self, run: Run, undone: Operation, changes: tuple[Change, ...], error: str) -> bool:
        """Commit what follows on an operation that is undone. Return whether that went well; if not, it is stuck."""
        try:
            await self._ledger.commit(changes, [run.operation])
        except errors.Error as failed:
            run.operation = undone
            await self._stick(run, error, str(failed))
            return False
        return True

    async def _undo(self, run: Run) -> list[tuple[Step, errors.Error]]:
        failures: list[tuple[Step, errors.Error]] = []
        for group in reversed(run.operation.groups):
            if self.stopping:
                raise Stopping
            failures += await self._all(
                tuple(step for step in group if step in run.touched), lambda step: self._undo_one(run, step)
            )
        return failures

    async def _undo_one(self, run: Run, step: Step) -> None:
        with run.working_on(step, undoing=True) as watch:
            outcome = await self._performer.watched(watch).undo(step, run.outcomes.get(step))
        run.touched.discard(step)
        run.undone.add(step)
        run.outcomes.pop(step, None)
        if isinstance(step, steps.CreateBrick) and outcome is not None:
            run.outcomes[steps.DestroyBrick(place=step.place)] = outcome

    async def _stick(self, run: Run, error: str, why: str) -> None:
        """Leave the operation for later, with its first error and the latest reason."""
        if run.operation.state is OperationState.STUCK:
            run.move(OperationState.UNDOING)
        run.move(OperationState.STUCK, error=error.split(_LATER, 1)[0] + _LATER + why)
        _log.error("%s %s is stuck: %s", run.operation.kind.label, run.operation.id, run.operation.error)
        try:
            await self._ledger.commit((), [run.operation])
        except errors.Error as failed:  # it is remembered all the same, and the next start finds the plan
            _log.error("%s %s: %s", run.operation.kind.label, run.operation.id, failed)

    async def _learn(self, run: Run, failures: list[tuple[Step, errors.Error]], avoid: Avoid) -> Avoid:
        """Return what the next plan keeps away from, after these failures."""
        devices, absent, suspects = set(avoid.devices), set(avoid.nodes), set()
        for step, error in failures:
            if isinstance(error, errors.Unreachable | errors.TimedOut):
                suspects.add(error.host)
            elif isinstance(step, steps.CreateBrick) and (brick := self._ledger.tip.brick(step.place.brick)):
                devices.add(brick.device)
            elif node := self._ledger.tip.node_stored_at(gluster.absent_peer(str(error))):
                absent.add(node)
            else:  # gluster failed, and seldom says whose fault it was
                suspects |= {host for each in run.operation.steps for host in _hosts_of(each)}
        await self._suspect(suspects)
        return Avoid(nodes=frozenset(absent) | self._avoid().nodes, devices=frozenset(devices))


_PASSING = (errors.Unreachable, errors.TimedOut, errors.SeveralFailed, errors.StoreError)
"""Failures that may be over when a node is back, or the database. Others would come again and again."""


def _hosts_of(step: Step) -> tuple[str, ...]:
    """Return the management names of the nodes that a step needs, or may need, to make or remove something."""
    return describing.hosts(step) if isinstance(step, _CHANGES) else ()


_CHANGES = (
    *(steps.CreateBrick, steps.DestroyBrick, steps.CreateVolume, steps.DeleteVolume),
    *(steps.AddBricks, steps.DeleteBlock),
)


def _root_cause(failures: list[tuple[Step, errors.Error]]) -> errors.Error:
    """Return the failure that tells most: a node that cannot be reached explains the others."""
    return next((error for _, error in failures if isinstance(error, errors.Unreachable)), failures[0][1])


def _without_error(operation: Operation) -> Operation:
    return replace(operation, error="")
