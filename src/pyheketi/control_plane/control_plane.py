"""Submit wishes, answer questions, keep the house: the one living object behind the API."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pyheketi.control_plane.examiner import Examination, examine
from pyheketi.control_plane.health import Health, HealthSchedule
from pyheketi.control_plane.jobs import Job, Jobs
from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import BlockVolume, Cluster, Device, Node, State, Tags, Volume
from pyheketi.domain.ids import BlockVolumeId, BrickId, ClusterId, DeviceId, IdSource, NodeId, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.engine.ledger import Ledger
from pyheketi.engine.runner import Performs, Replan, Run, Runner, Stopping
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, OperationState, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import (
    block_create,
    block_volumes,
    brick_evict,
    brick_order,
    clusters,
    devices,
    hosting,
    nodes,
    removal,
    tags,
    volume_clone,
    volume_create,
    volume_delete,
    volume_expand,
)
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.catalog import USE_CASES
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.limits import Limits
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store import copying
from pyheketi.store.base import Loaded, Store

_log = logging.getLogger(__name__)

_Work = Callable[[Run], Coroutine[Any, Any, None]]
"""Brings an operation to its end."""

_LEARN_EVERY, _LEARN_SELDOM = 10.0, 3600.0
"""Seconds between two looks for brick sets that no node could tell: soon at first, later seldom."""

_COMPOSED = frozenset({Kind.REMOVE_DEVICE, Kind.REMOVE_NODE, Kind.CLEAN_UP})
"""Operations without steps of their own: they are made of other operations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the house is kept; seconds unless the name says otherwise."""

    max_in_flight: int = 8
    """Volume operations and removals at the same time; more are refused (operations.md §10)."""
    create_retries: int = 4
    """Further attempts to create a volume elsewhere (operations.md §2)."""
    job_retention: float = 24 * 3600
    job_patience: float = 0.2
    """How long a question after a job at work is held back: whoever asks at once, again and again, costs less."""
    cleaner_enabled: bool = True
    cleaner_start: float = 60
    cleaner_every: float = 3600
    health: HealthSchedule = HealthSchedule()


class ControlPlane:
    """Owns the ledger, the jobs and the tasks that run operations."""

    def __init__(
        self,
        store: Store,
        performer: Performs,
        ids: IdSource,
        limits: Limits,
        rules: Rules,
        on_fatal: Callable[[errors.Error], None],
    ) -> None:
        """``on_fatal`` is called when the server cannot go on."""
        self._store, self._performer, self._ids = store, performer, ids
        self._limits, self._rules, self._on_fatal = limits, rules, on_fatal
        self._jobs = Jobs(store)
        self._tasks: set[asyncio.Task[None]] = set()
        self._working: set[asyncio.Task[None]] = set()
        """Those of the tasks that run operations."""
        self._slots: set[str] = set()
        self._stopping = False

    async def start(self, loaded: Loaded) -> None:
        """Begin with what the store holds: take up unfinished operations, keep the house.

        Raises:
            StoreError: the contents of the store contradict each other.
        """
        try:
            topology = Topology(loaded.entities)
        except errors.BrokenInvariant as why:
            raise errors.StoreError(f"The database contradicts itself: {why}") from why
        self.generation = loaded.generation
        """Id of the database (db.md §7)."""
        self._ledger = Ledger(self._store, topology, loaded.revision, self._on_fatal)
        self._health = Health(self._performer, lambda: self._ledger.tip, self._rules.health)
        self._runner = Runner(
            self._performer,
            self._ledger,
            retries=self._rules.create_retries,
            suspect=self._health.look_at,
            avoid=lambda: self._health.avoid,
        )
        self._stuck: dict[str, Operation] = {}
        if loaded.unfinished:
            _log.warning("Taking up %d operations that an earlier server left unfinished", len(loaded.unfinished))
        evictions = [
            self._resume(operation)
            for operation in loaded.unfinished
            if operation.state is not OperationState.STUCK and operation.kind not in _COMPOSED
        ]
        for operation in loaded.unfinished:
            if operation.state is OperationState.STUCK:
                self._stuck[operation.id] = operation
            elif operation.kind is Kind.CLEAN_UP:
                run = Run(operation)
                self._jobs.start(run)
                self._work(run, self._try_again(run, ()))
            elif operation.kind in _COMPOSED:
                self._resume_removal(operation, evictions)
        self._spawn(self._health.watch())
        self._spawn(self._clean())
        self._spawn(self._learn_all_sets())
        self._spawn(self._forget_old_jobs())

    async def stop(self, grace: float) -> None:
        """Take no more work and let running steps end, at most ``grace`` seconds.

        What does not end by then is left for the next start.
        """
        self._stopping = True
        self._runner.stopping = True
        if self._working:
            _log.info("Waiting for the running steps of %d operations", len(self._working))
            await asyncio.wait(self._working, timeout=grace)
        for task in (*self._tasks,):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ledger.settle()

    async def settle(self) -> None:
        """Wait for the end of all operations at work."""
        while self._working:
            await asyncio.wait(self._working)

    # -- questions -----------------------------------------------------------------------------------------------

    @property
    def topology(self) -> Topology:
        """Everything that is on disk, hidden objects included."""
        return self._ledger.durable

    @property
    def tip(self) -> Topology:
        """Everything that is decided, also what is not on disk yet."""
        return self._ledger.tip

    async def examine(self) -> Examination:
        """Ask all nodes what they have."""
        return await examine(self._ledger.tip, self._performer)

    async def backup(self) -> bytes:
        """Return a copy of the database as an SQLite file; of other databases without what has finished.

        Raises:
            StoreError: the database failed.
        """
        return await self._store.backup() or await copying.copied(await self._store.load())

    async def job(self, id_: str) -> Job | None:
        """Return the job of that id, a little later if it is about to end."""
        return await self._jobs.find(id_, patience=0 if self._stopping else self._rules.job_patience)

    # -- operations ----------------------------------------------------------------------------------------------

    @property
    def operations(self) -> list[Operation]:
        """Operations that have not ended: those at work, and those that are stuck and tried again later."""
        at_work = [each for each in self._jobs.at_work if each.kind is not Kind.CLEAN_UP]
        return [*at_work, *self._stuck.values()]

    async def clean_up(self, ids: Iterable[str]) -> OperationId:
        """Begin to bring stuck operations to an end; without ``ids`` all of them, others are passed over."""
        wanted = list(ids) or list(self._stuck)
        plan = Plan(kind=Kind.CLEAN_UP, subject="")
        return await self._begin(OperationId(self._ids.new()), plan, work=lambda run: self._try_again(run, wanted))

    async def _try_again(self, run: Run, ids: Iterable[str]) -> None:
        tasks = [self._resume(operation) for each in ids if (operation := self._stuck.pop(each, None))]
        await asyncio.gather(*tasks, return_exceptions=True)
        if run.operation.state is OperationState.PLANNED:
            run.move(OperationState.RUNNING)
        run.move(OperationState.DONE)
        await self._ledger.commit([], [run.operation])

    # -- clusters ------------------------------------------------------------------------------------------------

    async def create_cluster(self, *, file: bool, block: bool) -> Cluster:
        """Create an empty cluster."""
        cluster = Cluster(id=ClusterId(self._ids.new()), file=file, block=block)
        await self._commit([Put(cluster)])
        return cluster

    async def set_cluster_flags(self, id_: str, *, file: bool, block: bool) -> None:
        """Say what kinds of volumes a cluster takes. Raises ``NotFound``."""
        await self._commit([Put(replace(self._cluster(id_), file=file, block=block))])

    async def delete_cluster(self, id_: str) -> None:
        """Remove an empty cluster. Raises ``NotFound``, ``Conflict``."""
        await self._commit(clusters.delete(self._ledger.tip, self._cluster(id_)))

    # -- nodes ---------------------------------------------------------------------------------------------------

    async def add_node(self, request: NodeAdd) -> OperationId:
        """Begin to add a node.

        Raises:
            NotFound: no such cluster.
            Conflict: a host name is taken.
            RequestError: glusterd does not run on the new node, or on no node of the cluster.
        """
        operation = OperationId(self._ids.new())
        node = NodeId(self._ids.new())

        def plan() -> Plan:
            return nodes.plan_add(self._ledger.tip, request, node=node, operation=operation, avoid=self._health.avoid)

        plan()  # what can be refused at once need not wait for the nodes
        await self._require_glusterd(request)
        return await self._begin(operation, plan())

    async def _require_glusterd(self, request: NodeAdd) -> None:
        members = nodes.members_of(self._ledger.tip, request.cluster, self._health.avoid)
        try:
            await self._performer.do(steps.CheckGlusterd(host=request.manage[0]), sure=True)
        except errors.NodeError as error:
            raise errors.RequestError(f"New Node doesn't have glusterd running\n{error}") from error
        failures: list[errors.NodeError] = []
        for host in members:
            try:
                await self._performer.do(steps.CheckGlusterd(host=host), sure=True)
            except errors.NodeError as error:
                failures.append(error)
            else:
                return
        if failures:
            lines = "\n".join(map(str, failures))
            raise errors.RequestError(f"None of the nodes in cluster has glusterd running\n{lines}")

    async def delete_node(self, id_: str) -> OperationId:
        """Begin to remove a node. Raises ``NotFound``, ``Conflict``."""
        operation = OperationId(self._ids.new())
        node = self._node(id_)
        plan = nodes.plan_delete(self._ledger.tip, node, operation=operation, avoid=self._health.avoid)
        return await self._begin(operation, plan)

    async def set_node_state(self, id_: str, state: State, *, check_heal: bool = True) -> OperationId:
        """Change a node's state; a refusal is told by the job. Raises ``NotFound``, ``TooManyOperations``.

        In the way to ``failed`` all bricks are moved off, after a look at what heals unless told otherwise.
        """
        node = self._node(id_)
        if state is State.FAILED and any(map(self._ledger.tip.count_bricks, self._devices_of(node))):
            operation = OperationId(self._ids.new())
            return await self._decide(
                Kind.REMOVE_NODE,
                id_,
                lambda: removal.plan_node(self._ledger.tip, node, operation=operation),
                throttled=True,
                operation=operation,
                work=lambda run: self._remove(run, check_heal=check_heal),
            )
        return await self._decide(
            Kind.SET_NODE_STATE,
            id_,
            lambda: nodes.plan_state(self._ledger.tip, node, state),
            throttled=state is State.FAILED,
        )

    # -- devices -------------------------------------------------------------------------------------------------

    async def add_device(self, request: DeviceAdd) -> OperationId:
        """Begin to add a device. Raises ``NotFound``, ``Conflict``."""
        operation = OperationId(self._ids.new())
        device = DeviceId(self._ids.new())
        plan = devices.plan_add(self._ledger.tip, request, device=device, operation=operation)
        return await self._begin(operation, plan)

    async def delete_device(self, id_: str, *, force_forget: bool) -> OperationId:
        """Begin to remove a device. Raises ``NotFound``, ``RequestError``, ``Conflict``."""
        operation = OperationId(self._ids.new())
        device = self._device(id_)
        plan = devices.plan_delete(self._ledger.tip, device, forget_failures=force_forget, operation=operation)
        return await self._begin(operation, plan)

    async def set_device_state(self, id_: str, state: State, *, check_heal: bool = True) -> OperationId:
        """Change a device's state; a refusal is told by the job. Raises ``NotFound``, ``TooManyOperations``.

        In the way to ``failed`` all bricks are moved off, after a look at what heals unless told otherwise.
        """
        device = self._device(id_)
        if state is State.FAILED and self._ledger.tip.count_bricks(device.id):
            operation = OperationId(self._ids.new())
            return await self._decide(
                Kind.REMOVE_DEVICE,
                id_,
                lambda: removal.plan_device(self._ledger.tip, device, operation=operation),
                throttled=True,
                operation=operation,
                work=lambda run: self._remove(run, check_heal=check_heal),
            )
        return await self._decide(
            Kind.SET_DEVICE_STATE,
            id_,
            lambda: devices.plan_state(self._ledger.tip, device, state),
            throttled=state is State.FAILED,
        )

    async def resync_device(self, id_: str) -> OperationId:
        """Begin to read a device's numbers from its node; a refusal is told by the job. Raises ``NotFound``."""
        operation = OperationId(self._ids.new())
        device = self._device(id_)
        return await self._decide(
            Kind.RESYNC_DEVICE,
            id_,
            lambda: devices.plan_resync(self._ledger.tip, device, operation=operation),
            throttled=False,
            operation=operation,
        )

    async def change_node_tags(self, id_: str, change: str, wanted: Mapping[str, str]) -> Tags:
        """Change tags of a node and return all that it has then. Raises ``NotFound``."""
        node = self._node(id_)
        made = replace(node, tags=tags.changed(node.tags, change, wanted))
        await self._commit([Put(made)])
        return made.tags

    async def change_device_tags(self, id_: str, change: str, wanted: Mapping[str, str]) -> Tags:
        """Change tags of a device and return all that it has then. Raises ``NotFound``."""
        device = self._device(id_)
        made = replace(device, tags=tags.changed(device.tags, change, wanted))
        await self._commit([Put(made)])
        return made.tags

    # -- bricks --------------------------------------------------------------------------------------------------

    async def evict_brick(self, id_: str, *, check_heal: bool = True) -> OperationId:
        """Begin to move a brick to another device; that there is none is told by the job.

        Raises:
            NotFound: no such brick.
            Conflict: it is being made or removed, or its volume is busy.
            TooManyOperations: the limit is reached.
        """
        brick = self._ledger.tip.brick(BrickId(id_))
        if brick is None:
            raise errors.NotFound("Id not found")
        brick_evict.check(self._ledger.tip, brick)
        await self._learn_sets(brick.volume)
        operation = OperationId(self._ids.new())
        replan = self._eviction(operation, brick.id, check_heal=check_heal)
        return await self._decide(
            Kind.EVICT_BRICK,
            id_,
            lambda: replan(self._ledger.tip, self._health.avoid),
            throttled=True,
            operation=operation,
            work=lambda run: self._runner.run(run, replan),
        )

    def _eviction(self, operation: OperationId, id_: BrickId, *, check_heal: bool) -> Replan:
        def plan(topology: Topology, avoid: Avoid) -> Plan:
            brick = topology.brick(id_)
            if brick is None:
                raise errors.NotFound("Id not found")
            return brick_evict.plan(
                topology,
                brick,
                operation=operation,
                limits=self._limits,
                avoid=avoid,
                ids=self._ids,
                check_heal=check_heal,
            )

        return plan

    async def _remove(self, run: Run, *, check_heal: bool) -> None:
        """Move brick after brick away, each by an operation of its own; what was moved before a failure stays so."""
        use_case = USE_CASES[run.operation.kind]
        if run.operation.state is OperationState.PLANNED:
            run.move(OperationState.RUNNING)
        try:
            while brick := removal.next_brick(self._ledger.tip, run.operation):
                await self._move_away(run, brick, check_heal=check_heal)
            changes = use_case.finish(self._ledger.tip, run.operation, {})
            done = run.operation
            run.move(OperationState.DONE)
            try:
                await self._ledger.commit(changes, [run.operation])
            except errors.Error:
                run.operation = done
                raise
        except errors.Error as why:
            run.move(OperationState.UNDOING, error=str(why))
            run.move(OperationState.ABANDONED, error=str(why))
            await self._ledger.commit(use_case.abandon(self._ledger.tip, run.operation, {}), [run.operation])

    async def _move_away(self, removing: Run, brick: BrickId, *, check_heal: bool) -> None:
        operation = OperationId(self._ids.new())
        replan = self._eviction(operation, brick, check_heal=check_heal)
        try:
            if found := self._ledger.tip.brick(brick):
                await self._learn_sets(found.volume)
            plan = replan(self._ledger.tip, self._health.avoid)
        except errors.Error as why:
            raise errors.Conflict(removal.refusal(self._ledger.tip, removing.operation, brick, why)) from why
        run = _planned(operation, plan)
        await self._ledger.commit(plan.begin, [run.operation])
        self._jobs.start(run)
        await self._run(run, self._runner.run(run, replan))
        if not run.operation.state.finished and run.operation.state is not OperationState.STUCK:
            raise Stopping
        if run.operation.state is not OperationState.DONE:
            raise errors.Conflict(run.operation.error)

    def _resume_removal(self, operation: Operation, before: list[asyncio.Task[None]]) -> None:
        async def work() -> None:
            await asyncio.gather(*before, return_exceptions=True)
            await self._remove(run, check_heal=True)

        run = Run(operation)
        self._jobs.start(run)
        self._work(run, work())

    def _devices_of(self, node: Node) -> list[DeviceId]:
        return [device.id for device in self._ledger.tip.devices_of(node.id)]

    # -- volumes -------------------------------------------------------------------------------------------------

    async def create_volume(self, request: VolumeCreate) -> OperationId:
        """Begin to create a volume. Raises ``RequestError``, ``Conflict``, ``NoSpace``, ``TooManyOperations``."""
        volume_create.check(self._ledger.tip, request, self._limits)
        operation = OperationId(self._ids.new())
        volume = VolumeId(self._ids.new())

        def plan(topology: Topology, avoid: Avoid) -> Plan:
            return volume_create.plan(
                topology,
                request,
                volume=volume,
                operation=operation,
                limits=self._limits,
                avoid=avoid,
                ids=self._ids,
            )

        with self._slot(operation):
            return await self._begin(operation, plan(self._ledger.tip, self._health.avoid), plan)

    async def expand_volume(self, id_: str, expand_gib: int) -> OperationId:
        """Begin to expand a volume. Raises ``NotFound``, ``InUse``, ``NoSpace``, ``TooManyOperations``."""
        volume = self._volume(id_)
        operation = OperationId(self._ids.new())
        with self._slot(operation):
            plan = volume_expand.plan(
                self._ledger.tip,
                volume,
                expand_gib,
                operation=operation,
                limits=self._limits,
                avoid=self._health.avoid,
                ids=self._ids,
            )
            return await self._begin(operation, plan)

    async def delete_volume(self, id_: str) -> OperationId:
        """Begin to delete a volume, or go on with a deletion that got stuck.

        Raises:
            NotFound: no such volume.
            Conflict: it must not be deleted.
            InUse: an operation is at work on it.
            TooManyOperations: the limit is reached.
        """
        volume = self._ledger.tip.volume(id_)
        if volume is None:
            raise errors.NotFound("Id not found")
        if stuck := self._stuck_on(volume, Kind.DELETE_VOLUME):
            return self._take_up(stuck)
        operation = OperationId(self._ids.new())
        with self._slot(operation):
            plan = volume_delete.plan(self._ledger.tip, volume, operation=operation, avoid=self._health.avoid)
            return await self._begin(operation, plan)

    async def clone_volume(self, id_: str, name: str) -> OperationId:
        """Begin to make a volume that starts as a copy. Raises ``NotFound``, ``Conflict``, ``TooManyOperations``."""
        await self._learn_sets(self._volume(id_).id)
        operation = OperationId(self._ids.new())
        with self._slot(operation):
            plan = volume_clone.plan(
                self._ledger.tip,
                self._volume(id_),
                name,
                volume=VolumeId(self._ids.new()),
                operation=operation,
                avoid=self._health.avoid,
                ids=self._ids,
            )
            return await self._begin(operation, plan)

    async def set_block_restriction(self, id_: str, restriction: str) -> OperationId:
        """Lock or unlock a hosting volume. Raises ``NotFound``, ``Conflict``, ``TooManyOperations``."""
        volume = self._volume(id_)
        operation = OperationId(self._ids.new())
        with self._slot(operation):
            return await self._begin(operation, hosting.plan_restriction(self._ledger.tip, volume, restriction))

    async def _learn_all_sets(self) -> None:
        """Ask gluster for the sets of all volumes where they are guessed, until all are known."""
        pause = _LEARN_EVERY
        while guessed := [volume for volume in self._ledger.tip.volumes() if volume.sets_guessed]:
            for volume in guessed:
                try:
                    await self._learn_sets(volume.id)
                except errors.Error as error:
                    _log.warning("The brick sets of volume %s are not known yet: %s", volume.id, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LEARN_SELDOM)

    async def _learn_sets(self, id_: VolumeId) -> None:
        """Ask gluster which bricks of a volume make a set, if that is not known.

        Raises:
            Conflict: gluster has other bricks than we know of.
            NodeError: no node could tell.
        """
        volume = self._ledger.tip.volume(id_)
        if volume is None or not volume.sets_guessed:
            return
        told = await self._performer.do(brick_order.look(self._ledger.tip, volume, self._health.avoid), sure=True)
        volume = self._ledger.tip.volume(id_)
        if volume and volume.sets_guessed and isinstance(told, steps.VolumeBricks):
            await self._commit([brick_order.learned(self._ledger.tip, volume, told)])

    # -- block volumes -------------------------------------------------------------------------------------------

    async def create_block_volume(self, request: BlockVolumeCreate) -> OperationId:
        """Begin to create a block volume. Raises ``RequestError``, ``Conflict``, ``NoSpace``, ``TooManyOperations``."""
        block_create.check(self._ledger.tip, request)
        operation = OperationId(self._ids.new())
        block, volume = BlockVolumeId(self._ids.new()), VolumeId(self._ids.new())

        def plan(topology: Topology, avoid: Avoid) -> Plan:
            return block_create.plan(
                topology,
                request,
                block=block,
                volume=volume,
                operation=operation,
                limits=self._limits,
                avoid=avoid,
                ids=self._ids,
            )

        with self._slot(operation):
            return await self._begin(operation, plan(self._ledger.tip, self._health.avoid), plan)

    async def expand_block_volume(self, id_: str, new_gib: int) -> OperationId:
        """Begin to expand a block volume, or go on with the same expansion that got stuck.

        Raises:
            NotFound: no such block volume.
            Conflict: it is not to grow, or it is busy.
            NoSpace: its hosting volume has not enough left.
            TooManyOperations: the limit is reached.
        """
        block = _shown(self._ledger.tip.block_volume(id_))
        stuck = self._stuck_on(block, Kind.EXPAND_BLOCK_VOLUME)
        if stuck and block.space_gib == new_gib:
            return self._take_up(stuck)
        operation = OperationId(self._ids.new())
        with self._slot(operation):
            plan = block_volumes.plan_expand(
                self._ledger.tip, block, new_gib, operation=operation, avoid=self._health.avoid
            )
            return await self._begin(operation, plan)

    async def delete_block_volume(self, id_: str) -> OperationId:
        """Begin to delete a block volume, or go on with a deletion that got stuck.

        Raises:
            NotFound: no such block volume.
            InUse: an operation is at work on it.
            TooManyOperations: the limit is reached.
        """
        block = self._ledger.tip.block_volume(id_)
        if block is None:
            raise errors.NotFound("Id not found")
        if stuck := self._stuck_on(block, Kind.DELETE_BLOCK_VOLUME):
            return self._take_up(stuck)
        operation = OperationId(self._ids.new())
        with self._slot(operation):
            plan = block_volumes.plan_delete(self._ledger.tip, block, operation=operation, avoid=self._health.avoid)
            return await self._begin(operation, plan)

    # -- finding -------------------------------------------------------------------------------------------------

    def _cluster(self, id_: str) -> Cluster:
        if (cluster := self._ledger.tip.cluster(id_)) is None:
            raise errors.NotFound("Id not found")
        return cluster

    def _node(self, id_: str) -> Node:
        return _shown(self._ledger.tip.node(id_))

    def _device(self, id_: str) -> Device:
        return _shown(self._ledger.tip.device(id_))

    def _volume(self, id_: str) -> Volume:
        return _shown(self._ledger.tip.volume(id_))

    def _stuck_on(self, entity: Volume | BlockVolume, kind: Kind) -> Operation | None:
        """Return the operation of that kind that got stuck at work on an object."""
        found = self._stuck.get(entity.pending.operation) if entity.pending else None
        return found if found and found.kind is kind else None

    # -- work ----------------------------------------------------------------------------------------------------

    async def _begin(
        self, id_: OperationId, plan: Plan, replan: Replan | None = None, work: _Work | None = None
    ) -> OperationId:
        """Commit a plan and start to run it, by ``work`` if it is given."""
        self._require_open()
        run = _planned(id_, plan)
        changes = plan.begin
        work = work or (lambda run: self._runner.run(run, replan))
        if at_once := not plan.groups and plan.kind not in _COMPOSED:  # begin and end are one commit
            run.move(OperationState.RUNNING)
            changes += USE_CASES[plan.kind].finish(self._ledger.tip.apply(changes), run.operation, {})
            run.move(OperationState.DONE)
        await self._ledger.commit(changes, [run.operation])
        self._jobs.start(run)
        if at_once:
            self._jobs.end(run)
        else:
            self._work(run, work(run))
        return id_

    async def _decide(
        self,
        kind: Kind,
        subject: str,
        plan: Callable[[], Plan],
        *,
        throttled: bool,
        operation: OperationId | None = None,
        work: _Work | None = None,
    ) -> OperationId:
        """Begin what ``plan`` returns; a refusal becomes a job that failed (rest-api.md §7.3)."""
        id_ = operation or OperationId(self._ids.new())
        with self._slot(id_ if throttled else None):
            try:
                return await self._begin(id_, plan(), work=work)
            except (errors.Conflict, errors.NoSpace) as refusal:
                now = time.time()
                refused = Operation(
                    id=id_,
                    kind=kind,
                    subject=subject,
                    state=OperationState.ABANDONED,
                    error=str(refusal),
                    created_at=now,
                    updated_at=now,
                )
                await self._commit([], [refused])
                self._jobs.end(Run(refused))
                return id_

    async def _run(self, run: Run, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Stopping:
            return
        except errors.Error:
            _log.exception("Operation %s ended unexpectedly", run.operation.id)
        finally:
            self._slots.discard(run.operation.id)
        if run.operation.state is OperationState.STUCK:
            self._stuck[run.operation.id] = run.operation
        self._jobs.end(run)

    def _take_up(self, stuck: Operation) -> OperationId:
        """Go on with an operation that is stuck. Raises ``TooManyOperations``."""
        with self._slot(stuck.id):
            self._resume(self._stuck.pop(stuck.id))
            return stuck.id

    def _resume(self, operation: Operation) -> asyncio.Task[None]:
        run = Run(operation)
        self._jobs.start(run)
        return self._work(run, self._runner.resume(run))

    async def _clean(self) -> None:
        """Try stuck operations again, some time after the start and then regularly (operations.md §7)."""
        if not self._rules.cleaner_enabled:
            return
        await asyncio.sleep(self._rules.cleaner_start)
        while True:
            for operation in list(self._stuck.values()):
                self._resume(self._stuck.pop(operation.id))
            await asyncio.sleep(self._rules.cleaner_every)

    async def _forget_old_jobs(self) -> None:
        while True:
            try:
                await self._store.forget_finished(time.time() - self._rules.job_retention)
            except errors.StoreError as error:
                _log.warning("Unable to forget old jobs: %s", error)
            await asyncio.sleep(min(3600, self._rules.job_retention))

    async def _commit(self, changes: Iterable[Change], operations: Iterable[Operation] = ()) -> None:
        self._require_open()
        await self._ledger.commit(changes, tuple(operations))

    @contextmanager
    def _slot(self, id_: OperationId | None) -> Iterator[None]:
        """Hold one of the slots for operations in flight, until the operation has ended."""
        if id_ is None:
            yield
            return
        if len(self._slots) >= self._rules.max_in_flight:
            raise errors.TooManyOperations
        self._slots.add(id_)
        try:
            yield
        finally:
            if not self._jobs.is_running(id_):
                self._slots.discard(id_)

    def _require_open(self) -> None:
        if self._stopping:
            raise errors.ShuttingDown

    def _work(self, run: Run, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._spawn(self._run(run, work))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _planned(id_: OperationId, plan: Plan) -> Run:
    now = time.time()
    return Run(
        Operation(
            id=id_,
            kind=plan.kind,
            subject=plan.subject,
            state=OperationState.PLANNED,
            groups=plan.groups,
            result=plan.result,
            created_at=now,
            updated_at=now,
        )
    )


_Marked = TypeVar("_Marked", Node, Device, Volume, BlockVolume)


def _shown(entity: _Marked | None) -> _Marked:
    """Return the entity unless it is being made or removed: then it does not exist for clients."""
    if entity is None or (entity.pending is not None and entity.pending.hidden):
        raise errors.NotFound("Id not found")
    return entity
