"""Bricks of the database that do not serve on their nodes, and how they are mended where that can harm nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pyheketi.commands import bricks
from pyheketi.commands.examination import NodePicture
from pyheketi.commands.mount import Mount
from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import Node, Pending, Volume
from pyheketi.domain.ids import OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.operations.steps import BrickPlace
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volumes
from pyheketi.planning.use_case import UseCase


class Fault(StrEnum):
    """What keeps a brick from serving, now or after the next reboot."""

    LOST = "lost"
    """Its logical volume is gone. Only another brick in its place helps."""
    UNMOUNTED = "unmounted"
    UNLISTED = "unlisted"
    """It is not in fstab: a reboot would leave it unmounted."""
    DEAD = "dead"
    """Its gluster process does not run, though its volume is started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A brick that does not serve as it should."""

    node: Node
    volume: Volume
    place: BrickPlace
    faults: frozenset[Fault]

    @property
    def mendable(self) -> bool:
        """Whether it can be mended without harm to any data."""
        return Fault.LOST not in self.faults


def places(topology: Topology, node: Node) -> list[tuple[Volume, BrickPlace]]:
    """Return the bricks that a node should serve: those of volumes that no operation is at work on."""
    return [
        (volume, steps.place_of(brick, device, node))
        for device in topology.devices_of(node.id)
        for brick in topology.bricks_on(device.id)
        if (volume := topology.volume(brick.volume)) and not volume.pending and brick.id in volume.bricks
    ]


def unmounted(topology: Topology, node: Node, table: Sequence[Mount]) -> list[tuple[Volume, BrickPlace]]:
    """Return the bricks that a node should serve, but has not mounted."""
    mounted = {each.target for each in table}
    return [(volume, place) for volume, place in places(topology, node) if not bricks.targets(place) & mounted]


def on_node(topology: Topology, node: Node, picture: NodePicture, dead: frozenset[str]) -> list[Trouble]:
    """Return the bricks of a node that do not serve as they should.

    Args:
        topology: as it is now.
        node: whose bricks.
        picture: what the node told; what it could not tell is taken for right.
        dead: gluster's names of bricks whose process does not run.
    """
    rows = picture.logical_volumes
    there = None if rows is None else {(row.get("vg_name"), row.get("lv_name")) for row in rows}
    mounted = None if picture.mounts is None else {each.target for each in picture.mounts}
    listed = None if picture.fstab is None else {line.mount_point for line in picture.fstab}
    found = []
    for volume, place in places(topology, node):
        points = bricks.targets(place)
        signs = {
            Fault.LOST: there is not None and (place.volume_group, place.logical_volume) not in there,
            Fault.UNMOUNTED: mounted is not None and not points & mounted,
            Fault.UNLISTED: listed is not None and not points & listed and not bricks.is_of_clone(place),
            Fault.DEAD: place.gluster_name in dead,
        }
        if faults := frozenset(fault for fault, seen in signs.items() if seen):
            found.append(Trouble(node=node, volume=volume, place=place, faults=faults))
    return found


def plan(
    topology: Topology, found: Iterable[Trouble], wanted: Sequence[str], *, operation: OperationId, avoid: Avoid
) -> Plan:
    """Plan to mount bricks and to start their processes.

    Args:
        topology: as it is now.
        found: all bricks that do not serve as they should.
        wanted: ids of bricks.
        operation: the id of the operation.
        avoid: nodes that do not answer.

    Raises:
        RequestError: a brick is none of those found.
        Conflict: a brick cannot be mended, or an operation is at work on its volume.
    """
    by_id = {trouble.place.brick: trouble for trouble in found}
    chosen = [_chosen(by_id, name) for name in dict.fromkeys(wanted)]
    by_volume: dict[VolumeId, list[Trouble]] = {}
    for trouble in chosen:
        by_volume.setdefault(trouble.volume.id, []).append(trouble)
    held = [_idle(topology, id_) for id_ in by_volume]
    return Plan(
        kind=Kind.MEND_BRICKS,
        subject="",
        begin=tuple(Put(replace(volume, pending=Pending(operation, hidden=False))) for volume in held),
        groups=(
            tuple(steps.MountBrick(place=trouble.place) for trouble in chosen),
            tuple(
                steps.StartBricks(
                    hosts=volumes.gluster_hosts(topology, volume.cluster, avoid),
                    name=volume.name,
                    bricks=tuple(trouble.place.gluster_name for trouble in by_volume[volume.id]),
                )
                for volume in held
            ),
        ),
    )


def _chosen(by_id: dict[str, Trouble], name: str) -> Trouble:
    trouble = by_id.get(name)
    if trouble is None:
        raise errors.RequestError(f"Brick {name} is not among those that need mending")
    if not trouble.mendable:
        raise errors.Conflict(
            f"Brick {name} cannot be mended: its logical volume on {trouble.place.host} is gone. Its data is on the"
            f" other bricks of volume {trouble.volume.name}: heketi-cli brick evict {name}"
        )
    return trouble


def _idle(topology: Topology, id_: VolumeId) -> Volume:
    volume = topology.volume(id_)
    if volume is None or volume.pending:
        raise errors.Conflict(f"An operation is at work on volume {id_}, try again when it has ended")
    return volume


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Let the volumes go."""
    held = (each for each in topology.volumes() if each.pending and each.pending.operation == operation.id)
    return tuple(Put(replace(volume, pending=None)) for volume in held)


MEND = UseCase(finish=finish, abandon=finish, forward_on_restart=True)
