"""Steps: idempotent deeds on nodes. Each carries all it needs, so that it can be done or undone after a restart.

Hosts are management names (where commands run) unless a field says storage. Sizes are KiB.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from pyheketi.domain.durability import Durability
from pyheketi.domain.entities import Brick, Device, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class BrickPlace:
    """A brick and all its names on its node (placement.md §16)."""

    brick: str
    host: str
    storage_host: str
    volume_group: str
    thin_pool: str
    logical_volume: str
    mount_point: str
    path: str
    """Directory that gluster is given."""

    @property
    def gluster_name(self) -> str:
        """What gluster calls the brick."""
        return f"{self.storage_host}:{self.path}"

    @property
    def device_path(self) -> str:
        """What is mounted: the brick's device-mapper path."""
        return f"/dev/mapper/{self.volume_group}-{self.logical_volume}"


def place_of(brick: Brick, device: Device, node: Node) -> BrickPlace:
    """Return the names of a brick on its node."""
    return BrickPlace(
        brick=brick.id,
        host=node.manage_host,
        storage_host=node.storage_host,
        volume_group=device.volume_group,
        thin_pool=brick.thin_pool,
        logical_volume=brick.logical_volume,
        mount_point=brick.mount_point,
        path=brick.path,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHandle:
    """What is known of a device on its node."""

    host: str
    volume_group: str
    name: str
    """Path that the device was added with."""
    pv_uuid: str = ""
    """LVM's id of the physical volume; empty if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBrick:
    """Make the thin pool and LV, the file system, the fstab line, the mount and the directory."""

    place: BrickPlace
    size: int
    pool_size: int
    metadata_size: int
    gid: int = 0
    """Owner group of the directory; 0 leaves it alone."""
    arbiter: bool = False
    """Whether it holds names of files only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyBrick:
    """Unmount, forget in fstab, remove LV and, when nothing else is in it, the pool. Outcome: ``Reclaimed``."""

    place: BrickPlace
    may_be_lost: bool = False
    """Whether a node that cannot be reached does not matter: nothing uses the brick any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUnused:
    """Make sure that gluster on a brick's own node can be believed, and does not use the brick."""

    place: BrickPlace
    volumes: tuple[str, ...] = ()
    """Names of volumes that gluster must know there: otherwise it has lost its memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MountBrick:
    """Mount a brick that is there, and see that it is mounted after a reboot, too. Nothing is made that holds data."""

    place: BrickPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume:
    """Create the gluster volume, set its options, start it."""

    hosts: tuple[str, ...]
    """Where to run gluster: the first that can be reached."""
    volume: str
    """Id, stored in the option ``user.heketi.id``."""
    name: str
    durability: Durability
    brick_sets: tuple[tuple[str, ...], ...]
    """Gluster's names of the bricks."""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBricks:
    """Start the brick processes of a gluster volume that do not run. A volume that is stopped stays so."""

    hosts: tuple[str, ...]
    name: str
    bricks: tuple[str, ...]
    """Gluster's names of those that must run afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolume:
    """Stop and delete the gluster volume; one that does not exist is no error."""

    hosts: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddBricks:
    """Add brick sets to a gluster volume and start to rebalance it. Bricks it has already are passed over."""

    hosts: tuple[str, ...]
    name: str
    durability: Durability
    brick_sets: tuple[tuple[str, ...], ...]
    grow_gib: int = 0
    """GiB that the volume is larger afterwards; for the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtVolume:
    """Ask gluster for the bricks of a volume. Outcome: ``VolumeBricks``."""

    hosts: tuple[str, ...]
    """Where to run gluster: the first that can tell."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReplaceable:
    """Make sure that a volume can do without one of its bricks (placement.md §13)."""

    hosts: tuple[str, ...]
    """Where to run gluster: the first that can tell."""
    name: str
    """Of the volume."""
    brick: str
    """Id, for the error."""
    old: str
    """Gluster's name of the brick."""
    peers: tuple[str, ...]
    """Gluster's names of the other bricks of its set."""
    quorum: int
    """How many of them must be there."""
    check_heal: bool = True
    """Whether to ask what has to heal yet, and who is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceBrick:
    """Put a new brick in the place of an old one; gluster copies to it what belongs there by itself."""

    hosts: tuple[str, ...]
    """Where to run gluster: the first that can be reached."""
    name: str
    """Of the volume."""
    old: str
    """Gluster's name of the brick."""
    new: str
    """Gluster's name of the brick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealVolume:
    """Ask gluster to fill new bricks now. It would do so by itself, but may take ten minutes to begin."""

    hosts: tuple[str, ...]
    """Where to run gluster: the first that can do it."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonedBrick:
    """A brick to clone, and the id of the brick that the clone gets."""

    place: BrickPlace
    """Of the brick that is there."""
    clone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneVolume:
    """Make a volume of a snapshot of another, and start it. Outcome: ``Cloned``."""

    hosts: tuple[str, ...]
    """Where to run gluster: the first that can be reached."""
    source: str
    """Name of the volume that is there."""
    volume: str
    """Id of the clone, stored in the option ``user.heketi.id``."""
    name: str
    """Of the clone."""
    snapshot: str
    """Name of the snapshot, which exists for a moment only."""
    bricks: tuple[ClonedBrick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHost:
    """A node that may export block volumes."""

    manage: str
    storage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBlock:
    """Make a block volume on its hosting volume and export it. Outcome: ``BlockTarget``."""

    hosts: tuple[str, ...]
    """Where to run gluster-block: the first whose glusterd runs."""
    hosting: str
    """Name of the hosting volume."""
    name: str
    size_gib: int
    auth: bool
    exports: tuple[BlockHost, ...]
    """Nodes that may export it, those first that shall."""
    ha_count: int
    """How many of them shall; 0 for all, whether they answer or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteBlock:
    """Delete a block volume; one that does not exist is no error."""

    hosts: tuple[str, ...]
    hosting: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandBlock:
    """Make a block volume larger. Outcome: ``BlockSize``."""

    hosts: tuple[str, ...]
    hosting: str
    name: str
    size_gib: int
    """GiB afterwards, in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckGlusterd:
    """Make sure that glusterd runs on the node."""

    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePeer:
    """Take a new peer into the pool. Outcome: ``Probed``."""

    hosts: tuple[str, ...]
    """Members of the pool: the first that can be reached does it."""
    storage_host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachPeer:
    """Take a peer out of the pool."""

    hosts: tuple[str, ...]
    storage_host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpDevice:
    """Make a device a volume group of ours. Outcome: ``DeviceReport``."""

    device: DeviceHandle
    destroy_data: bool = False
    """Whether to wipe the device if something is on it, as far as that is safe (executors.md §5)."""
    known_pv_uuids: tuple[tuple[str, str], ...] = ()
    """Physical volumes of devices we know, as ``(uuid, device id)``: never wiped."""
    some_pv_uuid_unknown: bool = False
    """Whether some device of ours has no known uuid, so that no foreign one can be told from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TearDownDevice:
    """Remove volume group and physical volume."""

    device: DeviceHandle
    forget: bool = False
    """Whether failures do not matter: the disk or its node is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectDevice:
    """Read sizes and names of a device. Outcome: ``DeviceReport``."""

    device: DeviceHandle
    bricks: tuple[str, ...] = ()
    """Ids of the bricks it held when this was planned; the answer is good only if they are the same afterwards."""


Step: TypeAlias = (
    CreateBrick
    | DestroyBrick
    | CheckUnused
    | MountBrick
    | CreateVolume
    | StartBricks
    | DeleteVolume
    | AddBricks
    | LookAtVolume
    | CheckReplaceable
    | ReplaceBrick
    | HealVolume
    | CloneVolume
    | CreateBlock
    | DeleteBlock
    | ExpandBlock
    | CheckGlusterd
    | ProbePeer
    | DetachPeer
    | SetUpDevice
    | TearDownDevice
    | InspectDevice
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """What a node said about a device. KiB."""

    total: int
    used: int
    extent: int
    pv_uuid: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """Whether a brick's thin pool went with it, so that its space is free again."""

    pool_removed: bool


@dataclass(frozen=True, slots=True)
class Probed:
    """Whether the peer is new to the pool; otherwise it was a member before."""

    fresh: bool


@dataclass(frozen=True, slots=True)
class VolumeBricks:
    """The bricks of a volume as gluster has them, set by set."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrickOfClone:
    """A brick as gluster made it."""

    brick: str
    """Our id."""
    path: str
    """Directory that gluster uses."""
    logical_volume: str


@dataclass(frozen=True, slots=True)
class Cloned:
    """What gluster made of the bricks of a volume."""

    bricks: tuple[BrickOfClone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTarget:
    """How initiators find a block volume."""

    hosts: tuple[str, ...]
    """Storage names of those that export it."""
    iqn: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BlockSize:
    """Size of a block volume as gluster-block tells it. GiB."""

    size: int
    usable: int
    """What all hosts can serve."""


Outcome: TypeAlias = DeviceReport | Reclaimed | Probed | VolumeBricks | Cloned | BlockTarget | BlockSize | None
