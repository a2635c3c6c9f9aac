"""What simulated nodes hold: disks, volume groups, file systems, mounts, files, gluster pools. No program runs here.

Sizes are KiB. These objects live and change; ``FakeNodes.inventory`` is their picture as a value.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

FSTAB = "/etc/fstab"

_SYSTEM_DIRECTORIES = (
    *("/", "/dev", "/etc", "/mnt", "/run", "/run/gluster", "/run/gluster/snaps", "/run/lock"),
    *("/tmp", "/var", "/var/lib", "/var/lock"),  # noqa: S108  # of a simulated node
)


_MADE_BY_LVM = ("/dev/mapper/vg_", "/dev/vg_", "/dev/disk/by-id/lvm-pv-uuid-")
"""Paths that exist only as long as LVM has something there."""


def system_directories() -> frozenset[str]:
    """Return the directories that every node has from the start."""
    return frozenset(_SYSTEM_DIRECTORIES)


def stable_uuid(*words: str) -> str:
    """Return a UUID that is the same for the same words."""
    digits = hashlib.md5("\0".join(words).encode(), usedforsecurity=False).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def lvm_uuid(*words: str) -> str:
    """Return an id in LVM's own form that is the same for the same words."""
    digits = hashlib.md5("\0".join(words).encode(), usedforsecurity=False).hexdigest()
    return "-".join((digits[:6], digits[6:10], digits[10:14], digits[14:18], digits[18:22], digits[22:26], digits[26:]))


# -- gluster -----------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class GlusterVolume:
    """A gluster volume as glusterd knows it."""

    name: str
    uuid: str
    bricks: list[str] = field(default_factory=list)
    """``storage name:path``, in order."""
    replica: int = 1
    arbiter: int = 0
    disperse: int = 0
    """Bricks in a disperse set, data and redundancy; 0 if the volume is not dispersed."""
    redundancy: int = 0
    status: Literal["Created", "Started", "Stopped"] = "Created"
    options: dict[str, str] = field(default_factory=dict)
    cloned: bool = False
    leaving: list[str] = field(default_factory=list)
    """Bricks that ``remove-brick … start`` drains."""
    dead: set[str] = field(default_factory=set)
    """Bricks whose process found nothing to serve when their node started, and has not been started since."""
    unhealed: int = 0
    """Files that self-heal has still to copy, on each brick; set by whoever rehearses."""

    @property
    def set_size(self) -> int:
        """Bricks in a set."""
        return self.disperse or self.replica

    @property
    def started(self) -> bool:
        """Whether its brick processes run, as far as their nodes do."""
        return self.status == "Started"

    def start_bricks(self, starts: Callable[["FakeNode"], bool], resolve: Callable[[str], "FakeNode"]) -> None:
        """Start the processes of its bricks on nodes where that is so, as far as bricks are there to be served."""
        for brick in self.bricks:
            host, _, path = brick.partition(":")
            node = resolve(host)
            if starts(node):
                found = node.directory(path)
                serves = found is not None and found.brick_of is not None and found.brick_of.uuid == self.uuid
                (self.dead.discard if serves else self.dead.add)(brick)


@dataclass(slots=True, eq=False)
class Snapshot:
    """A snapshot of a volume, with an LV for each brick."""

    name: str
    volume: GlusterVolume
    uuid: str
    volumes: list[tuple["FakeNode", "LogicalVolume"]] = field(default_factory=list)
    """In the order of the bricks."""
    active: bool = False


@dataclass(slots=True, eq=False)
class Block:
    """A block volume as gluster-block knows it."""

    name: str
    volume: str
    gbid: str
    size: int
    """GiB."""
    hosts: list[str]
    password: str
    """Empty if anybody may log in."""


@dataclass(slots=True, eq=False)
class Pool:
    """A trusted storage pool: peers and volumes."""

    members: dict["FakeNode", str] = field(default_factory=dict)
    """The name each peer is known by; empty while nobody had to name it."""
    volumes: dict[str, GlusterVolume] = field(default_factory=dict)
    bricks: dict[str, GlusterVolume] = field(default_factory=dict)
    """The volume of every brick in use."""
    volumes_made: int = 0
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    blocks: dict[tuple[str, str], Block] = field(default_factory=dict)
    """Block volumes by the names of their hosting volume and of their own."""
    settings: dict[str, str] = field(default_factory=dict)
    """What ``snapshot config`` has set."""

    def copy(self) -> "Pool":
        """Return what a peer that goes apart takes with it."""
        volumes = {
            name: replace(each, bricks=[*each.bricks], options={**each.options}, dead={*each.dead})
            for name, each in self.volumes.items()
        }
        return Pool(
            members=self.members,
            volumes=volumes,
            bricks={brick: volumes[each.name] for brick, each in self.bricks.items()},
            volumes_made=self.volumes_made,
            blocks=self.blocks,
            settings=self.settings,
        )

    def mount_clones(self, node: "FakeNode") -> None:
        """Mount the bricks of clones on a node that starts, as glusterd does."""
        for volume in self.volumes.values():
            for host, path in (brick.split(":", 1) for brick in volume.bricks):
                point = path.removesuffix("/brick")
                made = node.clone_bricks.get(point)
                if made is None or made.device not in node.devices or made.file_system is None:
                    continue
                if node.resolve(host) is node and point not in node.mounts:
                    node.attach(made, made.file_system, point, "rw,nouuid")


# -- files -------------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Directory:
    """A directory in some file system."""

    mode: str = "755"
    group: str = "0"
    owner: str = "0"
    children: int = 0
    brick_of: GlusterVolume | None = None
    """The volume whose id gluster wrote on it; it stays when the volume is deleted."""


@dataclass(slots=True, eq=False)
class FileSystem:
    """Directories by their path from the root of the file system, which is ``/``."""

    directories: dict[str, Directory] = field(default_factory=lambda: {"/": Directory()})

    def add(self, path: str) -> Directory:
        """Make one directory; its parent exists and it does not."""
        self.directories[path.rpartition("/")[0] or "/"].children += 1
        made = self.directories[path] = Directory()
        return made

    def copy(self) -> "FileSystem":
        """Return what a snapshot would hold."""
        return FileSystem({path: replace(directory) for path, directory in self.directories.items()})

    def drop(self, path: str) -> None:
        """Remove one empty directory."""
        del self.directories[path]
        self.directories[path.rpartition("/")[0] or "/"].children -= 1

    def add_all(self, path: str) -> Directory:
        """Make a directory and all that lead to it, as far as they are missing."""
        found = self.directories.get(path)
        if found is not None:
            return found
        self.add_all(path.rpartition("/")[0] or "/")
        return self.add(path)


# -- LVM ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class LogicalVolume:
    """A thin pool, a thin volume in it, or a plain volume."""

    name: str
    group: str
    kind: Literal["pool", "thin", "linear"]
    size: int
    pool: str = ""
    """Name of the thin pool that a thin volume lives in."""
    metadata: int = 0
    """Of a thin pool."""
    thin_count: int = 0
    """Thin volumes in a thin pool."""
    full: bool = False
    """Whether a thin pool has no room left, so that nothing can be written to volumes in it."""
    file_system: FileSystem | None = None
    mounts: int = 0
    """How many mount points it is mounted on."""

    @property
    def device(self) -> str:
        """Its device-mapper path."""
        return f"/dev/mapper/{self.group.replace('-', '--')}-{self.name.replace('-', '--')}"


@dataclass(slots=True, eq=False)
class VolumeGroup:
    """A volume group on one disk."""

    name: str
    extent: int
    extents: int
    """In all."""
    uuid: str
    disk: "Disk"
    charge_spare: bool
    allocated: int = 0
    """Extents of logical volumes, without the spare."""
    spare: int = 0
    """Extents of the spare metadata volume: as large as the largest pool metadata since the first pool was made."""
    pools: int = 0
    volumes: dict[str, LogicalVolume] = field(default_factory=dict)

    @property
    def used(self) -> int:
        """Extents that are not free."""
        return self.allocated + self.spare if self.charge_spare else self.allocated

    @property
    def free(self) -> int:
        """Extents that are free."""
        return self.extents - self.used

    def round_up(self, kib: int) -> int:
        """Return the number of extents that hold ``kib``."""
        return -(-kib // self.extent)

    def needed(self, data: int, metadata: int) -> int:
        """Return the extents that a new thin pool takes, the growth of the spare included where it is charged."""
        spare = max(0, self.round_up(metadata) - self.spare) if self.charge_spare else 0
        return self.round_up(data) + self.round_up(metadata) + spare

    def add(self, volume: LogicalVolume) -> None:
        """Take a logical volume in, without looking at the room."""
        self.volumes[volume.name] = volume
        if volume.kind == "thin":
            self.volumes[volume.pool].thin_count += 1
            return
        self.allocated += self.round_up(volume.size) + self.round_up(volume.metadata)
        if volume.kind == "pool":
            self.pools += 1
            self.spare = max(self.spare, self.round_up(volume.metadata))

    def drop(self, volume: LogicalVolume) -> None:
        """Forget a logical volume; the spare goes with the last pool."""
        del self.volumes[volume.name]
        if volume.kind == "thin":
            self.volumes[volume.pool].thin_count -= 1
            return
        self.allocated -= self.round_up(volume.size) + self.round_up(volume.metadata)
        if volume.kind == "pool":
            self.pools -= 1
            self.spare = self.spare if self.pools else 0


@dataclass(slots=True, eq=False)
class Disk:
    """A block device of a node."""

    path: str
    size: int
    signature: str = ""
    """What ``wipefs`` would see on it, ``xfs`` for example; empty for nothing. Physical volumes are not told here."""
    pv_uuid: str = ""
    """LVM's id of the physical volume; empty if it is none."""
    generation: int = 0
    """How often it was made a physical volume."""
    group: VolumeGroup | None = None
    read_only: bool = False
    """Whether the kernel lets nobody write to it."""

    @property
    def links(self) -> tuple[str, ...]:
        """Other paths of the device, as udev makes them."""
        by_uuid = (f"/dev/disk/by-id/lvm-pv-uuid-{self.pv_uuid}",) if self.pv_uuid else ()
        return (*by_uuid, f"/dev/disk/by-path/simulated-{self.path.removeprefix('/dev/').replace('/', '-')}")


@dataclass(slots=True, eq=False)
class Mount:
    """A mounted file system."""

    device: str
    point: str
    options: str
    volume: LogicalVolume
    file_system: FileSystem


# -- the node ----------------------------------------------------------------------------------------------------


class FakeNode:
    """One simulated machine."""

    def __init__(self, name: str, *, disk_size: int, charge_spare: bool, resolve: Callable[[str], "FakeNode"]) -> None:
        """``resolve`` finds other machines by name, as the network does; ``disk_size`` is of disks not seen before."""
        self.name = name
        self.powered = True
        self.glusterd = True
        self.disk_size = disk_size
        self.charge_spare = charge_spare
        self.resolve = resolve
        self.disks: dict[str, Disk] = {}
        self.groups: dict[str, VolumeGroup] = {}
        self.devices: dict[str, LogicalVolume] = {}
        """Logical volumes by device-mapper path."""
        self.root = FileSystem()
        for path in _SYSTEM_DIRECTORIES:
            self.root.add_all(path)
        self.mounts: dict[str, Mount] = {}
        self.clone_bricks: dict[str, LogicalVolume] = {}
        """What glusterd mounts by itself, by mount point."""
        self.files: dict[str, list[str]] = {FSTAB: []}
        """Lines of files, without line ends."""
        self.pool = Pool({self: ""})
        self.uuid = stable_uuid("node", name)
        self._rejected_by: Pool | None = None
        self._pulled: dict[str, tuple[Disk, list[tuple[str, Mount]]]] = {}

    @property
    def connected(self) -> bool:
        """Whether other glusterds can talk to this one."""
        return self.powered and self.glusterd

    @property
    def rejected(self) -> bool:
        """Whether its volumes are not those of its peers, so that they take no notice of each other."""
        return self._rejected_by is not None

    def befriended(self, peer: "FakeNode") -> bool:
        """Tell whether ``peer`` takes part in what is decided here, if it is connected."""
        return peer is self or not (self.rejected or peer.rejected)

    def reject(self) -> None:
        """Let it go apart from its pool: from now on it has volumes of its own, as they were."""
        self._rejected_by = self.pool
        self.pool = self.pool.copy()

    def accept(self) -> None:
        """Let it come back to its pool and take over its volumes, as ``glusterd`` does once its own are gone."""
        if self._rejected_by is not None:
            self.pool, self._rejected_by = self._rejected_by, None

    def pull_disk(self, path: str) -> None:
        """Take a disk out while it runs: LVM forgets the group, mounts stay, but there is nothing in them."""
        disk = self.disks.pop(path)
        mounts = []
        if disk.group is not None:
            del self.groups[disk.group.name]
            for volume in disk.group.volumes.values():
                del self.devices[volume.device]
                mounts += [(point, mount) for point, mount in self.mounts.items() if mount.volume is volume]
        for point, mount in mounts:
            self.mounts[point] = Mount(mount.device, point, mount.options, mount.volume, FileSystem())
        self._pulled[path] = (disk, mounts)

    def push_disk(self, path: str) -> None:
        """Put a disk back, and mount again what is still mounted of it."""
        disk, mounts = self._pulled.pop(path)
        self.disks[path] = disk
        if disk.group is not None:
            self.groups[disk.group.name] = disk.group
            self.devices |= {volume.device: volume for volume in disk.group.volumes.values()}
        self.mounts |= {point: mount for point, mount in mounts if point in self.mounts}

    def power_off(self) -> None:
        """Cut the power: what is on disk stays, mounts and processes do not."""
        self.powered = False
        for mount in self.mounts.values():
            mount.volume.mounts -= 1
        self.mounts.clear()

    def power_on(self) -> None:
        """Boot: mount what fstab says as far as it is there, start glusterd."""
        self.powered = True
        self.glusterd = True
        self.pool.mount_clones(self)
        for line in [line for path, lines in self.files.items() if path.endswith("fstab") for line in lines]:
            words = line.split()
            if len(words) >= 4 and words[1] not in self.mounts and self.directory(words[1]) is not None:
                volume = self.devices.get(words[0])
                if volume is not None and volume.file_system is not None:
                    self.attach(volume, volume.file_system, words[1], words[3])

        for gluster_volume in self.pool.volumes.values():
            gluster_volume.start_bricks(lambda node: node is self, self.resolve)

    def attach(self, volume: LogicalVolume, file_system: FileSystem, point: str, options: str) -> None:
        """Mount without asking."""
        volume.mounts += 1
        self.mounts[point] = Mount(volume.device, point, options, volume, file_system)

    def disk(self, path: str) -> Disk | None:
        """Return the disk at ``path``, which may be one of its links. Any disk is there once somebody looks for it."""
        if path in self._pulled:
            return None
        found = self.disks.get(path)
        if found is None and path.startswith("/dev/disk/"):
            found = next((disk for disk in self.disks.values() if path in disk.links), None)
        if found is None and path.startswith("/dev/") and not path.startswith(_MADE_BY_LVM):
            found = self.disks[path] = Disk(path, self.disk_size)
        return found

    def has_device(self, path: str) -> bool:
        """Tell whether there is a block device at ``path``."""
        return path in self.devices or self.disk(path) is not None

    def locate(self, path: str) -> tuple[FileSystem, str]:
        """Return the file system that ``path`` lies in, and the path from its root."""
        mount = self.mount_of(path)
        return (self.root, path) if mount is None else (mount.file_system, path[len(mount.point) :] or "/")

    def mount_of(self, path: str) -> Mount | None:
        """Return the mount that ``path`` lies in or is the root of; None if it is not below any."""
        while len(path) > 1:
            mount = self.mounts.get(path)
            if mount is not None:
                return mount
            path = path.rpartition("/")[0]
        return None

    def directory(self, path: str) -> Directory | None:
        """Return the directory at ``path``, if there is one."""
        file_system, inner = self.locate(path)
        return file_system.directories.get(inner)
