"""Create a volume (placement.md §2-8, operations.md §3.1)."""

from dataclasses import dataclass, replace

from pyheketi.commands import volumes as gluster_volumes
from pyheketi.domain import errors, size
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.durability import DurabilityRequest, arbiter_position
from pyheketi.domain.entities import Pending, Snapshot, Volume
from pyheketi.domain.ids import ClusterId, IdSource, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import eligible, hosting, options, volumes
from pyheketi.planning.limits import Limits
from pyheketi.planning.use_case import UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeCreate:
    """A wish for a volume, its form already checked."""

    size_gib: int
    name: str = ""
    """Empty: ``vol_<id>``."""
    clusters: tuple[str, ...] = ()
    """Where it may be; empty: anywhere."""
    durability: DurabilityRequest = DurabilityRequest()
    gid: int = 0
    options: tuple[str, ...] = ()
    snapshot: Snapshot = Snapshot()
    block: bool = False


def check(topology: Topology, request: VolumeCreate, limits: Limits) -> None:
    """Refuse what can never be made, before a slot is taken for it (rest-api.md §7.5, checks 9 to 11).

    Raises:
        RequestError: no or unknown clusters, a size below the minimum, or an option that must not reach gluster.
    """
    eligible.require_known(topology, request.clusters)
    smallest = limits.brick_min * request.durability.effective().data_bricks
    if request.size_gib * size.KIB_PER_GIB < smallest:
        raise errors.RequestError(
            f"Requested volume size ({request.size_gib} GB) is smaller than the minimum supported volume size "
            f"({smallest})"
        )
    tuple(gluster_volumes.parse_options(request.options))
    options.with_arbiter(request.durability.effective(), request.options)


def plan(
    topology: Topology,
    request: VolumeCreate,
    *,
    volume: VolumeId,
    operation: OperationId,
    limits: Limits,
    avoid: Avoid,
    ids: IdSource,
) -> Plan:
    """Choose cluster, brick size and devices for a new volume.

    Raises:
        Conflict: an option cannot be understood,
            or no cluster may hold the volume, by its name, kind or number of volumes.
        NoSpace: no cluster has room; says per cluster and device why.
    """
    draft = _draft(request, volume, operation, limits)
    rules = options.placement_filters(draft.options, limits.zone_checking)
    refusals: dict[ClusterId, volumes.NoFit] = {}
    for cluster in eligible.for_volume(topology, request.clusters, draft.name, block=request.block, limits=limits):
        try:
            placed = volumes.place(
                topology,
                cluster.id,
                size_gib=request.size_gib,
                durability=draft.durability,
                factor=draft.snapshot.factor,
                rules=rules,
                bricks_before=0,
                limits=limits,
                average_file_size=options.average_file_size(draft.options, limits.average_file_size),
                avoid=avoid,
                ids=ids,
            )
        except volumes.NoFit as refusal:
            refusals[cluster.id] = refusal
        else:
            sets = volumes.make_bricks(placed, volume, request.gid, ids)
            brick_ids = tuple(tuple(brick.id for brick, _, _ in brick_set) for brick_set in sets)
            made = replace(draft, cluster=cluster.id, brick_sets=brick_ids)
            create = steps.CreateVolume(
                hosts=volumes.hosts_of(node for brick_set in sets for _, node, _ in brick_set),
                volume=made.id,
                name=made.name,
                durability=made.durability,
                brick_sets=volumes.gluster_names(sets),
                options=tuple(option for option in made.options if option.strip()),
            )
            return Plan(
                kind=Kind.CREATE_VOLUME,
                subject=volume,
                begin=(Put(made), *(Put(brick) for brick_set in sets for brick, _, _ in brick_set)),
                groups=(volumes.create_steps(sets, arbiter_position(made.durability)), (create,)),
                result=f"/volumes/{volume}",
            )
    raise _no_space(refusals)


def _draft(request: VolumeCreate, volume: VolumeId, operation: OperationId, limits: Limits) -> Volume:
    for_hosting = limits.block_hosting_options if request.block else ()
    wanted = (*limits.pre_options, *for_hosting, *request.options, *limits.post_options)
    return Volume(
        id=volume,
        name=request.name or f"vol_{volume}",
        cluster=ClusterId(""),
        size_gib=request.size_gib,
        durability=options.with_arbiter(request.durability.effective(), wanted),
        durability_request=replace(request.durability, type=request.durability.type or "none"),
        gid=request.gid,
        options=wanted,
        snapshot=request.snapshot if request.snapshot.enabled else Snapshot(),
        block=request.block,
        reserved_gib=hosting.reserve(request.size_gib) if request.block else 0,
        requested_clusters=request.clusters,
        pending=Pending(operation, hidden=True),
    )


def _no_space(refusals: dict[ClusterId, volumes.NoFit]) -> errors.NoSpace:
    """Merge refusals; first come the texts that scripts know, then the reasons."""
    heads: dict[str, str] = {cluster: _as_no_space(refusal.headline) for cluster, refusal in refusals.items()}
    lines = [eligible.merged("Unable to create volume on any cluster:", heads)]
    for cluster, refusal in refusals.items():
        if refusal.why:
            lines.append(f"Why nothing fits in cluster {cluster}:")
            lines.extend(f"  {why}" for why in refusal.why)
    return errors.NoSpace("\n".join(lines))


def _as_no_space(headline: str) -> str:
    return "No space" if headline in (volumes.MAX_BRICKS, volumes.MIN_BRICK) else headline


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the volume."""
    volume = topology.volume(operation.subject)
    return (Put(replace(volume, pending=None)),) if volume else ()


def abandon(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the volume and its bricks."""
    volume = topology.volume(operation.subject)
    if volume is None:
        return ()
    return (*volumes.remove_bricks(topology, topology.bricks_of(volume.id), outcomes), Remove(volume))


USE_CASE = UseCase(finish=finish, abandon=abandon)
