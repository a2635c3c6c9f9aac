"""The topology: every entity at one revision, as an immutable value, with the look-ups that decisions need."""

from collections.abc import Iterable, Iterator, Sequence

from pyheketi.domain import indexes
from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import BlockVolume, Brick, Cluster, Device, Entity, Node, Volume
from pyheketi.domain.ids import ClusterId, DeviceId, NodeId, VolumeId
from pyheketi.domain.indexes import Draft
from pyheketi.domain.persistent_map import PersistentMap

_NONE: indexes.Children = PersistentMap()


class Topology:
    """All entities and their indexes. ``apply`` is the only way to another topology."""

    __slots__ = (
        "_blocks_of_volume",
        "_bricks_of_volume",
        "_children",
        "_entities",
        "_hosts",
        "_indexes",
        "_names",
        "_nodes_of",
        "_pools",
        "_space",
        "_spare",
    )

    def __init__(self, entities: Iterable[Entity] = ()) -> None:
        """Build from entities in any order.

        Raises:
            BrokenInvariant: the entities contradict each other.
        """
        rank = {kind: position for position, kind in enumerate(indexes.KINDS)}
        draft = Draft(indexes.NOTHING)
        for entity in sorted(entities, key=lambda each: rank[type(each)]):
            draft.make(Put(entity))
        self._hold(draft.finished())

    def _hold(self, held: indexes.Indexes) -> None:
        self._indexes = held
        self._entities, self._children = held.entities, held.children
        self._bricks_of_volume, self._blocks_of_volume = held.bricks_of_volume, held.blocks_of_volume
        self._names, self._hosts = held.names, held.hosts
        self._pools, self._space, self._spare = held.pools, held.space, held.spare
        self._nodes_of: dict[ClusterId, Sequence[Node]] = {}
        """What was asked for already; given on to later topologies as long as no node changes."""

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
        for kind in indexes.KINDS:
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

    def nodes_of(self, cluster: ClusterId) -> Sequence[Node]:
        """Return the nodes of a cluster, by id: the very same object as long as no node changes."""
        known = self._nodes_of.get(cluster)
        if known is None:
            nodes = self._entities[Node]
            known = tuple(nodes[key] for key in self._sorted(Node, cluster))  # type: ignore[misc]  # keyed by kind
            self._nodes_of[cluster] = known
        return known

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
        draft = Draft(self._indexes)
        for change in changes:
            draft.make(change)
        made = object.__new__(Topology)
        made._hold(draft.finished())
        if made._entities[Node] is self._entities[Node]:
            made._nodes_of = self._nodes_of
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topology) and list(self.entities()) == list(other.entities())

    __hash__ = None  # type: ignore[assignment]  # compared in tests only

    def __str__(self) -> str:
        return ", ".join(f"{len(entities)} {indexes.kind_name(kind)}s" for kind, entities in self._entities.items())

    def __repr__(self) -> str:
        return f"<Topology of {self}>"
