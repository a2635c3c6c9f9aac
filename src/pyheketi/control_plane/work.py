"""What is at work: operations from their plan to their end, with their jobs and slots, and those that are stuck.

It knows how operations are begun, ended and taken up again, but not what they do: that is for the modules of the
objects, ``volumes``, ``devices`` and so on.
"""

import logging
import time
from asyncio import Task
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from pyheketi.control_plane.asking import asker
from pyheketi.control_plane.health import Health
from pyheketi.control_plane.ids import RandomIds
from pyheketi.control_plane.jobs import Job, Jobs
from pyheketi.control_plane.rules import Rules
from pyheketi.control_plane.tasks import Tasks
from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.entities import BlockVolume, Device, Node, Volume
from pyheketi.domain.ids import OperationId
from pyheketi.domain.topology import Topology
from pyheketi.engine.ledger import Ledger
from pyheketi.engine.runner import Performs, Replan, Run, Runner, Stopping
from pyheketi.operations.operation import Kind, Operation, OperationState, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning.catalog import USE_CASES
from pyheketi.planning.limits import Limits

_log = logging.getLogger(__name__)

Way: TypeAlias = Callable[[Run], Coroutine[Any, Any, None]]
"""Brings an operation to its end: the runner does, unless it has no steps but is made of other operations."""

TakeUp: TypeAlias = Callable[[Sequence["Task[None]"], Run], Coroutine[Any, Any, None]]
"""As ``Way``, after a restart; is also given the tasks of the operations with steps that were taken up before."""


class Work:
    """Begins operations, runs them beside each other, and remembers those that are stuck."""

    def __init__(
        self, ledger: Ledger, performer: Performs, health: Health, jobs: Jobs, limits: Limits, rules: Rules
    ) -> None:
        self._ledger, self._health, self._jobs = ledger, health, jobs
        self.limits, self.rules = limits, rules
        """What plans keep to, and how the house is kept: as it is now, new settings replace both."""
        self._runner = Runner(
            performer,
            ledger,
            retries=lambda: self.rules.create_retries,
            suspect=health.look_at,
            avoid=lambda: health.avoid,
        )
        self._tasks = Tasks()
        self._stuck: dict[str, Operation] = {}
        self._last_runs: dict[str, Run] = {}
        self._slots: set[str] = set()
        self._stopping = False
        self._composed: Mapping[Kind, TakeUp] = {}

    # -- questions -----------------------------------------------------------------------------------------------

    @property
    def tip(self) -> Topology:
        """Everything that is decided, also what is not on disk yet: what plans are made on."""
        return self._ledger.tip

    @property
    def avoid(self) -> Avoid:
        """What plans keep away from now."""
        return self._health.avoid

    @property
    def operations(self) -> list[Operation]:
        """Operations that have not ended: those at work, and those that are stuck."""
        at_work = [each for each in self._jobs.at_work if each.kind is not Kind.CLEAN_UP]
        return [*at_work, *self._stuck.values()]

    def run_of(self, operation: Operation) -> Run:
        """Return how an operation that has not ended stands; of one that is stuck, how it stood when it got so."""
        if run := self._jobs.runs.get(operation.id) or self._last_runs.get(operation.id):
            return run
        return Run(operation, touched=set(operation.steps))  # an earlier server knew

    async def job(self, id_: str) -> Job | None:
        """Return the job of that id."""
        return await self._jobs.find(id_)

    async def wait_for(self, id_: str, seconds: float | None) -> bool:
        """Wait for the end of a job, a moment or ``seconds`` at most; tell whether it was waited for."""
        return await self._jobs.wait_for(id_, self.rules.job_patience if seconds is None else seconds)

    def let_go(self) -> None:
        """Let nobody wait for a job any more."""
        self._jobs.let_go()

    # -- start and stop ------------------------------------------------------------------------------------------

    def start(self, unfinished: Sequence[Operation], composed: Mapping[Kind, TakeUp]) -> None:
        """Take up what an earlier server left; ``composed`` are the kinds that are made of other operations."""
        if unfinished:
            _log.warning("Taking up %d operations that an earlier server left unfinished", len(unfinished))
        self._composed = composed
        at_work = [operation for operation in unfinished if operation.state is not OperationState.STUCK]
        self._stuck = {each.id: each for each in unfinished if each.state is OperationState.STUCK}
        parts = [self._resume(operation) for operation in at_work if self._take_up_of(operation) is None]
        for operation in at_work:
            if self._take_up_of(operation):
                self._resume(operation, parts)

    def leave(self, unfinished: Sequence[Operation]) -> None:
        """Show what an earlier server left as what it is for one that may not go on with it: stuck."""
        self._stuck = {each.id: replace(each, state=OperationState.STUCK) for each in unfinished}
        _log.warning("The database is only read: all changes are refused, %d operations wait", len(self._stuck))

    def keep(self, chore: Coroutine[Any, Any, None]) -> None:
        """Do something beside the operations until the server stops."""
        self._tasks.keep(chore)

    async def stop(self, grace: float) -> None:
        """Take no more work and let running steps end, at most ``grace`` seconds.

        What does not end by then is left for the next start.
        """
        self._stopping = True
        self.let_go()
        self._runner.stopping = True
        await self._tasks.stop(grace)
        await self._ledger.settle()

    async def settle(self) -> None:
        """Wait for the end of all operations at work."""
        await self._tasks.settle()

    # -- beginning -----------------------------------------------------------------------------------------------

    async def commit(self, changes: Iterable[Change], operations: Sequence[Operation] = ()) -> None:
        """Write changes that need no node. Raises ``ShuttingDown``, ``ReadOnly``."""
        self._require_open()
        await self._ledger.commit(changes, operations)

    async def change(self, kind: Kind, subject: str, changes: Iterable[Change]) -> None:
        """Write changes that a client asked for and that need no node: an operation that is done at once.

        Raises:
            ShuttingDown: the server takes no more work.
            ReadOnly: it never takes any.
        """
        plan = Plan(kind=kind, subject=subject, begin=tuple(changes))
        id_ = OperationId(RandomIds().new())  # a seed is for what is made: nobody asks after this one
        done = replace(Operation.of(plan, id_, now=time.time(), asker=asker()), state=OperationState.DONE)
        await self.commit(plan.begin, [done])

    @contextmanager
    def slot(self, id_: OperationId) -> Iterator[None]:
        """Hold one of the slots for operations in flight, until the operation has ended.

        Raises:
            TooManyOperations: all are taken.
        """
        if len(self._slots) >= self.rules.max_in_flight:
            raise errors.TooManyOperations
        self._slots.add(id_)
        try:
            yield
        finally:
            if not self._jobs.is_running(id_):
                self._slots.discard(id_)

    async def begin(
        self, id_: OperationId, plan: Plan, replan: Replan | None = None, way: Way | None = None
    ) -> OperationId:
        """Commit a plan and start to run it; one that has neither steps nor a way to go is done at once.

        Args:
            id_: of the operation.
            plan: what it will do.
            replan: plans it anew where that helps after a failure.
            way: if it is made of other operations.

        Raises:
            ShuttingDown: the server takes no more work.
            ReadOnly: it never takes any.
        """
        self._require_open()
        run = Run(Operation.of(plan, id_, now=time.time(), asker=asker()))
        changes = plan.begin
        if at_once := not plan.steps and way is None:  # begin and end are one commit
            run.move(OperationState.RUNNING)
            changes += USE_CASES[plan.kind].finish(self.tip.apply(changes), run.operation, {})
            run.move(OperationState.DONE)
        await self._ledger.commit(changes, [run.operation])
        if at_once:
            self._jobs.end(run)
        else:
            self._start(run, way or (lambda run: self._runner.run(run, replan)))
        return id_

    async def begin_anywhere(self, id_: OperationId, plan: Replan) -> OperationId:
        """Begin what can be planned in several ways, and is planned anew where that helps after a failure.

        Raises:
            TooManyOperations: all slots are taken.
            ShuttingDown, ReadOnly: as ``begin``; besides, what ``plan`` raises.
        """
        with self.slot(id_):
            return await self.begin(id_, plan(self.tip, self.avoid), plan)

    async def decide(
        self,
        id_: OperationId,
        kind: Kind,
        subject: str,
        plan: Callable[[], Plan],
        *,
        throttled: bool,
        replan: Replan | None = None,
        way: Way | None = None,
    ) -> OperationId:
        """Begin what ``plan`` returns; a refusal becomes a job that failed (rest-api.md §7.3).

        Raises:
            TooManyOperations: all slots are taken, and it is ``throttled``: it needs one.
            ShuttingDown: the server takes no more work.
        """
        with self.slot(id_) if throttled else nullcontext():
            try:
                return await self.begin(id_, plan(), replan, way)
            except (errors.Conflict, errors.NoSpace) as refusal:
                refused = _refused(id_, kind, subject, str(refusal))
                await self.commit([], [refused])
                self._jobs.end(Run(refused))
                return id_

    # -- for operations that are made of others ------------------------------------------------------------------

    async def run_part(self, id_: OperationId, plan: Plan, replan: Replan, *, of: Run) -> Operation:
        """Do an operation that is part of another, for whoever asked for that; return it as it ended, or got stuck.

        Raises:
            Stopping: before that, as the server stops.
        """
        run = Run(Operation.of(plan, id_, now=time.time(), asker=of.operation.asker))
        await self._ledger.commit(plan.begin, [run.operation])
        self._jobs.start(run)
        of.part = id_
        await self._run(run, lambda run: self._runner.run(run, replan))
        of.part = ""
        if not run.operation.state.finished and run.operation.state is not OperationState.STUCK:
            raise Stopping
        return run.operation

    async def conclude(self, run: Run, end: OperationState, changes: Iterable[Change] = (), *, error: str = "") -> None:
        """Commit the end of an operation that is made of others, even while the server stops.

        If the database fails, it is stuck: tried again later. Raises ``BrokenInvariant``; nothing happened then.
        """
        before = run.operation
        if end is OperationState.ABANDONED:
            run.move(OperationState.UNDOING, error=error)
        run.move(end)
        try:
            await self._ledger.commit(changes, [run.operation])
        except errors.Error as failed:
            run.operation = before
            if not isinstance(failed, errors.StoreError):
                raise
            run.move(OperationState.STUCK, error=str(failed))

    # -- stuck operations ----------------------------------------------------------------------------------------

    @property
    def stuck(self) -> list[OperationId]:
        """The operations that can go neither on nor back until a node is back."""
        return [operation.id for operation in self._stuck.values()]

    def stuck_on(self, entity: Volume | BlockVolume | Device | Node, kind: Kind) -> OperationId | None:
        """Return the operation of that kind that got stuck at work on an object."""
        found = self._stuck.get(entity.pending.operation) if entity.pending else None
        return found.id if found and found.kind is kind else None

    def take_up(self, stuck: OperationId) -> OperationId:
        """Go on with a stuck operation because a client asks for it again. Raises ``TooManyOperations``."""
        self._require_open()
        with self.slot(stuck):
            self._resume(self._stuck.pop(stuck))
            return stuck

    def try_again(self, ids: Iterable[str]) -> list["Task[None]"]:
        """Go on with operations, without slots; those that are not stuck are passed over."""
        return [self._resume(operation) for each in ids if (operation := self._stuck.pop(each, None))]

    def go_on(self) -> None:
        """Go on with everything that is stuck: a node that was away is back."""
        if not self._stopping:
            self.try_again(self.stuck)

    async def release(self, about: Callable[[Operation], bool], why: str) -> None:
        """Abandon deletions that only wait for a node, as far as nothing of them has happened yet."""
        for id_, operation in list(self._stuck.items()):
            if USE_CASES[operation.kind].waits and about(operation):
                del self._stuck[id_]
                run = Run(operation)
                self._jobs.start(run)
                await self._run(run, lambda run: self._runner.release(run, why))

    # -- running -------------------------------------------------------------------------------------------------

    def _resume(self, operation: Operation, parts: Sequence["Task[None]"] = ()) -> "Task[None]":
        take_up = self._take_up_of(operation)
        return self._start(Run(operation), partial(take_up, parts) if take_up else self._runner.resume)

    def _take_up_of(self, operation: Operation) -> TakeUp | None:
        """Return how an operation goes on that is made of others; one that is given up does not go on."""
        return None if operation.state is OperationState.UNDOING else self._composed.get(operation.kind)

    def _start(self, run: Run, way: Way) -> "Task[None]":
        self._last_runs.pop(run.operation.id, None)
        self._jobs.start(run)
        return self._tasks.run(self._run(run, way))

    async def _run(self, run: Run, way: Way) -> None:
        try:
            await way(run)
        except (Stopping, errors.StaleRevision):
            return
        except errors.Error as error:
            bug = not isinstance(error, errors.StoreError)  # a full disk is none, and known by its words
            text = "What became of operation %s could not be written, it is tried again: %s"
            _log.error(text, run.operation.id, error, exc_info=bug)
            state, why = OperationState.STUCK, run.operation.error or str(error)
            run.operation = replace(run.operation, state=state, error=why)
        finally:
            self._slots.discard(run.operation.id)
        if run.operation.state is OperationState.STUCK:
            self._stuck[run.operation.id] = run.operation
            self._last_runs[run.operation.id] = run
        self._jobs.end(run)

    def _require_open(self) -> None:
        if self._stopping:
            raise errors.ShuttingDown
        if self.rules.read_only:
            raise errors.ReadOnly


def _refused(id_: OperationId, kind: Kind, subject: str, why: str) -> Operation:
    now = time.time()
    return Operation(
        id=id_,
        kind=kind,
        subject=subject,
        state=OperationState.ABANDONED,
        error=why,
        created_at=now,
        updated_at=now,
        asker=asker(),
    )
