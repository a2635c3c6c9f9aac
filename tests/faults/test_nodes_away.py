"""Nodes that are away or slow: what goes on without them, what waits for them, and what ends when they are back."""

import asyncio
from dataclasses import replace

import pytest
from tests import agreement, gates
from tests.api import asgi
from tests.faults import stage as stages
from tests.faults.faults import FAULTS
from tests.house import REPLICA_3, House

from pyheketi.control_plane.health import HealthSchedule
from pyheketi.control_plane.jobs import Job
from pyheketi.domain.entities import State
from pyheketi.executors.fake.state import Snapshot
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio

WISH = VolumeCreate(size_gib=1, durability=REPLICA_3)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def furnished(nodes: int = 4) -> House:
    house = House()
    await house.start()
    await house.furnish(zones=range(1, nodes + 1))
    return house


async def test_a_deletion_ends_by_itself_when_the_watch_over_nodes_sees_its_node_again() -> None:
    house = House()
    house.rules = replace(house.rules, health=HealthSchedule(start=0, every=0.01, retry=0.01))
    await house.start()
    await house.furnish()
    bare = house.inventory()
    volume = await house.create()
    house.nodes.node("node1").power_off()
    deletion = await house.plane.volumes.delete(volume)
    assert "goes on by itself as soon as that is back" in (await house.job(deletion)).error
    assert house.nodes.node("node0").pool.volumes[f"vol_{volume}"].started  # it goes on to serve meanwhile
    house.nodes.node("node1").power_on()
    while house.plane.operations:  # nobody asks for anything
        await asyncio.sleep(0.01)
    assert (await house.job(deletion)).error == ""
    assert house.inventory() == bare
    await house.crash()


async def test_a_deletion_that_waits_goes_on_after_a_restart_too() -> None:
    house = await furnished(nodes=3)
    bare = house.inventory()
    volume = await house.create()
    house.nodes.node("node1").power_off()
    deletion = await house.plane.volumes.delete(volume)
    await house.job(deletion)
    await house.crash()
    await house.start()
    assert (await house.plane.volumes.delete(volume)) == deletion  # a client asks again, as Kubernetes does
    assert "Some of the peers are down" in (await house.job(deletion)).error
    house.nodes.node("node1").power_on()
    await house.plane.health.look_at(["node1"])
    await house.plane.settle()
    assert (await house.job(deletion)).error == ""
    assert house.inventory() == bare


async def test_nobody_waits_for_a_node_that_is_removed_for_good() -> None:
    house = await furnished()
    volume = await house.create()
    brick = house.topology.bricks_of(next(house.topology.volumes()).id)[0]
    device = house.topology.device(brick.device)
    assert device is not None
    node = house.topology.node(device.node)
    assert node is not None
    house.nodes.node(node.manage_host).power_off()
    deletion = await house.plane.volumes.delete(volume)
    await house.job(deletion)
    await house.done(await house.plane.nodes.set_state(node.id, State.OFFLINE))
    await house.done(await house.plane.nodes.set_state(node.id, State.FAILED))
    assert "ask for it again afterwards" in (await house.job(deletion)).error
    assert house.topology.count_bricks(device.id) == 0
    await house.done(await house.plane.devices.delete(device.id, force_forget=True))
    await house.done(await house.plane.nodes.delete(node.id))
    await house.done(await house.plane.volumes.delete(volume))
    assert house.plane.operations == []
    assert agreement.pending(house) == []
    assert not [line for line in house.inventory().gluster_volumes if volume in line]


async def test_a_deletion_that_gluster_refuses_though_all_are_there_does_not_wait() -> None:
    house = await furnished(nodes=3)
    volume = await house.create()
    house.nodes.node("node1").power_off()
    deletion = await house.plane.volumes.delete(volume)
    await house.job(deletion)
    pool = house.nodes.node("node0").pool
    pool.snapshots["s"] = Snapshot("s", pool.volumes[f"vol_{volume}"], "u")
    house.nodes.node("node1").power_on()
    await house.plane.health.look_at(["node1"])
    await house.plane.settle()
    assert "contains 1 snapshots" in (await house.job(deletion)).error
    assert house.plane.operations == []
    assert agreement.pending(house) == []
    del pool.snapshots["s"]
    await house.done(await house.plane.volumes.delete(volume))


async def test_reads_and_other_nodes_work_go_on_while_a_node_hangs() -> None:
    house = await furnished(nodes=4)
    volume = await house.create()
    app = asgi.application(house.plane)
    gate = gates.close(house, "", host="node3")
    devices = list(house.topology.devices())
    stuck = [await house.plane.devices.resync(each.id) for each in devices]
    await gate.reached.wait()
    paths = (
        "/clusters",
        "/volumes",
        f"/volumes/{volume}",
        "/db/dump",
        "/db/check",
        "/backup/db",
        "/operations",
        "/metrics",
        f"/queue/{stuck[0]}",
    )
    for path in paths:
        reply = await asgi.request(app, "GET", path)
        assert reply.status in (200, 204), path
    ended = [job for job in stuck if not (await _job(house, job)).pending]
    assert len(ended) == 3
    await house.done(await house.plane.devices.resync(devices[0].id))
    gate.opened.set()
    for job in stuck:
        await house.done(job)


async def _job(house: House, id_: str) -> Job:
    """Return a job as it is after a while in which everything that can go on did."""
    for _ in range(200):
        await asyncio.sleep(0)
    job = await house.plane.job(id_)
    assert job is not None
    return job


async def test_nothing_is_left_running_after_many_time_outs() -> None:
    stage = await stages.build()
    house = stage.house
    await FAULTS["node hangs"].strike(stage)
    tasks = len(asyncio.all_tasks())
    for _ in range(10):
        await house.job(await house.plane.devices.resync(stage.device.id))
        await house.plane.health.look_at([stage.host])
        await house.job(await house.plane.volumes.create(WISH))
    assert len(asyncio.all_tasks()) == tasks
    assert house.plane.operations == []
    assert not house.plane.work._slots  # the slots that operations hold are all free again
