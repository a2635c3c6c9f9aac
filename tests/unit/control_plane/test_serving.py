"""Bricks that do not serve: after a reboot that went wrong, or because of what somebody did on a node."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from tests import leaping
from tests.house import House

from pyheketi.control_plane.health import HealthSchedule
from pyheketi.control_plane.rules import Rules
from pyheketi.control_plane.serving import Survey
from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Brick, Node, Pending
from pyheketi.domain.ids import OperationId
from pyheketi.executors.fake.state import FakeNode
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.operations.operation import Kind
from pyheketi.planning.brick_service import Fault

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Scene:
    """A volume with a brick on each of three nodes, and what happens to the one on node0."""

    def __init__(self, house: House, brick: Brick, machine: FakeNode) -> None:
        self.house, self.brick, self.machine = house, brick, machine

    @property
    def node(self) -> Node:
        return next(each for each in self.house.topology.nodes() if each.manage_host == "node0")

    @property
    def faults(self) -> Callable[[Survey], frozenset[Fault]]:
        def of(survey: Survey) -> frozenset[Fault]:
            (trouble,) = survey.troubles
            assert trouble.place.brick == self.brick.id
            return trouble.faults

        return of

    async def survey(self) -> Survey:
        return await self.house.plane.serving.survey()

    async def look(self) -> frozenset[str]:
        """Let the server look at the node, and return the bricks of it that are not mounted."""
        health = self.house.plane.health
        await health.look_at(["node0"])
        if not health.avoid.nodes:
            await health.mounts.look([self.node])
        return health.mounts.missing.get(self.node.id, frozenset())

    def reboot(self) -> None:
        self.machine.power_off()
        self.machine.power_on()


async def staged(rules: Rules | None = None) -> Scene:
    house = House(rules=rules) if rules else House()
    await house.start()
    await house.furnish()
    await house.create()
    node = next(each for each in house.topology.nodes() if each.manage_host == "node0")
    (device,) = house.topology.devices_of(node.id)
    (brick,) = house.topology.bricks_on(device.id)
    return Scene(house, brick, house.nodes.node("node0"))


async def reboot_without_mount(scene: Scene) -> None:
    """The disk comes later than the boot: nothing is mounted, gluster finds nothing to serve."""
    disk = scene.machine.disk("/dev/sdb")
    assert disk
    scene.machine.power_off()
    scene.machine.pull_disk("/dev/sdb")
    scene.machine.power_on()
    scene.machine.push_disk("/dev/sdb")


async def strike_from_fstab(scene: Scene) -> None:
    lines = scene.machine.files["/etc/fstab"]
    lines[:] = [line for line in lines if scene.brick.id not in line]


async def strike_and_reboot(scene: Scene) -> None:
    await strike_from_fstab(scene)
    scene.reboot()


async def kill(scene: Scene) -> None:
    for volume in scene.machine.pool.volumes.values():
        volume.dead.add(f"10.0.0.0:{scene.brick.path}")


Deed: TypeAlias = Callable[[Scene], Awaitable[None]]


async def test_a_reboot_needs_no_hands() -> None:
    scene = await staged()
    scene.reboot()
    survey = await scene.survey()
    assert (survey.troubles, survey.looked_at, survey.silent) == ((), 3, {})
    assert await scene.look() == frozenset()


@pytest.mark.parametrize(
    ("deed", "faults"),
    [
        (reboot_without_mount, {Fault.UNMOUNTED, Fault.DEAD}),
        (strike_from_fstab, {Fault.UNLISTED}),
        (strike_and_reboot, {Fault.UNMOUNTED, Fault.UNLISTED, Fault.DEAD}),
        (kill, {Fault.DEAD}),
    ],
)
async def test_what_does_not_serve_is_found_and_mended(deed: Deed, faults: set[Fault]) -> None:
    scene = await staged()
    before = scene.house.inventory()
    await deed(scene)
    assert scene.faults(await scene.survey()) == faults
    await scene.house.done(await scene.house.plane.serving.mend([scene.brick.id]))
    assert (await scene.survey()).troubles == ()
    assert scene.house.inventory() == before
    assert all(volume.pending is None for volume in scene.house.topology.volumes())
    scene.reboot()
    assert (await scene.survey()).troubles == ()


async def test_the_server_tells_once_of_a_brick_that_is_not_mounted_and_that_it_is_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "pyheketi")
    scene = await staged()
    assert await scene.look() == frozenset()
    await reboot_without_mount(scene)
    for _ in range(2):
        assert await scene.look() == {scene.brick.id}
    told = [each.message for each in caplog.records if "not mounted" in each.message]
    assert len(told) == 1
    assert told[0].endswith(f"is not mounted on node0: heketi-cli server state bricks --mend {scene.brick.id}")
    await scene.house.done(await scene.house.plane.serving.mend([scene.brick.id]))
    assert await scene.look() == frozenset()
    assert f"All bricks of node {scene.node.id} (node0) are mounted again" in caplog.messages


def test_the_server_looks_by_itself_regularly_and_when_a_node_comes_back() -> None:
    async def story() -> None:
        scene = await staged(Rules(health=HealthSchedule(start=10, every=120, retry=15), job_patience=0))
        missing = scene.house.plane.health.mounts.missing
        await asyncio.sleep(20)
        assert missing == {}
        scene.machine.files["/etc/fstab"].clear()
        scene.reboot()
        await asyncio.sleep(130)
        assert missing == {scene.node.id: {scene.brick.id}}
        scene.machine.power_off()
        await asyncio.sleep(130)
        assert missing == {}
        scene.machine.power_on()
        await asyncio.sleep(20)
        assert missing == {scene.node.id: {scene.brick.id}}
        await scene.house.mend()
        await asyncio.sleep(130)
        assert missing == {}

    leaping.run(story())


async def test_nothing_is_said_of_nodes_that_are_down() -> None:
    scene = await staged()
    await reboot_without_mount(scene)
    await scene.look()
    scene.machine.power_off()
    assert await scene.look() == frozenset()
    survey = await scene.survey()
    assert list(survey.silent) == [scene.node.id]
    assert survey.looked_at == 2


async def test_gluster_that_cannot_tell_is_told_of() -> None:
    scene = await staged()
    scene.house.break_(Rule(matching("volume status"), Fail(1, "Error : Request timed out")))
    survey = await scene.survey()
    assert len(survey.silent) == 3
    assert all("cannot tell which bricks run: " in why and "timed out" in why for why in survey.silent.values())


async def test_a_lost_brick_is_not_made_anew() -> None:
    scene = await staged()
    device = scene.house.topology.device(scene.brick.device)
    assert device
    group = scene.machine.groups[device.volume_group]
    scene.machine.power_off()
    volume = group.volumes[scene.brick.logical_volume]
    group.drop(volume)
    del scene.machine.devices[volume.device]
    scene.machine.power_on()
    before = scene.house.inventory()
    assert scene.faults(await scene.survey()) == {Fault.LOST, Fault.UNMOUNTED, Fault.DEAD}
    with pytest.raises(errors.Conflict, match=f"heketi-cli brick evict {scene.brick.id}"):
        await scene.house.plane.serving.mend([scene.brick.id])
    assert scene.house.inventory() == before


async def test_a_stopped_volume_stays_stopped() -> None:
    scene = await staged()
    for volume in scene.machine.pool.volumes.values():
        volume.status = "Stopped"
    await strike_and_reboot(scene)
    assert scene.faults(await scene.survey()) == {Fault.UNMOUNTED, Fault.UNLISTED}
    await scene.house.done(await scene.house.plane.serving.mend([scene.brick.id]))
    assert {volume.status for volume in scene.machine.pool.volumes.values()} == {"Stopped"}
    assert (await scene.survey()).troubles == ()


async def test_a_mount_that_fails_again_is_told_with_its_reason() -> None:
    scene = await staged()
    await reboot_without_mount(scene)
    scene.house.break_(Rule(matching("mount -o", "node0"), Fail(32, "mount: can't read superblock on /dev/dm-3.")))
    job = await scene.house.job(await scene.house.plane.serving.mend([scene.brick.id]))
    assert "can't read superblock" in job.error
    assert all(volume.pending is None for volume in scene.house.topology.volumes())
    scene.house.break_()
    await scene.house.done(await scene.house.plane.serving.mend([scene.brick.id]))


async def test_what_serves_well_or_is_unknown_is_not_mended() -> None:
    scene = await staged()
    for name in (scene.brick.id, "0" * 32):
        with pytest.raises(errors.RequestError, match=f"Brick {name} is not among those that need mending"):
            await scene.house.plane.serving.mend([name])


async def test_the_bricks_of_a_volume_at_work_are_left_alone() -> None:
    scene = await staged()
    await reboot_without_mount(scene)
    scene.house.break_(Rule(matching("umount", "node1"), Fail(32, "umount: target is busy")))
    await scene.house.job(await scene.house.plane.volumes.delete(scene.brick.volume))
    assert scene.house.plane.work.stuck
    assert (await scene.survey()).troubles == ()
    assert await scene.look() == frozenset()


async def test_a_volume_cannot_be_deleted_while_its_bricks_are_mended() -> None:
    scene = await staged()
    await reboot_without_mount(scene)
    operation = await scene.house.plane.serving.mend([scene.brick.id])
    volume = scene.house.plane.tip.volume(scene.brick.volume)
    assert volume
    assert volume.pending == Pending(OperationId(operation), hidden=False)
    with pytest.raises(errors.InUse, match=operation):
        await scene.house.plane.volumes.delete(volume.id)
    await scene.house.done(operation)
    (ended, *_) = [each for each in await scene.house.plane.history(limit=9) if each.kind is Kind.MEND_BRICKS]
    assert ended.id == operation


async def test_the_bricks_of_a_clone_are_mounted_as_gluster_does() -> None:
    scene = await staged()
    clone = await scene.house.done(await scene.house.plane.volumes.clone(scene.brick.volume, "copy"))
    (brick,) = [
        each
        for device in scene.house.topology.devices_of(scene.node.id)
        for each in scene.house.topology.bricks_on(device.id)
        if each.volume == clone
    ]
    scene.machine.power_off()
    scene.machine.clone_bricks, kept = {}, scene.machine.clone_bricks
    scene.machine.power_on()
    scene.machine.clone_bricks = kept
    (trouble,) = (await scene.survey()).troubles
    assert trouble.place.brick == brick.id
    assert trouble.faults == {Fault.UNMOUNTED, Fault.DEAD}
    fstab = [*scene.machine.files["/etc/fstab"]]
    await scene.house.done(await scene.house.plane.serving.mend([brick.id]))
    assert (await scene.survey()).troubles == ()
    assert scene.machine.files["/etc/fstab"] == fstab


async def test_a_clone_that_older_gluster_made_is_mounted_under_the_other_name() -> None:
    """Its path begins with /var/run, a link to /run: that is how the kernel tells of the mount."""
    scene = await staged()
    clone = await scene.house.done(await scene.house.plane.volumes.clone(scene.brick.volume, "copy"))
    bricks = [brick for brick in scene.house.topology.bricks() if brick.volume == clone]
    await scene.house.plane.work.commit([Put(replace(brick, given_path=f"/var{brick.path}")) for brick in bricks])
    assert (await scene.survey()).troubles == ()
    assert await scene.look() == frozenset()


async def test_nothing_to_mend_is_done_at_once() -> None:
    scene = await staged()
    id_ = await scene.house.plane.serving.mend([])
    assert scene.house.plane.operations == []
    await scene.house.done(id_)


async def test_several_at_once() -> None:
    scene = await staged()
    await scene.house.create()
    await scene.house.create(2)
    await reboot_without_mount(scene)
    wanted = [each.place.brick for each in (await scene.survey()).troubles]
    assert len(wanted) == 3
    await scene.house.done(await scene.house.plane.serving.mend([*wanted, *wanted]))
    assert (await scene.survey()).troubles == ()
