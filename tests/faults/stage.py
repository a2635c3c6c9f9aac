"""Where faults are rehearsed: a house with one of everything, and a node on which something goes wrong."""

from dataclasses import dataclass

from tests import agreement, strays
from tests.house import REPLICA_3, House

from pyheketi.domain.entities import Brick, Device, Node, State
from pyheketi.domain.ids import DeviceId, NodeId
from pyheketi.executors.fake import FakeNode
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.limits import Limits
from pyheketi.planning.volume_create import VolumeCreate

VOLUME = "subject"
"""Name of the volume that things happen to."""
SPARE, NEW = "/dev/sdx", "/dev/sdy"
"""A device without bricks, ready to be deleted, and one to be added, both on the node of the fault."""
LIMITS = Limits(brick_max=2 * 1024 * 1024, block_hosting_creation=True, block_hosting_size_gib=4)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that a fault or an operation may want to lay hands on."""

    house: House
    volume: str
    """Id of the volume that things happen to, one set of three bricks."""
    brick: Brick
    """Its brick on the node of the fault."""
    device: Device
    """Where the brick is."""
    node: Node
    machine: FakeNode
    block: str
    """Id of a block volume; the volume that hosts it has a brick on the node of the fault, too."""
    spare: DeviceId
    stray: str
    """Id of a brick on the device that belongs to nobody."""

    @property
    def host(self) -> str:
        return self.node.manage_host

    @property
    def other(self) -> FakeNode:
        """A node that all is well with."""
        return next(each for each in self.house.nodes if each is not self.machine)

    def differences(self) -> tuple[set[str], set[str]]:
        return agreement.differences(self.house)


async def build() -> Stage:
    """Make four nodes in as many zones, all with a device, and one of everything on them."""
    house = House(limits=LIMITS, disk_gib=30)
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    wish = VolumeCreate(size_gib=1, name=VOLUME, durability=REPLICA_3)
    volume = await house.done(await house.plane.volumes.create(wish))
    block = await house.done(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=1)))
    brick, device, node = _shared(house, volume)
    spare = await _add_spare(house, node)
    place = strays.place_in(device.volume_group, node.manage_host)
    await strays.plant(house, place)
    return Stage(
        house=house,
        volume=volume,
        brick=brick,
        device=device,
        node=node,
        machine=house.nodes.node(node.manage_host),
        block=block,
        spare=spare,
        stray=place.brick,
    )


def _shared(house: House, volume: str) -> tuple[Brick, Device, Node]:
    """Return the brick of the volume that lies on a node with a brick of the hosting volume, the last such."""
    found = []
    for brick in house.topology.bricks():
        device = house.topology.device(brick.device)
        node = house.topology.node(device.node) if device else None
        if device and node and brick.volume == volume and house.topology.count_bricks(device.id) > 1:
            found.append((brick, device, node))
    return found[-1]


async def _add_spare(house: House, node: Node) -> DeviceId:
    await house.done(await house.plane.devices.add(DeviceAdd(node=NodeId(node.id), name=SPARE)))
    (spare,) = (device.id for device in house.topology.devices_of(node.id) if device.name == SPARE)
    for state in (State.OFFLINE, State.FAILED):
        await house.done(await house.plane.devices.set_state(spare, state))
    return spare
