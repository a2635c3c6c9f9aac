"""Bricks on simulated nodes that the database does not know."""

from tests.house import House

from pyheketi.commands.options import NodeOptions
from pyheketi.domain.entities import Device
from pyheketi.engine.perform import Performer
from pyheketi.operations import steps
from pyheketi.operations.steps import BrickPlace

ID = "0123456789abcdef0123456789abcdef"
_GIB = 1024 * 1024


def device_on(house: House, host: str) -> Device:
    node = next(node for node in house.topology.nodes() if node.manage_host == host)
    return house.topology.devices_of(node.id)[0]


def place_in(group: str, host: str = "node0", id_: str = ID) -> BrickPlace:
    mount = f"/var/lib/heketi/mounts/{group}/brick_{id_}"
    return BrickPlace(
        brick=id_,
        host=host,
        storage_host=f"10.0.0.{host[-1]}",
        volume_group=group,
        thin_pool=f"tp_{id_}",
        logical_volume=f"brick_{id_}",
        mount_point=mount,
        path=f"{mount}/brick",
    )


async def plant(house: House, place: BrickPlace) -> None:
    """Make a brick that is not in the database."""
    performer = Performer(house.executor, NodeOptions())
    await performer.do(steps.CreateBrick(place=place, size=_GIB, pool_size=_GIB, metadata_size=8192), sure=True)
