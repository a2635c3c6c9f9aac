"""Create a block volume, and a volume to host it if there is none (placement.md §15, operations.md §3.5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.entities import BlockVolume, Cluster, Pending, Volume, is_hidden
from pyheketi.domain.ids import BlockVolumeId, ClusterId, IdSource, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import eligible, hosting, volume_create, volumes
from pyheketi.planning.limits import Limits
from pyheketi.planning.use_case import UseCase
from pyheketi.planning.volume_create import VolumeCreate


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockVolumeCreate:
    """A wish for a block volume, its form already checked."""

    size_gib: int
    name: str = ""
    """Empty: ``blockvol_<id>``."""
    clusters: tuple[str, ...] = ()
    """Where it may be; empty: anywhere."""
    ha_count: int = 0
    """How many hosts are to export it; 0: all of the hosting volume's."""
    auth: bool = False


def check(topology: Topology, request: BlockVolumeCreate) -> None:
    """Refuse what can never be made, before a slot is taken for it.

    Raises:
        RequestError: no or unknown clusters.
    """
    eligible.require_known(topology, request.clusters)


def plan(
    topology: Topology,
    request: BlockVolumeCreate,
    *,
    block: BlockVolumeId,
    volume: VolumeId,
    operation: OperationId,
    limits: Limits,
    avoid: Avoid,
    ids: IdSource,
) -> Plan:
    """Choose a hosting volume, or plan one of the id ``volume``.

    Raises:
        Conflict: no cluster takes block volumes, or no hosting volume may be made.
        NoSpace: no cluster has room for one.
        TooManyOperations: one is just being made or removed, which may have room or give some back.
    """
    clusters = eligible.for_block_volumes(topology, request.clusters)
    name = request.name or f"blockvol_{block}"
    if found := hosting.candidates(topology, clusters, name, request.size_gib):
        host = found[ids.below(len(found))]
        begin: tuple[Change, ...] = ()
        groups: tuple[tuple[steps.Step, ...], ...] = ()
    else:
        refusals = hosting.reasons(topology, clusters, name, request.size_gib)
        wish = _hosting_wish(topology, request, clusters, limits, refusals)
        made = volume_create.plan(
            topology, wish, volume=volume, operation=operation, limits=limits, avoid=avoid, ids=ids
        )
        begin, groups = made.begin, made.groups
        host = next(change.entity for change in begin if isinstance(change.entity, Volume))
    wanted = _draft(request, block, name, host, operation)
    create = steps.CreateBlock(
        hosts=volumes.gluster_hosts(topology, host.cluster, avoid),
        hosting=host.name,
        name=name,
        size_gib=request.size_gib,
        auth=request.auth,
        exports=tuple(_shuffled(_exporters(topology, host.cluster), ids)),
        ha_count=request.ha_count,
    )
    return Plan(
        kind=Kind.CREATE_BLOCK_VOLUME,
        subject=block,
        begin=(*begin, Put(wanted)),
        groups=(*groups, (create,)),
        result=f"/blockvolumes/{block}",
    )


def _hosting_wish(
    topology: Topology,
    request: BlockVolumeCreate,
    clusters: list[Cluster],
    limits: Limits,
    refusals: list[str],
) -> VolumeCreate:
    """Return the wish for a new hosting volume."""
    size_gib = limits.block_hosting_size_gib
    if request.size_gib > hosting.usable(size_gib):
        raise errors.Conflict(
            _because(
                f"The size configured for automatic creation of block hosting volumes ({size_gib}) is too small to"
                f" host the requested block volume of size {request.size_gib}. The available size on this block hosting"
                f" volume, minus overhead, is {hosting.usable(size_gib)}. Please create a sufficiently large block"
                " hosting volume manually.",
                refusals,
            )
        )
    if not limits.block_hosting_creation:
        raise errors.Conflict(
            _because(
                "Block Hosting Volume Creation is disabled. Create a Block hosting volume and try again.", refusals
            )
        )
    if hosting.is_being_made_or_removed(topology, clusters):
        raise errors.TooManyOperations
    return VolumeCreate(
        size_gib=size_gib,
        clusters=tuple(cluster.id for cluster in clusters),
        durability=DurabilityRequest(type="replicate", replica=3),
        block=True,
    )


def _because(text: str, refusals: list[str]) -> str:
    return "\n".join([text, *(f"  {line}" for line in refusals)])


def _draft(
    request: BlockVolumeCreate, id_: BlockVolumeId, name: str, host: Volume, operation: OperationId
) -> BlockVolume:
    return BlockVolume(
        id=id_,
        name=name,
        cluster=host.cluster,
        hosting=host.id,
        size_gib=request.size_gib,
        ha_count=request.ha_count,
        auth=request.auth,
        requested_clusters=request.clusters,
        pending=Pending(operation, hidden=True),
    )


def _exporters(topology: Topology, cluster: ClusterId) -> list[steps.BlockHost]:
    nodes = (node for node in topology.nodes_of(cluster) if not is_hidden(node))
    return [steps.BlockHost(manage=node.manage_host, storage=node.storage_host) for node in nodes]


def _shuffled(hosts: Iterable[steps.BlockHost], ids: IdSource) -> list[steps.BlockHost]:
    left, mixed = list(hosts), []
    while left:
        mixed.append(left.pop(ids.below(len(left))))
    return mixed


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the block volume, and its hosting volume if that is new."""
    block = topology.block_volume(operation.subject)
    if block is None:
        return ()
    target = next(outcome for outcome in outcomes.values() if isinstance(outcome, steps.BlockTarget))
    made = replace(
        block,
        usable_gib=block.size_gib,
        hosts=target.hosts,
        ha_count=len(target.hosts),
        iqn=target.iqn,
        username=target.username,
        password=target.password,
        pending=None,
    )
    return (*(Put(replace(volume, pending=None)) for volume in _new_host(topology, operation)), Put(made))


def abandon(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the block volume, and its hosting volume if that is new."""
    block = topology.block_volume(operation.subject)
    forgotten: tuple[Change, ...] = (Remove(block),) if block else ()
    for volume in _new_host(topology, operation):
        bricks = topology.bricks_of(volume.id)
        forgotten += (*volumes.remove_bricks(topology, bricks, outcomes), Remove(volume))
    return forgotten


def _new_host(topology: Topology, operation: Operation) -> list[Volume]:
    """Return the hosting volume that the operation makes, if it makes one."""
    made = {VolumeId(step.volume) for step in operation.steps if isinstance(step, steps.CreateVolume)}
    return [volume for id_ in made if (volume := topology.volume(id_))]


USE_CASE = UseCase(finish=finish, abandon=abandon)
