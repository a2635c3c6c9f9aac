"""Simulated LVM, wipefs and udevadm, with the words of LVM 2.03."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from pyheketi.domain import size
from pyheketi.executors.fake.answers import Failed, Options, unknown
from pyheketi.executors.fake.state import Disk, FakeNode, LogicalVolume, VolumeGroup, lvm_uuid

_UNITS = {"b": 1 / 1024, "s": 0.5, "k": 1, "m": 1024, "g": 1024**2, "t": 1024**3, "p": 1024**4}
"""KiB in LVM's units."""

_COMMON_FLAGS = frozenset({"-q", "-qq", "-y", "--yes", "-f", "--force", "-ff", "-v"})
_COMMON_VALUED = frozenset({"--autobackup", "-A", "--config", "--devices", "--reportformat"})


def run(node: FakeNode, args: Sequence[str]) -> str:
    """Run ``lvm`` with a subcommand."""
    call = _SUBCOMMANDS.get(args[0]) if args else None
    if call is None:
        unknown("lvm", args)
    return call(node, args[1:])


def _options(name: str, args: Sequence[str], *, flags: str = "", valued: str = "") -> Options:
    return Options(
        f"lvm {name}",
        args,
        flags=_COMMON_FLAGS | frozenset(flags.split()),
        valued=_COMMON_VALUED | frozenset(valued.split()),
    )


def kib(text: str) -> int:
    """Return KiB of a size as LVM takes it: ``4M``, ``2097152K``, plain numbers are MiB."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(digits) :][:1].lower() or "m"
    try:
        return int(float(digits) * _UNITS[unit])
    except (ValueError, KeyError):
        raise Failed(3, f"  Invalid argument for size: {text}\n  Error during parsing of command line.\n") from None


def _group(node: FakeNode, name: str) -> VolumeGroup:
    if name not in node.groups:
        raise Failed(5, f'  Volume group "{name}" not found\n  Cannot process volume group {name}\n')
    return node.groups[name]


def _volume(node: FakeNode, path: str) -> tuple[VolumeGroup, LogicalVolume]:
    name, _, volume = path.removeprefix("/dev/").partition("/")
    group = _group(node, name)
    if volume not in group.volumes:
        raise Failed(5, f'  Failed to find logical volume "{name}/{volume}"\n')
    return group, group.volumes[volume]


def _disk(node: FakeNode, path: str) -> Disk:
    disk = node.disk(path)
    if disk is None:
        raise Failed(5, f'  Failed to find device "{path}".\n')
    return disk


# -- physical volumes --------------------------------------------------------------------------------------------


def _require_writable(disk: Disk, group: VolumeGroup | None = None) -> None:
    if disk.read_only:
        what = f"  Failed to write VG {group.name}.\n" if group else ""
        raise Failed(5, f"  Error opening device {disk.path} for writing at 4096 length 4096.\n{what}")


def _initialise(node: FakeNode, disk: Disk) -> None:
    disk.generation += 1
    disk.pv_uuid = lvm_uuid(node.name, disk.path, str(disk.generation))


def _pvcreate(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("pvcreate", args, valued="--metadatasize --dataalignment --uuid --metadatacopies")
    said = ""
    for path in options.words:
        disk = _disk(node, path)
        if disk.group is not None:
            raise Failed(
                5,
                f'  Can\'t initialize physical volume "{path}" of volume group "{disk.group.name}" without -ff\n'
                f"  {path}: physical volume not initialized.\n",
            )
        _require_writable(disk)
        if disk.signature:
            raise Failed(
                5,
                f"  Aborted wiping of {disk.signature}.\n  1 existing signature left on the device.\n"
                f"  Aborting pvcreate on {path}.\n",
            )
        _initialise(node, disk)
        said += f'  Physical volume "{path}" successfully created.\n'
    return _unless_quiet(options, said)


def _pvremove(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("pvremove", args)
    said = ""
    for path in options.words:
        disk = _disk(node, path)
        if disk.group is not None:
            raise Failed(
                5,
                f"  PV {path} is used by VG {disk.group.name} so please use vgreduce first.\n"
                "  (If you are certain you need pvremove, then confirm by using --force twice.)\n"
                f"  {path}: physical volume label not removed.\n",
            )
        if not disk.pv_uuid:
            raise Failed(5, f"  No PV found on device {path}.\n")
        _require_writable(disk)
        disk.pv_uuid = ""
        said += f'  Labels on physical volume "{path}" successfully wiped.\n'
    return _unless_quiet(options, said)


def _unless_quiet(options: Options, said: str) -> str:
    return "" if "-qq" in options.values else said


def wipefs(node: FakeNode, args: Sequence[str]) -> str:
    """Wipe signatures off disks; a volume group without logical volumes goes with them."""
    options = Options("wipefs", args, flags=frozenset({"--all", "-a", "-f", "--force"}), valued=frozenset())
    wipe = "--all" in options.values or "-a" in options.values
    said = ""
    for path in options.words:
        disk = node.disk(path)
        if disk is None:
            raise Failed(1, f"wipefs: error: {path}: probing initialization failed: No such file or directory\n")
        if wipe and disk.group is not None and disk.group.volumes:
            raise Failed(1, f"wipefs: error: {path}: probing initialization failed: Device or resource busy\n")
        for found in filter(None, (disk.signature, disk.pv_uuid and "LVM2_member")):
            said += f"{path}: 8 bytes were erased ({found})\n" if wipe else f"{path} {found}\n"
        if wipe:
            if disk.group is not None:
                del node.groups[disk.group.name]
            disk.signature, disk.pv_uuid, disk.group = "", "", None
    return said


def udevadm(node: FakeNode, args: Sequence[str]) -> str:
    """Tell the links of a device, or wait for udev, which is always done."""
    if args and args[0] in {"settle", "trigger"}:
        return ""
    options = Options("udevadm", args, flags=frozenset(), valued=frozenset({"--query", "--name", "-q", "-n"}))
    path = options.get("--name", "-n") or ""
    if options.words != ["info"] or options.get("--query", "-q") != "symlink":
        unknown("udevadm", args)
    disk = node.disk(path)
    if disk is None:
        raise Failed(1, f"Unknown device: {path}: No such device\n")
    return " ".join(link.removeprefix("/dev/") for link in disk.links) + "\n"


# -- volume groups -----------------------------------------------------------------------------------------------


def _vgcreate(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("vgcreate", args, valued="--physicalextentsize -s")
    if len(options.words) != 2:
        unknown("lvm vgcreate", args)
    name, path = options.words
    if name in node.groups:
        raise Failed(5, f"  A volume group called {name} already exists.\n")
    disk = _disk(node, path)
    if disk.group is not None:
        raise Failed(
            5,
            f"  Physical volume '{path}' is already in volume group '{disk.group.name}'\n"
            f"  Unable to add physical volume '{path}' to volume group '{name}'\n"
            f"  {path}: physical volume not initialized.\n",
        )
    _require_writable(disk)
    if not disk.pv_uuid:
        _initialise(node, disk)
    extent = kib(options.get("--physicalextentsize", "-s") or "4M")
    add_group(node, name, disk, extents=disk.size // extent, extent=extent)
    return _unless_quiet(options, f'  Volume group "{name}" successfully created\n')


def add_group(node: FakeNode, name: str, disk: Disk, *, extents: int, extent: int) -> VolumeGroup:
    """Make a volume group of a physical volume without asking."""
    made = VolumeGroup(
        name=name,
        extent=extent,
        extents=extents,
        uuid=lvm_uuid("group", name),
        disk=disk,
        charge_spare=node.charge_spare,
    )
    disk.group = node.groups[name] = made
    return made


def _vgremove(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("vgremove", args)
    said = ""
    for name in options.words:
        group = _group(node, name)
        if group.volumes and not {"-f", "--force", "-y", "--yes"} & options.values.keys():
            raise Failed(5, f'  Volume group "{name}" still contains {len(group.volumes)} logical volume(s)\n')
        _require_writable(group.disk, group)
        for volume in list(group.volumes.values()):
            if volume.name in group.volumes:
                remove_volume(node, group, volume)
        group.disk.group = None
        del node.groups[name]
        said += f'  Volume group "{name}" successfully removed\n'
    return _unless_quiet(options, said)


def _vgrename(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("vgrename", args)
    if len(options.words) != 2:
        unknown("lvm vgrename", args)
    old, new = options.words
    group = _group(node, old)
    if new in node.groups:
        raise Failed(5, f'  New volume group "{new}" already exists\n')
    _require_writable(group.disk, group)
    for volume in group.volumes.values():
        del node.devices[volume.device]
        volume.group = new
        node.devices[volume.device] = volume
    del node.groups[old]
    group.name = new
    node.groups[new] = group
    return _unless_quiet(options, f'  Volume group "{old}" successfully renamed to "{new}"\n')


def _vgdisplay(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("vgdisplay", args, flags="-c --colon")
    if "-c" not in options.values and "--colon" not in options.values:
        unknown("lvm vgdisplay", args)
    groups = [_group(node, name) for name in options.words] or sorted(node.groups.values(), key=lambda each: each.name)
    return "".join(map(_colon_line, groups))


def _colon_line(group: VolumeGroup) -> str:
    mounted = sum(1 for volume in group.volumes.values() if volume.mounts)
    kib_total = group.extents * group.extent
    return (
        f"  {group.name}:r/w:772:-1:0:{len(group.volumes)}:{mounted}:-1:0:1:1:{kib_total}:{group.extent}"
        f":{group.extents}:{group.used}:{group.free}:{group.uuid}\n"
    )


# -- logical volumes ---------------------------------------------------------------------------------------------


_LVCREATE_FLAGS = _COMMON_FLAGS | {"--thin", "-T", "--snapshot", "-s"}
_LVCREATE_VALUED = _COMMON_VALUED | {
    "--poolmetadatasize",
    "--chunksize",
    "-c",
    "--size",
    "-L",
    "--virtualsize",
    "-V",
    "--name",
    "-n",
}


def _lvcreate(node: FakeNode, args: Sequence[str]) -> str:
    options = Options("lvm lvcreate", args, flags=_LVCREATE_FLAGS, valued=_LVCREATE_VALUED)
    given = options.values
    name = options.get("--name", "-n") or ""
    if len(options.words) != 1 or not name:
        unknown("lvm lvcreate", args)
    if "--snapshot" in given or "-s" in given:
        made = _snapshot(node, options.words[0], name)
    elif "--thin" in given or "-T" in given:
        made = _create_thin(node, options, name)
    else:
        group = _group(node, options.words[0])
        volume = LogicalVolume(name, group.name, "linear", _whole(group, kib(options.get("--size", "-L") or "0")))
        _add_volumes(node, group, volume, needed=group.needed(volume.size, 0))
        made = volume
    return _unless_quiet(options, f'  Logical volume "{made.name}" created.\n')


def _create_thin(node: FakeNode, options: Options, name: str) -> LogicalVolume:
    group_name, _, pool_name = options.words[0].partition("/")
    group = _group(node, group_name)
    data = options.get("--size", "-L")
    made = LogicalVolume(
        name, group_name, "thin", _whole(group, kib(options.get("--virtualsize", "-V") or "0")), pool=pool_name
    )
    if data is None:
        if pool_name not in group.volumes:
            raise Failed(5, f"  Thin pool {pool_name} not found in Volume group {group_name}.\n")
        _add_volumes(node, group, made, needed=0)
        return made
    metadata = kib(options.get("--poolmetadatasize") or "4M")
    pool = LogicalVolume(pool_name, group_name, "pool", _whole(group, kib(data)), metadata=_whole(group, metadata))
    _add_volumes(node, group, pool, made, needed=group.needed(pool.size, pool.metadata))
    return made


def _whole(group: VolumeGroup, kibibytes: int) -> int:
    return size.align_up(kibibytes, group.extent)


def _snapshot(node: FakeNode, origin: str, name: str) -> LogicalVolume:
    group, source = _volume(node, origin)
    if source.kind != "thin":
        raise Failed(5, "  Snapshots of volumes that are not thin are not simulated.\n")
    made = LogicalVolume(name, group.name, "thin", source.size, pool=source.pool)
    if source.file_system is not None:
        made.file_system = source.file_system.copy()
    _add_volumes(node, group, made, needed=0)
    return made


def _add_volumes(node: FakeNode, group: VolumeGroup, *volumes: LogicalVolume, needed: int) -> None:
    _require_writable(group.disk, group)
    for volume in volumes:
        if volume.size <= 0:
            raise Failed(3, "  Please specify either size or extents.\n  Run `lvcreate --help' for more information.\n")
        if volume.name in group.volumes:
            raise Failed(5, f'  Logical Volume "{volume.name}" already exists in volume group "{group.name}"\n')
        if volume.pool in group.volumes and group.volumes[volume.pool].full:
            raise Failed(
                5,
                f"  Cannot create new thin volume, free space in thin pool {group.name}/{volume.pool} reached"
                " threshold.\n",
            )
    if needed > group.free:
        raise Failed(
            5,
            f'  Volume group "{group.name}" has insufficient free space ({group.free} extents): {needed} required.\n',
        )
    for volume in volumes:
        add_volume(node, group, volume)


def add_volume(node: FakeNode, group: VolumeGroup, volume: LogicalVolume) -> None:
    """Make a logical volume without asking."""
    group.add(volume)
    node.devices[volume.device] = volume


def _lvchange(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("lvchange", args, flags="--ignoreactivationskip", valued="--activate")
    if options.get("--activate") != "y":
        unknown("lvm lvchange", args)
    for path in options.words:
        _volume(node, path)  # those that are there are active
    return ""


def _lvremove(node: FakeNode, args: Sequence[str]) -> str:
    options = _options("lvremove", args)
    said = ""
    for path in options.words:
        group, volume = _volume(node, path)
        _require_writable(group.disk, group)
        gone = remove_volume(node, group, volume)
        said += "".join(f'  Logical volume "{name}" successfully removed.\n' for name in gone)
    return _unless_quiet(options, said)


def remove_volume(node: FakeNode, group: VolumeGroup, volume: LogicalVolume) -> list[str]:
    """Remove a logical volume, a pool with all volumes in it, and return the names.

    Raises:
        Failed: one of them is mounted.
    """
    inside = (
        [each for each in group.volumes.values() if each.pool == volume.name]
        if volume.kind == "pool" and volume.thin_count
        else []
    )
    doomed = [*inside, volume]
    for each in doomed:
        if each.mounts:
            raise Failed(5, f"  Logical volume {group.name}/{each.name} contains a filesystem in use.\n")
    for each in doomed:
        group.drop(each)
        del node.devices[each.device]
    return [each.name for each in doomed]


# -- reports -----------------------------------------------------------------------------------------------------

_Sized: TypeAlias = Callable[[int], str]
_Row = TypeVar("_Row")
_Columns: TypeAlias = Mapping[str, Callable[[_Row, _Sized], str]]


def _pv_free(disk: Disk) -> int:
    return disk.group.free * disk.group.extent if disk.group else disk.size


_PV_COLUMNS: _Columns[Disk] = {
    "pv_name": lambda disk, _: disk.path,
    "vg_name": lambda disk, _: disk.group.name if disk.group else "",
    "pv_fmt": lambda _, __: "lvm2",
    "pv_attr": lambda disk, _: "a--" if disk.group else "---",
    "pv_size": lambda disk, sized: sized(disk.group.extents * disk.group.extent if disk.group else disk.size),
    "pv_free": lambda disk, sized: sized(_pv_free(disk)),
    "pv_used": lambda disk, sized: sized(disk.group.used * disk.group.extent if disk.group else 0),
    "dev_size": lambda disk, sized: sized(disk.size),
    "pv_uuid": lambda disk, _: disk.pv_uuid,
}

_VG_COLUMNS: _Columns[VolumeGroup] = {
    "vg_name": lambda group, _: group.name,
    "pv_count": lambda _, __: "1",
    "lv_count": lambda group, _: str(len(group.volumes)),
    "snap_count": lambda _, __: "0",
    "vg_attr": lambda _, __: "wz--n-",
    "vg_size": lambda group, sized: sized(group.extents * group.extent),
    "vg_free": lambda group, sized: sized(group.free * group.extent),
    "vg_uuid": lambda group, _: group.uuid,
    "vg_extent_size": lambda group, sized: sized(group.extent),
    "vg_extent_count": lambda group, _: str(group.extents),
    "vg_free_count": lambda group, _: str(group.free),
    "pv_name": lambda group, _: group.disk.path,
    "pv_uuid": lambda group, _: group.disk.pv_uuid,
}

_ATTRIBUTES = {"pool": "twi-aotz--", "thin": "Vwi-aotz--", "linear": "-wi-a-----"}

_LV_COLUMNS: _Columns[LogicalVolume] = {
    "lv_name": lambda volume, _: volume.name,
    "vg_name": lambda volume, _: volume.group,
    "lv_attr": lambda volume, _: _ATTRIBUTES[volume.kind],
    "lv_size": lambda volume, sized: sized(volume.size),
    "pool_lv": lambda volume, _: volume.pool,
    "origin": lambda _, __: "",
    "data_percent": lambda volume, _: "" if volume.kind == "linear" else "0.00",
    "metadata_percent": lambda volume, _: "0.00" if volume.kind == "pool" else "",
    "move_pv": lambda _, __: "",
    "mirror_log": lambda _, __: "",
    "copy_percent": lambda _, __: "",
    "convert_lv": lambda _, __: "",
    "lv_metadata_size": lambda volume, sized: sized(volume.metadata) if volume.kind == "pool" else "",
    "thin_count": lambda volume, _: str(volume.thin_count) if volume.kind == "pool" else "",
    "lv_path": lambda volume, _: "" if volume.kind == "pool" else f"/dev/{volume.group}/{volume.name}",
    "lv_dm_path": lambda volume, _: volume.device,
    "lv_uuid": lambda volume, _: lvm_uuid("volume", volume.group, volume.name),
}


def _pvs(node: FakeNode, args: Sequence[str]) -> str:
    options = _report_options("pvs", args)
    missing = ""
    rows: Iterable[Disk] = sorted((disk for disk in node.disks.values() if disk.pv_uuid), key=lambda disk: disk.path)
    if options.words:
        asked = [_disk(node, path) for path in options.words]
        rows = [disk for disk in asked if disk.pv_uuid]
        missing = "".join(f'  Failed to find physical volume "{disk.path}".\n' for disk in asked if not disk.pv_uuid)
    said = _report("pv", rows, _PV_COLUMNS, options, 6)
    if missing:
        raise Failed(5, missing, said)
    return said


def _vgs(node: FakeNode, args: Sequence[str]) -> str:
    options = _report_options("vgs", args)
    rows = [_group(node, name) for name in options.words] or sorted(node.groups.values(), key=lambda each: each.name)
    return _report("vg", rows, _VG_COLUMNS, options, 7)


def _lvs(node: FakeNode, args: Sequence[str]) -> str:
    options = _report_options("lvs", args)
    rows: list[LogicalVolume] = []
    for word in options.words or sorted(node.groups):
        if "/" in word.removeprefix("/dev/"):
            rows.append(_volume(node, word)[1])
        else:
            rows.extend(_group(node, word).volumes.values())
    return _report("lv", rows, _LV_COLUMNS, options, 12)


def _report_options(name: str, args: Sequence[str]) -> Options:
    return _options(name, args, flags="--noheadings --nosuffix -a --all", valued="-o --options --units --separator")


def _report(kind: str, rows: Iterable[_Row], columns: _Columns[_Row], options: Options, default: int) -> str:
    asked = options.get("-o", "--options")
    names = asked.split(",") if asked else list(columns)[:default]
    for name in names:
        if name not in columns:
            unknown(f"lvm {kind}s", ["-o", name])
    sized = _sizes(options.get("--units") or "g", "" if "--nosuffix" in options.values else None)
    table = [[columns[name](row, sized) for name in names] for row in rows]
    if options.get("--reportformat") in {"json", "json_std"}:
        return json.dumps({"report": [{kind: [dict(zip(names, line, strict=True)) for line in table]}]}) + "\n"
    heading = [] if "--noheadings" in options.values else [[name.removeprefix(f"{kind}_").upper() for name in names]]
    separator = options.get("--separator") or " "
    return "".join(f"  {separator.join(line)}\n" for line in heading + table)


def _sizes(unit: str, suffix: str | None) -> _Sized:
    """Return how sizes are shown: two decimals and the unit, as LVM does; bytes and sectors are whole."""
    factor = _UNITS.get(unit.lower())
    if factor is None:
        unknown("lvm", ["--units", unit])
    shown = unit if suffix is None else suffix
    if unit.lower() in "bs":
        return lambda kibibytes: f"{int(kibibytes / factor)}{shown.upper() if unit == 'b' else shown}"
    return lambda kibibytes: f"{kibibytes / factor:.2f}{shown}"


_SUBCOMMANDS: Mapping[str, Callable[[FakeNode, Sequence[str]], str]] = {
    "pvcreate": _pvcreate,
    "pvremove": _pvremove,
    "pvs": _pvs,
    "vgcreate": _vgcreate,
    "vgremove": _vgremove,
    "vgrename": _vgrename,
    "vgdisplay": _vgdisplay,
    "vgs": _vgs,
    "lvcreate": _lvcreate,
    "lvchange": _lvchange,
    "lvremove": _lvremove,
    "lvs": _lvs,
}
