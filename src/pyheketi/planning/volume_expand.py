"""Expand a volume by more brick sets (placement.md §11, operations.md §3.2)."""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.durability import arbiter_position
from pyheketi.domain.entities import Pending, Volume
from pyheketi.domain.ids import BrickId, IdSource, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import hosting, options, volumes
from pyheketi.planning.limits import Limits
from pyheketi.planning.use_case import UseCase


def plan(
    topology: Topology,
    volume: Volume,
    expand_gib: int,
    *,
    operation: OperationId,
    limits: Limits,
    avoid: Avoid,
    ids: IdSource,
) -> Plan:
    """Choose devices for ``expand_gib`` GiB more.

    Raises:
        InUse: another operation is at work on the volume.
        NoSpace: nothing fits.
    """
    if volume.pending is not None:
        raise errors.InUse(f"Volume {volume.id} is busy: operation {volume.pending.operation} is at work on it")
    try:
        placed = volumes.place(
            topology,
            volume.cluster,
            size_gib=expand_gib,
            durability=volume.durability,
            factor=volume.snapshot.factor,
            rules=options.placement_filters(volume.options, limits.zone_checking),
            bricks_before=len(volume.bricks),
            limits=limits,
            average_file_size=options.average_file_size(volume.options, limits.average_file_size),
            avoid=avoid,
            ids=ids,
        )
    except volumes.NoFit as refusal:
        raise errors.NoSpace(str(refusal)) from refusal
    sets = volumes.make_bricks(placed, volume.id, volume.gid, ids)
    add = steps.AddBricks(
        hosts=tuple(
            dict.fromkeys(
                volumes.hosts_of(node for brick_set in sets for _, node, _ in brick_set)
                + volumes.gluster_hosts(topology, volume.cluster, avoid)
            )
        ),
        name=volume.name,
        durability=volume.durability,
        brick_sets=volumes.gluster_names(sets),
        grow_gib=expand_gib,
    )
    return Plan(
        kind=Kind.EXPAND_VOLUME,
        subject=volume.id,
        begin=(
            Put(replace(volume, pending=Pending(operation, hidden=False))),
            *(Put(brick) for brick_set in sets for brick, _, _ in brick_set),
        ),
        groups=(volumes.create_steps(sets, arbiter_position(volume.durability)), (add,)),
        result=f"/volumes/{volume.id}",
    )


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Take the new sets into the volume."""
    volume = topology.volume(operation.subject)
    if volume is None:
        return ()
    new = [BrickId(step.place.brick) for step in operation.steps if isinstance(step, steps.CreateBrick)]
    width = volume.durability.set_size
    sets = tuple(tuple(new[at : at + width]) for at in range(0, len(new), width))
    grow = sum(step.grow_gib for step in operation.steps if isinstance(step, steps.AddBricks))
    grown = replace(
        volume,
        brick_sets=volume.brick_sets + sets,
        size_gib=volume.size_gib + grow,
        reserved_gib=volume.reserved_gib + (hosting.reserve(grow) if volume.block else 0),
        pending=None,
    )
    return (Put(grown),)


def abandon(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the new bricks."""
    volume = topology.volume(operation.subject)
    if volume is None:
        return ()
    settled = set(volume.bricks)
    new = [brick for brick in topology.bricks_of(volume.id) if brick.id not in settled]
    return (*volumes.remove_bricks(topology, new, outcomes), Put(replace(volume, pending=None)))


USE_CASE = UseCase(finish=finish, abandon=abandon, no_return=steps.AddBricks)
