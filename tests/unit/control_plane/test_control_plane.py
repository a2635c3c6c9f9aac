import asyncio
from dataclasses import replace
from unittest.mock import ANY

import pytest
from tests.house import REPLICA_3, House

from pyheketi.commands.command import Command
from pyheketi.control_plane.finding import shown
from pyheketi.control_plane.jobs import Job
from pyheketi.domain import errors
from pyheketi.domain.entities import State
from pyheketi.executors.faults import Fail, Lose, Pause, Rule, matching
from pyheketi.operations.operation import OperationState
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_volume_comes_and_goes_without_a_trace() -> None:
    house = House()
    await house.start()
    await house.furnish()
    before, empty = house.inventory(), house.topology
    volume = await house.create(10)
    made = house.topology.volume(volume)
    assert made is not None
    assert made.pending is None
    assert house.inventory() != before

    await house.done(await house.plane.volumes.expand(volume, 5))
    grown = house.topology.volume(volume)
    assert grown is not None
    assert (grown.size_gib, len(grown.brick_sets)) == (15, 2)

    await house.done(await house.plane.volumes.delete(volume))
    assert house.inventory() == before
    assert house.topology == empty


async def test_a_failure_on_one_node_is_told_undone_and_done_elsewhere() -> None:
    house = House()
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    before = house.inventory()
    house.break_(Rule(matching(r"lvcreate", host="node1"), Fail(5, stderr="no room")))
    id_ = await house.create()
    volume = house.topology.volume(id_)
    assert volume is not None
    on = {house.topology.device(brick.device) for brick in house.topology.bricks_of(volume.id)}
    nodes = {house.topology.node(device.node) for device in on if device}
    assert {node.manage_host for node in nodes if node} == {"node0", "node2", "node3"}
    house.break_()
    await house.done(await house.plane.volumes.delete(volume.id))
    assert house.inventory() == before


async def test_a_failure_without_a_way_out_names_node_command_and_cause() -> None:
    house = House()
    await house.start()
    await house.furnish()
    before, empty = house.inventory(), house.topology
    house.break_(Rule(matching(r"lvcreate", host="node1"), Fail(5, stderr="no room")))
    job = await house.job(await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3)))
    assert "no room" in job.error
    assert "node node1" in job.error
    assert "lvcreate" in job.error
    assert house.inventory() == before
    assert house.topology == empty
    house.break_()
    await house.create()


@pytest.mark.parametrize(
    "said",
    [
        "volume set: failed: option : nosuch.option does not exist\nDid you mean auth.allow?",
        "volume set: failed: option auth.addr./b/x.allow x: 'x' is not a valid internet-address-list",
    ],
)
async def test_an_option_that_gluster_refuses_is_not_tried_on_other_bricks(said: str) -> None:
    house = House()
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    before, empty, tries = house.inventory(), house.topology, []

    def hear(_: str, command: Command) -> bool:
        tries.extend([command] if "lvcreate" in command.args else [])
        return False

    house.break_(Rule(hear, Fail()), Rule(matching("volume set"), Fail(1, stderr=said)))
    job = await house.job(await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3)))
    assert said in job.error
    assert len(tries) == 3
    assert (house.inventory(), house.topology) == (before, empty)


async def test_a_node_that_is_off_is_told_and_avoided() -> None:
    house = House()
    await house.start()
    await house.furnish()
    before = house.inventory()
    house.nodes.node("node2").power_off()
    job = await house.job(await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3)))
    assert "Unable to reach node node2" in job.error
    assert house.inventory() == before
    with pytest.raises(errors.NoSpace, match=r"node node2 \(\w+\): does not answer"):
        await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    house.nodes.node("node2").power_on()
    await house.plane.health.look_at(["node2"])
    await house.create()


async def test_an_undo_that_fails_is_finished_later() -> None:
    house = House()
    await house.start()
    await house.furnish()
    before, empty = house.inventory(), house.topology
    house.break_(
        Rule(matching(r"volume start"), Fail(1, stderr="start failed")),
        Rule(matching(r"umount", host="node0"), Lose(sent=True)),
    )
    id_ = await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    job = await house.job(id_)
    assert "start failed" in job.error
    assert "Not everything could be undone" in job.error
    house.break_()
    await house.crash()
    plane = await house.start()
    await house.done(await plane.clean_up([id_]))
    job = await house.job(id_)
    assert "start failed" in job.error
    assert "Not everything" not in job.error
    assert house.inventory() == before
    assert house.topology == empty


async def test_stuck_operations_are_listed_and_cleaned_up() -> None:
    house = House()
    plane = await house.start()
    await house.furnish()
    bare = house.inventory()
    house.break_(
        Rule(matching("volume start"), Fail(1, stderr="start failed")),
        Rule(matching("lvremove"), Fail(5, stderr="busy")),
    )
    wish = VolumeCreate(size_gib=1, durability=REPLICA_3)
    jobs = [await plane.volumes.create(wish) for _ in range(2)]
    assert {each.id for each in plane.operations} == set(jobs)
    for job in jobs:
        assert (await house.job(job)).error.startswith("start failed")
    assert [each.state for each in plane.operations] == [OperationState.STUCK] * 2
    assert await house.done(await plane.clean_up([])) == ""
    assert len(plane.operations) == 2
    house.break_()
    await house.done(await plane.clean_up([jobs[0], "0" * 32]))
    assert [each.id for each in plane.operations] == jobs[1:]
    await house.done(await plane.clean_up([]))
    assert plane.operations == []
    assert house.inventory() == bare


async def test_a_clean_up_that_is_cut_short_ends_with_the_next_server() -> None:
    house = House()
    plane = await house.start()
    await house.furnish()
    house.break_(
        Rule(matching("volume start"), Fail(1, stderr="start failed")),
        Rule(matching("lvremove"), Fail(5, stderr="busy")),
    )
    stuck = await plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    await house.job(stuck)
    cleaning = await plane.clean_up([])
    await house.crash()
    plane = await house.start()
    assert [each.id for each in plane.operations] == [stuck]
    assert plane.work.stuck == [stuck]
    assert await house.done(cleaning) == ""


async def test_a_deletion_that_got_stuck_goes_on_when_it_is_asked_for_again() -> None:
    house = House()
    await house.start()
    await house.furnish()
    before = house.inventory()
    volume = await house.create()
    house.break_(Rule(matching(r"lvremove", host="node0"), Fail(5, stderr="busy")))
    job = await house.job(await house.plane.volumes.delete(volume))
    assert "busy" in job.error
    with pytest.raises(errors.NotFound):
        shown(house.plane.tip.volume(volume))
    house.break_()
    await house.done(await house.plane.volumes.delete(volume))
    assert house.inventory() == before
    assert house.topology.volume(volume) is None


async def test_a_deletion_that_gluster_refuses_leaves_the_volume_as_it_was() -> None:
    house = House()
    await house.start()
    await house.furnish()
    volume = await house.create()
    before = house.inventory()
    house.break_(Rule(matching(r"volume delete"), Fail(1, stderr="Some of the peers are down")))
    job = await house.job(await house.plane.volumes.delete(volume))
    assert "Some of the peers are down" in job.error
    assert house.inventory() == before
    assert house.topology.volume(volume) == shown(house.plane.tip.volume(volume))


async def test_more_than_the_limit_is_told_to_wait() -> None:
    house = House()
    house.rules = replace(house.rules, max_in_flight=2)
    await house.start()
    await house.furnish()
    wish = VolumeCreate(size_gib=1, durability=REPLICA_3)
    jobs = [await house.plane.volumes.create(wish) for _ in range(2)]
    with pytest.raises(errors.TooManyOperations):
        await house.plane.volumes.create(wish)
    for job in jobs:
        await house.done(job)
    await house.create()


async def test_a_question_after_a_job_waits_a_little_for_its_end() -> None:
    house = House()
    house.rules = replace(house.rules, job_patience=60)
    await house.start()
    await house.furnish()
    wish = VolumeCreate(size_gib=1, durability=REPLICA_3)
    begun = await house.plane.volumes.create(wish)
    assert await house.plane.wait_for(begun)
    assert await house.plane.job(begun) == Job(pending=False, result=ANY)


async def test_a_question_after_a_job_does_not_wait_for_long() -> None:
    house = House()
    house.rules = replace(house.rules, job_patience=0.01)
    await house.start()
    await house.furnish()
    house.break_(Rule(matching("volume start"), Pause(0.3)))
    begun = await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    assert await house.plane.wait_for(begun)
    assert await house.plane.job(begun) == Job(pending=True, progress=(3, 4))
    await house.done(begun)


async def test_nobody_waits_for_what_is_not_at_work() -> None:
    house = House()
    await house.start()
    await house.furnish()
    begun = await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    await house.done(begun)
    assert not await house.plane.wait_for(begun, 60)
    assert not await house.plane.wait_for("0" * 32, 60)


async def test_nobody_waits_for_a_server_that_stops() -> None:
    house = House()
    await house.start()
    await house.furnish()
    house.break_(Rule(matching("volume start"), Pause(3600)))
    begun = await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    waiting = [asyncio.create_task(house.plane.wait_for(begun, 3600)) for _ in range(3)]
    await asyncio.sleep(0)
    house.plane.let_go()
    assert await asyncio.gather(*waiting, house.plane.wait_for(begun, 3600)) == [False] * 4
    job = await house.plane.job(begun)
    assert job is not None
    assert job.pending
    await house.crash()


async def test_two_servers_worth_of_work_at_once_keeps_the_books() -> None:
    house = House()
    await house.start()
    await house.furnish()
    before = house.inventory()
    wish = VolumeCreate(size_gib=2, durability=REPLICA_3)
    jobs = [await house.plane.volumes.create(wish) for _ in range(20)]
    volumes = [await house.done(job) for job in jobs]
    deletions = [await house.plane.volumes.delete(volume) for volume in volumes]
    for job in deletions:
        await house.done(job)
    assert house.inventory() == before
    assert all(house.topology.used(device) == 0 for device in house.topology.devices())


async def test_emptied_devices_nodes_and_clusters_go() -> None:
    house = House()
    plane = await house.start()
    bare = house.inventory()
    cluster = await house.furnish()
    for device in list(house.topology.devices()):
        await house.done(await plane.devices.set_state(device.id, State.OFFLINE))
        await house.done(await plane.devices.set_state(device.id, State.FAILED))
        await house.done(await plane.devices.delete(device.id, force_forget=False))
    for node in list(house.topology.nodes()):
        await house.done(await plane.nodes.delete(node.id))
    await plane.clusters.delete(cluster)
    assert list(house.topology.entities()) == []
    assert [line for line in house.inventory().lines if "vg_" in line] == [line for line in bare.lines if "vg_" in line]


async def test_a_device_that_cannot_be_emptied_stays_offline_and_says_why() -> None:
    house = House()
    plane = await house.start()
    await house.furnish()
    volume = await house.create()
    device = next(house.topology.devices())
    await house.done(await plane.devices.set_state(device.id, State.OFFLINE))
    job = await house.job(await plane.devices.set_state(device.id, State.FAILED))
    assert job.error.startswith(
        f"Unable to delete device [{device.id}] as no device was found to replace it: "
        "No Replacement was found for resource requested to be removed\n"
    )
    assert f"of volume vol_{volume} has to stay where it is\n  a brick of 1 GiB wanted" in job.error
    assert job.error.count("its node already has a brick of the set") == 2
    left = house.topology.device(device.id)
    assert left is not None
    assert (left.state, left.pending) == (State.OFFLINE, None)


async def test_resync_takes_over_what_lvm_says() -> None:
    house = House()
    plane = await house.start()
    await house.furnish()
    await house.create(10)
    device = next(house.topology.devices())
    await house.done(await plane.devices.resync(device.id))
    again = house.topology.device(device.id)
    assert again is not None
    assert house.topology.used(again) == 10539008
    assert again.foreign == 0


async def test_a_taken_host_name_is_refused_before_any_node_is_asked() -> None:
    house = House()
    plane = await house.start()
    cluster = await house.furnish()
    house.break_(Rule(lambda host, command: True, Lose(sent=False)))
    with pytest.raises(errors.Conflict, match="Hostname node1 already used by node with id"):
        await plane.nodes.add(NodeAdd(cluster=cluster, zone=1, manage=("node1",), storage=("x",)))
    with pytest.raises(errors.RequestError, match="New Node doesn't have glusterd running\nUnable to reach node new"):
        await plane.nodes.add(NodeAdd(cluster=cluster, zone=1, manage=("new",), storage=("x",)))


async def test_jobs_outlive_the_server() -> None:
    house = House()
    plane = await house.start()
    await house.furnish()
    id_ = await plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    result = (await house.job(id_)).result
    await house.crash()
    await house.start()
    assert (await house.job(id_)).result == result
    assert await house.plane.job("0" * 32) is None
