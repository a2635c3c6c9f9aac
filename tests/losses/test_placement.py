"""Where Heketi 10 places wrongly, leaks space or poisons clusters (placement.md §18), and that ours does not.

The number of the item in the specification stands in the name of each test.
"""

from dataclasses import replace

import pytest
from tests import gates
from tests.house import REPLICA_3, House
from tests.losses import homes

from pyheketi.api import mapping
from pyheketi.domain import errors
from pyheketi.domain.durability import DurabilityRequest
from pyheketi.executors.fake import FakeNodes
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.planning.limits import Limits
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.orphans import Verdict
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("at", [0, 2], ids=["data", "arbiter"])
async def test_1_a_brick_of_an_arbiter_volume_moves_within_its_zone_when_zones_are_strict(at: int) -> None:
    house = await homes.furnished(zones=(1, 2, 3), devices=2, limits=Limits(zone_checking="strict"))
    made = await house.done(await house.plane.volumes.create(homes.ARBITER))
    old = homes.brick(house, made, at)
    await house.done(await house.plane.bricks.evict(old.id))
    new = homes.brick(house, made, at)
    assert new.id != old.id
    assert homes.home(house, new) == homes.home(house, old)
    homes.require_settled(house)


async def test_3_bricks_of_a_volume_on_one_device_give_their_space_back_each_for_itself() -> None:
    house = await homes.furnished(nodes=1, limits=homes.SMALL_BRICKS)
    made = await house.done(await house.plane.volumes.create(VolumeCreate(size_gib=4, durability=homes.NONE)))
    assert {homes.brick(house, made, at).device for at in range(4)} == {next(house.topology.devices()).id}
    gone, kept = homes.brick(house, made, 0), homes.brick(house, made, 1)
    house.break_(Rule(matching(f"lvremove .*{kept.thin_pool}"), Fail(5, stderr="in use")))
    await house.done(await house.plane.volumes.delete(made))
    device = next(house.topology.devices())
    assert (house.topology.used(device), device.foreign) == (kept.space, kept.space)
    assert gone.space == kept.space
    house.break_()
    (left,) = (await house.plane.orphans.search()).bricks
    assert (left.verdict, left.place.brick) == (Verdict.ORPHAN, kept.id)
    await house.done(await house.plane.orphans.remove([kept.id]))
    assert homes.used(house) == 0
    homes.require_settled(house)


async def test_4_a_volume_at_work_is_not_expanded() -> None:
    house = await homes.furnished(limits=homes.SMALL_BRICKS)
    made = await house.create()
    begun = [await house.plane.volumes.expand(made, 1)]
    with pytest.raises(errors.InUse):
        await house.plane.volumes.expand(made, 2)
    await house.done(begun[0])
    clone = await house.plane.volumes.clone(made, "copy")
    with pytest.raises(errors.InUse):
        await house.plane.volumes.expand(made, 1)
    await house.done(clone)
    deletion = await house.plane.volumes.delete(made)
    with pytest.raises(errors.InUse):
        await house.plane.volumes.expand(made, 1)
    await house.done(deletion)
    homes.require_settled(house)


async def test_5_clones_do_not_harm_what_is_beside_them() -> None:
    house = await homes.furnished(nodes=3, limits=homes.SMALL_BRICKS)
    source = await house.create(2)  # two bricks on each device: 5b, 5e
    gate = gates.close(house, "snapshot clone")
    cloning = await house.plane.volumes.clone(source, "copy")
    await gate.reached.wait()
    beside = await house.create()  # 5a: the cluster makes volumes meanwhile, 5c: and what they take is not undone
    with pytest.raises(errors.Conflict, match="'copy' already in use"):  # 5f
        await house.plane.volumes.clone(beside, "copy")
    gate.opened.set()
    clone = await house.done(cloning)
    assert len({homes.brick(house, clone, at).logical_volume[-2:] for at in range(6)}) == 2  # _0 and _1 on each node
    homes.require_settled(house)
    await house.done(await house.plane.volumes.expand(clone, 1))  # 5g
    homes.require_settled(house)
    for each in (source, clone, beside):
        await house.done(await house.plane.volumes.delete(each))
    assert homes.used(house) == 0
    homes.require_settled(house)


async def test_5_a_brick_of_a_clone_moves() -> None:
    house = await homes.furnished()
    clone = await house.done(await house.plane.volumes.clone(await house.create(), "copy"))
    await house.done(await house.plane.bricks.evict(homes.brick(house, clone).id))
    homes.require_settled(house)


async def test_5_a_look_at_a_device_counts_a_pool_that_clones_share_once() -> None:
    house = await homes.furnished(nodes=3)
    await house.done(await house.plane.volumes.clone(await house.create(), "copy"))
    before = homes.used(house)
    for device in list(house.topology.devices()):
        await house.done(await house.plane.devices.resync(device.id))
    assert [device.foreign for device in house.topology.devices()] == [0, 0, 0]
    assert homes.used(house) == before


@pytest.mark.parametrize("replica", [-1, 4])
def test_6_a_volume_of_no_bricks_cannot_be_asked_for(replica: int) -> None:
    with pytest.raises(ValueError, match="Invalid replica value"):
        DurabilityRequest(type="replicate", replica=replica).effective()


@pytest.mark.parametrize(
    "durability", [homes.DISPERSE, DurabilityRequest(type="replicate", replica=2)], ids=lambda each: each.type
)
async def test_7_an_arbiter_needs_replica_3(durability: DurabilityRequest) -> None:
    house = await homes.furnished()
    with pytest.raises(errors.RequestError, match="arbiter"):
        await house.plane.volumes.create(replace(homes.ARBITER, durability=durability))
    homes.require_settled(house)


@pytest.mark.parametrize("check_heal", [True, False])
async def test_8_the_only_copy_is_not_replaced_by_an_empty_brick(check_heal: bool) -> None:
    house = await homes.furnished()
    made = await house.create(1, homes.NONE)
    before = house.inventory()
    job = await house.job(await house.plane.bricks.evict(homes.brick(house, made).id, check_heal=check_heal))
    assert "keeps no copies" in job.error
    assert house.inventory() == before


async def test_9_what_a_dead_node_keeps_is_found_and_removed_when_it_is_back() -> None:
    house = await homes.furnished()
    made = await house.create()
    old = homes.brick(house, made)
    machine = house.nodes.node(homes.home(house, old).manage_host)
    machine.power_off()
    await house.done(await house.plane.bricks.evict(old.id))
    assert house.topology.brick(old.id) is None
    machine.power_on()
    found = {each.place.brick: each.verdict for each in (await house.plane.orphans.search()).bricks}
    assert found[old.id] is Verdict.ORPHAN
    await house.done(await house.plane.orphans.remove([old.id]))
    device = house.topology.device(old.device)
    assert device is not None
    assert (house.topology.used(device), device.foreign) == (0, 0)
    homes.require_settled(house)


async def test_10_as_much_space_comes_back_as_was_taken_whatever_extents_are_since() -> None:
    house = await homes.furnished(nodes=3)
    made = await house.create(3)
    taken = homes.used(house)
    for machine in house.nodes:
        for group in machine.groups.values():
            group.extent, group.extents = group.extent // 4, group.extents * 4
            group.allocated, group.spare = group.allocated * 4, group.spare * 4
    for device in list(house.topology.devices()):
        await house.done(await house.plane.devices.resync(device.id))
    assert (homes.used(house), {device.foreign for device in house.topology.devices()}) == (taken, {0})
    await house.done(await house.plane.volumes.delete(made))
    assert homes.used(house) == 0


async def test_11_lvm_finds_room_for_whatever_is_placed() -> None:
    house = House(disk_gib=60)
    house.nodes = FakeNodes(disk_gib=60, charge_spare=True, find_manage=house._manage_host)
    house.executor.inner.nodes = house.nodes  # type: ignore[attr-defined]  # as House made it
    await house.start()
    await house.furnish()
    sizes = [7, 5, 3, 2, 1]
    while sizes:
        try:
            await house.create(sizes[0])  # none fails on a node
        except errors.NoSpace:
            del sizes[0]
    assert all(house.topology.used(device) > 0.9 * device.total for device in house.topology.devices())


async def test_12_a_node_whose_name_begins_like_another_s_is_not_taken_for_it() -> None:
    house = await homes.furnished(nodes=3)
    cluster = next(house.topology.clusters()).id
    short = NodeAdd(cluster=cluster, zone=1, manage=("extra",), storage=("10.0.0.1",))
    with pytest.raises(errors.Conflict):
        await house.plane.nodes.add(short)
    long = replace(short, storage=("10.0.0.11",))  # begins like node1's
    node = await house.done(await house.plane.nodes.add(long))
    made = await house.create()
    await house.done(await house.plane.nodes.delete(node))
    told = mapping.volume_to_wire(house.topology, homes.volume(house, made)).mount.glusterfs
    assert sorted(told.hosts) == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]
    homes.require_settled(house)


async def test_13_what_is_wrong_with_one_cluster_is_nothing_to_another() -> None:
    house = await homes.furnished(nodes=3, limits=Limits(zone_checking="strict"))
    other = await house.plane.clusters.create(file=True, block=True)
    wish = NodeAdd(cluster=other.id, zone=9, manage=("elsewhere",), storage=("10.0.9.1",))
    await house.done(await house.plane.nodes.add(wish))
    house.nodes.node("elsewhere").power_off()
    await house.create()
    homes.require_settled(house)


async def test_15_nodes_are_used_evenly_when_zones_and_nodes_share_a_factor() -> None:
    house = await homes.furnished(zones=(1, 1, 2, 2), disk_gib=200)
    for _ in range(12):
        await house.create(10, DurabilityRequest(type="replicate", replica=2))
    shares = [house.topology.used(device) for device in house.topology.devices()]
    assert max(shares) <= 2 * min(shares)


async def test_19_a_device_that_failed_is_not_tried_again() -> None:
    house = await homes.furnished()
    tried: list[str] = []

    def fails(host: str, command: object) -> bool:
        if "lvcreate" in str(command):
            tried.append(host)
        return "lvcreate" in str(command) and host in ("node0", "node1")

    house.break_(Rule(fails, Fail(5, stderr="no luck")))
    job = await house.job(await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3)))
    assert "no luck" in job.error  # only two nodes are left then
    assert max(tried.count("node0"), tried.count("node1")) == 1
    house.break_()
    homes.require_settled(house)
