"""LVM's commands. What they answer is read by ``lvm_report``."""

from pyheketi.commands.command import Command, Program
from pyheketi.commands.options import NodeOptions

_ARBITER_CHUNK = "256K"
"""Of thin pools of arbiter bricks, whatever is set for others (executors.md §6)."""
_PV_COLUMNS = ("-o", "pv_name,pv_uuid,vg_name", "--reportformat=json")
_LV_COLUMNS = ("--reportformat=json", "-o", "lv_name,vg_name,pool_lv,thin_count")


def _lvm(*args: str, may_fail: bool = False) -> Command:
    return Command(Program.LVM, args, may_fail=may_fail)


def create_physical_volume(device: str, options: NodeOptions) -> Command:
    """Make a device a physical volume."""
    return _lvm("pvcreate", "-qq", "--metadatasize=128M", f"--dataalignment={options.pv_data_alignment}", device)


def remove_physical_volume(device: str) -> Command:
    """Take LVM off a device; refused by LVM while the device is in a volume group."""
    return _lvm("pvremove", "-qq", device)


def create_volume_group(name: str, device: str, options: NodeOptions) -> Command:
    """Make a volume group of one physical volume."""
    return _lvm(
        "vgcreate",
        "-qq",
        f"--physicalextentsize={options.vg_physicalextentsize}",
        f"--autobackup={options.autobackup}",
        name,
        device,
    )


def remove_volume_group(name: str) -> Command:
    """Remove a volume group; refused by LVM while something is in it."""
    return _lvm("vgremove", "-qq", name)


def create_thin_volume(
    group: str,
    pool: str,
    name: str,
    *,
    size: int,
    pool_size: int,
    metadata_size: int,
    options: NodeOptions,
    arbiter: bool = False,
) -> Command:
    """Make a thin pool and a logical volume in it; sizes are KiB."""
    return _lvm(
        "lvcreate",
        "-qq",
        f"--autobackup={options.autobackup}",
        "--poolmetadatasize",
        f"{metadata_size}K",
        "--chunksize",
        _ARBITER_CHUNK if arbiter else options.lv_chunksize,
        "--size",
        f"{pool_size}K",
        "--thin",
        f"{group}/{pool}",
        "--virtualsize",
        f"{size}K",
        "--name",
        name,
    )


def remove_logical_volume(group: str, name: str, options: NodeOptions, *, may_fail: bool = False) -> Command:
    """Remove a logical volume, and everything in it if it is a pool."""
    return _lvm("lvremove", f"--autobackup={options.autobackup}", "-f", f"{group}/{name}", may_fail=may_fail)


def activate(group: str, name: str) -> Command:
    """Make a logical volume usable, also a snapshot that is not by itself after a start; one that is stays so."""
    return _lvm("lvchange", "--activate", "y", "--ignoreactivationskip", f"{group}/{name}")


def physical_volume(device: str) -> Command:
    """Ask what LVM knows of a device; fails if it is no physical volume."""
    return _lvm("pvs", *_PV_COLUMNS, device, may_fail=True)


def physical_volumes_of(group: str) -> Command:
    """Ask where a volume group lies; fails if there is none."""
    return _lvm("vgs", *_PV_COLUMNS, group, may_fail=True)


def logical_volumes_of(group: str) -> Command:
    """Ask what is in a volume group; fails if there is none."""
    return _lvm("lvs", *_LV_COLUMNS, group, may_fail=True)


def all_logical_volumes() -> Command:
    """Ask what is in all volume groups."""
    return _lvm("lvs", *_LV_COLUMNS, may_fail=True)


def whole_report(kind: str) -> Command:
    """Ask for everything LVM has of a kind: ``pvs``, ``vgs`` or ``lvs``."""
    return _lvm(kind, "--reportformat", "json", "--units", "k", may_fail=True)


def volume_group_size(group: str) -> Command:
    """Ask for the size of a volume group."""
    return _lvm("vgdisplay", "-c", group)
