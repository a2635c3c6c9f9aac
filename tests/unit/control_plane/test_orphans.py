"""Bricks that the database does not know: whose they are, and their removal."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from tests.house import REPLICA_3, House
from tests.strays import ID, device_on, place_in, plant

from pyheketi.commands.command import Command, Program, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.domain.change import Remove
from pyheketi.engine.perform import Performer
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.operations import steps
from pyheketi.operations.steps import BrickPlace
from pyheketi.planning.orphans import Found, Verdict

pytestmark = pytest.mark.anyio

GIB = 1024 * 1024


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def free(house: House) -> int:
    return house.topology.free(device_on(house, "node0"))


async def run(house: House, host: str, program: Program, *args: str) -> None:
    (result,) = await house.executor.run(host, Script(commands=(Command(program, args),)))
    assert result.ok, result.output


async def furnished() -> tuple[House, BrickPlace]:
    """Return a house with a volume, and a brick on node0 that nobody knows."""
    house = House()
    await house.start()
    await house.furnish()
    await house.create(1, REPLICA_3)
    place = place_in(device_on(house, "node0").volume_group)
    await plant(house, place)
    return house, place


async def look(house: House) -> Found:
    """Return the one brick that is not as the database says."""
    (found,) = [each for each in (await house.plane.orphans.search()).bricks if each.verdict is not Verdict.KNOWN]
    return found


async def test_a_brick_that_nobody_knows_is_found_with_all_that_there_is_of_it() -> None:
    house, place = await furnished()
    search = await house.plane.orphans.search()
    assert sorted(each.verdict for each in search.bricks) == [Verdict.KNOWN] * 3 + [Verdict.ORPHAN]
    assert search.silent == {}
    found = await look(house)
    assert (found.place, found.size) == (place, GIB)
    assert (found.facts.mounts, found.facts.in_fstab, found.facts.has_volume, found.facts.has_pool) == (
        1,
        True,
        True,
        True,
    )
    assert [command.split()[0] for command in house.plane.orphans.preview(found)] == [
        "umount",
        "flock",
        "/usr/sbin/lvm",
        "/usr/sbin/lvm",
        "rmdir",
    ]


async def test_its_removal_leaves_everything_else_alone_and_gives_the_space_back() -> None:
    house = House()
    await house.start()
    await house.furnish()
    await house.create(1, REPLICA_3)
    before, topology, free_before = house.inventory(), house.topology, free(house)
    place = place_in(device_on(house, "node0").volume_group)
    await plant(house, place)
    await house.done(await house.plane.devices.resync(device_on(house, "node0").id))
    assert free(house) < free_before

    await house.done(await house.plane.orphans.remove([ID]))
    assert (house.inventory(), free(house)) == (before, free_before)
    assert list(house.topology.entities()) == list(topology.entities())
    assert house.plane.operations == []
    with pytest.raises(errors.RequestError, match="was found on no node"):
        await house.plane.orphans.remove([ID])


Mischief: TypeAlias = Callable[[House, BrickPlace], Awaitable[None]]


async def use_in_gluster(house: House, place: BrickPlace) -> None:
    name = f"{place.storage_host}:{place.path}"
    await run(house, "node0", Program.GLUSTER, "--mode=script", "volume", "create", "own", name)


async def mount_elsewhere(house: House, place: BrickPlace) -> None:
    await run(house, "node0", Program.MKDIR, "/mnt/rescue")
    device = f"/dev/mapper/{place.volume_group}-{place.logical_volume}"
    await run(house, "node0", Program.MOUNT, "-o", "rw,nouuid", device, "/mnt/rescue")


async def forget_the_device(house: House, place: BrickPlace) -> None:
    other = f"vg_{'9' * 32}"
    for command in (
        ("pvcreate", "-qq", "/dev/sdx"),
        ("vgcreate", "-qq", "--physicalextentsize=4M", "--autobackup=n", other, "/dev/sdx"),
    ):
        await run(house, "node0", Program.LVM, *command)
    await Performer(house.executor, NodeOptions()).do(steps.DestroyBrick(place=place), sure=True)
    await plant(house, place_in(other))


async def stop_glusterd(house: House, place: BrickPlace) -> None:
    house.nodes.node("node0").glusterd = False


async def wipe_glusterd(house: House, place: BrickPlace) -> None:
    house.nodes.node("node0").pool.volumes.clear()


async def hide_fstab(house: House, place: BrickPlace) -> None:
    house.break_(Rule(matching("cat /etc/fstab"), Fail(stderr="cat: /etc/fstab: Input/output error")))


async def fail_in_xml(house: House, place: BrickPlace) -> None:
    """Let gluster tell of an error and end with status 0, as it does."""
    told = "<cliOutput><opRet>-1</opRet><opErrno>30800</opErrno><opErrstr>Locking failed</opErrstr></cliOutput>"
    house.break_(Rule(matching("volume info"), Fail(status=0, stdout=told)))


@pytest.mark.parametrize(
    ("mischief", "verdict", "why"),
    [
        (use_in_gluster, Verdict.GLUSTER, "gluster's volume own uses it"),
        (mount_elsewhere, Verdict.USED, "mounted at /mnt/rescue"),
        (forget_the_device, Verdict.FOREIGN, "no device of the node has volume group"),
        (stop_glusterd, Verdict.UNKNOWN, "could not be asked"),
        (wipe_glusterd, Verdict.UNKNOWN, "does not know volume vol_"),
        (hide_fstab, Verdict.UNKNOWN, "could not be read"),
        (fail_in_xml, Verdict.UNKNOWN, "could not be asked"),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
async def test_what_may_be_somebodys_is_left_alone(mischief: Mischief, verdict: Verdict, why: str) -> None:
    house, place = await furnished()
    await mischief(house, place)
    before = house.inventory()
    found = await look(house)
    assert found.verdict is verdict
    assert why in found.why
    with pytest.raises(errors.Conflict, match="is left alone"):
        await house.plane.orphans.remove([ID])
    assert house.inventory() == before


async def test_a_brick_that_is_being_made_is_pending() -> None:
    house = House()
    await house.start()
    await house.furnish()
    id_ = await house.create(1, REPLICA_3)
    volume = house.topology.volume(id_)
    assert volume is not None
    await house.plane.volumes.delete(id_)
    verdicts = {each.verdict for each in (await house.plane.orphans.search()).bricks}
    assert verdicts <= {Verdict.PENDING}
    await house.plane.settle()


async def test_a_brick_whose_volume_the_database_lost_is_glusters() -> None:
    house, _ = await furnished()
    volume = next(iter(house.topology.volumes()))
    bricks = house.topology.bricks_of(volume.id)
    await house.plane.work.commit([*map(Remove, bricks), Remove(volume)])
    found = [each for each in (await house.plane.orphans.search()).bricks if each.verdict is Verdict.GLUSTER]
    assert {each.place.brick for each in found} == {brick.id for brick in bricks}


async def test_a_pool_and_a_line_of_fstab_alone_are_orphans_too() -> None:
    house, place = await furnished()
    before_pool = f"{place.volume_group}/{place.logical_volume}"
    await run(house, "node0", Program.UMOUNT, place.mount_point)
    await run(house, "node0", Program.LVM, "lvremove", "--autobackup=n", "-f", before_pool)
    found = await look(house)
    assert (found.facts.has_volume, found.facts.has_pool, found.facts.in_fstab) == (False, True, True)
    await house.done(await house.plane.orphans.remove([before_pool]))
    assert place.brick not in str(house.inventory())


async def test_a_pool_that_others_lie_in_stays() -> None:
    house, _ = await furnished()
    source = next(iter(house.topology.volumes()))
    clone = await house.done(await house.plane.volumes.clone(source.id, ""))
    await house.done(await house.plane.volumes.delete(source.id))
    search = await house.plane.orphans.search()
    assert [each.place.brick for each in search.bricks if each.verdict is Verdict.ORPHAN] == [ID]
    await house.done(await house.plane.orphans.remove([ID]))
    await house.done(await house.plane.volumes.delete(clone))


async def test_nodes_that_do_not_answer_are_named_and_others_still_told_of() -> None:
    house, _ = await furnished()
    house.nodes.node("node1").power_off()
    search = await house.plane.orphans.search()
    (silent,) = search.silent
    assert house.topology.node(silent).manage_host == "node1"  # type: ignore[union-attr]
    await house.done(await house.plane.orphans.remove([ID]))


async def test_gluster_is_asked_again_right_before_the_removal() -> None:
    house, place = await furnished()
    bricks = f"<bricks><brick><name>h:{place.path}</name></brick></bricks>"
    names = ("own", *(volume.name for volume in house.topology.volumes()))
    volumes = "".join(f"<volume><name>{name}</name><status>1</status>{bricks}</volume>" for name in names)
    told = f"<cliOutput><opRet>0</opRet><volInfo><volumes>{volumes}</volumes></volInfo></cliOutput>"
    house.break_(Rule(matching("volume info", host="node0"), Fail(status=0, stdout=told), skip=1))
    before = house.inventory()
    job = await house.job(await house.plane.orphans.remove([ID]))
    assert "is used by gluster's volume own" in job.error
    assert house.inventory() == before
    assert all(device.pending is None for device in house.topology.devices())


async def test_a_removal_that_fails_lets_the_device_go_and_can_be_tried_again() -> None:
    house, _ = await furnished()
    house.break_(Rule(matching("lvremove"), Fail(stderr="  Logical volume in use."), times=1))
    job = await house.job(await house.plane.orphans.remove([ID]))
    assert "Logical volume in use." in job.error
    assert all(device.pending is None for device in house.topology.devices())
    await house.done(await house.plane.orphans.remove([ID]))
    assert ID not in str(house.inventory())


async def test_a_device_that_something_is_done_to_is_left_alone() -> None:
    house, _ = await furnished()
    first = await house.plane.orphans.remove([ID])
    with pytest.raises(errors.InUse):
        await house.plane.orphans.remove([ID])
    await house.done(first)
