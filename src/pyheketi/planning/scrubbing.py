"""End operations, and forget volumes, without asking nodes: for nodes that are gone for ever (tools.md §3).

How an operation ends is what its use case says, as for any other end: forward if it would go forward at a restart
(deletions), else back. What that leaves on nodes is listed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.entities import BlockVolume, Brick, Device, Node, Volume
from pyheketi.domain.ids import OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation, OperationState, Outcomes
from pyheketi.operations.steps import DestroyBrick, Reclaimed
from pyheketi.planning import leftovers, volumes
from pyheketi.planning.catalog import USE_CASES
from pyheketi.planning.leftovers import Leftovers

ENDED = "This operation was ended by hand, without asking the nodes (heketi db scrub)"


Marked: TypeAlias = Volume | BlockVolume | Device | Node
"""What can carry the mark of an operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What is forgotten, and what that may leave on nodes."""

    changes: tuple[Change, ...]
    operations: tuple[Operation, ...]
    """Those that ended by it."""
    left: tuple[Leftovers, ...]
    topology: Topology
    """As it is afterwards."""


def end(
    topology: Topology,
    operations: Iterable[Operation],
    *,
    unfinished: Sequence[Operation],
    keep_space: bool,
    now: float,
    marks: bool = False,
) -> Forgetting:
    """Return the end of operations, in order.

    Args:
        topology: as it is.
        operations: those to end.
        unfinished: all that have not ended.
        keep_space: whether what forgotten bricks take stays in use, as space that is not ours.
        now: seconds since the epoch.
        marks: whether to drop marks of operations that do not exist, too.

    Raises:
        BrokenInvariant: the end contradicts the topology.
    """
    changes: list[Change] = []
    left: list[Leftovers] = []
    ended: list[Operation] = []
    for operation in operations:
        made = _end_of(topology, operation, keep_space=keep_space)
        left.append(_left_of(topology, operation, made))
        topology = topology.apply(made)
        changes.extend(made)
        ended.append(replace(operation, state=OperationState.ABANDONED, error=ENDED, updated_at=now))
    for id_, marked in dangling_marks(topology, unfinished) if marks else ():
        made = tuple(change for entity in marked for change in _unmarked(topology, entity, keep_space=keep_space))
        left.append(_left_of_mark(topology, id_, marked, made))
        topology = topology.apply(made)
        changes.extend(made)
    return Forgetting(changes=tuple(changes), operations=tuple(ended), left=tuple(left), topology=topology)


def forget_volumes(topology: Topology, ids: Iterable[str], *, keep_space: bool) -> Forgetting:
    """Return the end of volumes that nobody deletes on the nodes.

    Raises:
        NotFound: no volume has one of the ids; nothing is forgotten then.
        Conflict: one hosts block volumes, or an operation is at work on it.
    """
    changes: list[Change] = []
    left: list[Leftovers] = []
    for volume in [_forgettable(topology, id_) for id_ in dict.fromkeys(ids)]:
        bricks = topology.bricks_of(volume.id)
        made = (*volumes.remove_bricks(topology, bricks, _kept(topology, bricks) if keep_space else {}), Remove(volume))
        said = f"Volume {volume.name} ({volume.id}): forgotten, with {_counted(len(bricks), 'brick')}"
        left.append(leftovers.of_changes(topology, made, about=volume.id, kind="volume", said=said))
        topology = topology.apply(made)
        changes.extend(made)
    return Forgetting(changes=tuple(changes), operations=(), left=tuple(left), topology=topology)


def dangling_marks(topology: Topology, unfinished: Iterable[Operation]) -> Iterator[tuple[OperationId, list[Marked]]]:
    """Yield operations that marks tell of but that do not exist, with what they mark."""
    known = {operation.id for operation in unfinished}
    found: dict[OperationId, list[Marked]] = {}
    for kind in (topology.nodes(), topology.devices(), topology.volumes(), topology.block_volumes()):
        for entity in kind:
            if entity.pending is not None and entity.pending.operation not in known:
                found.setdefault(entity.pending.operation, []).append(entity)
    yield from found.items()


def _forgettable(topology: Topology, id_: str) -> Volume:
    volume = topology.volume(id_)
    if volume is None:
        named = next((each for each in topology.volumes() if each.name == id_), None)
        hint = f": {id_} is the name of volume {named.id}" if named else ""
        raise errors.NotFound(f"There is no volume with the id {id_}{hint}")
    if volume.pending is not None:
        raise errors.Conflict(
            f"Operation {volume.pending.operation} is at work on volume {volume.id}. End it first:"
            f" heketi db scrub --op {volume.pending.operation}"
        )
    if hosted := topology.block_volumes_on(volume.id):
        named_blocks = ", ".join(f"{each.name} ({each.id})" for each in hosted)
        raise errors.Conflict(
            f"Volume {volume.id} hosts block volumes: {named_blocks}. Delete them first, with heketi-cli blockvolume"
            " delete; if their nodes are gone and a deletion is stuck, heketi db scrub ends it."
        )
    return volume


def _end_of(topology: Topology, operation: Operation, *, keep_space: bool) -> tuple[Change, ...]:
    use_case = USE_CASES[operation.kind]
    way = use_case.finish if use_case.forward_on_restart else use_case.abandon
    made = way(topology, operation, {})
    if not keep_space:
        return made
    gone = [change.entity for change in made if isinstance(change, Remove)]
    return way(topology, operation, _kept(topology, [each for each in gone if isinstance(each, Brick)]))


def _kept(topology: Topology, bricks: Iterable[Brick]) -> Outcomes:
    """Return the outcomes of destroying bricks whose pools stayed on their devices."""
    return {DestroyBrick(place=volumes.locate(topology, brick)): Reclaimed(pool_removed=False) for brick in bricks}


def _left_of(topology: Topology, operation: Operation, made: tuple[Change, ...]) -> Leftovers:
    said = f"{operation.kind.label} {_named(topology, operation)}: {_said(operation, made)}"
    return leftovers.of_changes(
        topology, made, about=operation.id, kind=operation.kind.type_name, said=said, operation=operation
    )


def _named(topology: Topology, operation: Operation) -> str:
    """Return what an operation is about, by its name if it has one."""
    id_ = operation.subject
    found = topology.volume(id_) or topology.block_volume(id_)
    if found is not None:
        return f"{found.name} ({id_})"
    device = topology.device(id_)
    node = topology.node(device.node if device else id_)
    if node is None:
        return id_
    return f"{node.manage_host}:{device.name} ({id_})" if device else f"{node.manage_host} ({id_})"


def _said(operation: Operation, made: tuple[Change, ...]) -> str:
    gone = [change.entity for change in made if isinstance(change, Remove)]
    bricks = sum(isinstance(each, Brick) for each in gone)
    if any(each.id == operation.subject for each in gone):
        return f"forgotten, with {_counted(bricks, 'brick')}" if bricks else "forgotten"
    return f"left as it was, {_counted(bricks, 'new brick')} forgotten" if bricks else "left as it was"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _unmarked(topology: Topology, entity: Marked, *, keep_space: bool) -> Iterator[Change]:
    if isinstance(entity, Volume):
        settled = set(entity.bricks)
        loose = [brick for brick in topology.bricks_of(entity.id) if brick.id not in settled]
        yield from volumes.remove_bricks(topology, loose, _kept(topology, loose) if keep_space else {})
    yield Put(
        replace(entity, pending=None, claimed_gib=0)
        if isinstance(entity, BlockVolume)
        else replace(entity, pending=None)
    )


def _left_of_mark(
    topology: Topology, id_: OperationId, marked: Iterable[Marked], made: tuple[Change, ...]
) -> Leftovers:
    names = ", ".join(
        f"{'block volume' if isinstance(each, BlockVolume) else type(each).__name__.lower()} {each.id}"
        for each in marked
    )
    said = f"its mark on {names}: dropped, there is no such operation"
    return leftovers.of_changes(topology, made, about=id_, kind="mark", said=said)
