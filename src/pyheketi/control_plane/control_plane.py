"""The one living object behind the API: builds the others, starts and stops them, answers questions.

What clients wish for is a method in the module of the object it is about: ``volumes``, ``bricks`` and so on. A new one
changes nothing here, unless its operation is made of other operations: then ``start`` tells how to take it up again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pyheketi.control_plane.alarm import Alarm
from pyheketi.control_plane.block_volumes import BlockVolumes
from pyheketi.control_plane.brick_sets import BrickSets
from pyheketi.control_plane.bricks import Bricks
from pyheketi.control_plane.cleaner import Cleaner
from pyheketi.control_plane.clusters import Clusters
from pyheketi.control_plane.devices import Devices
from pyheketi.control_plane.examiner import Examination, examine
from pyheketi.control_plane.health import Health
from pyheketi.control_plane.jobs import Job, Jobs
from pyheketi.control_plane.nodes import Nodes
from pyheketi.control_plane.orphans import Orphans
from pyheketi.control_plane.removals import Removals
from pyheketi.control_plane.rules import Rules
from pyheketi.control_plane.serving import Serving
from pyheketi.control_plane.volumes import Volumes
from pyheketi.control_plane.work import Work
from pyheketi.domain import errors
from pyheketi.domain.ids import IdSource, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.engine.ledger import Ledger
from pyheketi.engine.runner import Performs, Run
from pyheketi.operations.operation import Kind, Operation
from pyheketi.planning.limits import Limits
from pyheketi.store import copying
from pyheketi.store.base import END_OF_TIME, Loaded, Store


class ControlPlane:
    """Holds what takes wishes, and what keeps the house."""

    def __init__(
        self,
        store: Store,
        loaded: Loaded,
        performer: Performs,
        ids: IdSource,
        limits: Limits,
        rules: Rules,
        on_fatal: Callable[[errors.Error], None],
    ) -> None:
        """Build everything on what the store holds; ``start`` brings it to life.

        Args:
            store: the database.
            loaded: what it holds.
            performer: does steps on nodes.
            ids: makes ids and choices.
            limits: what plans keep to.
            rules: how the house is kept.
            on_fatal: called when the server cannot go on.

        Raises:
            StoreError: the contents of the store contradict each other.
        """
        self._store, self._performer, self._alarm = store, performer, Alarm()
        self._ledger = Ledger(store, loaded.topology, loaded.revision, on_fatal)
        self._left = loaded.unfinished
        self.generation = loaded.generation
        """Id of the database (db.md §7)."""
        self._jobs = Jobs(store)
        self.health = Health(performer, lambda: self._ledger.tip, rules.health, self._alarm)
        self.work = Work(self._ledger, performer, self.health, self._jobs, limits, rules)
        self._cleaner = Cleaner(self.work, ids, self._alarm)
        self.brick_sets = BrickSets(self.work, performer)
        self.clusters = Clusters(self.work, ids)
        self.volumes = Volumes(self.work, self.brick_sets, ids)
        self.block_volumes = BlockVolumes(self.work, ids)
        self.bricks = Bricks(self.work, self.brick_sets, ids)
        self._removals = Removals(self.work, self.bricks, self.brick_sets, ids)
        self.nodes = Nodes(self.work, self._removals, performer, ids)
        self.devices = Devices(self.work, self._removals, ids)
        self.orphans = Orphans(self.work, performer, ids)
        self.serving = Serving(self.work, performer, ids)

    async def start(self) -> None:
        """Take up unfinished operations, keep the house; on a database that is only read, look after the nodes."""
        self.work.keep(self.health.watch())
        if self.work.rules.read_only:
            self.work.leave(self._left)
            return
        self.work.start(
            self._left,
            composed={
                Kind.CLEAN_UP: lambda _, run: self._cleaner.try_again(run),
                Kind.REMOVE_DEVICE: self._removals.take_up,
                Kind.REMOVE_NODE: self._removals.take_up,
            },
        )
        self.health.on_return = self.work.go_on
        self.work.keep(self._cleaner.watch())
        self.work.keep(self.brick_sets.learn_all())
        self.work.keep(self._jobs.forget_old(self._retentions, self._alarm))

    def keep_to(self, limits: Limits, rules: Rules) -> None:
        """Keep to other limits and rules from now on, as new settings say; what is at work goes on as it was planned.

        Whether the database is only read is decided at the start.
        """
        rules = replace(rules, read_only=self.work.rules.read_only)
        self.work.limits, self.work.rules = limits, rules
        self.health.follow(rules.health)
        self._alarm.moved()

    def _retentions(self) -> tuple[float, float]:
        return self.work.rules.job_retention, self.work.rules.history_retention

    async def stop(self, grace: float) -> None:
        """Take no more work and let running steps end, at most ``grace`` seconds.

        What does not end by then is left for the next start.
        """
        await self.work.stop(grace)

    async def settle(self) -> None:
        """Wait for the end of all operations at work."""
        await self.work.settle()

    @property
    def topology(self) -> Topology:
        """Everything that is on disk, hidden objects included."""
        return self._ledger.durable

    @property
    def tip(self) -> Topology:
        """Everything that is decided, also what is not on disk yet."""
        return self._ledger.tip

    @property
    def operations(self) -> list[Operation]:
        """Operations that have not ended: those at work, and those that are stuck and tried again later."""
        return self.work.operations

    async def picture(self) -> tuple[Topology, list[Operation]]:
        """Return everything that is on disk with all operations at work on it, to the moment of their begin and end.

        Marks of other operations are left over: nobody will ever take them away.
        """
        asked: dict[str, Operation | None] = {}
        while True:
            topology, marks = self.topology, _marks(self.topology)
            known = {each.id: each for each in self.operations if each.id in marks or not each.state.finished}
            unknown = marks - known.keys() - asked.keys()
            if not unknown:
                break
            for id_ in unknown:
                asked[id_] = await self._store.operation(id_)
        beginning = (each for id_, each in asked.items() if each and not each.state.finished and id_ not in known)
        return topology, [*known.values(), *beginning]

    def run(self, id_: str) -> Run | None:
        """Return how an operation stands that has not ended."""
        found = next((each for each in self.operations if each.id == id_), None)
        return self.work.run_of(found) if found else None

    async def clean_up(self, ids: Iterable[str]) -> OperationId:
        """Begin to bring stuck operations to an end; without ``ids`` all of them, others are passed over."""
        return await self._cleaner.clean_up(ids)

    async def job(self, id_: str) -> Job | None:
        """Return the job of that id."""
        return await self.work.job(id_)

    async def wait_for(self, id_: str, seconds: float | None = None) -> bool:
        """Wait for the end of a job, ``seconds`` at most, or else a moment, as the rules say; see ``Jobs.wait_for``."""
        return await self.work.wait_for(id_, seconds)

    def let_go(self) -> None:
        """Have everybody who waits for a job answered now, and nobody wait any more: the server is about to stop."""
        self.work.let_go()

    async def examine(self) -> Examination:
        """Ask all nodes what they have."""
        return await examine(self._ledger.tip, self._performer)

    async def history(
        self, *, limit: int, since: float = 0, before: tuple[float, str] = END_OF_TIME
    ) -> Sequence[Operation]:
        """Return operations that have ended, the latest first; see ``Store.history``."""
        return await self._store.history(limit=limit, since=since, before=before)

    async def note(self, kind: Kind, subject: str) -> None:
        """Write into the history what a client changed that is not in the database."""
        await self.work.change(kind, subject, ())

    async def backup(self) -> bytes:
        """Return a copy of the database as an SQLite file; of other databases without what has finished.

        Raises:
            StoreError: the database failed.
        """
        return await self._store.backup() or await copying.copied(await self._store.load())


def _marks(topology: Topology) -> set[str]:
    """Return the ids of the operations that something is marked by."""
    kinds = (topology.nodes(), topology.devices(), topology.volumes(), topology.block_volumes())
    return {each.pending.operation for kind in kinds for each in kind if each.pending}
