"""Clone a volume (placement.md §12, operations.md §3.4)."""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.entities import Brick, Pending, Volume
from pyheketi.domain.ids import BrickId, IdSource, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volumes
from pyheketi.planning.use_case import UseCase


def plan(
    topology: Topology,
    source: Volume,
    name: str,
    *,
    volume: VolumeId,
    operation: OperationId,
    avoid: Avoid,
    ids: IdSource,
) -> Plan:
    """Plan a volume that begins as a copy of ``source``; an empty ``name`` is ``vol_<id>``.

    Its bricks lie in the thin pools of the source's, so that no space is charged. What gluster calls them is known
    only afterwards.

    Raises:
        Conflict: it hosts block volumes, or the name is taken.
        InUse: another operation is at work on the volume.
    """
    if source.block:
        raise errors.Conflict("Cloning of block hosting volumes is not supported")
    if source.pending is not None:
        raise errors.InUse(f"Volume {source.id} is busy: operation {source.pending.operation} is at work on it")
    name = name or f"vol_{volume}"
    if topology.volume_named(source.cluster, name) is not None:
        raise errors.Conflict(f"Volume name '{name}' already in use")
    bricks = {old: _twin(topology, old, BrickId(ids.new()), volume) for old in source.bricks}
    made = replace(
        source,
        id=volume,
        name=name,
        brick_sets=tuple(tuple(bricks[old].id for old in brick_set) for brick_set in source.brick_sets),
        pending=Pending(operation, hidden=True),
    )
    clone = steps.CloneVolume(
        hosts=volumes.gluster_hosts(topology, source.cluster, avoid),
        source=source.name,
        volume=volume,
        name=name,
        snapshot=f"tmpsnap_{operation}",
        bricks=tuple(
            steps.ClonedBrick(place=volumes.locate(topology, _brick(topology, old)), clone=new.id)
            for old, new in bricks.items()
        ),
    )
    return Plan(
        kind=Kind.CLONE_VOLUME,
        subject=volume,
        begin=(
            Put(replace(source, pending=Pending(operation, hidden=False))),
            Put(made),
            *(Put(brick) for brick in bricks.values()),
        ),
        groups=((clone,),),
        result=f"/volumes/{volume}",
    )


def _brick(topology: Topology, id_: BrickId) -> Brick:
    brick = topology.brick(id_)
    if brick is None:
        raise errors.BrokenInvariant(f"brick {id_} does not exist")
    return brick


def _twin(topology: Topology, id_: BrickId, clone: BrickId, volume: VolumeId) -> Brick:
    return replace(_brick(topology, id_), id=clone, volume=volume, given_name="", given_path="")


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the clone, its bricks named as gluster did, and let the source go."""
    volume = topology.volume(operation.subject)
    if volume is None:
        return ()
    made = {
        each.brick: each
        for outcome in outcomes.values()
        if isinstance(outcome, steps.Cloned)
        for each in outcome.bricks
    }
    named = (
        Put(replace(brick, given_name=made[brick.id].logical_volume, given_path=made[brick.id].path))
        for brick in topology.bricks_of(volume.id)
    )
    return (*named, Put(replace(volume, pending=None)), *_let_go(topology, operation))


def abandon(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the clone and its bricks, and let the source go."""
    volume = topology.volume(operation.subject)
    forgotten = (*map(Remove, topology.bricks_of(volume.id)), Remove(volume)) if volume else ()
    return (*forgotten, *_let_go(topology, operation))


def _let_go(topology: Topology, operation: Operation) -> tuple[Change, ...]:
    marked = (
        topology.volume(brick.volume)
        for step in operation.steps
        if isinstance(step, steps.CloneVolume)
        for each in step.bricks[:1]
        if (brick := topology.brick(each.place.brick))
    )
    return tuple(
        Put(replace(source, pending=None))
        for source in marked
        if source and source.pending and source.pending.operation == operation.id
    )


USE_CASE = UseCase(finish=finish, abandon=abandon)
