"""Block volumes and the volumes that host them, on simulated nodes."""

import re

import pytest
from tests.house import REPLICA_3, House

from pyheketi.domain import errors
from pyheketi.domain.durability import DurabilityRequest, Replicate
from pyheketi.domain.entities import BlockVolume, Volume
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.migrate import checking, exporting
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.limits import Limits
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio

LIMITS = Limits(block_hosting_creation=True, block_hosting_size_gib=50)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def furnished(limits: Limits = LIMITS, nodes: int = 4) -> House:
    house = House(limits=limits)
    await house.start()
    await house.furnish(zones=range(1, nodes + 1))
    return house


async def created(house: House, size_gib: int = 3, **more: object) -> BlockVolume:
    wish = BlockVolumeCreate(size_gib=size_gib, **more)  # type: ignore[arg-type]  # by name
    return block(house, await house.done(await house.plane.block_volumes.create(wish)))


def block(house: House, id_: str) -> BlockVolume:
    found = house.topology.block_volume(id_)
    assert found is not None
    return found


def host_of(house: House, made: BlockVolume) -> Volume:
    found = house.topology.volume(made.hosting)
    assert found is not None
    return found


def free(house: House, made: BlockVolume) -> int:
    return house.topology.block_free_gib(host_of(house, made))


async def hosting(house: House, size_gib: int) -> Volume:
    wish = VolumeCreate(size_gib=size_gib, durability=REPLICA_3, block=True)
    made = await house.done(await house.plane.volumes.create(wish))
    found = house.topology.volume(made)
    assert found is not None
    return found


async def test_a_volume_is_made_to_host_it() -> None:
    house = await furnished()
    made = await created(house, 3, auth=True)
    host = host_of(house, made)
    assert (host.size_gib, host.durability, host.reserved_gib, host.pending) == (50, Replicate(3), 1, None)
    assert "group gluster-block" in host.options
    assert free(house, made) == 46
    assert made.name == f"blockvol_{made.id}"
    assert re.fullmatch(r"iqn\.2016-12\.org\.gluster-block:[0-9a-f-]{36}", made.iqn)
    assert (len(made.hosts), made.ha_count, made.usable_gib, made.lun) == (4, 4, 3, 0)
    assert made.username
    assert made.password
    assert made.password not in repr(made)


async def test_the_next_one_goes_where_there_is_room() -> None:
    house = await furnished()
    first = await created(house, 40)
    second = await created(house, 5)
    third = await created(house, 5)
    assert second.hosting == first.hosting
    assert third.hosting != first.hosting
    assert free(house, first) == 49 - 45


async def test_names_are_unique_on_a_hosting_volume() -> None:
    house = await furnished()
    first, second = await created(house, name="disk"), await created(house, name="disk")
    assert first.hosting != second.hosting


@pytest.mark.parametrize(("wanted", "hosts"), [(0, 4), (1, 1), (3, 3), (4, 4), (9, 4)])
async def test_as_many_hosts_as_wanted_and_there_are(wanted: int, hosts: int) -> None:
    house = await furnished()
    made = await created(house, ha_count=wanted)
    assert (len(set(made.hosts)), made.ha_count) == (hosts, hosts)


async def test_hosts_are_chosen_among_those_that_run() -> None:
    house = await furnished()
    await created(house)
    house.nodes.node("node1").glusterd = False
    for _ in range(5):
        assert "10.0.0.1" not in (await created(house, ha_count=3)).hosts
    house.nodes.node("node2").glusterd = False
    job = await house.job(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=1, ha_count=3)))
    assert job.error.startswith("insufficient block hosts online\nglusterd is not running on node node")


@pytest.mark.parametrize(
    ("limits", "size", "said"),
    [
        (Limits(), 5, "Block Hosting Volume Creation is disabled. Create a Block hosting volume and try again."),
        (LIMITS, 50, "automatic creation of block hosting volumes (50) is too small to host the requested"),
    ],
)
async def test_no_volume_is_made_to_host_it(limits: Limits, size: int, said: str) -> None:
    house = await furnished(limits)
    host = await hosting(house, 4)
    with pytest.raises(errors.Conflict) as refused:
        await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=size))
    assert said in str(refused.value)
    assert f"Block hosting volume {host.id}: 3 GiB free" in str(refused.value)


async def test_one_hosting_volume_at_a_time() -> None:
    house = await furnished()
    first = await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=1))
    with pytest.raises(errors.TooManyOperations):
        await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=1))
    await house.done(first)
    await created(house)


async def test_a_locked_volume_takes_no_more() -> None:
    house = await furnished()
    first = await created(house)
    await house.done(await house.plane.volumes.restrict(first.hosting, "locked"))
    assert (await created(house)).hosting != first.hosting
    await house.done(await house.plane.volumes.restrict(first.hosting, ""))
    assert host_of(house, first).restriction == ""


async def test_only_hosting_volumes_can_be_locked() -> None:
    house = await furnished()
    with pytest.raises(errors.Conflict, match="only be set on block hosting volumes"):
        await house.plane.volumes.restrict(await house.create(), "locked")


async def test_a_block_volume_grows_and_goes() -> None:
    house = await furnished()
    empty = house.inventory()
    made = await created(house, 3)
    await house.done(await house.plane.block_volumes.expand(made.id, 10))
    grown = block(house, made.id)
    assert (grown.size_gib, grown.usable_gib, grown.claimed_gib, free(house, made)) == (10, 10, 0, 39)
    for size, why in ((10, "nothing to be done"), (9, "shrinking is not allowed"), (50, "No space")):
        with pytest.raises(errors.Error, match=why):
            await house.plane.block_volumes.expand(made.id, size)
    with pytest.raises(errors.Protected, match="containing block volumes"):
        await house.plane.volumes.delete(made.hosting)
    await house.done(await house.plane.block_volumes.delete(made.id))
    assert house.topology.block_volume(made.id) is None
    assert free(house, made) == 49
    await house.done(await house.plane.volumes.delete(made.hosting))
    assert house.inventory() == empty


async def test_a_hosting_volume_grows_with_its_reserve() -> None:
    house = await furnished()
    made = await created(house)
    await house.done(await house.plane.volumes.expand(made.hosting, 100))
    host = host_of(house, made)
    assert (host.size_gib, host.reserved_gib, free(house, made)) == (150, 3, 144)


async def test_what_was_made_for_a_block_volume_that_fails_goes_again() -> None:
    house = await furnished()
    empty, topology = house.inventory(), house.topology
    house.break_(Rule(matching("gluster-block create"), Fail(stderr="no such target")))
    job = await house.job(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3)))
    assert "no such target" in job.error
    assert house.inventory() == empty
    assert house.topology == topology


async def test_space_of_an_expansion_that_fails_comes_back() -> None:
    house = await furnished()
    made = await created(house, 3)
    house.break_(Rule(matching("gluster-block modify"), Fail(stderr="target is busy")))
    job = await house.job(await house.plane.block_volumes.expand(made.id, 10))
    assert "target is busy" in job.error
    assert (block(house, made.id), free(house, made)) == (made, 46)


async def test_space_that_an_unfinished_expansion_has_claimed_is_no_contradiction() -> None:
    house = await furnished()
    made = await created(house, 3)
    house.break_(Rule(matching("gluster-block modify"), Fail()), Rule(matching("gluster-block info"), Fail()))
    await house.job(await house.plane.block_volumes.expand(made.id, 10))
    loaded = await house.store.load()
    assert (block(house, made.id).claimed_gib, len(loaded.unfinished)) == (7, 1)
    document = exporting.exported(house.topology, loaded.unfinished, "g", at_rest=True)
    assert checking.findings(document) == ()


async def test_a_block_volume_that_only_gluster_knows_stays() -> None:
    house = await furnished()
    made = await created(house, name="one")
    pool = house.nodes.node("node0").pool
    host = host_of(house, made).name
    pool.blocks[host, "two"] = pool.blocks[host, "one"]
    job = await house.job(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3, name="two")))
    assert "already EXIST" in job.error
    assert (host, "two") in pool.blocks


async def test_file_clusters_take_none() -> None:
    house = await furnished()
    cluster = next(house.topology.clusters())
    await house.plane.clusters.set_flags(cluster.id, file=True, block=False)
    with pytest.raises(errors.Conflict, match="does not support requested volume type"):
        await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3))
    wish = VolumeCreate(size_gib=3, durability=DurabilityRequest(type="none"), block=True)
    with pytest.raises(errors.Conflict, match="does not support requested volume type"):
        await house.plane.volumes.create(wish)
