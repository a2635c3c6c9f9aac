"""Kill the server before and after every command and every commit: nothing leaks, nothing is lost.

After the restart the simulated nodes must hold exactly what the topology says, and every job must have an end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import strays
from tests.doubles import StoreAround
from tests.house import REPLICA_3, House

from pyheketi.commands.command import Result, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.entities import State
from pyheketi.domain.ids import NodeId
from pyheketi.executors.base import Executor
from pyheketi.executors.fake.nodes import FakeNodes
from pyheketi.operations.operation import Operation
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.limits import Limits
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.orphans import Verdict
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store.base import Store
from pyheketi.store.memory import MemoryStore


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Fate:
    """Kills the process at the n-th deed, before or after it; afterwards every deed fails."""

    at: int = -1
    after: bool = False
    deeds: int = 0
    dead: bool = False

    async def do(self, deed: Callable[[], Awaitable[object]]) -> object:
        if self.dead:
            raise Killed
        number, self.deeds = self.deeds, self.deeds + 1
        if number == self.at and not self.after:
            self.dead = True
            raise Killed
        result = await deed()
        if number == self.at:
            self.dead = True
        if self.dead:
            raise Killed
        return result


class MortalExecutor:
    """Runs every command of a script as a deed of its own."""

    name, simulated = "mortal", True

    def __init__(self, inner: Executor, fate: Fate) -> None:
        self.inner, self.fate = inner, fate

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        results: list[Result] = []
        for command in script.commands:

            async def one(only: Script = Script(commands=(command,), limit=script.limit)) -> None:
                results.extend(await self.inner.run(host, only))

            await self.fate.do(one)
            if not results[-1].ok and not command.may_fail:
                break
        return results

    async def aclose(self) -> None:
        await self.inner.aclose()


class MortalStore(StoreAround):
    """Makes every commit a deed."""

    def __init__(self, inner: Store, fate: Fate) -> None:
        super().__init__(inner)
        self.fate = fate

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        revision = 0

        async def write() -> None:
            nonlocal revision
            revision = await self.inner.commit(changes, operations, expected=expected)

        await self.fate.do(write)
        return revision


class MortalHouse(House):
    """A house whose server can be killed at any deed."""

    def doors(self) -> tuple[Executor, Store]:
        asyncio.get_running_loop().set_exception_handler(_unless_killed)
        self.next_fate = Fate()
        return MortalExecutor(self.executor, self.next_fate), MortalStore(self.store, self.next_fate)

    def doom(self, at: int, *, after: bool) -> None:
        """Let the running server die at the n-th deed from now on."""
        self.fate = self.next_fate
        self.fate.deeds, self.fate.at, self.fate.after = 0, at, after

    async def survive(self, wish: Awaitable[str]) -> str | None:
        """Make a wish, let the server die of it or not, restart; return the job's id if the client got one."""
        id_ = None
        wishing = asyncio.ensure_future(wish)
        while not (wishing.done() or self.fate.dead):
            await asyncio.sleep(0)
        if wishing.done() and not wishing.exception():
            id_ = wishing.result()
            while not self.fate.dead and (job := await self.plane.job(id_)) and job.pending:
                await asyncio.sleep(0)
        wishing.cancel()
        refused = (await asyncio.gather(wishing, return_exceptions=True))[0]
        await self.crash()
        await self.start()
        await self.plane.settle()
        if isinstance(refused, Exception) and not self.fate.dead:
            raise refused
        return id_

    def require_agreement(self) -> None:
        """The nodes hold exactly what the topology says, and nothing is marked as at work."""
        topology = self.topology
        kinds = (topology.nodes(), topology.devices(), topology.volumes(), topology.block_volumes())
        marked = [each for kind in kinds for each in kind]
        assert [each.id for each in marked if each.pending is not None] == []
        expected = FakeNodes.from_topology(
            topology, options=NodeOptions(), disk_gib=self.disk_gib, find_manage=self._manage_host
        ).inventory()
        found, wanted = _peers_aside(self.inventory().lines), _peers_aside(expected.lines)
        assert (found - wanted, wanted - found) == (set(), set())


def _unless_killed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what nobody waited for, but not the deaths of tasks that were meant to die."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


def _peers_aside(lines: Sequence[str]) -> set[str]:
    """Leave out what stays after an interrupted addition and does no harm.

    That is a peer that is a member of the pool, and LVM's empty label on a disk that is in no volume group: it cannot
    be told from anyone else's, so it is not ours to take away, and it is no obstacle to adding the disk again.
    """
    volumes = "gluster_volumes: "
    return {
        volumes + line.removeprefix(volumes).split(" ", 1)[1] if line.startswith(volumes) else line
        for line in lines
        if not line.startswith("pools: ") and not line.endswith(" /dev/new")
    }


Wish: TypeAlias = Callable[[MortalHouse], Awaitable[str]]
"""Begins an operation and returns its id."""


async def _create(house: MortalHouse) -> str:
    return await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))


async def _expand(house: MortalHouse) -> str:
    return await house.plane.volumes.expand(next(house.topology.volumes()).id, 2)


async def _delete(house: MortalHouse) -> str:
    return await house.plane.volumes.delete(next(house.topology.volumes()).id)


async def _add_node(house: MortalHouse) -> str:
    cluster = next(house.topology.clusters())
    return await house.plane.nodes.add(NodeAdd(cluster=cluster.id, zone=1, manage=("new",), storage=("10.0.0.9",)))


async def _add_device(house: MortalHouse) -> str:
    node = next(house.topology.nodes())
    return await house.plane.devices.add(DeviceAdd(node=NodeId(node.id), name="/dev/new"))


async def _resync(house: MortalHouse) -> str:
    return await house.plane.devices.resync(next(house.topology.devices()).id)


async def _evict(house: MortalHouse) -> str:
    return await house.plane.bricks.evict(next(house.topology.bricks()).id)


async def _remove_device(house: MortalHouse) -> str:
    device = next(each for each in house.topology.devices() if house.topology.count_bricks(each.id))
    await house.plane.devices.set_state(device.id, State.OFFLINE)
    return await house.plane.devices.set_state(device.id, State.FAILED)


async def _remove_node(house: MortalHouse) -> str:
    device = next(each for each in house.topology.devices() if house.topology.count_bricks(each.id))
    await house.plane.nodes.set_state(device.node, State.OFFLINE)
    return await house.plane.nodes.set_state(device.node, State.FAILED)


async def _clone(house: MortalHouse) -> str:
    return await house.plane.volumes.clone(_some_volume(house), "")


async def _delete_clone(house: MortalHouse) -> str:
    return await house.plane.volumes.delete(_volume_named(house, "clone"))


async def _delete_cloned(house: MortalHouse) -> str:
    bricks = [brick for brick in house.topology.bricks() if not brick.given_name and house.topology.shares_pool(brick)]
    return await house.plane.volumes.delete(bricks[0].volume)


async def _create_block(house: MortalHouse) -> str:
    return await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3, auth=True))


async def _expand_block(house: MortalHouse) -> str:
    return await house.plane.block_volumes.expand(next(house.topology.block_volumes()).id, 7)


async def _delete_block(house: MortalHouse) -> str:
    return await house.plane.block_volumes.delete(next(house.topology.block_volumes()).id)


def _some_volume(house: MortalHouse) -> str:
    return next(volume.id for volume in house.topology.volumes() if not volume.block)


def _volume_named(house: MortalHouse, name: str) -> str:
    return next(volume.id for volume in house.topology.volumes() if volume.name == name)


async def _a_clone(house: MortalHouse) -> None:
    await house.done(await house.plane.volumes.clone(_some_volume(house), "clone"))


async def _a_block_volume(house: MortalHouse) -> None:
    await house.done(await _create_block(house))


async def _nothing(_: MortalHouse) -> None:
    pass


WISHES: dict[Wish, Callable[[MortalHouse], Awaitable[None]]] = {
    _create: _nothing,
    _expand: _nothing,
    _delete: _nothing,
    _add_node: _nothing,
    _add_device: _nothing,
    _resync: _nothing,
    _evict: _nothing,
    _remove_device: _nothing,
    _remove_node: _nothing,
    _clone: _nothing,
    _delete_clone: _a_clone,
    _delete_cloned: _a_clone,
    _create_block: _nothing,
    _expand_block: _a_block_volume,
    _delete_block: _a_block_volume,
}
"""Each with what has to be there."""


async def _furnished(wish: Wish) -> MortalHouse:
    limits = Limits(block_hosting_creation=True, block_hosting_size_gib=20)
    house = MortalHouse(store=MemoryStore(), limits=limits)
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    await house.create()
    await house.create()
    await WISHES[wish](house)
    return house


async def _deeds_of(wish: Wish) -> int:
    house = await _furnished(wish)
    house.doom(-1, after=False)
    assert await house.survive(wish(house)) is not None
    house.require_agreement()
    return house.fate.deeds


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.__name__.strip("_"))
def test_killed_at_every_deed(wish: Wish) -> None:
    async def kill(at: int, *, after: bool) -> None:
        house = await _furnished(wish)
        house.doom(at, after=after)
        id_ = await house.survive(wish(house))
        assert house.fate.dead
        house.require_agreement()
        if id_ is not None:
            job = await house.plane.job(id_)
            assert job is not None
            assert not job.pending
        await house.create()
        if wish is _add_device and all(device.name != "/dev/new" for device in house.topology.devices()):
            await house.done(await wish(house))

    async def everywhere() -> None:
        deeds = await _deeds_of(wish)
        assert deeds > 2
        for at in range(deeds):
            for after in (False, True):
                await kill(at, after=after)

    asyncio.run(everywhere())


def test_killed_at_every_deed_of_a_removal_of_what_belongs_to_nobody() -> None:
    async def kill(at: int, *, after: bool) -> bool:
        """Return whether the server died of it."""
        house = await _furnished(_create)
        await strays.plant(house, strays.place_in(strays.device_on(house, "node0").volume_group))
        house.doom(at, after=after)
        await house.survive(house.plane.orphans.remove([strays.ID]))
        died = house.fate.dead
        assert house.plane.operations == []
        found = (await house.plane.orphans.search()).bricks
        if left := [each.place.brick for each in found if each.verdict is Verdict.ORPHAN]:  # it died before it began
            await house.done(await house.plane.orphans.remove(left))
        house.require_agreement()
        return died

    async def everywhere() -> None:
        deeds = 0
        while await kill(deeds, after=False) and await kill(deeds, after=True):
            deeds += 1
        assert deeds > 20

    asyncio.run(everywhere())


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(list(WISHES)), st.integers(0, 40), st.booleans()), min_size=1, max_size=6))
def test_killed_again_and_again(story: list[tuple[Wish, int, bool]]) -> None:
    async def live() -> None:
        house = await _furnished(_create)
        for wish, at, after in story:
            house.doom(at, after=after)
            try:
                await house.survive(wish(house))
            except (StopIteration, IndexError, RuntimeError, errors.Error):
                await house.crash()  # nothing to delete, or a name that is taken by now: no matter
                await house.start()
            house.require_agreement()

    asyncio.run(live())
