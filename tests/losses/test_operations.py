"""Where Heketi 10 loses data or gets stuck in its operations (operations.md §13), and that ours does not.

The number of the item in the specification stands in the name of each test.
"""

import asyncio
import time
from dataclasses import replace

import pytest
from tests import gates
from tests.losses import homes
from tests.unit.executors.simulation import command

from pyheketi.commands.command import Script
from pyheketi.domain import errors
from pyheketi.domain.entities import State
from pyheketi.domain.ids import OperationId
from pyheketi.executors.faults import Fail, Lose, Rule, matching
from pyheketi.operations.operation import Kind, OperationState
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# -- data loss -------------------------------------------------------------------------------------------------------


async def test_1_no_clean_up_touches_a_removal_at_work() -> None:
    house = await homes.furnished()
    made = await house.create()
    old = homes.brick(house, made)
    await house.done(await house.plane.devices.set_state(old.device, State.OFFLINE))
    gate = gates.close(house, "replace-brick")
    removal = await house.plane.devices.set_state(old.device, State.FAILED)
    await gate.reached.wait()
    at_work = [each.id for each in house.plane.operations]
    assert len(at_work) == 2  # the removal and the eviction it is made of
    before = house.inventory()
    await house.done(await house.plane.clean_up([]))
    await house.done(await house.plane.clean_up(at_work))
    house.plane.work.try_again(house.plane.work.stuck)
    assert house.inventory() == before
    gate.opened.set()
    await house.done(removal)
    assert homes.brick(house, made).id != old.id
    homes.require_settled(house)


async def test_2_bricks_that_gluster_took_are_not_destroyed_when_an_expansion_fails() -> None:
    house = await homes.furnished(limits=homes.SMALL_BRICKS)
    wish = VolumeCreate(size_gib=2, durability=homes.DISPERSE)
    made = await house.done(await house.plane.volumes.create(wish))
    house.break_(Rule(matching("add-brick"), Fail(1, stderr="no luck"), skip=1))  # the second set of two
    job = await house.job(await house.plane.volumes.expand(made, 4))
    assert "no luck" in job.error
    assert "only forward" in job.error
    in_use = set(house.nodes.node("node0").pool.volumes[f"vol_{made}"].bricks)
    assert len(in_use) == 6
    mounted = {line.split(" ")[2] for line in house.inventory().mounts}
    assert {name.partition(":")[2].removesuffix("/brick") for name in in_use} <= mounted
    house.break_()
    await house.done(await house.plane.clean_up([]))
    assert (homes.volume(house, made).size_gib, len(homes.volume(house, made).brick_sets)) == (6, 3)
    homes.require_settled(house)


async def test_3_a_volume_with_snapshots_is_not_stopped_in_vain() -> None:
    house = await homes.furnished()
    made = await house.create()
    take = command(f"gluster snapshot create s1 vol_{made} no-timestamp")
    await house.executor.run("node0", Script(commands=(take,)))
    before = house.inventory()
    job = await house.job(await house.plane.volumes.delete(made))
    assert "contains 1 snapshots" in job.error
    assert house.inventory() == before
    assert house.nodes.node("node0").pool.volumes[f"vol_{made}"].started
    assert homes.volume(house, made).pending is None


async def test_4_a_volume_that_was_ever_told_of_outlives_a_crash_and_another_is_told_to_be_gone() -> None:
    house = await homes.furnished()
    gate = gates.close(house, "volume start")
    begun = await house.plane.volumes.create(homes.WISH)
    await gate.reached.wait()
    assert [each for each in house.topology.volumes() if each.pending is None] == []  # nobody was told of it
    await house.crash()
    house.executor.inner = gate.inner
    await house.start()
    assert "The server was stopped" in (await house.job(begun)).error
    homes.require_settled(house)
    assert list(house.topology.volumes()) == []

    told = await house.create()
    await house.crash()
    await house.start()
    await house.plane.settle()
    assert homes.volume(house, told).pending is None
    homes.require_settled(house)


@pytest.mark.parametrize(
    "said", ["bash: line 1: /usr/sbin/lvm: No such file or directory", "sudo: lvm: command not found"]
)
async def test_5_a_missing_program_is_not_a_missing_brick(said: str) -> None:
    house = await homes.furnished()
    made = await house.create()
    held = {device.id: house.topology.used(device) for device in house.topology.devices()}
    house.break_(Rule(matching("lvm"), Fail(127, stderr=said)))
    job = await house.job(await house.plane.volumes.delete(made))
    assert said in job.error
    assert {device.id: house.topology.used(device) for device in house.topology.devices()} == held
    assert len(list(house.topology.bricks())) == 3
    house.break_()
    await house.done(await house.plane.clean_up([]))
    assert list(house.topology.bricks()) == []
    homes.require_settled(house)


# -- stuck states ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["snapshot create", "snapshot activate", "snapshot clone", "volume start", "volume set"])
async def test_6_a_clone_that_fails_poisons_nothing(at: str) -> None:
    house = await homes.furnished()
    source = await house.create()
    before = house.inventory()
    house.break_(Rule(matching(at), Fail(1, stderr="no luck")))
    job = await house.job(await house.plane.volumes.clone(source, "copy"))
    assert "no luck" in job.error
    assert house.inventory() == before
    house.break_()
    assert homes.volume(house, source).pending is None
    await house.create()
    await house.done(await house.plane.volumes.clone(source, "copy"))
    await house.done(await house.plane.volumes.delete(source))
    homes.require_settled(house)


async def test_7_an_interrupted_expansion_of_a_block_volume_books_what_it_became() -> None:
    for was_done in (False, True):
        house = await homes.furnished(limits=homes.HOSTING)
        block = await house.done(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3)))
        host = next(house.topology.volumes())
        free = house.topology.block_free_gib(host)
        house.break_(Rule(matching("gluster-block modify"), Lose(sent=was_done)))
        expansion = await house.plane.block_volumes.expand(block, 7)
        await house.job(expansion)
        house.break_()
        await house.crash()
        await house.start()
        await house.done(await house.plane.clean_up([]))
        found = house.topology.block_volume(block)
        assert found is not None
        assert (found.size_gib, found.claimed_gib) == ((7, 0) if was_done else (3, 0))
        assert house.topology.block_free_gib(host) == free - found.size_gib + 3
        homes.require_settled(house)


async def test_8_a_creation_of_which_nothing_was_made_yet_ends() -> None:
    house = await homes.furnished()
    house.break_(Rule(matching("mkdir"), Lose()))
    begun = await house.plane.volumes.create(homes.WISH)
    await house.crash()  # right after the plan was written
    house.break_()
    await house.start()
    assert (await house.job(begun)).error
    assert list(house.topology.entities()) == [
        *house.topology.clusters(),
        *house.topology.nodes(),
        *house.topology.devices(),
    ]
    homes.require_settled(house)


async def test_9_one_that_stays_stuck_holds_up_no_other() -> None:
    house = await homes.furnished(nodes=6)
    house.break_(
        Rule(matching("volume start"), Fail(1, stderr="no luck")), Rule(matching("lvremove"), Fail(5, stderr="x"))
    )
    jobs = [await house.plane.volumes.create(homes.WISH) for _ in range(3)]
    for job in jobs:
        assert (await house.job(job)).error
    assert len(house.plane.work.stuck) == 3
    doomed = next(each for each in house.plane.operations if each.id == house.plane.work.stuck[0])
    bricks = "|".join(step.place.brick for step in doomed.steps if hasattr(step, "place"))
    house.break_(Rule(matching(bricks), Fail(5, stderr="still no luck")))
    await house.done(await house.plane.clean_up([]))
    assert [each.id for each in house.plane.operations] == [doomed.id]
    house.break_()
    await house.done(await house.plane.clean_up([]))
    homes.require_settled(house)


async def test_10_a_dead_node_nobody_knew_of_is_passed_over_at_once() -> None:
    house = await homes.furnished()
    house.nodes.node("node1").power_off()
    for _ in range(4):
        made = await house.create()
        placed = house.topology.bricks_of(homes.volume(house, made).id)
        assert "node1" not in {homes.home(house, each).manage_host for each in placed}
    assert house.plane.operations == []


async def test_11_operations_about_what_is_gone_end() -> None:
    house = await homes.furnished(nodes=3)
    made = await house.create()
    deletion = await house.plane.volumes.delete(made)
    planned = next(each for each in house.plane.operations if each.id == deletion)
    await house.done(deletion)
    await house.crash()
    now = time.time()
    lost = [
        replace(planned, id=OperationId(f"{number:032x}"), kind=kind, state=state, updated_at=now)
        for number, (kind, state) in enumerate(
            (kind, state)
            for kind in (Kind.CREATE_VOLUME, Kind.DELETE_VOLUME, Kind.EXPAND_VOLUME, Kind.EVICT_BRICK)
            for state in (OperationState.RUNNING, OperationState.STUCK)
        )
    ]
    await house.store.commit([], lost, expected=(await house.store.load()).revision)
    await house.start()
    await house.plane.settle()
    await house.done(await house.plane.clean_up([]))
    homes.require_settled(house)


# -- lost updates ----------------------------------------------------------------------------------------------------


async def test_12_of_two_changes_at_once_none_undoes_the_other() -> None:
    house = await homes.furnished(limits=homes.SMALL_BRICKS)
    made = await house.create()
    first = await house.plane.volumes.expand(made, 1)
    with pytest.raises(errors.InUse):
        await house.plane.volumes.expand(made, 2)
    with pytest.raises(errors.InUse):
        await house.plane.volumes.clone(made, "copy")
    device = next(house.topology.devices())
    states = [await house.plane.devices.set_state(device.id, state) for state in (State.OFFLINE, State.ONLINE)]
    creations = [await house.plane.volumes.create(homes.WISH) for _ in range(3)]
    for job in (first, *states, *creations):
        await house.done(job)
    assert (homes.volume(house, made).size_gib, len(homes.volume(house, made).bricks)) == (2, 6)
    homes.require_settled(house)


async def test_12a_a_node_that_is_refused_leaves_its_names_free() -> None:
    house = await homes.furnished()
    cluster = next(house.topology.clusters()).id
    wish = NodeAdd(cluster=cluster, zone=1, manage=("new",), storage=("10.0.0.9",))
    house.nodes.node("new").glusterd = False
    with pytest.raises(errors.RequestError, match="New Node doesn't have glusterd running"):
        await house.plane.nodes.add(wish)
    assert house.topology.node_managed_at("new") is None
    house.nodes.node("new").glusterd = True
    house.break_(Rule(matching("peer probe"), Fail(1, stderr="no luck")))
    assert "no luck" in (await house.job(await house.plane.nodes.add(wish))).error
    house.break_()
    await house.done(await house.plane.nodes.add(wish))
    with pytest.raises(errors.Conflict, match="already used"):
        await house.plane.nodes.add(wish)
    homes.require_settled(house)


async def test_13_a_hosting_volume_is_not_deleted_under_a_block_volume_that_is_being_made() -> None:
    house = await homes.furnished(limits=homes.HOSTING)
    await house.done(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3)))
    host = next(house.topology.volumes()).id
    block = await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3))
    with pytest.raises(errors.Protected, match="containing block volumes"):
        await house.plane.volumes.delete(host)
    await house.done(block)
    for each in [block.id for block in house.topology.block_volumes()]:
        await house.done(await house.plane.block_volumes.delete(each))
    deletion = await house.plane.volumes.delete(host)
    with pytest.raises(errors.TooManyOperations):  # which comes again, and makes another one then
        await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3))
    await house.done(deletion)
    homes.require_settled(house)


# -- liveness --------------------------------------------------------------------------------------------------------


async def test_14_a_node_that_hangs_in_its_health_check_holds_up_nobody() -> None:
    house = await homes.furnished()
    gate = gates.close(house, "systemctl", host="node3")
    check = asyncio.create_task(house.plane.health.look_at(["node3"]))
    await gate.reached.wait()
    made = await house.create()
    await house.done(await house.plane.volumes.expand(made, 1))
    await house.done(await house.plane.volumes.delete(made))
    assert not check.done()
    gate.opened.set()
    await check
    homes.require_settled(house)


async def test_15_nodes_are_probed_all_at_once() -> None:
    house = await homes.furnished(nodes=12)
    gate = gates.close(house, "systemctl")
    check = asyncio.create_task(house.plane.health.look_at([f"node{number}" for number in range(12)]))
    await gate.reached.wait()
    await asyncio.sleep(0)
    assert len(gate.waiting) == 12
    gate.opened.set()
    await check


async def test_16_a_bug_in_a_step_ends_the_job_and_nothing_else() -> None:
    house = await homes.furnished()

    def explode(host: str, command_: object) -> bool:
        if "volume start" in str(command_):
            raise AssertionError("a bug")
        return False

    house.break_(Rule(explode, Fail()))
    job = await house.job(await house.plane.volumes.create(homes.WISH))
    assert "failed unexpectedly" in job.error
    house.break_()
    homes.require_settled(house)
    await house.create()


async def test_17_the_end_of_a_job_is_told_as_often_as_it_is_asked_for() -> None:
    house = await homes.furnished()
    begun = await house.plane.volumes.create(homes.WISH)
    told = [(await house.job(begun)).result for _ in range(2)]
    await house.crash()
    await house.start()
    assert [*told, (await house.job(begun)).result] == [told[0]] * 3


async def test_18_what_failed_says_so_for_good_and_no_command_runs_without_end() -> None:
    house = await homes.furnished(nodes=3)
    limits: list[float] = []

    class Clocked:
        name, simulated = "clocked", True

        def __init__(self) -> None:
            self.inner = house.executor.inner

        async def run(self, host: str, script: Script) -> object:
            limits.append(script.limit)
            return await self.inner.run(host, script)

        async def aclose(self) -> None:
            pass

    house.executor.inner = Clocked()  # type: ignore[assignment]  # its answers are those of the one inside
    house.break_(Rule(matching("volume start"), Fail(1, stderr="no luck")))
    begun = await house.plane.volumes.create(homes.WISH)
    await house.job(begun)
    await house.crash()
    await house.start()
    assert "no luck" in (await house.job(begun)).error
    assert limits
    assert all(0 < limit < 3600 for limit in limits)


async def test_19_a_stop_waits_for_the_step_at_work() -> None:
    house = await homes.furnished()
    gate = gates.close(house, "mkfs")
    begun = await house.plane.volumes.create(homes.WISH)
    await gate.reached.wait()
    stop = asyncio.create_task(house.plane.stop(grace=60))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not stop.done()
    gate.opened.set()
    await stop
    house.executor.inner = gate.inner
    await house.start()
    assert "The server was stopped" in (await house.job(begun)).error
    homes.require_settled(house)


async def test_23_a_brick_of_a_creation_that_fails_is_destroyed_once() -> None:
    house = await homes.furnished(nodes=3)
    destroyed: list[str] = []

    def watch(host: str, command_: object) -> bool:
        destroyed.extend([str(command_)] * ("lvremove" in str(command_)))
        return False

    house.break_(Rule(watch, Fail()), Rule(matching("volume start"), Fail(1, stderr="no luck")))
    assert (await house.job(await house.plane.volumes.create(homes.WISH))).error
    assert len(destroyed) == len(set(destroyed)) == 5 * 6  # five attempts, each three volumes and their pools
