"""Any story: whatever is wished for, at the same time or not, while nodes come and go and the server meets mishaps.

When all nodes are back and some time has passed, nothing is at work any more, the nodes hold what the topology names,
and what clients were told is so. ``make nightly`` tells many more and longer stories.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from hypothesis import given, note, settings
from hypothesis import strategies as st
from tests import leaping, wishes
from tests.depth import NIGHTLY
from tests.mishaps import Mishap, MortalHouse
from tests.wishes import Wish

from pyheketi.control_plane.health import HealthSchedule
from pyheketi.control_plane.rules import Rules
from pyheketi.domain import errors
from pyheketi.domain.entities import Brick
from pyheketi.executors.fake import lvm
from pyheketi.executors.faults import Crash
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.planning.limits import Limits
from pyheketi.planning.orphans import Verdict
from pyheketi.store.memory import MemoryDatabase, MemoryStore

NODES = 5
RULES = Rules(
    health=HealthSchedule(start=10, every=120, retry=60),
    cleaner_start=60,
    cleaner_every=300,
    max_in_flight=4,
    job_patience=0,
)


@dataclass(frozen=True)
class Ask:
    """A client wishes for something, and so much happens before the story goes on."""

    wish: Wish
    pick: int
    turns: int

    def __repr__(self) -> str:
        return f"Ask({self.wish.__name__}, {self.pick}, turns={self.turns})"


@dataclass(frozen=True)
class Doom:
    """The n-th deed from now on meets a mishap."""

    at: int
    mishap: Mishap
    lateness: int


@dataclass(frozen=True)
class Away:
    """A node loses its power."""

    node: int


@dataclass(frozen=True)
class Back:
    """A node has power again."""

    node: int


@dataclass(frozen=True)
class Rest:
    """Time passes, until all is at its end that can be."""


Event: TypeAlias = Ask | Doom | Away | Back | Rest

WISHES = [each for name, each in sorted(vars(wishes).items()) if getattr(each, "__module__", "") == wishes.__name__]
WISHES = [each for each in WISHES if asyncio.iscoroutinefunction(each) and not each.__name__.startswith("_")]

_nodes = st.integers(0, NODES - 1)
_asks = st.builds(Ask, st.sampled_from(WISHES), st.integers(0, 3), turns=st.sampled_from((0, 3, 10, 40, 200)))
_dooms = st.builds(Doom, st.integers(0, 40), st.sampled_from(Mishap), st.integers(1, 5))
_moves = st.one_of(st.builds(Away, _nodes), st.builds(Back, _nodes), st.just(Rest()))
_scenes = st.tuples(st.one_of(st.none(), _dooms), _asks, st.one_of(st.none(), _moves))


def _stories(least: int, most: int) -> st.SearchStrategy[list[Event]]:
    scenes = st.lists(_scenes, min_size=least, max_size=most)
    return scenes.map(lambda scenes: [event for scene in scenes for event in scene if event is not None])


@dataclass
class Telling:
    """A story while it is told."""

    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    confirmed: dict[str, str] = field(default_factory=dict)
    """Results of jobs that clients have seen to be done."""
    were_away: set[str] = field(default_factory=set)
    """Nodes that lost their power."""
    asked: set[str] = field(default_factory=set)
    """Jobs that clients know of."""

    async def begin(self) -> None:
        limits = Limits(block_hosting_creation=True, block_hosting_size_gib=20)
        self.house = MortalHouse(rules=RULES, store=MemoryStore(self.database), limits=limits)
        await self.house.start()
        await self.house.furnish(zones=range(1, NODES + 1))
        await self.house.create()
        await self.house.done(await wishes.create_block(self.house, 0))
        self.first = {volume.id for volume in self.house.topology.volumes()}

    async def tell(self, event: Event) -> None:
        house = self.house
        match event:
            case Ask():
                asyncio.get_running_loop().create_task(self._ask(event))
                for _ in range(event.turns):
                    await asyncio.sleep(0)
            case Doom():
                house.doom(event.at, event.mishap, event.lateness)
            case Away():
                if house.nodes.node(f"node{event.node}").powered:
                    house.nodes.node(f"node{event.node}").power_off()
                    self.were_away.add(f"node{event.node}")
            case Back():
                if not house.nodes.node(f"node{event.node}").powered:
                    house.nodes.node(f"node{event.node}").power_on()
            case Rest():
                await house.recover()
                house.doom(-1, Mishap.ERROR)
                await house.recover()
                self._require_nothing_stuck_but_for_those_away()
        await house.go_on()
        await self._look_at_jobs()

    async def _ask(self, ask: Ask) -> None:
        try:
            id_ = await ask.wish(self.house, ask.pick)
        except (LookupError, errors.Error, Crash):
            return  # there is no such thing, it is refused, or the server died of it
        if id_:
            self.asked.add(id_)

    async def _look_at_jobs(self) -> None:
        for id_ in sorted(self.asked):
            job = await self.house.plane.job(id_)
            assert job is not None, f"job {id_} is forgotten"
            if id_ in self.confirmed:
                assert (job.pending, job.error, job.result) == (False, "", self.confirmed[id_])
            elif not (job.pending or job.error):
                self.confirmed[id_] = job.result

    def _away(self) -> set[str]:
        return {node.name for node in self.house.nodes if not node.powered}

    def _require_nothing_stuck_but_for_those_away(self) -> None:
        for operation in self.house.plane.operations:
            assert operation.state is OperationState.STUCK, operation
            assert self._away(), operation

    async def end(self) -> None:
        house = self.house
        await house.recover()  # first, so that a commit whose answer was lost comes to light
        house.doom(-1, Mishap.ERROR)
        for name in self._away():
            house.nodes.node(name).power_on()
        await house.recover()
        await house.recover()
        await self._look_at_jobs()
        assert house.plane.operations == []
        await self._remove_orphans()
        self._remove_bricks_of_clones()
        await house.mend()
        await self._read_devices()
        self._require_what_was_told()
        house.require_agreement(but=self._is_left_by_design)

    async def _remove_orphans(self) -> None:
        """Remove what nodes that were away kept of bricks that were moved elsewhere."""
        found = (await self.house.plane.orphans.search()).bricks
        if left := {each.place.brick for each in found if each.verdict is Verdict.ORPHAN}:
            await self.house.done(await self.house.plane.orphans.remove(sorted(left)))

    def _remove_bricks_of_clones(self) -> None:
        """Do by hand what docs/admin.md says: bricks of clones have names of gluster's, as snapshots have."""
        topology = self.house.topology
        known = {(f"vg_{brick.device}", name) for brick in topology.bricks() for name in _names(brick)}
        for node in (self.house.nodes.node(name) for name in sorted(self.were_away)):
            for device in topology.devices():
                if (group := node.groups.get(device.volume_group)) is None:
                    continue
                left = [each for each in group.volumes.values() if (group.name, each.name) not in known]
                for volume in sorted(left, key=lambda each: each.kind == "pool"):
                    lvm.remove_volume(node, group, volume)

    async def _read_devices(self) -> None:
        """Read the sizes of devices: a removal of orphans could not where bricks were being made beside it."""
        for device in list(self.house.topology.devices()):
            await self.house.done(await self.house.plane.devices.resync(device.id))

    def _ended(self, *kinds: Kind) -> list[Operation]:
        operations = self.database.operations.values()
        return [each for each in operations if each.kind in kinds and each.state is OperationState.DONE]

    def _is_left_by_design(self, line: str) -> bool:
        """Empty mount points do no harm, and a device that is to be forgotten is forgotten as it is."""
        deleted = (step for each in self._ended(Kind.DELETE_DEVICE) for step in each.steps)
        handles = [each.device for each in deleted if isinstance(each, steps.TearDownDevice) and each.forget]
        forgotten = {word for each in handles for word in (each.volume_group, f"{each.host} {each.name}")}
        empty = re.fullmatch(r"directories: \S+ \S+ 0:0 755", line) and not line.split()[2].endswith("/brick")
        return bool(empty) or any(word in line for word in forgotten)

    def _require_what_was_told(self) -> None:
        topology = self.house.topology
        made = {each.subject for each in self._ended(Kind.CREATE_VOLUME, Kind.CLONE_VOLUME)} | self.first
        deleted = {each.subject for each in self._ended(Kind.DELETE_VOLUME)}
        volumes = {volume.id: volume for volume in topology.volumes()}
        assert made - deleted == {id_ for id_, volume in volumes.items() if not volume.block or id_ in made}
        blocks = {each.subject for each in self._ended(Kind.CREATE_BLOCK_VOLUME)}
        blocks -= {each.subject for each in self._ended(Kind.DELETE_BLOCK_VOLUME)}
        assert blocks == {block.id for block in topology.block_volumes()}
        for id_ in self.confirmed:
            assert self.database.operations[id_].state is OperationState.DONE
        for device in topology.devices():
            assert topology.used(device) + topology.free(device) == device.total


def _names(brick: Brick) -> tuple[str, str]:
    return brick.logical_volume, brick.thin_pool


async def tell(story: Sequence[Event]) -> None:
    telling = Telling()
    await telling.begin()
    for event in story:
        await telling.tell(event)
    await telling.end()


@settings(max_examples=20_000 if NIGHTLY else 1500, derandomize=not NIGHTLY)  # new stories are for the night
@given(_stories(8, 20) if NIGHTLY else _stories(2, 5))
def test_stories(story: list[Event]) -> None:
    note("\n".join(map(repr, story)))
    leaping.run(tell(story))
