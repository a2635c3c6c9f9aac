"""Block devices as such: their names, and what is written at their beginning."""

from pyheketi.commands.command import Command, Program, Result

BY_PV_UUID = "/dev/disk/by-id/lvm-pv-uuid-"
"""Begin of the link that is named after LVM's id of a physical volume."""


def links(device: str) -> Command:
    """Ask for the links to a device; without udev on the node this fails, which is no harm."""
    return Command(Program.UDEVADM, ("info", "--query=symlink", f"--name={device}"), may_fail=True)


def paths(result: Result, device: str) -> tuple[str, ...]:
    """Return all names of ``device``, itself included, without the one that changes when LVM starts anew on it."""
    words = result.stdout.split() if result.ok else []
    found = [path for path in (f"/dev/{word}" for word in words) if not path.startswith(BY_PV_UUID)]
    return tuple(dict.fromkeys([*found, device]))


def wipe(device: str) -> Command:
    """Erase the signatures of everything that is on a device; refused by wipefs while the device is used."""
    return Command(Program.WIPEFS, ("--all", device))
