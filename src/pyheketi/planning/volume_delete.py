"""Delete a volume (operations.md §3.3)."""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.entities import Pending, Volume
from pyheketi.domain.ids import OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.placement.rings import Avoid
from pyheketi.planning import hosting, volumes
from pyheketi.planning.use_case import UseCase

DATABASE_VOLUME = "heketidbstorage"
"""Name of the volume that holds the database in Heketi's own Kubernetes set-up."""


def plan(topology: Topology, volume: Volume, *, operation: OperationId, avoid: Avoid) -> Plan:
    """Plan the end of a volume and its bricks.

    Raises:
        Protected: it holds the server's own database, or block volumes.
        InUse: another operation is at work on the volume.
    """
    if volume.name == DATABASE_VOLUME:
        raise errors.Protected("Cannot delete volume containing the Heketi database")
    hosting.require_none_hosted(topology, volume.id)
    if volume.pending is not None:
        raise errors.InUse(f"Volume {volume.id} is busy: operation {volume.pending.operation} is at work on it")
    bricks = topology.bricks_of(volume.id)
    delete = steps.DeleteVolume(hosts=volumes.gluster_hosts(topology, volume.cluster, avoid), name=volume.name)
    destroy = tuple(steps.DestroyBrick(place=volumes.locate(topology, brick)) for brick in bricks)
    return Plan(
        kind=Kind.DELETE_VOLUME,
        subject=volume.id,
        begin=(Put(replace(volume, pending=Pending(operation, hidden=True))),),
        groups=((delete,), destroy) if destroy else ((delete,),),
    )


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the volume and its bricks."""
    volume = topology.volume(operation.subject)
    if volume is None:
        return ()
    return (*volumes.remove_bricks(topology, topology.bricks_of(volume.id), outcomes), Remove(volume))


def abandon(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the volume again: gluster did not let it go."""
    volume = topology.volume(operation.subject)
    return (Put(replace(volume, pending=None)),) if volume else ()


USE_CASE = UseCase(finish=finish, abandon=abandon, no_return=steps.DeleteVolume, forward_on_restart=True, waits=True)
