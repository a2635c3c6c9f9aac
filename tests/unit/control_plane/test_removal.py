"""Bricks moved off devices and nodes."""

from dataclasses import replace

import pytest
from tests.house import REPLICA_3, House

from pyheketi.domain import errors
from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.entities import Brick, Device, State
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio

DISPERSE_2_1 = DurabilityRequest(type="disperse", data=2, redundancy=1)
REPLICA_2 = DurabilityRequest(type="replicate", replica=2)
NONE = DurabilityRequest(type="none")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def furnished(zones: tuple[int, ...] = (1, 2, 3, 4), devices: int = 1, max_in_flight: int = 100) -> House:
    house = House()
    house.rules = replace(house.rules, max_in_flight=max_in_flight)
    await house.start()
    await house.furnish(zones=zones, devices=devices)
    return house


def brick_of(house: House, volume: str, at: int = 0) -> Brick:
    found = house.topology.volume(volume)
    assert found is not None
    brick = house.topology.brick(found.bricks[at])
    assert brick is not None
    return brick


async def offline(house: House, brick: Brick) -> Device:
    await house.done(await house.plane.devices.set_state(brick.device, State.OFFLINE))
    device = house.topology.device(brick.device)
    assert device is not None
    return device


def gluster_bricks(house: House, volume: str) -> list[str]:
    return list(house.nodes.node("node0").pool.volumes[f"vol_{volume}"].bricks)


@pytest.mark.parametrize("durability", [REPLICA_3, REPLICA_2, DISPERSE_2_1], ids=lambda each: f"{each.type}")
async def test_a_brick_moves_and_the_new_one_takes_its_place_in_the_set(durability: DurabilityRequest) -> None:
    house = await furnished()
    volume = await house.create(2, durability)
    old, names = brick_of(house, volume, 1), gluster_bricks(house, volume)
    before = house.topology
    await house.done(await house.plane.bricks.evict(old.id))
    new = brick_of(house, volume, 1)
    assert (new.size, new.volume) == (old.size, old.volume)
    assert new.device != old.device
    assert house.topology.brick(old.id) is None
    assert [now == then for now, then in zip(gluster_bricks(house, volume), names, strict=True)].count(False) == 1
    assert gluster_bricks(house, volume)[1].endswith(new.path)
    device = house.topology.device(old.device)
    assert device is not None
    assert house.topology.used(device) == before.used(device) - old.space
    assert not any(old.id in line for line in house.inventory().lines)


async def test_an_arbiter_moves_as_an_arbiter() -> None:
    house = await furnished()
    wish = VolumeCreate(size_gib=10, durability=REPLICA_3, options=("user.heketi.arbiter true",))
    volume = await house.done(await house.plane.volumes.create(wish))
    data, old = brick_of(house, volume), brick_of(house, volume, 2)
    assert (data.size, old.size, old.pool_size, old.metadata_size) == (10485760, 307200, 307200, 4096)
    assert house.nodes.node("node0").pool.volumes[f"vol_{volume}"].arbiter == 1
    await house.done(await house.plane.bricks.evict(old.id))
    assert brick_of(house, volume, 2).size == old.size
    await house.done(await house.plane.volumes.expand(volume, 10))
    assert brick_of(house, volume, 5).size == old.size
    await house.done(await house.plane.volumes.delete(volume))


async def test_the_brick_s_own_node_may_take_it_but_not_its_device() -> None:
    house = await furnished(zones=(1, 2, 3), devices=2)
    volume = await house.create()
    old = brick_of(house, volume)
    await house.done(await house.plane.bricks.evict(old.id))
    new = brick_of(house, volume)
    homes = [house.topology.device(brick.device) for brick in (old, new)]
    assert homes[0] is not None
    assert homes[1] is not None
    assert homes[0].node == homes[1].node
    assert homes[0].id != homes[1].id


async def test_without_copies_a_brick_stays() -> None:
    house = await furnished()
    volume = await house.create(1, NONE)
    before = house.inventory()
    for check_heal in (True, False):
        job = await house.job(await house.plane.bricks.evict(brick_of(house, volume).id, check_heal=check_heal))
        assert "only 0 of 1 required peer bricks are online" in job.error
        assert "keeps no copies" in job.error
    assert house.inventory() == before


async def test_a_brick_that_others_need_to_heal_stays_unless_told_otherwise() -> None:
    house = await furnished()
    volume = await house.create()
    old, before = brick_of(house, volume), house.inventory()
    house.nodes.node("node0").pool.volumes[f"vol_{volume}"].unhealed = 3
    job = await house.job(await house.plane.bricks.evict(old.id))
    assert job.error.startswith(f"Cannot replace brick {old.id} as it is source brick for data to be healed\n")
    assert "lack 3 of its files" in job.error
    assert house.inventory() == before
    await house.done(await house.plane.bricks.evict(old.id, check_heal=False))
    assert house.topology.brick(old.id) is None


async def test_a_brick_stays_while_too_few_others_are_there() -> None:
    house = await furnished(zones=(1, 2, 3, 4, 5))
    volume = await house.create()
    old, peer = brick_of(house, volume, 0), brick_of(house, volume, 1)
    home = house.topology.device(peer.device)
    assert home is not None
    node = house.topology.node(home.node)
    assert node is not None
    house.nodes.node(node.manage_host).power_off()
    job = await house.job(await house.plane.bricks.evict(old.id))
    assert job.error.startswith(f"Cannot replace brick {old.id} as only 1 of 2 required peer bricks are online\n")
    assert f"{node.storage_host}:{peer.path} does not answer" in job.error


async def test_a_busy_volume_keeps_its_bricks() -> None:
    house = await furnished()
    volume = await house.create()
    old = brick_of(house, volume)
    first = await house.plane.bricks.evict(old.id)
    with pytest.raises(
        errors.Conflict, match=rf"Can not evict brick {old.id} from volume {volume}: volume has pending"
    ):
        await house.plane.bricks.evict(old.id)
    with pytest.raises(errors.InUse):
        await house.plane.volumes.delete(volume)
    await house.done(first)
    with pytest.raises(errors.NotFound):
        await house.plane.bricks.evict(old.id)


async def test_a_move_that_fails_is_undone() -> None:
    house = await furnished()
    volume = await house.create()
    old, before = brick_of(house, volume), house.inventory()
    house.break_(Rule(matching("replace-brick"), Fail(1, stderr="no luck")))
    job = await house.job(await house.plane.bricks.evict(old.id))
    assert "Unable to replace brick" in job.error
    assert "no luck" in job.error
    assert house.inventory() == before
    house.break_()
    await house.done(await house.plane.bricks.evict(old.id))


async def test_a_device_is_emptied_and_can_go() -> None:
    house = await furnished(zones=(1, 2, 3, 4), devices=2)
    volumes = [await house.create(2, durability) for durability in (REPLICA_3, REPLICA_2, DISPERSE_2_1) * 3]
    device = await offline(house, brick_of(house, volumes[0]))
    held = house.topology.count_bricks(device.id)
    assert held > 1
    assert (await house.job(await house.plane.devices.set_state(device.id, State.FAILED))).error == ""
    found = house.topology.device(device.id)
    assert found is not None
    assert (found.state, found.pending, house.topology.used(found)) == (State.FAILED, None, 0)
    assert house.topology.count_bricks(device.id) == 0
    await house.done(await house.plane.devices.delete(device.id, force_forget=False))
    for volume in volumes:
        await house.done(await house.plane.volumes.delete(volume))


async def test_what_was_moved_before_a_failure_stays_moved() -> None:
    house = await furnished(zones=(1, 2, 3, 4), devices=1)
    movable = await house.create()
    device = await offline(house, brick_of(house, movable))
    await house.done(await house.plane.devices.set_state(device.id, State.ONLINE))
    while True:  # until one without copies lies there, behind the movable one
        stuck = await house.create(1, NONE)
        if brick_of(house, stuck).device == device.id and brick_of(house, stuck).id > brick_of(house, movable).id:
            break
    await offline(house, brick_of(house, stuck))
    job = await house.job(await house.plane.devices.set_state(device.id, State.FAILED))
    assert f"Volume vol_{stuck} keeps no copies" in job.error
    assert brick_of(house, movable).device != device.id
    left = house.topology.device(device.id)
    assert left is not None
    assert (left.state, left.pending) == (State.OFFLINE, None)


async def test_a_dead_node_is_emptied_and_can_go() -> None:
    house = await furnished()
    volume = await house.create()
    old = brick_of(house, volume)
    home = house.topology.device(old.device)
    assert home is not None
    node = house.topology.node(home.node)
    assert node is not None
    house.nodes.node(node.manage_host).power_off()
    await house.plane.health.look_at([node.manage_host])
    await house.done(await house.plane.nodes.set_state(node.id, State.OFFLINE))
    await house.done(await house.plane.nodes.set_state(node.id, State.FAILED))
    assert house.topology.count_bricks(home.id) == 0
    await house.done(await house.plane.devices.delete(home.id, force_forget=True))
    await house.done(await house.plane.nodes.delete(node.id))
    assert len(gluster_bricks(house, volume)) == 3


async def test_removals_refuse_what_is_online_or_busy() -> None:
    house = await furnished()
    volume = await house.create()
    device = house.topology.device(brick_of(house, volume).device)
    assert device is not None
    online = await house.job(await house.plane.devices.set_state(device.id, State.FAILED))
    assert online.error == f"Device must be offline before remove operation is performed, device:{device.id}"
    node = await house.job(await house.plane.nodes.set_state(device.node, State.FAILED))
    assert node.error == f"Node must be offline before remove operation is performed, node:{device.node}"
    await offline(house, brick_of(house, volume))
    first = await house.plane.devices.set_state(device.id, State.FAILED)
    second = await house.job(await house.plane.devices.set_state(device.id, State.FAILED))
    assert "is at work on it" in second.error
    await house.done(first)


async def test_only_so_many_removals_at_once() -> None:
    house = await furnished(max_in_flight=1)
    volume = await house.create()
    first = await house.plane.bricks.evict(brick_of(house, volume).id)
    with pytest.raises(errors.TooManyOperations):
        await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
    await house.done(first)
