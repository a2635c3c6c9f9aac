"""What may still be on nodes after something was forgotten without asking them: the list for cleaning up by hand."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyheketi.domain.change import Change, Remove
from pyheketi.domain.entities import BlockVolume, Brick, Device, Node, Volume
from pyheketi.domain.ids import ClusterId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Operation
from pyheketi.operations.steps import BrickPlace, Step
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftVolume:
    """A volume that gluster may have."""

    name: str
    hosts: tuple[str, ...]
    """Management names of nodes that gluster can be asked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBrick:
    """What a node may have of a brick."""

    volume: str
    """Name of its volume; empty for an orphan, which is of none."""
    place: BrickPlace
    of_clone: bool = False
    """Whether gluster made it: it mounts it, and no line of fstab is about it."""
    known_by_name: bool = True
    """Whether its LV and path are known: gluster chooses those of clones."""
    pool_also_holds: tuple[str, ...] = ()
    """Names of other volumes with bricks in its thin pool, which therefore must stay."""

    @property
    def fstab(self) -> str:
        """How its line in the node's fstab begins; empty if it has none."""
        return "" if self.of_clone else f"{self.place.device_path} {self.place.mount_point} "


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBlockVolume:
    """A block volume that gluster-block may have."""

    name: str
    hosting: str
    """Name of the volume that it lies on."""
    iqn: str
    """Empty if it was not known yet."""
    hosts: tuple[str, ...]
    """Management names of nodes that gluster-block can be asked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftDevice:
    """A device that may still carry our volume group."""

    host: str
    name: str
    volume_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftPeer:
    """A host that may still be a member of a pool."""

    storage_host: str
    hosts: tuple[str, ...]
    """Management names of other members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftSnapshot:
    """A snapshot that gluster may have."""

    name: str
    hosts: tuple[str, ...]
    """Management names of nodes that gluster can be asked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Everything that may be left of one operation, or of one forgotten volume."""

    about: str
    """Id of the operation or volume."""
    kind: str
    """Word for the kind of the operation (rest-api.md §7.8), or ``volume``."""
    said: str
    """What was done with it in the database."""
    doubts: tuple[str, ...] = ()
    """What has to be looked at first, because nobody asked the nodes."""
    volumes: tuple[LeftVolume, ...] = ()
    snapshots: tuple[LeftSnapshot, ...] = ()
    block_volumes: tuple[LeftBlockVolume, ...] = ()
    bricks: tuple[LeftBrick, ...] = ()
    devices: tuple[LeftDevice, ...] = ()
    peers: tuple[LeftPeer, ...] = ()

    @property
    def leaves_something(self) -> bool:
        """Whether there may be anything on a node."""
        return any((self.volumes, self.snapshots, self.block_volumes, self.bricks, self.devices, self.peers))


def of_changes(
    before: Topology, changes: Iterable[Change], *, about: str, kind: str, said: str, operation: Operation | None = None
) -> Leftovers:
    """Return what is left of everything that ``changes`` remove from ``before``."""
    gone = [change.entity for change in changes if isinstance(change, Remove)]
    forgotten = frozenset(entity.id for entity in gone)
    work = operation.steps if operation else ()
    return Leftovers(
        about=about,
        kind=kind,
        said=said,
        doubts=tuple(text for step in work for text in _doubts(before, step)),
        volumes=tuple(
            LeftVolume(name=each.name, hosts=_hosts(before, each.cluster)) for each in gone if isinstance(each, Volume)
        ),
        snapshots=tuple(
            LeftSnapshot(name=each.snapshot, hosts=each.hosts) for each in work if isinstance(each, steps.CloneVolume)
        ),
        block_volumes=tuple(_block_volume(before, each) for each in gone if isinstance(each, BlockVolume)),
        bricks=(
            *(_brick(before, each, forgotten, work) for each in gone if isinstance(each, Brick)),
            *(LeftBrick(volume="", place=place) for place in _strangers(before, work)),
        ),
        devices=tuple(_device(before, each) for each in gone if isinstance(each, Device)),
        peers=tuple(_peer(before, each) for each in gone if isinstance(each, Node)),
    )


def _hosts(topology: Topology, cluster: ClusterId) -> tuple[str, ...]:
    return volumes.gluster_hosts(topology, cluster, Avoid())


def _block_volume(topology: Topology, block: BlockVolume) -> LeftBlockVolume:
    host = topology.volume(block.hosting)
    return LeftBlockVolume(
        name=block.name,
        hosting=host.name if host else block.hosting,
        iqn=block.iqn,
        hosts=_hosts(topology, block.cluster),
    )


def _brick(topology: Topology, brick: Brick, forgotten: frozenset[str], work: Iterable[Step]) -> LeftBrick:
    volume = topology.volume(brick.volume)
    clones = {each.clone for step in work if isinstance(step, steps.CloneVolume) for each in step.bricks}
    beside = {each.volume for each in topology.bricks_on(brick.device) if each.thin_pool == brick.thin_pool}
    stay = (each for id_ in beside - forgotten if (each := topology.volume(id_)))
    return LeftBrick(
        volume=volume.name if volume else brick.volume,
        place=volumes.locate(topology, brick),
        of_clone=brick.id in clones or bool(brick.given_name),
        known_by_name=brick.id not in clones,
        pool_also_holds=tuple(sorted(each.name for each in stay if each.id != brick.volume)),
    )


def _strangers(topology: Topology, work: Iterable[Step]) -> Iterator[BrickPlace]:
    """Yield bricks to destroy that the database does not know: orphans."""
    for step in work:
        if isinstance(step, steps.DestroyBrick) and topology.brick(step.place.brick) is None:
            yield step.place


def _device(topology: Topology, device: Device) -> LeftDevice:
    node = topology.node(device.node)
    return LeftDevice(
        host=node.manage_host if node else device.node, name=device.name, volume_group=device.volume_group
    )


def _peer(topology: Topology, node: Node) -> LeftPeer:
    others = tuple(host for host in _hosts(topology, node.cluster) if host != node.manage_host)
    return LeftPeer(storage_host=node.storage_host, hosts=others)


def _doubts(topology: Topology, step: Step) -> Iterator[str]:
    """Yield what may have come about on the nodes, against what the database says from now on."""
    match step:
        case steps.AddBricks():
            yield (
                f"Volume {step.name} keeps its old size and bricks. If `gluster volume info {step.name}` lists new"
                " bricks (below), data may be on them: rather let a server finish this operation. If that cannot be,"
                " take them out with `gluster volume remove-brick`; do not delete them while gluster lists them."
            )
        case steps.ReplaceBrick():
            yield (
                f"Volume {step.name} keeps brick {step.old}. If `gluster volume info {step.name}` lists {step.new}"
                " instead, the data is there: rather let a server finish this operation, which needs the node of the"
                " old brick no more. Do not delete a brick while gluster lists it."
            )
        case steps.ExpandBlock():
            yield (
                f"Block volume {step.name} keeps its old size. If `gluster-block info {step.hosting}/{step.name}` tells"
                f" {step.size_gib} GiB, expand it to that size again once the nodes are back."
            )
