"""Block hosting volumes: their space, what they take, who may be put on them (placement.md §15, rest-api.md §10)."""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster, Volume, is_hidden
from pyheketi.domain.ids import VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Kind, Plan

LOCKED = "locked"
LOCKED_BY_UPDATE = "locked-by-update"


def reserve(size_gib: int) -> int:
    """Return the GiB of a hosting volume, or of an expansion of one, that no block volume gets: about 2 %."""
    return size_gib - usable(size_gib)


def usable(size_gib: int) -> int:
    """Return the GiB of a hosting volume, or of an expansion of one, for block volumes."""
    return size_gib * 98 // 100


def candidates(topology: Topology, clusters: list[Cluster], name: str, size_gib: int) -> list[Volume]:
    """Return the hosting volumes that can take a block volume of ``size_gib`` GiB now, by id."""
    return sorted(
        (
            volume
            for cluster in clusters
            for volume in topology.volumes_of(cluster.id)
            if volume.block
            and not is_hidden(volume)
            and not volume.restriction
            and topology.block_free_gib(volume) >= size_gib
            and all(each.name != name for each in topology.block_volumes_on(volume.id))
        ),
        key=lambda volume: volume.id,
    )


def reasons(topology: Topology, clusters: list[Cluster], name: str, size_gib: int) -> list[str]:
    """Return for each hosting volume why it cannot take a block volume."""
    return [
        f"Block hosting volume {volume.id}: {_reason(topology, volume, name, size_gib)}"
        for cluster in clusters
        for volume in topology.volumes_of(cluster.id)
        if volume.block
    ]


def _reason(topology: Topology, volume: Volume, name: str, size_gib: int) -> str:
    if volume.pending and volume.pending.hidden:
        return f"operation {volume.pending.operation} is at work on it"
    if volume.restriction:
        return f"it is {volume.restriction}"
    free = topology.block_free_gib(volume)
    if free < size_gib:
        return f"{free} GiB free"
    return f"it holds a block volume {name} already"


def is_being_made_or_removed(topology: Topology, clusters: list[Cluster]) -> bool:
    """Return whether a hosting volume is on its way in or out in one of the clusters."""
    return any(volume.block and is_hidden(volume) for cluster in clusters for volume in topology.volumes_of(cluster.id))


def plan_restriction(topology: Topology, volume: Volume, restriction: str) -> Plan:
    """Plan to lock a hosting volume against further block volumes, or to unlock it.

    Raises:
        Conflict: it hosts no block volumes, or there is not enough free space to take the reserve that it lacks.
    """
    if not volume.block:
        raise errors.Conflict("Block restrictions can only be set on block hosting volumes")
    reserved = volume.reserved_gib
    if not restriction and volume.restriction == LOCKED_BY_UPDATE and not reserved:
        reserved, free = reserve(volume.size_gib), topology.block_free_gib(volume)
        if free < reserved:
            raise errors.Conflict(f"Can not unlock volume. {reserved}GiB free space is required, but found {free}GiB")
    return Plan(
        kind=Kind.SET_BLOCK_RESTRICTION,
        subject=volume.id,
        begin=(Put(replace(volume, restriction=restriction, reserved_gib=reserved)),),
        result=f"/volumes/{volume.id}",
    )


def require_none_hosted(topology: Topology, volume: VolumeId) -> None:
    """Make sure that a volume that is to be deleted hosts no block volumes.

    Raises:
        Protected: it does.
    """
    if topology.block_volumes_on(volume):
        raise errors.Protected("Cannot delete a block hosting volume containing block volumes")
