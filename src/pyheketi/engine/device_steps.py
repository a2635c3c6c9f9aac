"""Devices made volume groups, looked at, and given back."""

import logging
from collections.abc import Sequence

from pyheketi.commands import devices, disk, lvm, lvm_report
from pyheketi.commands.command import Result
from pyheketi.commands.lvm_report import PhysicalVolume
from pyheketi.domain import errors
from pyheketi.engine.nodes import Nodes, first_failure, reworded
from pyheketi.operations.steps import DeviceHandle, DeviceReport, SetUpDevice

_log = logging.getLogger(__name__)

_LVM_SAID_NO = 5
"""Exit status of LVM when it looked and failed; a shell that found no LVM has others."""


async def set_up(nodes: Nodes, step: SetUpDevice, *, sure: bool) -> DeviceReport:
    """Make a device a volume group, wiping it only if that was asked for and is safe (rest-api.md §7.4)."""
    device = step.device
    if not sure:
        (asked,) = await nodes.run(device.host, devices.identify(device))
        found = devices.read_physical_volume(device.host, asked)
        if found is not None and found.volume_group == device.volume_group:
            return await inspect(nodes, device)
    results = await _try(nodes, device, wipe=False)
    failed = first_failure(results)
    if failed is not None and step.destroy_data:
        _require_safe(step, *await _diagnose(nodes, device, failed))
        results = await _try(nodes, device, wipe=True)
        failed = first_failure(results)
    if failed is not None:
        _, error = await _diagnose(nodes, device, failed)
        raise error
    volumes, links, size = results[-3:]
    return devices.read_report(device.host, volumes, size, disk.paths(links, device.name))


async def inspect(nodes: Nodes, device: DeviceHandle) -> DeviceReport:
    """Read the size of a device and its names."""
    host = device.host
    volumes, links, size = await nodes.run(host, devices.inspect(device))
    found = devices.read_physical_volume(host, volumes)
    name = found.name if found is not None else device.name
    if not links.ok or not (device.pv_uuid or name == device.name):
        # Without udev's link by LVM's id, or when disks have changed their names, LVM's present name is the one.
        (links,) = await nodes.run(host, devices.names(name))
    return devices.read_report(host, volumes, size, disk.paths(links, name))


async def tear_down(nodes: Nodes, device: DeviceHandle, *, forget: bool) -> None:
    """Give a device back. With ``forget`` failures are only logged: the disk or its node is gone."""
    try:
        group, own = await nodes.run(device.host, devices.locate(device))
        found = _read_group(device, group)
        lone = devices.read_physical_volume(device.host, own)
        if found is None and lone is not None and lone.uuid == device.pv_uuid and not lone.volume_group:
            await _remove(nodes, device, group=False, name=lone.name)
        else:
            await _remove(nodes, device, group=found is not None, name=found.name if found else "")
    except errors.NodeError as error:
        if not forget:
            raise
        _log.warning("Device %s of %s is forgotten all the same: %s", device.name, device.host, error)


async def is_torn_down(nodes: Nodes, device: DeviceHandle) -> bool:
    """Return whether the volume group of a device is gone."""
    group, _ = await nodes.run(device.host, devices.locate(device))
    return _read_group(device, group) is None


async def take_back(nodes: Nodes, device: DeviceHandle) -> None:
    """Undo ``set_up``: remove the volume group if there is one; without it nothing on the device is surely ours."""
    group, _ = await nodes.run(device.host, devices.locate(device))
    found = _read_group(device, group)
    if found is not None:
        await _remove(nodes, device, group=True, name=found.name)


async def _try(nodes: Nodes, device: DeviceHandle, *, wipe: bool) -> Sequence[Result]:
    """Make the volume group; a physical volume without one is not left behind.

    Raises:
        CommandFailed: the physical volume could be made, but not what comes after it.
    """
    results = await nodes.ask(device.host, devices.set_up(device, nodes.options, wipe=wipe))
    failed = first_failure(results)
    made = lvm.create_physical_volume(device.name, nodes.options)
    if failed is None or not any(result.ok and result.command == made for result in results):
        return results
    if failed.command == lvm.create_volume_group(device.volume_group, device.name, nodes.options):
        await _clean(nodes, device)
    raise reworded(device.host, failed, f"Initializing device {device.name} failed: {failed.output}")


async def _clean(nodes: Nodes, device: DeviceHandle) -> None:
    """Take LVM off a device that it was put on a moment ago."""
    try:
        await nodes.run(device.host, devices.remove_physical_volume(device.name))
    except errors.NodeError as error:
        _log.warning("Device %s of %s stays a physical volume: %s", device.name, device.host, error)


async def _diagnose(
    nodes: Nodes, device: DeviceHandle, failed: Result
) -> tuple[PhysicalVolume | None, errors.CommandFailed]:
    """Return what LVM knows of a device that could not be set up, and the error that tells of it.

    Raises:
        CommandFailed: it cannot be told what is on the device.
    """
    text = f"Initializing device {device.name} failed"
    (asked,) = await nodes.run(device.host, devices.identify(device))
    unknown = not asked.ok and asked.status != _LVM_SAID_NO
    try:
        found = devices.read_physical_volume(device.host, asked)
    except errors.Unexpected:
        found, unknown = None, True
    if unknown:
        raise reworded(device.host, failed, f"{text} (failed to check device contents): {failed.output}")
    # The spelling is the one that scripts know.
    why = f"aleady contains Physical Volume {found.uuid}" if found else "already initialized or contains data?"
    return found, reworded(device.host, failed, f"{text} ({why}): {failed.output}")


def _require_safe(step: SetUpDevice, found: PhysicalVolume | None, error: errors.CommandFailed) -> None:
    """Refuse to wipe what may be in use.

    Raises:
        Conflict: a device that we know is on it, or one that may be.
    """
    if found is None:
        return
    owner = dict(step.known_pv_uuids).get(found.uuid)
    if owner is not None:
        raise errors.Conflict(f"Device already in use (ID: {owner})")
    if step.some_pv_uuid_unknown:
        raise errors.Conflict(f"Can not destroy device, destroy may not be safe: {error}")


def _read_group(device: DeviceHandle, result: Result) -> PhysicalVolume | None:
    """Return where a volume group lies, None if there is none.

    Raises:
        CommandFailed: LVM could not tell.
    """
    if not result.ok and not lvm_report.lacks_group(result, device.volume_group):
        raise _not_deleted(device, device.name, result)
    return devices.read_physical_volume(device.host, result)


async def _remove(nodes: Nodes, device: DeviceHandle, *, group: bool, name: str) -> None:
    results = await nodes.ask(device.host, devices.tear_down(device, group=group, name=name))
    failed = first_failure(results)
    if failed is not None:
        raise _not_deleted(device, name, failed)


def _not_deleted(device: DeviceHandle, name: str, failed: Result) -> errors.CommandFailed:
    device_id = device.volume_group.removeprefix("vg_")
    text = f"Failed to delete device {name} with id {device_id} on host {device.host}: {failed.output}"
    return reworded(device.host, failed, text)
