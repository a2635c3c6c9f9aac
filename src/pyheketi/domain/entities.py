"""Clusters, nodes, devices, bricks, volumes and block volumes."""

import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from pyheketi.domain import size
from pyheketi.domain.durability import Durability, DurabilityRequest
from pyheketi.domain.ids import BlockVolumeId, BrickId, ClusterId, DeviceId, NodeId, OperationId, VolumeId

Tags: TypeAlias = tuple[tuple[str, str], ...]
"""Tags of a node or device, sorted by name."""

DEFAULT_EXTENT = 4096
"""KiB of an LVM extent until a node says otherwise."""

MAX_POOL_METADATA = 16 * size.KIB_PER_GIB
"""KiB; thin pool metadata never grows beyond (placement.md §4)."""


class State(StrEnum):
    """Whether a node or device takes new bricks."""

    ONLINE = "online"
    OFFLINE = "offline"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pending:
    """Mark on an object that an operation is at work on. The marks are the locks."""

    operation: OperationId
    hidden: bool
    """Whether the object is being made or removed: such objects are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A gluster trusted storage pool."""

    id: ClusterId
    file: bool
    """May hold file volumes."""
    block: bool
    """May hold block hosting volumes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A peer of the pool: a host with devices."""

    id: NodeId
    cluster: ClusterId
    zone: int
    """Failure domain, 1 or more."""
    manage: tuple[str, ...]
    """Names for commands; the first one is used."""
    storage: tuple[str, ...]
    """Names for gluster; the first one is used."""
    state: State = State.ONLINE
    tags: Tags = ()
    pending: Pending | None = None

    @property
    def manage_host(self) -> str:
        """Name that commands go to."""
        return self.manage[0]

    @property
    def storage_host(self) -> str:
        """Name that gluster knows the node by."""
        return self.storage[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A block device of a node: one LVM volume group."""

    id: DeviceId
    node: NodeId
    name: str
    """Path the device was added with."""
    total: int = 0
    """KiB of the volume group."""
    foreign: int = 0
    """KiB in use that no brick of ours accounts for, as of the last look at the node; what bricks use is derived."""
    extent: int = DEFAULT_EXTENT
    """KiB of one LVM extent."""
    pv_uuid: str = ""
    paths: tuple[str, ...] = ()
    """Other names of the device on its node."""
    state: State = State.ONLINE
    tags: Tags = ()
    pending: Pending | None = None

    @property
    def volume_group(self) -> str:
        """Name of the LVM volume group (placement.md §16)."""
        return f"vg_{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brick:
    """A thin LV with XFS, mounted, and the directory in it that gluster uses.

    A brick whose volume does not name it in its sets belongs to an operation at work.
    """

    id: BrickId
    device: DeviceId
    volume: VolumeId
    size: int
    """KiB of the file system."""
    pool_size: int
    """KiB of the thin pool."""
    metadata_size: int
    """KiB of the thin pool's metadata."""
    thin_pool: str
    """Name of the thin pool. Clones share it with what they were made of; on its device it is charged once."""
    gid: int = 0
    given_name: str = ""
    """Name of the LV if somebody else chose it: gluster does for bricks of clones."""
    given_path: str = ""
    """Directory that gluster uses if somebody else chose it."""

    @property
    def space(self) -> int:
        """KiB that the brick's pool takes from its device."""
        return self.pool_size + self.metadata_size

    @property
    def logical_volume(self) -> str:
        """Name of the LV (placement.md §16)."""
        return self.given_name or f"brick_{self.id}"

    @property
    def mount_point(self) -> str:
        """Where the LV is mounted on its node (placement.md §16)."""
        return self.path.removesuffix("/brick")

    @property
    def path(self) -> str:
        """Directory that gluster is given."""
        return self.given_path or f"/var/lib/heketi/mounts/vg_{self.device}/brick_{self.id}/brick"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Room for snapshots in the thin pools."""

    enabled: bool = False
    factor: float = 1.0
    """Pool size over brick size; a 32-bit float, as in Heketi (placement.md §2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A gluster volume and the brick sets that make it."""

    id: VolumeId
    name: str
    """Gluster's name; unique in the cluster."""
    cluster: ClusterId
    size_gib: int
    """What the client asked for."""
    durability: Durability
    durability_request: DurabilityRequest
    gid: int = 0
    options: tuple[str, ...] = ()
    """Gluster options as ``key value``, with the empty strings that clients know."""
    snapshot: Snapshot = Snapshot()
    block: bool = False
    """Whether it hosts block volumes."""
    reserved_gib: int = 0
    """Of a block hosting volume: GiB that block volumes never get."""
    restriction: str = ""
    """Of a block hosting volume: ``locked`` or ``locked-by-update`` if it takes no more block volumes."""
    requested_clusters: tuple[str, ...] = ()
    """Clusters that the client named when it asked for the volume; kept for exports."""
    brick_sets: tuple[tuple[BrickId, ...], ...] = ()
    """In the order gluster was told."""
    sets_guessed: bool = False
    """Whether the sets are only likely: Heketi's database does not tell them, gluster does."""
    pending: Pending | None = None

    @property
    def bricks(self) -> tuple[BrickId, ...]:
        """Ids of all bricks, set by set."""
        return tuple(brick for brick_set in self.brick_sets for brick in brick_set)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockVolume:
    """A block device that gluster-block keeps as a file on a block hosting volume and exports by iSCSI."""

    id: BlockVolumeId
    name: str
    """Gluster-block's name; unique on its hosting volume."""
    cluster: ClusterId
    hosting: VolumeId
    """The volume that it lies on."""
    size_gib: int
    usable_gib: int = 0
    """GiB that all its hosts can serve: less than the size after an expansion that some of them missed."""
    claimed_gib: int = 0
    """GiB more that an expansion at work has taken from the hosting volume already."""
    ha_count: int = 0
    """Number of hosts that export it; 0 until they are known, if the client did not care."""
    auth: bool = False
    """Whether initiators must know a password."""
    hosts: tuple[str, ...] = ()
    """Storage names of the nodes that export it."""
    iqn: str = ""
    lun: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    requested_clusters: tuple[str, ...] = ()
    pending: Pending | None = None

    @property
    def space_gib(self) -> int:
        """GiB that it takes from its hosting volume."""
        return self.size_gib + self.claimed_gib


Entity: TypeAlias = Cluster | Node | Device | Brick | Volume | BlockVolume


def float32(value: float) -> float:
    """Return ``value`` as the nearest 32-bit float."""
    narrowed: float = struct.unpack("f", struct.pack("f", value))[0]
    return narrowed


def pool_sizes(amount: int, factor: float, extent: int) -> tuple[int, int]:
    """Return KiB of the thin pool and of its metadata for a brick of ``amount`` KiB (placement.md §4)."""
    pool = size.align_up(int(amount * float32(factor)), extent)
    metadata = size.align_up(min(int(pool * 0.005), MAX_POOL_METADATA), extent)
    return pool, metadata


def is_hidden(entity: Node | Device | Volume | BlockVolume) -> bool:
    """Tell whether an entity is being made or removed: clients do not see it then.

    One that grows, or whose bricks move, is seen all the same.
    """
    return entity.pending is not None and entity.pending.hidden
