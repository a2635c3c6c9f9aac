"""Delete and expand block volumes (operations.md §3.6, §3.7)."""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.entities import BlockVolume, Pending, Volume
from pyheketi.domain.ids import OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volumes
from pyheketi.planning.use_case import UseCase


def plan_delete(topology: Topology, block: BlockVolume, *, operation: OperationId, avoid: Avoid) -> Plan:
    """Plan the end of a block volume.

    Raises:
        InUse: another operation is at work on it.
    """
    _require_free(block)
    host = _host(topology, block)
    delete = steps.DeleteBlock(
        hosts=volumes.gluster_hosts(topology, block.cluster, avoid), hosting=host.name, name=block.name
    )
    return Plan(
        kind=Kind.DELETE_BLOCK_VOLUME,
        subject=block.id,
        begin=(Put(replace(block, pending=Pending(operation, hidden=True))),),
        groups=((delete,),),
    )


def finish_delete(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the block volume; its hosting volume has the space again, as that is derived."""
    block = topology.block_volume(operation.subject)
    return (Remove(block),) if block else ()


def abandon_delete(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the block volume again."""
    block = topology.block_volume(operation.subject)
    return (Put(replace(block, pending=None)),) if block else ()


def plan_expand(topology: Topology, block: BlockVolume, new_gib: int, *, operation: OperationId, avoid: Avoid) -> Plan:
    """Plan to make a block volume ``new_gib`` GiB large, or to have all its hosts see the size that it has.

    Raises:
        Conflict: it is that large already, or larger.
        NoSpace: its hosting volume has not enough left.
        InUse: another operation is at work on it. Its hosting volume may grow, or its bricks move.
    """
    host = _host(topology, block)
    _require_free(block)
    if new_gib == block.size_gib == block.usable_gib:
        raise errors.Conflict(
            f"Requested new-size {new_gib} is same as current block volume size {block.size_gib}, nothing to be done."
        )
    if new_gib < block.size_gib:
        raise errors.Conflict(
            f"Requested new-size {new_gib} is less than current block volume size {block.size_gib}, shrinking is not"
            " allowed."
        )
    more, free = new_gib - block.size_gib, topology.block_free_gib(host)
    if more > free:
        raise errors.NoSpace(f"No space\n  Block hosting volume {host.id} has {free} GiB free, {more} are needed")
    expand = steps.ExpandBlock(
        hosts=volumes.gluster_hosts(topology, block.cluster, avoid),
        hosting=host.name,
        name=block.name,
        size_gib=new_gib,
    )
    return Plan(
        kind=Kind.EXPAND_BLOCK_VOLUME,
        subject=block.id,
        begin=(Put(replace(block, claimed_gib=more, pending=Pending(operation, hidden=False))),),
        groups=((expand,),),
        result=f"/blockvolumes/{block.id}",
    )


def finish_expand(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Book the new size."""
    block = topology.block_volume(operation.subject)
    if block is None:
        return ()
    new = next(step.size_gib for step in operation.steps if isinstance(step, steps.ExpandBlock))
    told = next((outcome for outcome in outcomes.values() if isinstance(outcome, steps.BlockSize)), None)
    usable = told.usable if told else new
    return (Put(replace(block, size_gib=new, usable_gib=usable, claimed_gib=0, pending=None)),)


def abandon_expand(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Give the claimed space back."""
    block = topology.block_volume(operation.subject)
    return (Put(replace(block, claimed_gib=0, pending=None)),) if block else ()


def _host(topology: Topology, block: BlockVolume) -> Volume:
    host = topology.volume(block.hosting)
    if host is None:
        raise errors.BrokenInvariant(f"block volume {block.id} is on volume {block.hosting}, which does not exist")
    return host


def _require_free(block: BlockVolume) -> None:
    if block.pending is not None:
        raise errors.InUse(f"Block volume {block.id} is busy: operation {block.pending.operation} is at work on it")


DELETE = UseCase(
    finish=finish_delete, abandon=abandon_delete, no_return=steps.DeleteBlock, forward_on_restart=True, waits=True
)
EXPAND = UseCase(finish=finish_expand, abandon=abandon_expand, no_return=steps.ExpandBlock)
