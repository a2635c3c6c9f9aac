"""Houses to lose something in, and what the tests look at in them."""

from collections.abc import Iterable

from tests import agreement
from tests.house import REPLICA_3, House

from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.entities import Brick, Node, State, Volume
from pyheketi.planning.limits import Limits
from pyheketi.planning.volume_create import VolumeCreate

SMALL_BRICKS = Limits(brick_max=1024 * 1024)
OFFLINE, FAILED = State.OFFLINE, State.FAILED
HOSTING = Limits(block_hosting_creation=True, block_hosting_size_gib=20)
WISH = VolumeCreate(size_gib=1, durability=REPLICA_3)
DISPERSE = DurabilityRequest(type="disperse", data=2, redundancy=1)
NONE = DurabilityRequest(type="none")
ARBITER = VolumeCreate(size_gib=19, durability=REPLICA_3, options=("user.heketi.arbiter true",))


async def furnished(
    nodes: int = 4, limits: Limits | None = None, zones: Iterable[int] = (), devices: int = 1, disk_gib: int = 500
) -> House:
    """Return a house with a node in each of as many zones, unless told which ones."""
    house = House(limits=limits or Limits(), disk_gib=disk_gib)
    await house.start()
    await house.furnish(zones=tuple(zones) or range(1, nodes + 1), devices=devices)
    return house


def volume(house: House, id_: str) -> Volume:
    found = house.topology.volume(id_)
    assert found is not None
    return found


def brick(house: House, of: str, at: int = 0) -> Brick:
    found = house.topology.brick(volume(house, of).bricks[at])
    assert found is not None
    return found


def home(house: House, of: Brick) -> Node:
    device = house.topology.device(of.device)
    assert device is not None
    node = house.topology.node(device.node)
    assert node is not None
    return node


def used(house: House) -> int:
    """Return KiB of all devices that bricks take."""
    return sum(map(house.topology.used, house.topology.devices()))


def require_settled(house: House) -> None:
    """Nothing is at work, and nodes and database agree."""
    assert house.plane.operations == []
    assert agreement.pending(house) == []
    assert agreement.differences(house) == (set(), set())
