"""What a topology is made of: entities by kind, and the indexes that look-ups need. A draft keeps them in step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Remove
from pyheketi.domain.entities import BlockVolume, Brick, Cluster, Device, Entity, Node, Volume
from pyheketi.domain.ids import NodeId, VolumeId
from pyheketi.domain.persistent_map import AnyDraft, PersistentMap, draft

KINDS = (Cluster, Node, Device, Volume, Brick, BlockVolume)
"""Of entities, parents first."""

_PARENT = {Node: "cluster", Device: "node", Brick: "device", Volume: "cluster", BlockVolume: "cluster"}

Children: TypeAlias = PersistentMap[str, None]
"""A set of ids."""
Family: TypeAlias = PersistentMap[str, Children]
"""Ids of children by id of their parent; no parent without any."""

_NO_CHILDREN: Children = PersistentMap()


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """All that a topology knows, as values."""

    entities: Mapping[type, PersistentMap[str, Entity]]
    children: Mapping[type, Family]
    """By kind of child, and parent."""
    bricks_of_volume: Family
    blocks_of_volume: Family
    names: PersistentMap[tuple[str, str], VolumeId]
    """Volumes by cluster and name."""
    hosts: PersistentMap[tuple[str, str], NodeId]
    """Nodes by ``manage`` or ``storage``, and host name."""
    pools: PersistentMap[tuple[str, str], int]
    """How many bricks are in a thin pool, by device and pool."""
    space: PersistentMap[str, int]
    """KiB that thin pools take, by device."""
    spare: PersistentMap[str, int]
    """KiB of the largest pool metadata, by device."""


NOTHING = Indexes(
    entities={kind: PersistentMap() for kind in KINDS},
    children={kind: PersistentMap() for kind in _PARENT},
    bricks_of_volume=PersistentMap(),
    blocks_of_volume=PersistentMap(),
    names=PersistentMap(),
    hosts=PersistentMap(),
    pools=PersistentMap(),
    space=PersistentMap(),
    spare=PersistentMap(),
)


class Draft:
    """Indexes that are being made from others, change by change."""

    def __init__(self, before: Indexes) -> None:
        self._entities = {kind: draft(entities) for kind, entities in before.entities.items()}
        self._children = {kind: _FamilyDraft(family) for kind, family in before.children.items()}
        self._bricks_of_volume = _FamilyDraft(before.bricks_of_volume)
        self._blocks_of_volume = _FamilyDraft(before.blocks_of_volume)
        self._names, self._hosts = draft(before.names), draft(before.hosts)
        self._pools, self._space = draft(before.pools), draft(before.space)
        self._spare = draft(before.spare)

    def finished(self) -> Indexes:
        """Return what was made; the draft must not be touched any more."""
        return Indexes(
            entities={kind: entities.finished() for kind, entities in self._entities.items()},
            children={kind: family.finished() for kind, family in self._children.items()},
            bricks_of_volume=self._bricks_of_volume.finished(),
            blocks_of_volume=self._blocks_of_volume.finished(),
            names=self._names.finished(),
            hosts=self._hosts.finished(),
            pools=self._pools.finished(),
            space=self._space.finished(),
            spare=self._spare.finished(),
        )

    def make(self, change: Change) -> None:
        """Make a change.

        Raises:
            BrokenInvariant: it would break a rule that is cheap to check; the draft is worth nothing then.
        """
        entity = change.entity
        entities = self._entities[type(entity)]
        before = entities.get(entity.id)
        if isinstance(change, Remove):
            if before is not None:
                self._require_childless(before)
                self._unindex(before)
                entities.drop(before.id)
            return
        self._require_parent(entity)
        if before is not None and not _same_links(before, entity):
            self._unindex(before)
            before = None
        if before is None:
            self._index(entity)
        entities.put(entity.id, entity)

    def _require_parent(self, entity: Entity) -> None:
        match entity:
            case Brick():
                missing = (entity.device not in self._entities[Device] and f"device {entity.device}") or (
                    entity.volume not in self._entities[Volume] and f"volume {entity.volume}"
                )
            case Volume():
                missing = entity.cluster not in self._entities[Cluster] and f"cluster {entity.cluster}"
            case Node():
                missing = entity.cluster not in self._entities[Cluster] and f"cluster {entity.cluster}"
            case Device():
                missing = entity.node not in self._entities[Node] and f"node {entity.node}"
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
            case Brick():
                self._charge(entity, +1)
                if entity.metadata_size > (self._spare.get(entity.device) or 0):
                    self._spare.put(entity.device, entity.metadata_size)
            case Volume():
                if (owner := self._names.get((entity.cluster, entity.name))) is not None:
                    raise errors.BrokenInvariant(f"{_label(entity)}: name {entity.name} belongs to volume {owner}")
                self._names.put((entity.cluster, entity.name), entity.id)
            case Node():
                for key in _host_keys(entity):
                    if (holder := self._hosts.get(key)) is not None:
                        raise errors.BrokenInvariant(f"{_label(entity)}: host name {key[1]} belongs to node {holder}")
                for key in _host_keys(entity):
                    self._hosts.put(key, entity.id)

    def _charge(self, brick: Brick, bricks: int) -> None:
        """Count bricks of a pool; the first one takes the pool's space from the device, the last one gives it back."""
        key = (brick.device, brick.thin_pool)
        before = self._pools.get(key) or 0
        after = before + bricks
        if after:
            self._pools.put(key, after)
        else:
            self._pools.drop(key)
        if not before or not after:
            used = (self._space.get(brick.device) or 0) + bricks * brick.space
            self._space.put(brick.device, used)

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
                self._names.drop((entity.cluster, entity.name))
            case Node():
                for key in _host_keys(entity):
                    self._hosts.drop(key)
            case Brick():
                self._charge(entity, -1)
                if entity.metadata_size == self._spare.get(entity.device):
                    left = self._children[Brick].get(entity.device) or ()
                    largest = max((self._entities[Brick][key].metadata_size for key in left), default=0)  # type: ignore[union-attr]  # keyed by kind
                    self._spare.put(entity.device, largest)

    def _link(self, entity: Entity, *, present: bool) -> None:
        kind = type(entity)
        if kind in _PARENT:
            parent = getattr(entity, _PARENT[kind])
            self._children[kind].link(parent, entity.id, present=present)
        if isinstance(entity, Brick):
            self._bricks_of_volume.link(entity.volume, entity.id, present=present)
        if isinstance(entity, BlockVolume):
            self._blocks_of_volume.link(entity.hosting, entity.id, present=present)


class _FamilyDraft:
    """Children by parent, being made from others; the sets that are touched are drafts of their own meanwhile."""

    def __init__(self, before: Family) -> None:
        self._families = draft(before)
        self._touched: dict[str, AnyDraft[str, None]] = {}

    def get(self, parent: str) -> AnyDraft[str, None] | Children | None:
        touched = self._touched.get(parent)
        return self._families.get(parent) if touched is None else touched

    def link(self, parent: str, child: str, *, present: bool) -> None:
        children = self._touched.get(parent)
        if children is None:
            children = self._touched[parent] = draft(self._families.get(parent) or _NO_CHILDREN)
        if present:
            children.put(child, None)
        else:
            children.drop(child)

    def finished(self) -> Family:
        for parent, children in self._touched.items():
            if children:
                self._families.put(parent, children.finished())
            else:
                self._families.drop(parent)
        return self._families.finished()


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


def kind_name(kind: type) -> str:
    """Return what messages call a kind of entity."""
    return "block volume" if kind is BlockVolume else kind.__name__.lower()


def _name(entity: Entity) -> str:
    return kind_name(type(entity))


def _label(entity: Entity) -> str:
    return f"{_name(entity)} {entity.id}"
