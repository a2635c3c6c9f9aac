"""Operations that Heketi left unfinished, made operations of ours (db.md §1, operations.md §3).

Each becomes one that is stuck: the server that starts next asks the nodes what was done of it, and finishes or undoes
it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.durability import arbiter_position
from pyheketi.domain.entities import BlockVolume, Brick, Pending, Volume
from pyheketi.domain.ids import OperationId
from pyheketi.domain.topology import Topology
from pyheketi.migrate import guessing
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.operations.steps import Step
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volumes
from pyheketi.wire.dump import Dump, OperationEntry

(
    ADD_BRICK,
    ADD_VOLUME,
    DELETE_BRICK,
    DELETE_VOLUME,
    EXPAND_VOLUME,
    ADD_BLOCK_VOLUME,
    DELETE_BLOCK_VOLUME,
    REMOVE_DEVICE,
    CLONE_VOLUME,
    SNAPSHOT_VOLUME,
    ADD_CLONE,
    CHILD,
    PARENT,
    EXPAND_BLOCK_VOLUME,
) = range(1, 15)
"""Heketi's numbers of what an operation does to an object."""

EXPANSION, REPLACEMENT = Kind.EXPAND_VOLUME, Kind.EVICT_BRICK

_LEFT = "Heketi left this operation unfinished"


def require_known(document: Dump) -> None:
    """Make sure that all operations are of kinds that we know.

    Raises:
        StoreError: some are not: the database is of a newer Heketi.
    """
    for id_, entry in document.pendingoperations.items():
        if entry.Type not in _KINDS:
            raise errors.StoreError(
                f"Operation {id_} is of the unknown type {entry.Type}: the database is of a newer Heketi than 10"
            )


def added_bricks(document: Dump) -> dict[str, Kind]:
    """Return bricks that operations were adding, with the kind of the operation."""
    return {
        action.Id: _KINDS[entry.Type]
        for entry in document.pendingoperations.values()
        for action in entry.Actions
        if action.Change == ADD_BRICK
    }


def operations(
    document: Dump, topology: Topology, notes: list[str]
) -> tuple[tuple[Operation, ...], tuple[Change, ...]]:
    """Return the operations, and the marks on what they are at work on; ``notes`` gets what a person must know."""
    made: list[Operation] = []
    changes: list[Change] = []
    for entry in document.pendingoperations.values():
        rebuilt = _MAKERS[_KINDS[entry.Type]](_Left(entry, topology, notes))
        changes.extend(rebuilt.changes)
        topology = topology.apply(rebuilt.changes)
        if rebuilt.groups:
            made.append(_stuck(entry, rebuilt))
        notes.append(f"Operation {entry.Id} ({_KINDS[entry.Type].type_name}): {rebuilt.said}")
    return tuple(made), tuple(changes)


@dataclass(frozen=True, slots=True)
class _Rebuilt:
    """What becomes of an operation."""

    said: str
    subject: str = ""
    groups: tuple[tuple[Step, ...], ...] = ()
    """Empty if nothing is left to do."""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class _Left:
    """An operation of Heketi's, and what it is about."""

    entry: OperationEntry
    topology: Topology
    notes: list[str]

    @property
    def id(self) -> OperationId:
        return OperationId(self.entry.Id)

    def ids(self, change: int) -> list[str]:
        return [action.Id for action in self.entry.Actions if action.Change == change]

    def bricks(self, change: int) -> list[Brick]:
        return [brick for id_ in self.ids(change) if (brick := self.topology.brick(id_))]

    def volume(self, change: int) -> Volume | None:
        return next((volume for id_ in self.ids(change) if (volume := self.topology.volume(id_))), None)

    def block_volume(self, change: int) -> BlockVolume | None:
        return next((block for id_ in self.ids(change) if (block := self.topology.block_volume(id_))), None)

    def delta(self, change: int) -> int:
        return next((int(action.Delta or 0) for action in self.entry.Actions if action.Change == change), 0)

    def hosts(self, volume: Volume) -> tuple[str, ...]:
        return volumes.gluster_hosts(self.topology, volume.cluster, Avoid())

    def marked(self, entity: Volume, *, hidden: bool) -> Change:
        return Put(replace(entity, pending=Pending(self.id, hidden)))

    def marked_block(self, block: BlockVolume, *, hidden: bool, claimed: int = 0) -> Change:
        return Put(replace(block, pending=Pending(self.id, hidden), claimed_gib=claimed))

    def sets(self, volume: Volume, bricks: list[Brick]) -> tuple[tuple[Brick, ...], ...]:
        """Return bricks as likely sets."""
        by_id = {brick.id: brick for brick in bricks}
        at = arbiter_position(volume.durability)
        smallest = min((brick.size for brick in bricks), default=0)
        arbiters = frozenset(brick.id for brick in bricks if at is not None and brick.size == smallest)
        grouped = guessing.sets_of(bricks, volume.durability.set_size, self._node_of, arbiters)
        return tuple(tuple(by_id[id_] for id_ in each) for each in grouped)

    def _node_of(self, brick: Brick) -> str:
        device = self.topology.device(brick.device)
        return device.node if device else ""

    def names(self, sets: tuple[tuple[Brick, ...], ...]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(volumes.locate(self.topology, brick).gluster_name for brick in each) for each in sets)

    def create_steps(self, volume: Volume, sets: tuple[tuple[Brick, ...], ...]) -> tuple[Step, ...]:
        arbiter_at = arbiter_position(volume.durability)
        return tuple(
            steps.CreateBrick(
                place=volumes.locate(self.topology, brick),
                size=brick.size,
                pool_size=brick.pool_size,
                metadata_size=brick.metadata_size,
                gid=brick.gid,
                arbiter=at == arbiter_at,
            )
            for each in sets
            for at, brick in enumerate(each)
        )


_NOTHING_LEFT = _Rebuilt("what it was about is not there; it was passed over")


def _create_volume(left: _Left) -> _Rebuilt:
    volume = left.volume(ADD_VOLUME)
    if volume is None:
        return _NOTHING_LEFT
    return _Rebuilt(
        f"volume {volume.id} was being made; what there is of it will be removed",
        volume.id,
        _making(left, volume),
        (left.marked(volume, hidden=True),),
    )


def _making(left: _Left, volume: Volume) -> tuple[tuple[Step, ...], ...]:
    sets = left.sets(volume, left.bricks(ADD_BRICK))
    create = steps.CreateVolume(
        hosts=left.hosts(volume),
        volume=volume.id,
        name=volume.name,
        durability=volume.durability,
        brick_sets=left.names(sets),
        options=tuple(option for option in volume.options if option.strip()),
    )
    return (left.create_steps(volume, sets), (create,))


def _delete_volume(left: _Left) -> _Rebuilt:
    volume = left.volume(DELETE_VOLUME)
    if volume is None:
        return _NOTHING_LEFT
    destroy = tuple(
        steps.DestroyBrick(place=volumes.locate(left.topology, brick)) for brick in left.topology.bricks_of(volume.id)
    )
    delete = steps.DeleteVolume(hosts=left.hosts(volume), name=volume.name)
    return _Rebuilt(
        f"volume {volume.id} was being deleted; its deletion will be finished",
        volume.id,
        ((delete,), destroy) if destroy else ((delete,),),
        (left.marked(volume, hidden=True),),
    )


def _expand_volume(left: _Left) -> _Rebuilt:
    volume = left.volume(EXPAND_VOLUME)
    bricks = left.bricks(ADD_BRICK)
    if volume is None or not bricks:
        return _NOTHING_LEFT
    sets = left.sets(volume, bricks)
    add = steps.AddBricks(
        hosts=left.hosts(volume),
        name=volume.name,
        durability=volume.durability,
        brick_sets=left.names(sets),
        grow_gib=left.delta(EXPAND_VOLUME),
    )
    return _Rebuilt(
        f"volume {volume.id} was being expanded; that will be finished if gluster has its new bricks, else undone",
        volume.id,
        (left.create_steps(volume, sets), (add,)),
        (left.marked(volume, hidden=False),),
    )


def _create_block_volume(left: _Left) -> _Rebuilt:
    block, new_host = left.block_volume(ADD_BLOCK_VOLUME), left.volume(ADD_VOLUME)
    host = left.topology.volume(block.hosting) if block else None
    if block is None or host is None:
        return _create_volume(left) if new_host else _NOTHING_LEFT
    create = steps.CreateBlock(
        hosts=left.hosts(host),
        hosting=host.name,
        name=block.name,
        size_gib=block.size_gib,
        auth=block.auth,
        exports=(),
        ha_count=block.ha_count,
    )
    made = _making(left, new_host) if new_host else ()
    marks = (left.marked(new_host, hidden=True),) if new_host else ()
    return _Rebuilt(
        f"block volume {block.id} was being made; what there is of it will be removed",
        block.id,
        (*made, (create,)),
        (*marks, left.marked_block(block, hidden=True)),
    )


def _delete_block_volume(left: _Left) -> _Rebuilt:
    block = left.block_volume(DELETE_BLOCK_VOLUME)
    host = left.topology.volume(block.hosting) if block else None
    if block is None or host is None:
        return _NOTHING_LEFT
    return _Rebuilt(
        f"block volume {block.id} was being deleted; its deletion will be finished",
        block.id,
        ((steps.DeleteBlock(hosts=left.hosts(host), hosting=host.name, name=block.name),),),
        (left.marked_block(block, hidden=True),),
    )


def _expand_block_volume(left: _Left) -> _Rebuilt:
    block, new = left.block_volume(EXPAND_BLOCK_VOLUME), left.delta(EXPAND_BLOCK_VOLUME)
    host = left.topology.volume(block.hosting) if block else None
    if block is None or host is None or new <= 0:
        return _NOTHING_LEFT
    expand = steps.ExpandBlock(hosts=left.hosts(host), hosting=host.name, name=block.name, size_gib=new)
    claimed = max(0, min(new - block.size_gib, left.topology.block_free_gib(host)))
    return _Rebuilt(
        f"block volume {block.id} was being expanded to {new} GiB; that will be finished if it was done, else undone",
        block.id,
        ((expand,),),
        (left.marked_block(block, hidden=False, claimed=claimed),),
    )


def _evict_brick(left: _Left) -> _Rebuilt:
    old = next(iter(left.bricks(DELETE_BRICK)), None)
    volume = left.topology.volume(old.volume) if old else None
    new = next(iter(left.bricks(ADD_BRICK)), None)
    if old is None or volume is None:
        return _NOTHING_LEFT
    if new is None:
        return _Rebuilt(f"brick {old.id} was to be moved, nothing was done yet; evict it again")
    hosts, was = left.hosts(volume), volumes.locate(left.topology, old)
    at = arbiter_position(volume.durability)
    arbiter = at is not None and any(old.id == each[at] for each in volume.brick_sets if len(each) > at)
    (create,) = left.create_steps(volume, ((new,),))
    if arbiter and isinstance(create, steps.CreateBrick):
        create = replace(create, arbiter=True)
    swap = steps.ReplaceBrick(
        hosts=hosts,
        name=volume.name,
        old=was.gluster_name,
        new=volumes.locate(left.topology, new).gluster_name,
    )
    return _Rebuilt(
        f"brick {old.id} was being moved; that will be finished if gluster has its replacement, else undone",
        old.id,
        ((create,), (swap,), (steps.DestroyBrick(place=was, may_be_lost=True),)),
        (left.marked(volume, hidden=False),),
    )


def _remove_device(left: _Left) -> _Rebuilt:
    devices = ", ".join(left.ids(REMOVE_DEVICE)) or "a device"
    return _Rebuilt(f"{devices} was being removed; it stays as it is: heketi-cli device remove goes on with it")


def _clone_volume(left: _Left) -> _Rebuilt:
    """Forget a clone: Heketi cannot take it up again either, and does not tell its name."""
    clone, source = left.volume(ADD_CLONE), left.volume(CLONE_VOLUME)
    forgotten: list[Change] = []
    if clone:
        forgotten += [*map(Remove, left.topology.bricks_of(clone.id)), Remove(clone)]
    name = clone.name if clone else f"vol_{next(iter(left.ids(ADD_CLONE)), '')}"
    of = f" of volume {source.name}" if source else ""
    return _Rebuilt(
        f"a clone{of} was being made; it was forgotten. See what gluster knows of a volume {name} and of snapshots"
        " named tmpsnap_…, and delete them by hand",
        changes=tuple(forgotten),
    )


def _stuck(entry: OperationEntry, rebuilt: _Rebuilt) -> Operation:
    return Operation(
        id=OperationId(entry.Id),
        kind=_KINDS[entry.Type],
        subject=rebuilt.subject,
        state=OperationState.STUCK,
        groups=rebuilt.groups,
        error=_LEFT,
        created_at=float(entry.Timestamp),
        updated_at=float(entry.Timestamp),
    )


_MAKERS: MappingProxyType[Kind, Callable[[_Left], _Rebuilt]] = MappingProxyType(
    {
        Kind.CREATE_VOLUME: _create_volume,
        Kind.DELETE_VOLUME: _delete_volume,
        Kind.EXPAND_VOLUME: _expand_volume,
        Kind.CREATE_BLOCK_VOLUME: _create_block_volume,
        Kind.DELETE_BLOCK_VOLUME: _delete_block_volume,
        Kind.REMOVE_DEVICE: _remove_device,
        Kind.CLONE_VOLUME: _clone_volume,
        Kind.EVICT_BRICK: _evict_brick,
        Kind.EXPAND_BLOCK_VOLUME: _expand_block_volume,
    }
)
_KINDS = {kind.value: kind for kind in _MAKERS}
KIND_NUMBERS = frozenset(_KINDS)
"""Numbers of the kinds of operations that Heketi knows."""
