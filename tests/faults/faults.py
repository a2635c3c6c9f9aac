"""What goes wrong on a node, or behind the server's back, and what a person does about it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tests.faults.operations import NAME
from tests.faults.stage import NEW, SPARE, VOLUME, Stage
from tests.unit.executors.simulation import command

from pyheketi.commands.command import Result, Script
from pyheketi.domain import errors
from pyheketi.executors.base import Executor
from pyheketi.executors.fake import FakeExecutor
from pyheketi.executors.fake.state import LogicalVolume

Deed: TypeAlias = Callable[[Stage], Awaitable[None]]


async def _nothing(stage: Stage) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that is wrong."""

    strike: Deed
    """Makes it so."""
    cure: Deed
    """What a person does about it on the nodes."""
    mend: Deed = _nothing
    """What a person does about it with this server afterwards."""
    for_good: bool = False
    """Whether what it hit is lost, so that the same cannot be done again."""
    node_returns: bool = False
    """Whether the server notices by itself that it is over, because a node answers again."""


async def tell(stage: Stage, host: str, *lines: str) -> None:
    """Type at a node; everything must succeed."""
    for line in lines:
        results = await FakeExecutor(stage.house.nodes).run(host, Script(commands=(command(line),)))
        assert [each.output for each in results if not each.ok] == []


# -- nodes -----------------------------------------------------------------------------------------------------------


async def _power_off(stage: Stage) -> None:
    stage.machine.power_off()


async def _power_on(stage: Stage) -> None:
    stage.machine.power_on()
    await stage.house.plane.health.look_at([stage.host])


async def _power_off_and_look(stage: Stage) -> None:
    stage.machine.power_off()
    await stage.house.plane.health.look_at([stage.host])


class Sluggish:
    """A node that does not end in time: what it was told is killed at the limit, or a daemon did it all the same."""

    name, simulated = "sluggish", True

    def __init__(self, inner: Executor, host: str, *, does_it: bool) -> None:
        self.inner, self.host, self.does_it = inner, host, does_it

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        if host != self.host:
            return await self.inner.run(host, script)
        if self.does_it:
            await self.inner.run(host, script)
        raise errors.TimedOut(host, str(script.commands[0]), script.limit)

    async def aclose(self) -> None:
        await self.inner.aclose()


def _sluggish(*, does_it: bool) -> Deed:
    async def strike(stage: Stage) -> None:
        stage.house.executor.inner = Sluggish(stage.house.executor.inner, stage.host, does_it=does_it)

    return strike


async def _quick(stage: Stage) -> None:
    sluggish = stage.house.executor.inner
    assert isinstance(sluggish, Sluggish)
    stage.house.executor.inner = sluggish.inner
    await stage.house.plane.health.look_at([stage.host])


async def _stop_glusterd(stage: Stage) -> None:
    stage.machine.glusterd = False


async def _start_glusterd(stage: Stage) -> None:
    stage.machine.glusterd = True
    await stage.house.plane.health.look_at([stage.host])


async def _reject(stage: Stage) -> None:
    stage.machine.reject()


async def _accept(stage: Stage) -> None:
    stage.machine.accept()


# -- gluster ---------------------------------------------------------------------------------------------------------


async def _stop_volume(stage: Stage) -> None:
    await tell(stage, stage.other.name, f"gluster volume stop {VOLUME} force")


async def _start_volume(stage: Stage) -> None:
    if VOLUME in stage.other.pool.volumes:
        await tell(stage, stage.other.name, f"gluster volume start {VOLUME} force")


async def _delete_volume(stage: Stage) -> None:
    await tell(stage, stage.other.name, f"gluster volume stop {VOLUME} force", f"gluster volume delete {VOLUME}")


async def _delete_for_good(stage: Stage) -> None:
    if stage.house.topology.volume(stage.volume) is not None:
        await stage.house.done(await stage.house.plane.volumes.delete(stage.volume))


async def _take_name(stage: Stage) -> None:
    for each in stage.house.nodes:
        await tell(stage, each.name, "mkdir -p /mnt/by-hand")
    bricks = " ".join(f"10.0.0.{number}:/mnt/by-hand/brick" for number in range(3))
    for name in (NAME, "copy"):
        paths = bricks.replace("/brick", f"/{name}")
        await tell(stage, stage.other.name, f"gluster volume create {name} replica 3 {paths} force")


async def _free_name(stage: Stage) -> None:
    await tell(stage, stage.other.name, *(f"gluster volume delete {name}" for name in (NAME, "copy")))
    for each in stage.house.nodes:
        for name in (NAME, "copy"):
            found = each.directory(f"/mnt/by-hand/{name}")
            if found is not None:
                found.brick_of = None
                await tell(stage, each.name, f"rmdir /mnt/by-hand/{name}")
        await tell(stage, each.name, "rmdir /mnt/by-hand")


# -- bricks and disks ------------------------------------------------------------------------------------------------


async def _unmount(stage: Stage) -> None:
    await tell(stage, stage.host, f"umount -l {stage.brick.mount_point}")


async def _mount(stage: Stage) -> None:
    if stage.brick.logical_volume in stage.machine.groups[stage.device.volume_group].volumes:
        await tell(stage, stage.host, f"mount {stage.brick.mount_point}")


async def _remove_lv(stage: Stage) -> None:
    where = f"{stage.device.volume_group}/{stage.brick.logical_volume}"
    await tell(stage, stage.host, f"umount -l {stage.brick.mount_point}", f"/usr/sbin/lvm lvremove -f {where}")


async def _move_away(stage: Stage) -> None:
    if stage.house.topology.brick(stage.brick.id) is not None:
        await stage.house.done(await stage.house.plane.bricks.evict(stage.brick.id))


async def _pull_disks(stage: Stage) -> None:
    for path in (stage.device.name, SPARE, NEW):
        stage.machine.disk(path)
        stage.machine.pull_disk(path)


async def _push_disks(stage: Stage) -> None:
    for path in (stage.device.name, SPARE, NEW):
        stage.machine.push_disk(path)
    stage.machine.power_off()
    stage.machine.power_on()


def _other_name(stage: Stage) -> str:
    return f"old_{stage.device.volume_group}"


async def _rename_group(stage: Stage) -> None:
    await tell(stage, stage.host, f"/usr/sbin/lvm vgrename {stage.device.volume_group} {_other_name(stage)}")


async def _rename_back(stage: Stage) -> None:
    await tell(stage, stage.host, f"/usr/sbin/lvm vgrename {_other_name(stage)} {stage.device.volume_group}")


async def _fill_pools(stage: Stage) -> None:
    for volume in stage.machine.groups[stage.device.volume_group].volumes.values():
        volume.full = volume.kind == "pool"


async def _empty_pools(stage: Stage) -> None:
    for volume in stage.machine.groups[stage.device.volume_group].volumes.values():
        volume.full = False


async def _fill_group(stage: Stage) -> None:
    group = stage.machine.groups[stage.device.volume_group]
    size = group.free * group.extent
    await tell(stage, stage.host, f"/usr/sbin/lvm lvcreate -qq --size {size}K --name by_hand {group.name}")


async def _empty_group(stage: Stage) -> None:
    await tell(stage, stage.host, f"/usr/sbin/lvm lvremove -f {stage.device.volume_group}/by_hand")


def _writable(*, yes: bool) -> Deed:
    async def strike(stage: Stage) -> None:
        for path in (stage.device.name, SPARE, NEW):
            disk = stage.machine.disk(path)
            assert disk is not None
            disk.read_only = not yes

    return strike


# -- files and leftovers ---------------------------------------------------------------------------------------------


async def _edit_fstab(stage: Stage) -> None:
    lines = stage.machine.files["/etc/fstab"]
    kept = [f"#{line}" if stage.stray in line else line for line in lines if stage.brick.id not in line]
    stage.machine.files["/etc/fstab"] = ["# by hand", "/dev/sda1 / ext4 defaults 0 1", *kept, "short"]


async def _mend_fstab(stage: Stage) -> None:
    lines = stage.machine.files["/etc/fstab"]
    kept = [line.lstrip("#") for line in lines if "vg_" in line]
    point = stage.brick.mount_point
    mounted = stage.machine.mounts.get(point)
    if mounted is not None:
        kept.append(f"{mounted.device} {point} xfs {mounted.options} 1 2")
    stage.machine.files["/etc/fstab"] = kept


class Interloper:
    """Puts a logical volume of the wanted name on a node, right before the first brick is made there."""

    name, simulated = "interloper", True

    def __init__(self, inner: Executor, stage: Stage) -> None:
        self.inner, self.stage = inner, stage
        self.planted: LogicalVolume | None = None

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        made = next((each for each in script.commands if "lvcreate" in each.args), None)
        if made is not None and self.planted is None and host == self.stage.host:
            group = next(word for word in made.args if word.startswith("vg_")).partition("/")[0]
            line = f"/usr/sbin/lvm lvcreate -qq --size 4M --name {made.args[-1]} {group}"
            await tell(self.stage, host, line)
            self.planted = self.stage.machine.groups[group].volumes[made.args[-1]]
        return await self.inner.run(host, script)

    async def aclose(self) -> None:
        await self.inner.aclose()


async def _plant_leftover(stage: Stage) -> None:
    stage.house.executor.inner = Interloper(stage.house.executor.inner, stage)


async def _remove_leftover(stage: Stage) -> None:
    interloper = stage.house.executor.inner
    assert isinstance(interloper, Interloper)
    stage.house.executor.inner = interloper.inner
    if (left := interloper.planted) is not None:
        await tell(stage, stage.host, f"/usr/sbin/lvm lvremove -f {left.group}/{left.name}")


FAULTS: Mapping[str, Fault] = {
    "node down": Fault(strike=_power_off, cure=_power_on, node_returns=True),
    "node known to be down": Fault(strike=_power_off_and_look, cure=_power_on, node_returns=True),
    "node hangs": Fault(strike=_sluggish(does_it=False), cure=_quick, node_returns=True),
    "node ends too late": Fault(strike=_sluggish(does_it=True), cure=_quick, node_returns=True),
    "glusterd down": Fault(strike=_stop_glusterd, cure=_start_glusterd, node_returns=True),
    "peer rejected": Fault(strike=_reject, cure=_accept),
    "volume stopped": Fault(strike=_stop_volume, cure=_start_volume),
    "volume deleted": Fault(strike=_delete_volume, cure=_nothing, mend=_delete_for_good, for_good=True),
    "volume name taken": Fault(strike=_take_name, cure=_free_name),
    "brick unmounted": Fault(strike=_unmount, cure=_mount),
    "LV missing": Fault(strike=_remove_lv, cure=_nothing, mend=_move_away, for_good=True),
    "VG missing": Fault(strike=_pull_disks, cure=_push_disks),
    "VG renamed": Fault(strike=_rename_group, cure=_rename_back),
    "thin pool full": Fault(strike=_fill_pools, cure=_empty_pools),
    "VG full": Fault(strike=_fill_group, cure=_empty_group),
    "device read-only": Fault(strike=_writable(yes=False), cure=_writable(yes=True)),
    "fstab edited": Fault(strike=_edit_fstab, cure=_mend_fstab),
    "leftover LV": Fault(strike=_plant_leftover, cure=_remove_leftover),
}
