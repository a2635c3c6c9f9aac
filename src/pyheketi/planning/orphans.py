"""What nodes have in our volume groups that the database does not know, and the removal of it (tools.md §4).

Whatever may be somebody's is never called an orphan: a brick that gluster uses or the database knows, a brick on a node
whose gluster cannot be believed, and everything in volume groups that are not in the database.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pyheketi.commands import gluster_xml
from pyheketi.commands.bricks import BrickFacts, is_at
from pyheketi.commands.examination import NodePicture
from pyheketi.commands.gluster_xml import GlusterVolume
from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import Brick, Device, Node, Pending
from pyheketi.domain.ids import BrickId, DeviceId, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.operations.steps import BrickPlace
from pyheketi.planning import devices
from pyheketi.planning.use_case import UseCase

_GROUP, _VOLUME, _POOL = (re.compile(rf"{kind}_([0-9a-f]+)") for kind in ("vg", "brick", "tp"))
_MOUNTED_FROM = re.compile(r"/dev/mapper/(vg_[0-9a-f]+)-brick_([0-9a-f]+)")
_MOUNTS = "/var/lib/heketi/mounts"


class Verdict(StrEnum):
    """Whose a brick on a node is."""

    KNOWN = "known"
    """The database's."""
    PENDING = "pending"
    """An operation is just making or removing it."""
    GLUSTER = "gluster"
    """A gluster volume's, which the database does not know."""
    USED = "used"
    """It is mounted where we mount nothing."""
    FOREIGN = "foreign"
    """Its volume group is not in the database: it may be another Heketi's."""
    UNKNOWN = "unknown"
    """Nobody knows it, but gluster on its node cannot be believed."""
    ORPHAN = "orphan"
    """Nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is of a brick on a node."""

    node: Node
    device: DeviceId | None
    place: BrickPlace
    facts: BrickFacts
    size: float
    """KiB that it takes in its volume group: of its thin pool, if no other brick lies in it."""
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A logical volume of a node."""

    group: str
    name: str
    pool: str
    size: float
    """KiB."""


def on_node(topology: Topology, node: Node, picture: NodePicture) -> list[Found]:
    """Return every brick in volume groups named like ours, whoever it belongs to."""
    return list(_Look(topology, node, picture).found())


class _Look:
    """One node, as it was found."""

    def __init__(self, topology: Topology, node: Node, picture: NodePicture) -> None:
        self._topology, self._node, self._picture = topology, node, picture
        self._rows = tuple(_rows(picture))
        self._pools = {(row.group, row.pool) for row in self._rows if row.pool}
        self._devices = {device.volume_group: device for device in topology.devices_of(node.id)}
        self._volumes = _told(picture)
        self._reserve = self._unbelievable()

    def found(self) -> Iterator[Found]:
        for group, brick in sorted(self._bricks()):
            yield self._judge(group, brick)

    def _bricks(self) -> set[tuple[str, str]]:
        """Return volume group and brick of everything that is named like a brick of ours."""
        found = set()
        for row in self._rows:
            empty_pool = _POOL.fullmatch(row.name) if (row.group, row.name) not in self._pools else None
            if (name := _VOLUME.fullmatch(row.name) or empty_pool) and _GROUP.fullmatch(row.group):
                found.add((row.group, name[1]))
        mounted = [entry.source for entry in self._picture.mounts or ()]
        for source in (*mounted, *(line.device for line in self._picture.fstab or ())):
            if name := _MOUNTED_FROM.fullmatch(source):
                found.add((name[1], name[2]))
        return found

    def _judge(self, group: str, brick: str) -> Found:
        device = self._devices.get(group)
        place, facts, size = self._what_there_is(group, brick)
        verdict, why = self._verdict(device, place, facts)
        return Found(
            node=self._node,
            device=device.id if device else None,
            place=place,
            facts=facts,
            size=size,
            verdict=verdict,
            why=why,
        )

    def _what_there_is(self, group: str, brick: str) -> tuple[BrickPlace, BrickFacts, float]:
        name = f"brick_{brick}"
        rows = {row.name: row for row in self._rows if row.group == group}
        ours = rows.get(name)
        pool = (ours.pool if ours else "") or f"tp_{brick}"
        shared = any(row.pool == pool and row.name != name for row in rows.values())
        source = f"/dev/mapper/{group}-{name}"
        mounts = [entry.target for entry in self._picture.mounts or () if entry.source == source]
        lines = [line.mount_point for line in self._picture.fstab or () if line.device == source]
        target = next((each for each in (*mounts, *lines) if is_at(each, group, brick)), "")
        target = target or f"{_MOUNTS}/{group}/{name}"
        place = BrickPlace(
            brick=brick,
            host=self._node.manage_host,
            storage_host=self._node.storage_host,
            volume_group=group,
            thin_pool=pool,
            logical_volume=name,
            mount_point=target,
            path=f"{target}/brick",
        )
        facts = BrickFacts(
            mounts=mounts.count(target),
            in_fstab=bool(lines),
            has_volume=ours is not None,
            has_pool=pool in rows,
            pool_is_shared=shared,
            has_directory=bool(mounts or lines or ours),
        )
        return place, facts, rows[pool].size if pool in rows and not shared else 0

    def _verdict(self, device: Device | None, place: BrickPlace, facts: BrickFacts) -> tuple[Verdict, str]:
        if brick := self._known(device, place, facts):
            return self._of_database(brick)
        if device is None:
            return Verdict.FOREIGN, f"no device of the node has volume group {place.volume_group} in the database"
        for volume in self._volumes or ():
            if any(is_at(name, place.volume_group, place.brick) for name in volume.bricks):
                return Verdict.GLUSTER, f"gluster's volume {volume.name} uses it"
        source = f"/dev/mapper/{place.volume_group}-{place.logical_volume}"
        for entry in self._picture.mounts or ():
            if entry.source == source and entry.target not in (place.mount_point, f"/var{place.mount_point}"):
                return Verdict.USED, f"it is mounted at {entry.target}"
        if self._reserve:
            return Verdict.UNKNOWN, self._reserve
        return Verdict.ORPHAN, "neither the database nor gluster knows it"

    def _known(self, device: Device | None, place: BrickPlace, facts: BrickFacts) -> Brick | None:
        """Return the brick of the database that a place belongs to, by its id or by a name that was given to it."""
        if brick := self._topology.brick(BrickId(place.brick)):
            return brick
        bricks = self._topology.bricks_on(device.id) if device else ()
        if facts.has_volume or not facts.has_pool:
            return next((brick for brick in bricks if brick.logical_volume == place.logical_volume), None)
        return next((brick for brick in bricks if brick.thin_pool == place.thin_pool), None)

    def _of_database(self, brick: Brick) -> tuple[Verdict, str]:
        volume = self._topology.volume(brick.volume)
        if volume is None or volume.pending or brick.id not in volume.bricks:
            return Verdict.PENDING, f"an operation is at work on volume {brick.volume}"
        return Verdict.KNOWN, f"it belongs to volume {volume.id}"

    def _unbelievable(self) -> str:
        """Return why nothing can be concluded from what gluster does not say on this node; empty if it can."""
        if self._volumes is None:
            return "gluster on its node could not be asked"
        if missing := sorted(set(expected(self._topology, self._node)) - {volume.name for volume in self._volumes}):
            return f"gluster on its node does not know volume {missing[0]}, which has bricks there"
        if self._picture.fstab is None or self._picture.mounts is None:
            return "mounts and fstab of its node could not be read"
        return ""


def expected(topology: Topology, node: Node) -> tuple[str, ...]:
    """Return the names of the volumes that gluster on a node must know, as they have bricks there."""
    ids = {brick.volume for device in topology.devices_of(node.id) for brick in topology.bricks_on(device.id)}
    volumes = (volume for id_ in ids if (volume := topology.volume(id_)) and not volume.pending)
    return tuple(sorted(volume.name for volume in volumes))


def _rows(picture: NodePicture) -> Iterator[_Row]:
    for row in picture.logical_volumes or ():
        yield _Row(
            group=str(row.get("vg_name", "")),
            name=str(row.get("lv_name", "")),
            pool=str(row.get("pool_lv", "")),
            size=_kib(str(row.get("lv_size", ""))),
        )


def _kib(text: str) -> float:
    try:
        return float(text.lower().removesuffix("k"))
    except ValueError:
        return 0


def _told(picture: NodePicture) -> tuple[GlusterVolume, ...] | None:
    if picture.volumes is None or gluster_xml.is_refused(picture.volumes):
        return None
    try:
        return gluster_xml.volumes_of(picture.volumes)
    except ValueError:
        return None


def plan_removal(topology: Topology, found: Iterable[Found], wanted: Sequence[str], *, operation: OperationId) -> Plan:
    """Plan to destroy orphans and read the sizes of their devices anew.

    Args:
        topology: as it is now.
        found: what nodes have.
        wanted: ids of bricks, or ``volume group/brick``.
        operation: the id of the operation.

    Raises:
        RequestError: nothing of a name was found.
        Conflict: something is no orphan.
        InUse: an operation is at work on its device.
    """
    by_name: dict[str, list[Found]] = {}
    for each in found:
        for name in (each.place.brick, f"{each.place.volume_group}/{each.place.logical_volume}"):
            by_name.setdefault(name, []).append(each)
    chosen = {each.place: each for name in wanted for each in _orphans(name, by_name)}
    touched = {device.id: device for each in chosen.values() if (device := _device(topology, each))}
    for device in touched.values():
        devices.require_idle(device)
    nodes = {each.node.id: each.node for each in chosen.values()}
    names = {id_: expected(topology, node) for id_, node in nodes.items()}
    return Plan(
        kind=Kind.REMOVE_ORPHANS,
        subject="",
        begin=tuple(Put(replace(device, pending=Pending(operation, hidden=False))) for device in touched.values()),
        groups=(
            tuple(steps.CheckUnused(place=each.place, volumes=names[each.node.id]) for each in chosen.values()),
            tuple(steps.DestroyBrick(place=place) for place in chosen),
            tuple(
                steps.InspectDevice(
                    device=devices.handle_of(device, nodes[device.node]),
                    bricks=tuple(brick.id for brick in topology.bricks_on(device.id)),
                )
                for device in touched.values()
            ),
        ),
    )


def _orphans(name: str, by_name: Mapping[str, list[Found]]) -> list[Found]:
    if name not in by_name:
        raise errors.RequestError(f"Brick {name} was found on no node that could be asked")
    for each in by_name[name]:
        if each.verdict is not Verdict.ORPHAN:
            raise errors.Conflict(f"Brick {name} on {each.node.manage_host} is left alone: {each.why}")
    return by_name[name]


def _device(topology: Topology, found: Found) -> Device | None:
    return topology.device(found.device) if found.device else None


def finish(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Let the devices go, with the sizes that were read where no bricks came or went meanwhile."""
    changes: list[Change] = []
    for device in _held(topology, operation):
        step = next(each for each in _inspections(operation) if each.device.volume_group == device.volume_group)
        report, read = outcomes.get(step), device
        if isinstance(report, steps.DeviceReport):
            try:
                read = devices.as_read(topology, device, report, step.bricks)
            except errors.InUse:
                read = device  # a resync tells later
        changes.append(Put(replace(read, pending=None)))
    return tuple(changes)


def abandon(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Let the devices go."""
    return tuple(Put(replace(device, pending=None)) for device in _held(topology, operation))


def _held(topology: Topology, operation: Operation) -> list[Device]:
    return [device for device in topology.devices() if device.pending and device.pending.operation == operation.id]


def _inspections(operation: Operation) -> list[steps.InspectDevice]:
    return [step for step in operation.steps if isinstance(step, steps.InspectDevice)]


REMOVE = UseCase(finish=finish, abandon=abandon, forward_on_restart=True)
