"""Everything that can be wished for, each a function of a house and a number that chooses what it is about.

It returns the id of the job, or nothing if there is none, and raises ``LookupError`` if there is nothing to choose.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias, TypeVar

from tests import strays
from tests.house import REPLICA_3, House

from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.entities import State
from pyheketi.domain.ids import NodeId
from pyheketi.planning import brick_service
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.volume_create import VolumeCreate

T = TypeVar("T")
Wish: TypeAlias = Callable[[House, int], Awaitable[str]]

NONE = DurabilityRequest(type="none")
REPLICA_2 = DurabilityRequest(type="replicate", replica=2)
DISPERSE = DurabilityRequest(type="disperse", data=2, redundancy=1)


def _one(of: Iterable[T], pick: int) -> T:
    found = list(of)
    if not found:
        raise LookupError
    return found[pick % len(found)]


# -- volumes -----------------------------------------------------------------------------------------------------


async def _create(house: House, request: VolumeCreate) -> str:
    return await house.plane.volumes.create(request)


async def create(house: House, pick: int) -> str:
    return await _create(house, VolumeCreate(size_gib=1, durability=REPLICA_3, gid=pick))


async def create_distributed(house: House, pick: int) -> str:
    return await _create(house, VolumeCreate(size_gib=pick + 1, durability=NONE))


async def create_of_two(house: House, pick: int) -> str:
    return await _create(house, VolumeCreate(size_gib=pick + 1, durability=REPLICA_2))


async def create_dispersed(house: House, pick: int) -> str:
    return await _create(house, VolumeCreate(size_gib=pick + 2, durability=DISPERSE))


async def create_with_arbiter(house: House, pick: int) -> str:
    options = ("user.heketi.arbiter true",)
    return await _create(house, VolumeCreate(size_gib=pick + 1, durability=REPLICA_3, options=options))


async def create_hosting(house: House, pick: int) -> str:
    return await _create(house, VolumeCreate(size_gib=20 + pick, durability=REPLICA_3, block=True))


async def create_named(house: House, pick: int) -> str:
    return await _create(house, VolumeCreate(size_gib=1, durability=REPLICA_3, name=f"name{pick % 2}"))


async def expand(house: House, pick: int) -> str:
    return await house.plane.volumes.expand(_one(house.topology.volumes(), pick).id, 2)


async def delete(house: House, pick: int) -> str:
    return await house.plane.volumes.delete(_one(house.topology.volumes(), pick).id)


async def clone(house: House, pick: int) -> str:
    found = _one((volume for volume in house.topology.volumes() if not volume.block), pick)
    return await house.plane.volumes.clone(found.id, "")


async def delete_clone(house: House, pick: int) -> str:
    clones = {brick.volume for brick in house.topology.bricks() if brick.given_name}
    return await house.plane.volumes.delete(_one(sorted(clones), pick))


async def delete_cloned(house: House, pick: int) -> str:
    bricks = (brick for brick in house.topology.bricks() if not brick.given_name and house.topology.shares_pool(brick))
    return await house.plane.volumes.delete(_one(bricks, pick).volume)


async def restrict(house: House, pick: int) -> str:
    found = _one((volume for volume in house.topology.volumes() if volume.block), pick)
    return await house.plane.volumes.restrict(found.id, "" if found.restriction else "locked")


# -- block volumes -----------------------------------------------------------------------------------------------


async def create_block(house: House, pick: int) -> str:
    wish = BlockVolumeCreate(size_gib=3 + pick, auth=pick % 2 == 0, ha_count=pick % 4)
    return await house.plane.block_volumes.create(wish)


async def create_block_on_hosting_volume(house: House, pick: int) -> str:
    _one((volume for volume in house.topology.volumes() if volume.block), pick)
    return await create_block(house, pick)


async def expand_block(house: House, pick: int) -> str:
    found = _one(house.topology.block_volumes(), pick)
    return await house.plane.block_volumes.expand(found.id, found.size_gib + 4)


async def delete_block(house: House, pick: int) -> str:
    return await house.plane.block_volumes.delete(_one(house.topology.block_volumes(), pick).id)


# -- clusters, nodes, devices ------------------------------------------------------------------------------------


async def create_cluster(house: House, pick: int) -> str:
    await house.plane.clusters.create(file=True, block=pick % 2 == 0)
    return ""


async def delete_cluster(house: House, pick: int) -> str:
    empty = (each for each in house.topology.clusters() if not house.topology.nodes_of(each.id))
    await house.plane.clusters.delete(_one(empty, pick).id)
    return ""


async def set_flags(house: House, pick: int) -> str:
    await house.plane.clusters.set_flags(_one(house.topology.clusters(), 0).id, file=pick != 1, block=pick != 2)
    return ""


async def add_node(house: House, pick: int) -> str:
    cluster = _one(house.topology.clusters(), 0)
    wish = NodeAdd(cluster=cluster.id, zone=1 + pick, manage=(f"new{pick}",), storage=(f"10.0.1.{pick}",))
    return await house.plane.nodes.add(wish)


async def delete_node(house: House, pick: int) -> str:
    empty = (node for node in house.topology.nodes() if not house.topology.devices_of(node.id))
    return await house.plane.nodes.delete(_one(empty, pick).id)


async def set_node_state(house: House, pick: int) -> str:
    found = _one(house.topology.nodes(), pick)
    return await house.plane.nodes.set_state(found.id, State.OFFLINE if found.state is State.ONLINE else State.ONLINE)


async def tag_node(house: House, pick: int) -> str:
    await house.plane.nodes.change_tags(_one(house.topology.nodes(), pick).id, "set", {"rack": str(pick)})
    return ""


async def tag_device(house: House, pick: int) -> str:
    await house.plane.devices.change_tags(_one(house.topology.devices(), pick).id, "update", {"disk": str(pick)})
    return ""


async def add_device(house: House, pick: int) -> str:
    node = _one(house.topology.nodes(), pick)
    return await house.plane.devices.add(DeviceAdd(node=NodeId(node.id), name="/dev/new"))


async def set_device_state(house: House, pick: int) -> str:
    found = _one(house.topology.devices(), pick)
    wanted = State.OFFLINE if found.state is State.ONLINE else State.ONLINE
    return await house.plane.devices.set_state(found.id, wanted)


async def fail_empty_device(house: House, pick: int) -> str:
    empty = _one((each for each in house.topology.devices() if not house.topology.count_bricks(each.id)), pick)
    await house.plane.devices.set_state(empty.id, State.OFFLINE)
    return await house.plane.devices.set_state(empty.id, State.FAILED)


async def delete_device(house: House, pick: int) -> str:
    failed = _one((each for each in house.topology.devices() if each.state is State.FAILED), pick)
    return await house.plane.devices.delete(failed.id, force_forget=False)


async def forget_device(house: House, pick: int) -> str:
    failed = _one((each for each in house.topology.devices() if each.state is State.FAILED), pick)
    return await house.plane.devices.delete(failed.id, force_forget=True)


async def resync(house: House, pick: int) -> str:
    return await house.plane.devices.resync(_one(house.topology.devices(), pick).id)


# -- bricks ------------------------------------------------------------------------------------------------------


async def evict(house: House, pick: int) -> str:
    return await house.plane.bricks.evict(_one(house.topology.bricks(), pick).id)


async def remove_device(house: House, pick: int) -> str:
    device = _one((each for each in house.topology.devices() if house.topology.count_bricks(each.id)), pick)
    await house.plane.devices.set_state(device.id, State.OFFLINE)
    return await house.plane.devices.set_state(device.id, State.FAILED)


async def remove_node(house: House, pick: int) -> str:
    device = _one((each for each in house.topology.devices() if house.topology.count_bricks(each.id)), pick)
    await house.plane.nodes.set_state(device.node, State.OFFLINE)
    return await house.plane.nodes.set_state(device.node, State.FAILED)


async def remove_orphans(house: House, pick: int) -> str:
    """Remove what belongs to nobody, after it was put there."""
    device = _one(house.topology.devices(), pick)
    node = house.topology.node(device.node)
    place = strays.place_in(device.volume_group, node.manage_host if node else "")
    if not house.nodes.node(place.host).directory(place.mount_point):
        await strays.plant(house, place)
    return await house.plane.orphans.remove([place.brick])


async def mend_bricks(house: House, pick: int) -> str:
    """Mount bricks of a node again, after a reboot that did not find them in fstab."""
    node = _one(house.topology.nodes(), pick)
    machine = house.nodes.node(node.manage_host)
    expected = [place.brick for _, place in brick_service.places(house.topology, node)]
    machine.files["/etc/fstab"] = [
        line for line in machine.files["/etc/fstab"] if not any(brick in line for brick in expected)
    ]
    machine.power_off()
    machine.power_on()
    found = (await house.plane.serving.survey()).troubles
    return await house.plane.serving.mend([each.place.brick for each in found if each.mendable])


async def clean_up(house: House, pick: int) -> str:
    return await house.plane.clean_up([])
