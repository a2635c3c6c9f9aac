"""Scripts that make devices volume groups, look at them and give them back (executors.md §5)."""

from pyheketi.commands import disk, files, lvm, lvm_report
from pyheketi.commands.command import Result, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.operations.steps import DeviceHandle, DeviceReport

LIMIT = 300.0
"""Seconds for a device script."""
MOUNTS = "/var/lib/heketi/mounts"
"""Directory on nodes that holds a directory of mount points for each volume group."""


def set_up(device: DeviceHandle, options: NodeOptions, *, wipe: bool) -> Script:
    """Make a device a volume group and tell what came of it; ``wipe`` erases first what is on it."""
    return Script(
        commands=(
            *((disk.wipe(device.name),) if wipe else ()),
            lvm.create_physical_volume(device.name, options),
            lvm.create_volume_group(device.volume_group, device.name, options),
            lvm.physical_volume(device.name),
            disk.links(device.name),
            lvm.volume_group_size(device.volume_group),
        ),
        limit=LIMIT,
    )


def identify(device: DeviceHandle) -> Script:
    """Ask LVM what is on a device."""
    return Script(commands=(lvm.physical_volume(device.name),), limit=LIMIT)


def remove_physical_volume(name: str) -> Script:
    """Take LVM off a device."""
    return Script(commands=(lvm.remove_physical_volume(name),), limit=LIMIT)


def inspect(device: DeviceHandle) -> Script:
    """Ask for the size of a device and its names, by what is the surest name of it."""
    return Script(
        commands=(
            lvm.physical_volumes_of(device.volume_group),
            disk.links(_surest_name(device)),
            lvm.volume_group_size(device.volume_group),
        ),
        limit=LIMIT,
    )


def names(name: str) -> Script:
    """Ask for the names of a device by one of them."""
    return Script(commands=(disk.links(name),), limit=LIMIT)


def locate(device: DeviceHandle) -> Script:
    """Ask where a volume group lies, and what the device is by its surest name."""
    return Script(
        commands=(lvm.physical_volumes_of(device.volume_group), lvm.physical_volume(_surest_name(device))), limit=LIMIT
    )


def tear_down(device: DeviceHandle, *, group: bool, name: str) -> Script:
    """Remove the volume group if there is one, and the physical volume ``name`` if that is not empty."""
    return Script(
        commands=(
            *((lvm.remove_volume_group(device.volume_group),) if group else ()),
            *((lvm.remove_physical_volume(name),) if name else ()),
            files.remove_directory(f"{MOUNTS}/{device.volume_group}"),
        ),
        limit=LIMIT,
    )


def read_report(host: str, volumes: Result, size: Result, paths: tuple[str, ...]) -> DeviceReport:
    """Return what a node said of a device.

    Raises:
        CommandFailed: LVM could not tell.
        Unexpected: the answer makes no sense.
    """
    volume = read_physical_volume(host, volumes)
    if volume is None:
        raise volumes.failure(host)
    try:
        group = lvm_report.parse_group_size(size.stdout)
    except ValueError as error:
        raise errors.Unexpected(host, f"{error} (node {host}, command: {size.command})") from error
    return DeviceReport(total=group.total, used=group.used, extent=group.extent, pv_uuid=volume.uuid, paths=paths)


def read_physical_volume(host: str, result: Result) -> lvm_report.PhysicalVolume | None:
    """Return the one physical volume that LVM told of, None if LVM knows of none.

    Raises:
        Unexpected: the answer makes no sense, or there are several: then it is no volume group of ours any more.
    """
    if not result.ok:
        return None
    try:
        found = lvm_report.parse_physical_volumes(result.stdout)
    except ValueError as error:
        raise errors.Unexpected(host, f"Node {host} gave an answer that makes no sense: {error}") from error
    if len(found) != 1:
        listed = ", ".join(volume.name for volume in found) or "none"
        raise errors.Unexpected(
            host, f"Node {host}: one physical volume was expected, LVM lists {listed} (command: {result.command})"
        )
    return found[0]


def _surest_name(device: DeviceHandle) -> str:
    """Return a name of the device that does not change when disks are plugged: by LVM's id, where that is known."""
    return f"{disk.BY_PV_UUID}{device.pv_uuid}" if device.pv_uuid else device.name
