"""Move a brick to another device (placement.md §13, operations.md §4)."""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.durability import Disperse, Durability, Replicate, arbiter_position
from pyheketi.domain.entities import Brick, Pending, Volume, is_hidden
from pyheketi.domain.ids import BrickId, IdSource, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.placement import brick_sets, filters
from pyheketi.placement.brick_sets import NoPlacement, PlacedBrick, Role, Wish
from pyheketi.placement.rings import Avoid, Candidate
from pyheketi.planning import options, volumes
from pyheketi.planning.limits import Limits
from pyheketi.planning.use_case import UseCase

NO_REPLACEMENT = "No Replacement was found for resource requested to be removed"


def check(topology: Topology, brick: Brick) -> Volume:
    """Return the volume of a brick that may be moved now.

    Raises:
        Conflict: the brick is being made or removed, or an operation is at work on its volume.
    """
    volume = topology.volume(brick.volume)
    if volume is None or brick.id not in volume.bricks or is_hidden(volume):
        raise errors.Conflict(f"Can not evict brick {brick.id}: brick is pending")
    if volume.pending is not None:
        raise errors.Conflict(f"Can not evict brick {brick.id} from volume {volume.id}: volume has pending bricks")
    return volume


def plan(
    topology: Topology,
    brick: Brick,
    *,
    operation: OperationId,
    limits: Limits,
    avoid: Avoid,
    ids: IdSource,
    check_heal: bool,
) -> Plan:
    """Choose a device and plan the move. The old brick's own node may take the new one, its device may not.

    Raises:
        Conflict: as ``check``, or the volume keeps no copies that a new brick could be filled from.
        NoSpace: no other device has room; says why.
    """
    volume = check(topology, brick)
    brick_set = next(each for each in volume.brick_sets if brick.id in each)
    _require_copies(brick, volume)
    others = tuple(_located(topology, id_) for id_ in brick_set if id_ != brick.id)
    role = _role(volume, brick_set.index(brick.id))
    placed = _place(topology, brick, volume, tuple(where for _, where in others), role, limits, avoid, ids)
    ((new,),) = volumes.make_bricks(((placed,),), volume.id, brick.gid, ids)
    old = volumes.locate(topology, brick)
    hosts = tuple(
        dict.fromkeys((*_first(topology, brick, avoid), *volumes.gluster_hosts(topology, volume.cluster, avoid)))
    )
    made, node, _ = new
    new_name = f"{node.storage_host}:{made.path}"
    look = steps.CheckReplaceable(
        hosts=hosts,
        name=volume.name,
        brick=brick.id,
        old=old.gluster_name,
        peers=tuple(f"{where.node.storage_host}:{other.path}" for other, where in others),
        quorum=_quorum(volume.durability),
        check_heal=check_heal,
    )
    swap = steps.ReplaceBrick(
        hosts=tuple(dict.fromkeys((node.manage_host, *hosts))), name=volume.name, old=old.gluster_name, new=new_name
    )
    return Plan(
        kind=Kind.EVICT_BRICK,
        subject=brick.id,
        begin=(Put(replace(volume, pending=Pending(operation, hidden=False))), Put(made)),
        groups=(
            (look,),
            volumes.create_steps(((new,),), 0 if role is Role.ARBITER else None),
            (swap,),
            (steps.DestroyBrick(place=old, may_be_lost=True),),
            (steps.HealVolume(hosts=swap.hosts, name=volume.name),),
        ),
    )


def _require_copies(brick: Brick, volume: Volume) -> None:
    if volume.durability.set_size < 2:
        raise errors.Conflict(
            f"Cannot replace brick {brick.id} as only 0 of 1 required peer bricks are online\n"
            f"Volume {volume.name} keeps no copies: its data is on this brick only"
        )


def _role(volume: Volume, position: int) -> Role:
    arbiter_at = arbiter_position(volume.durability)
    if arbiter_at is None:
        return Role.ANY
    return Role.ARBITER if position == arbiter_at else Role.DATA


def _quorum(durability: Durability) -> int:
    """Return how many other bricks of a set must be there (placement.md §13)."""
    match durability:
        case Disperse(data, _):
            return data
        case Replicate(count) if count > 2:
            return count // 2 + 1
        case _:
            return 1


def _located(topology: Topology, id_: BrickId) -> tuple[Brick, Candidate]:
    brick = topology.brick(id_)
    device = topology.device(brick.device) if brick else None
    node = topology.node(device.node) if device else None
    if brick is None or device is None or node is None:
        raise errors.BrokenInvariant(f"brick {id_} is on no device of a node")
    return brick, Candidate(device, node)


def _first(topology: Topology, brick: Brick, avoid: Avoid) -> tuple[str, ...]:
    """Return the host of the brick, if it answers: there gluster is asked first."""
    _, where = _located(topology, brick.id)
    return () if avoid.node(where.node) else (where.node.manage_host,)


def _place(
    topology: Topology,
    brick: Brick,
    volume: Volume,
    beside: tuple[Candidate, ...],
    role: Role,
    limits: Limits,
    avoid: Avoid,
    ids: IdSource,
) -> PlacedBrick:
    rules = options.placement_filters(volume.options, limits.zone_checking)
    wish = Wish(
        sets=1,
        set_size=1,
        brick_size=brick.size,
        factor=volume.snapshot.factor,
        filters=(filters.OtherDevice(brick.device), *rules),
    )
    placed = brick_sets.place_beside(topology, volume.cluster, wish, beside, avoid, ids, role)
    if isinstance(placed, NoPlacement):
        whose = f"brick {brick.id} of volume {volume.name} has to stay where it is"
        raise errors.NoSpace("\n".join([NO_REPLACEMENT, *(f"  {why}" for why in (whose, *placed.reasons))]))
    return placed


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Let the new brick take the place of the old one in its set."""
    old = topology.brick(operation.subject)
    volume = topology.volume(old.volume) if old else None
    if old is None or volume is None:
        return ()
    (made,) = (step.place.brick for step in operation.steps if isinstance(step, steps.CreateBrick))
    sets = tuple(tuple(BrickId(made) if each == old.id else each for each in ids) for ids in volume.brick_sets)
    return (
        Put(replace(volume, brick_sets=sets, pending=None)),
        *volumes.remove_bricks(topology, [old], outcomes),
    )


def abandon(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the new brick."""
    old = topology.brick(operation.subject)
    volume = topology.volume(old.volume) if old else None
    if volume is None:
        return ()
    made = {step.place.brick for step in operation.steps if isinstance(step, steps.CreateBrick)}
    new = [brick for brick in topology.bricks_of(volume.id) if brick.id in made]
    return (*volumes.remove_bricks(topology, new, outcomes), Put(replace(volume, pending=None)))


USE_CASE = UseCase(finish=finish, abandon=abandon, no_return=steps.ReplaceBrick)
