"""What is done while something is wrong: every operation that touches nodes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from tests.faults.stage import NEW, Stage
from tests.house import REPLICA_3

from pyheketi.domain.entities import State
from pyheketi.domain.ids import NodeId
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.volume_create import VolumeCreate

Wish: TypeAlias = Callable[[Stage], Awaitable[str]]
"""Begins an operation and returns its id."""

NAME = "wanted"
"""Of the volume that is created."""


async def create(stage: Stage) -> str:
    return await stage.house.plane.volumes.create(VolumeCreate(size_gib=1, name=NAME, durability=REPLICA_3))


async def expand(stage: Stage) -> str:
    return await stage.house.plane.volumes.expand(stage.volume, 1)


async def delete(stage: Stage) -> str:
    return await stage.house.plane.volumes.delete(stage.volume)


async def clone(stage: Stage) -> str:
    return await stage.house.plane.volumes.clone(stage.volume, "copy")


async def evict(stage: Stage) -> str:
    """Move the brick away from where the fault is."""
    return await stage.house.plane.bricks.evict(stage.brick.id)


async def remove(stage: Stage) -> str:
    """Empty the device where the fault is."""
    await stage.house.done(await stage.house.plane.devices.set_state(stage.device.id, State.OFFLINE))
    return await stage.house.plane.devices.set_state(stage.device.id, State.FAILED)


async def block_create(stage: Stage) -> str:
    return await stage.house.plane.block_volumes.create(BlockVolumeCreate(size_gib=1))


async def block_delete(stage: Stage) -> str:
    return await stage.house.plane.block_volumes.delete(stage.block)


async def block_expand(stage: Stage) -> str:
    return await stage.house.plane.block_volumes.expand(stage.block, 2)


async def device_add(stage: Stage) -> str:
    return await stage.house.plane.devices.add(DeviceAdd(node=NodeId(stage.node.id), name=NEW))


async def device_delete(stage: Stage) -> str:
    return await stage.house.plane.devices.delete(stage.spare, force_forget=False)


async def resync(stage: Stage) -> str:
    return await stage.house.plane.devices.resync(stage.device.id)


async def orphans(stage: Stage) -> str:
    return await stage.house.plane.orphans.remove([stage.stray])


OPERATIONS: Mapping[str, Wish] = {
    wish.__name__: wish
    for wish in (
        create,
        expand,
        delete,
        clone,
        evict,
        remove,
        block_create,
        block_delete,
        block_expand,
        device_add,
        device_delete,
        resync,
        orphans,
    )
}
