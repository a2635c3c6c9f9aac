"""Volumes cloned, on simulated nodes."""

from collections.abc import Callable

import pytest
from tests.house import REPLICA_3, House

from pyheketi.domain import errors
from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.entities import Volume
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def furnished() -> House:
    house = House()
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    return house


async def cloned(house: House, source: str, name: str = "") -> str:
    return await house.done(await house.plane.volumes.clone(source, name))


def volume(house: House, id_: str) -> Volume:
    found = house.topology.volume(id_)
    assert found is not None
    return found


def used(house: House) -> int:
    return sum(map(house.topology.used, house.topology.devices()))


async def test_a_resync_counts_a_shared_pool_once() -> None:
    house = await furnished()
    await cloned(house, await house.create())
    before = used(house)
    for device in list(house.topology.devices()):
        await house.done(await house.plane.devices.resync(device.id))
    assert used(house) == before
    assert [device.foreign for device in house.topology.devices()] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "durability",
    [
        REPLICA_3,
        DurabilityRequest(type="disperse", data=2, redundancy=1),
        DurabilityRequest(type="none"),
    ],
    ids=lambda each: each.type,
)
async def test_a_clone_is_like_its_source_and_takes_no_space(durability: DurabilityRequest) -> None:
    house = await furnished()
    wish = VolumeCreate(size_gib=3, name="source", durability=durability, gid=2000, options=("user.x y",))
    source = await house.done(await house.plane.volumes.create(wish))
    await house.done(await house.plane.volumes.expand(source, 2))
    before = used(house)

    clone = volume(house, await cloned(house, source, "copy"))

    of = volume(house, source)
    assert (clone.name, clone.pending, of.pending) == ("copy", None, None)
    assert (clone.size_gib, clone.durability, clone.gid, clone.options) == (5, of.durability, 2000, of.options)
    assert [len(each) for each in clone.brick_sets] == [len(each) for each in of.brick_sets]
    assert used(house) == before
    pool = house.nodes.node("node0").pool
    assert pool.volumes["copy"].started
    assert pool.volumes["copy"].options["user.heketi.id"] == clone.id
    assert pool.snapshots == {}
    names = []
    for brick in map(house.topology.brick, clone.bricks):
        assert brick is not None
        device = house.topology.device(brick.device)
        assert device is not None
        node = house.topology.node(device.node)
        assert node is not None
        assert f"{node.storage_host}:{brick.path}" in pool.volumes["copy"].bricks
        assert brick.logical_volume in house.nodes.node(node.manage_host).groups[device.volume_group].volumes
        names.append((device.id, brick.logical_volume))
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("first", ["source", "clone"])
async def test_space_comes_back_with_the_last_of_those_that_share_it(first: str) -> None:
    house = await furnished()
    empty, nothing = used(house), house.inventory()
    source = await house.create(2)
    alone = used(house)
    clone = await cloned(house, source)
    order = [source, clone] if first == "source" else [clone, source]
    await house.done(await house.plane.volumes.delete(order[0]))
    assert used(house) == alone
    await house.done(await house.plane.volumes.delete(order[1]))
    assert used(house) == empty
    assert house.inventory() == nothing


async def test_a_clone_can_be_cloned_grown_and_moved() -> None:
    house = await furnished()
    clone = await cloned(house, await cloned(house, await house.create(1)))
    await house.done(await house.plane.volumes.expand(clone, 1))
    brick = volume(house, clone).bricks[0]
    await house.done(await house.plane.bricks.evict(brick))
    assert brick not in volume(house, clone).bricks
    for each in list(house.topology.volumes()):
        await house.done(await house.plane.volumes.delete(each.id))
    assert used(house) == 0
    assert house.inventory().logical_volumes == ()


async def test_a_name_that_is_taken_is_refused() -> None:
    house = await furnished()
    source = await house.create(1)
    with pytest.raises(errors.Conflict, match="already in use"):
        await house.plane.volumes.clone(source, f"vol_{source}")


async def test_a_volume_of_that_name_that_only_gluster_knows_stays() -> None:
    house = await furnished()
    source = await house.create(1)
    pool = house.nodes.node("node0").pool
    pool.volumes["mine"] = pool.volumes.pop(f"vol_{await house.create(1)}")
    pool.volumes["mine"].name = "mine"
    job = await house.job(await house.plane.volumes.clone(source, "mine"))
    assert "has a volume mine already" in job.error
    assert "mine" in pool.volumes
    assert volume(house, source).pending is None


@pytest.mark.parametrize("command", ["snapshot create", "snapshot activate", "snapshot clone", "volume set", "lvs"])
async def test_a_clone_that_fails_leaves_nothing(command: str) -> None:
    house = await furnished()
    source = await house.create(1)
    before, topology = house.inventory(), house.topology
    house.break_(Rule(matching(command), Fail(stderr="no"), times=1))
    job = await house.job(await house.plane.volumes.clone(source, "copy"))
    assert "no" in job.error
    assert house.inventory() == before
    assert house.topology == topology


async def test_the_source_is_locked_but_seen_meanwhile() -> None:
    house = await furnished()
    source = await house.create(1)
    operation = await house.plane.volumes.clone(source, "copy")
    busy = volume(house, source).pending
    assert busy is not None
    assert not busy.hidden
    refused: list[Callable[[], object]] = [
        lambda: house.plane.volumes.delete(source),
        lambda: house.plane.volumes.expand(source, 1),
        lambda: house.plane.volumes.clone(source, "other"),
    ]
    for call in refused:
        with pytest.raises(errors.InUse):
            await call()  # type: ignore[misc]  # coroutines all
    await house.done(operation)
