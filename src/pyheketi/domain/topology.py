"""The topology: every entity at one revision, as an immutable value, with the look-ups that decisions need."""

from collections.abc import Iterable, Iterator

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.entities import BlockVolume, Brick, Cluster, Device, Entity, Node, Volume
from pyheketi.domain.ids import ClusterId, DeviceId, NodeId, VolumeId
from pyheketi.domain.persistent_map import PersistentMap

_Children = PersistentMap[str, None]
_NONE: _Children = PersistentMap()

_PARENT = {Node: "cluster", Device: "node", Brick: "device", Volume: "cluster", BlockVolume: "cluster"}
_RANK = (Cluster, Node, Device, Volume, Brick, BlockVolume)
"""Kinds, parents first."""


class Topology:
    """All entities and their indexes. ``apply`` is the only way to another topology."""

    __slots__ = (
        "_blocks_of_volume",
        "_bricks_of_volume",
        "_children",
        "_entities",
        "_hosts",
        "_names",
        "_pools",
        "_space",
        "_spare",
    )

    def __init__(self, entities: Iterable[Entity] = ()) -> None:
        """Build from entities in any order.

        Raises:
            BrokenInvariant: the entities contradict each other.
        """
        self._entities: dict[type, PersistentMap[str, Entity]] = {kind: PersistentMap() for kind in _RANK}
        self._children: dict[type, PersistentMap[str, _Children]] = {kind: PersistentMap() for kind in _PARENT}
        self._bricks_of_volume: PersistentMap[str, _Children] = PersistentMap()
        self._blocks_of_volume: PersistentMap[str, _Children] = PersistentMap()
        self._names: PersistentMap[tuple[str, str], VolumeId] = PersistentMap()
        self._hosts: PersistentMap[tuple[str, str], NodeId] = PersistentMap()
        self._pools: PersistentMap[tuple[str, str], int] = PersistentMap()
        self._space: PersistentMap[str, int] = PersistentMap()
        self._spare: PersistentMap[str, int] = PersistentMap()
        rank = {kind: position for position, kind in enumerate(_RANK)}
        self._change([Put(entity) for entity in sorted(entities, key=lambda each: rank[type(each)])])

    # -- look-ups ------------------------------------------------------------------------------------------------

    def clusters(self) -> Iterator[Cluster]:
        """Yield all clusters, by id."""
        return self._all(Cluster)

    def nodes(self) -> Iterator[Node]:
        """Yield all nodes, by id."""
        return self._all(Node)

    def devices(self) -> Iterator[Device]:
        """Yield all devices, by id."""
        return self._all(Device)

    def volumes(self) -> Iterator[Volume]:
        """Yield all volumes, by id; those that are being made or removed too."""
        return self._all(Volume)

    def bricks(self) -> Iterator[Brick]:
        """Yield all bricks, by id."""
        return self._all(Brick)

    def block_volumes(self) -> Iterator[BlockVolume]:
        """Yield all block volumes, by id; those that are being made or removed too."""
        return self._all(BlockVolume)

    def entities(self) -> Iterator[Entity]:
        """Yield everything, parents first."""
        for kind in _RANK:
            yield from self._all(kind)

    def _all(self, kind: type) -> Iterator:  # type: ignore[type-arg]  # narrowed by the callers
        entities = self._entities[kind]
        return (entities[key] for key in sorted(entities))

    def cluster(self, id_: str) -> Cluster | None:
        """Return the cluster of that id, if there is one."""
        return self._entities[Cluster].get(id_)  # type: ignore[return-value]  # keyed by kind

    def node(self, id_: str) -> Node | None:
        """Return the node of that id, if there is one."""
        return self._entities[Node].get(id_)  # type: ignore[return-value]  # keyed by kind

    def device(self, id_: str) -> Device | None:
        """Return the device of that id, if there is one."""
        return self._entities[Device].get(id_)  # type: ignore[return-value]  # keyed by kind

    def brick(self, id_: str) -> Brick | None:
        """Return the brick of that id, if there is one."""
        return self._entities[Brick].get(id_)  # type: ignore[return-value]  # keyed by kind

    def volume(self, id_: str) -> Volume | None:
        """Return the volume of that id, if there is one, also while it is made or removed."""
        return self._entities[Volume].get(id_)  # type: ignore[return-value]  # keyed by kind

    def block_volume(self, id_: str) -> BlockVolume | None:
        """Return the block volume of that id, if there is one, also while it is made or removed."""
        return self._entities[BlockVolume].get(id_)  # type: ignore[return-value]  # keyed by kind

    def nodes_of(self, cluster: ClusterId) -> list[Node]:
        """Return the nodes of a cluster, by id."""
        return [self._entities[Node][key] for key in self._sorted(Node, cluster)]  # type: ignore[misc]  # keyed by kind

    def devices_of(self, node: NodeId) -> list[Device]:
        """Return the devices of a node, by id."""
        return [self._entities[Device][key] for key in self._sorted(Device, node)]  # type: ignore[misc]  # keyed by kind

    def bricks_on(self, device: DeviceId) -> list[Brick]:
        """Return the bricks on a device, by id."""
        return [self._entities[Brick][key] for key in self._sorted(Brick, device)]  # type: ignore[misc]  # keyed by kind

    def volumes_of(self, cluster: ClusterId) -> list[Volume]:
        """Return the volumes of a cluster, by id; those that are being made or removed too."""
        return [self._entities[Volume][key] for key in self._sorted(Volume, cluster)]  # type: ignore[misc]  # keyed by kind

    def bricks_of(self, volume: VolumeId) -> list[Brick]:
        """Return all bricks of a volume by id, also those that are not in its sets (yet, or any more)."""
        return [self._entities[Brick][key] for key in sorted(self._bricks_of_volume.get(volume) or _NONE)]  # type: ignore[misc]  # keyed by kind

    def block_volumes_in(self, cluster: ClusterId) -> list[BlockVolume]:
        """Return the block volumes of a cluster, by id; those that are being made or removed too."""
        return [self._entities[BlockVolume][key] for key in self._sorted(BlockVolume, cluster)]  # type: ignore[misc]  # keyed by kind

    def block_volumes_on(self, volume: VolumeId) -> list[BlockVolume]:
        """Return the block volumes that a volume hosts, by id; those that are being made or removed too."""
        return [self._entities[BlockVolume][key] for key in sorted(self._blocks_of_volume.get(volume) or _NONE)]  # type: ignore[misc]  # keyed by kind

    def _sorted(self, kind: type, parent: str) -> list[str]:
        return sorted(self._children[kind].get(parent) or _NONE)

    def count_volumes(self, cluster: ClusterId) -> int:
        """Return how many volumes a cluster holds, hidden ones included."""
        return len(self._children[Volume].get(cluster) or _NONE)

    def count_bricks(self, device: DeviceId) -> int:
        """Return how many bricks are on a device."""
        return len(self._children[Brick].get(device) or _NONE)

    def volume_named(self, cluster: ClusterId, name: str) -> VolumeId | None:
        """Return the volume of that name in a cluster."""
        return self._names.get((cluster, name))

    def node_managed_at(self, host: str) -> NodeId | None:
        """Return the node that has ``host`` among its management names."""
        return self._hosts.get(("manage", host))

    def node_stored_at(self, host: str) -> NodeId | None:
        """Return the node that has ``host`` among its storage names."""
        return self._hosts.get(("storage", host))

    @property
    def hardware(self) -> tuple[object, ...]:
        """All nodes and all devices: the very same objects as long as none of them changed, whatever volumes come."""
        return self.all_of(Node, Device)

    def all_of(self, *kinds: type) -> tuple[object, ...]:
        """Return all entities of each kind: the very same objects as long as none of them changed."""
        return tuple(self._entities[kind] for kind in kinds)

    # -- space ---------------------------------------------------------------------------------------------------

    def used(self, device: Device) -> int:
        """Return KiB in use on a device: its bricks' pools with metadata, and what is not ours."""
        return device.foreign + (self._space.get(device.id) or 0)

    def free(self, device: Device) -> int:
        """Return KiB free on a device."""
        return device.total - self.used(device)

    def shares_pool(self, brick: Brick) -> bool:
        """Return whether other bricks lie in a brick's thin pool."""
        return (self._pools.get((brick.device, brick.thin_pool)) or 0) > 1

    def block_free_gib(self, volume: Volume) -> int:
        """Return GiB that a block hosting volume has for further block volumes; 0 for other volumes."""
        if not volume.block:
            return 0
        return volume.size_gib - volume.reserved_gib - sum(each.space_gib for each in self.block_volumes_on(volume.id))

    def room(self, device: Device, metadata: int) -> int:
        """Return KiB that a new thin pool with ``metadata`` KiB of metadata may use at most.

        LVM keeps one spare metadata volume per volume group, as large as the largest pool metadata in it. Nobody is
        charged for it, but it has to fit (placement.md §18.11). What is not ours may already contain it.
        """
        spare = max(self._spare.get(device.id) or 0, metadata)
        return self.free(device) - max(0, spare - max(0, device.foreign))

    # -- change --------------------------------------------------------------------------------------------------

    def apply(self, changes: Iterable[Change]) -> "Topology":
        """Return the topology after ``changes``, made in order.

        Raises:
            BrokenInvariant: a change would break a rule that is cheap to check; see ``domain.invariants`` for all.
        """
        made = object.__new__(Topology)
        made._entities = dict(self._entities)
        made._children = dict(self._children)
        made._bricks_of_volume, made._blocks_of_volume = self._bricks_of_volume, self._blocks_of_volume
        made._names, made._hosts = self._names, self._hosts
        made._pools, made._space, made._spare = self._pools, self._space, self._spare
        made._change(changes)
        return made

    def _change(self, changes: Iterable[Change]) -> None:
        for change in changes:
            kind = type(change.entity)
            before = self._entities[kind].get(change.entity.id)
            if isinstance(change, Remove):
                if before is not None:
                    self._require_childless(before)
                    self._unindex(before)
                    self._entities[kind] = self._entities[kind].with_changes(remove=[before.id])
                continue
            entity = change.entity
            self._require_parent(entity)
            if before is not None and not _same_links(before, entity):
                self._unindex(before)
                before = None
            if before is None:
                self._index(entity)
            self._entities[kind] = self._entities[kind].with_changes([(entity.id, entity)])

    def _require_parent(self, entity: Entity) -> None:
        match entity:
            case Node():
                missing = entity.cluster not in self._entities[Cluster] and f"cluster {entity.cluster}"
            case Device():
                missing = entity.node not in self._entities[Node] and f"node {entity.node}"
            case Volume():
                missing = entity.cluster not in self._entities[Cluster] and f"cluster {entity.cluster}"
            case Brick():
                missing = (entity.device not in self._entities[Device] and f"device {entity.device}") or (
                    entity.volume not in self._entities[Volume] and f"volume {entity.volume}"
                )
            case BlockVolume():
                missing = (entity.cluster not in self._entities[Cluster] and f"cluster {entity.cluster}") or (
                    entity.hosting not in self._entities[Volume] and f"volume {entity.hosting}"
                )
            case Cluster():
                missing = False
        if missing:
            raise errors.BrokenInvariant(f"{_label(entity)} belongs to {missing}, which does not exist")

    def _index(self, entity: Entity) -> None:
        self._link(entity, present=True)
        match entity:
            case Volume():
                if (owner := self._names.get((entity.cluster, entity.name))) is not None:
                    raise errors.BrokenInvariant(f"{_label(entity)}: name {entity.name} belongs to volume {owner}")
                self._names = self._names.with_changes([((entity.cluster, entity.name), entity.id)])
            case Node():
                for key in _host_keys(entity):
                    if (holder := self._hosts.get(key)) is not None:
                        raise errors.BrokenInvariant(f"{_label(entity)}: host name {key[1]} belongs to node {holder}")
                self._hosts = self._hosts.with_changes([(key, entity.id) for key in _host_keys(entity)])
            case Brick():
                self._charge(entity, +1)
                if entity.metadata_size > (self._spare.get(entity.device) or 0):
                    self._spare = self._spare.with_changes([(entity.device, entity.metadata_size)])

    def _charge(self, brick: Brick, bricks: int) -> None:
        """Count bricks of a pool; the first one takes the pool's space from the device, the last one gives it back."""
        key = (brick.device, brick.thin_pool)
        before = self._pools.get(key) or 0
        after = before + bricks
        self._pools = self._pools.with_changes([(key, after)]) if after else self._pools.with_changes(remove=[key])
        if not before or not after:
            used = (self._space.get(brick.device) or 0) + bricks * brick.space
            self._space = self._space.with_changes([(brick.device, used)])

    def _require_childless(self, entity: Entity) -> None:
        for kind, parent in _PARENT.items():
            if parent == _name(entity) and (held := self._children[kind].get(entity.id)):
                child = self._entities[kind][next(iter(held))]
                raise errors.BrokenInvariant(f"{_label(entity)} still holds {_label(child)}")
        if isinstance(entity, Volume) and (held := self._bricks_of_volume.get(entity.id)):
            raise errors.BrokenInvariant(f"{_label(entity)} still holds brick {next(iter(held))}")
        if isinstance(entity, Volume) and (held := self._blocks_of_volume.get(entity.id)):
            raise errors.BrokenInvariant(f"{_label(entity)} still holds block volume {next(iter(held))}")

    def _unindex(self, entity: Entity) -> None:
        self._link(entity, present=False)
        match entity:
            case Volume():
                self._names = self._names.with_changes(remove=[(entity.cluster, entity.name)])
            case Node():
                self._hosts = self._hosts.with_changes(remove=_host_keys(entity))
            case Brick():
                self._charge(entity, -1)
                if entity.metadata_size == self._spare.get(entity.device):
                    left = self._children[Brick].get(entity.device) or _NONE
                    largest = max((self._entities[Brick][key].metadata_size for key in left), default=0)  # type: ignore[union-attr]  # keyed by kind
                    self._spare = self._spare.with_changes([(entity.device, largest)])

    def _link(self, entity: Entity, *, present: bool) -> None:
        kind = type(entity)
        if kind in _PARENT:
            parent = getattr(entity, _PARENT[kind])
            self._children[kind] = _linked(self._children[kind], parent, entity.id, present=present)
        if isinstance(entity, Brick):
            self._bricks_of_volume = _linked(self._bricks_of_volume, entity.volume, entity.id, present=present)
        if isinstance(entity, BlockVolume):
            self._blocks_of_volume = _linked(self._blocks_of_volume, entity.hosting, entity.id, present=present)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topology) and list(self.entities()) == list(other.entities())

    __hash__ = None  # type: ignore[assignment]  # compared in tests only

    def __str__(self) -> str:
        return ", ".join(f"{len(entities)} {_kind_name(kind)}s" for kind, entities in self._entities.items())

    def __repr__(self) -> str:
        return f"<Topology of {self}>"


def _linked(
    index: PersistentMap[str, _Children], parent: str, child: str, *, present: bool
) -> PersistentMap[str, _Children]:
    children = index.get(parent) or _NONE
    children = children.with_changes([(child, None)]) if present else children.with_changes(remove=[child])
    return index.with_changes([(parent, children)]) if children else index.with_changes(remove=[parent])


def _same_links(before: Entity, after: Entity) -> bool:
    """Tell whether indexes need no change when ``after`` takes the place of ``before``."""
    match before, after:
        case Volume(), Volume():
            return (before.cluster, before.name) == (after.cluster, after.name)
        case Node(), Node():
            return (before.cluster, before.manage, before.storage) == (after.cluster, after.manage, after.storage)
        case Device(), Device():
            return before.node == after.node
        case Brick(), Brick():
            return (before.device, before.volume, before.thin_pool, before.space, before.metadata_size) == (
                *(after.device, after.volume, after.thin_pool, after.space, after.metadata_size),
            )
        case BlockVolume(), BlockVolume():
            return (before.cluster, before.hosting) == (after.cluster, after.hosting)
        case _:
            return True


def _host_keys(node: Node) -> list[tuple[str, str]]:
    return [*(("manage", host) for host in node.manage), *(("storage", host) for host in node.storage)]


def _kind_name(kind: type) -> str:
    return "block volume" if kind is BlockVolume else kind.__name__.lower()


def _name(entity: Entity) -> str:
    return _kind_name(type(entity))


def _label(entity: Entity) -> str:
    return f"{_name(entity)} {entity.id}"
