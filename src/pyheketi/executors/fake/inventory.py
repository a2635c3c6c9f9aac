"""A picture of everything on simulated nodes, as a value: two that are equal tell that nothing was leaked or lost."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from pyheketi.executors.fake.state import FakeNode, GlusterVolume, Pool, system_directories

_MOUNTS = "/var/lib/heketi/mounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is on the nodes: one line each, sorted, so that a difference can be read."""

    physical_volumes: tuple[str, ...]
    logical_volumes: tuple[str, ...]
    mounts: tuple[str, ...]
    fstab: tuple[str, ...]
    directories: tuple[str, ...]
    """Without those of the system, and without the folder of each volume group while the group exists."""
    pools: tuple[str, ...]
    """Members of the trusted storage pools that have more than one."""
    gluster_volumes: tuple[str, ...]
    snapshots: tuple[str, ...]
    block_volumes: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines, each with the word for what it tells of."""
        return tuple(f"{each.name}: {line}" for each in fields(self) for line in getattr(self, each.name))

    def beyond(self, other: "Inventory") -> tuple[str, ...]:
        """Return the lines that ``other`` does not have."""
        theirs = set(other.lines)
        return tuple(line for line in self.lines if line not in theirs)


def take(nodes: Iterable[FakeNode]) -> Inventory:
    """Take the inventory of nodes."""
    nodes = sorted(nodes, key=lambda node: node.name)
    pools = list(dict.fromkeys(node.pool for node in nodes))
    return Inventory(
        physical_volumes=_sorted(
            f"{node.name} {disk.path} {_group_text(node, disk.path)}".rstrip()
            for node in nodes
            for disk in node.disks.values()
            if disk.pv_uuid
        ),
        logical_volumes=_sorted(
            f"{node.name} {group.name}/{volume.name} {volume.kind} {volume.size} KiB"
            f"{f' +{volume.metadata} KiB' if volume.metadata else ''}{f' in {volume.pool}' if volume.pool else ''}"
            f"{' xfs' if volume.file_system else ''}"
            for node in nodes
            for group in node.groups.values()
            for volume in group.volumes.values()
        ),
        mounts=_sorted(
            f"{node.name} {mount.device} {mount.point} {mount.options}"
            for node in nodes
            for mount in node.mounts.values()
        ),
        fstab=_sorted(
            f"{node.name} {line}"
            for node in nodes
            for path, lines in node.files.items()
            if path.endswith("fstab")
            for line in lines
        ),
        directories=_sorted(f"{node.name} {line}" for node in nodes for line in _directories(node)),
        pools=_sorted(", ".join(_members(pool)) for pool in pools if len(pool.members) > 1),
        gluster_volumes=_sorted(
            f"{_members(pool)[0]} {_volume_text(volume)}" for pool in pools for volume in pool.volumes.values()
        ),
        snapshots=_sorted(
            f"{_members(pool)[0]} {each.name} of {each.volume.name}"
            for pool in pools
            for each in pool.snapshots.values()
        ),
        block_volumes=_sorted(
            f"{_members(pool)[0]} {each.volume}/{each.name} {each.size} GiB at {','.join(each.hosts)}"
            f"{' with password' if each.password else ''}"
            for pool in pools
            for each in pool.blocks.values()
        ),
    )


def _sorted(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(lines))


def _members(pool: Pool) -> list[str]:
    return sorted(node.name for node in pool.members)


def _group_text(node: FakeNode, path: str) -> str:
    group = node.disks[path].group
    return f"{group.name} {group.extents} extents of {group.extent} KiB" if group else ""


def _directories(node: FakeNode) -> Iterable[str]:
    expected = system_directories() | {"/var/lib/heketi", _MOUNTS} | {f"{_MOUNTS}/{name}" for name in node.groups}
    places = [("", path, each) for path, each in node.root.directories.items() if path not in expected]
    for mount in node.mounts.values():
        inside = mount.file_system.directories.items()
        places.extend((mount.point, path, each) for path, each in inside if path != "/")
    for point, path, directory in places:
        yield f"{point}{path} {directory.owner}:{directory.group} {directory.mode}"


def _volume_text(volume: GlusterVolume) -> str:
    kind = f"replica {volume.replica} arbiter {volume.arbiter}"
    if volume.disperse:
        kind = f"disperse {volume.disperse} redundancy {volume.redundancy}"
    options = " ".join(f"{key}={value}" for key, value in sorted(volume.options.items()))
    return f"{volume.name} {volume.status} {kind} {' '.join(volume.bricks)} {options}"
