"""A control plane on a database that is only read."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.house import REPLICA_3, House

from pyheketi.control_plane.control_plane import ControlPlane
from pyheketi.domain import errors
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store.memory import MemoryDatabase, MemoryStore
from pyheketi.store.readonly import ReadOnlyStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def read_only(house: House, database: MemoryDatabase) -> ControlPlane:
    """Stop the house's server and start one that only reads, on the same nodes."""
    await asyncio.sleep(0)
    await house.crash()
    database.kill_owner()
    house.store = ReadOnlyStore(MemoryStore(database))
    house.rules = replace(house.rules, read_only=True, cleaner_start=0)
    return await house.start()


async def test_what_is_unfinished_is_shown_and_left_alone() -> None:
    database = MemoryDatabase()
    house = House(store=MemoryStore(database))
    await house.start()
    await house.furnish()
    volume = await house.create()
    house.break_(Rule(matching("lvremove"), Fail(5, stderr="busy")))
    stuck = await house.plane.volumes.delete(volume)
    await house.job(stuck)
    house.break_()
    begun = await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))

    plane = await read_only(house, database)
    before, revision, topology = house.inventory(), database.revision, plane.topology
    await plane.settle()
    assert {each.id for each in plane.operations} == {stuck, begun}
    assert {each.state.value for each in plane.operations} == {"stuck"}
    job = await plane.job(begun)
    assert job is not None
    assert job.pending
    assert (house.inventory(), database.revision, plane.topology) == (before, revision, topology)

    ends: list[Callable[[], Awaitable[object]]] = [
        lambda: plane.volumes.delete(volume),
        lambda: plane.clean_up(()),
        lambda: plane.clusters.create(file=True, block=True),
        lambda: plane.devices.resync(next(topology.devices()).id),
    ]
    for change in ends:
        with pytest.raises(errors.ReadOnly):
            await change()
    await plane.settle()
    assert (house.inventory(), database.revision, plane.topology) == (before, revision, topology)
