"""Place brick sets on devices (placement.md §8)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from pyheketi.domain import size
from pyheketi.domain.entities import Device, Node, pool_sizes
from pyheketi.domain.ids import ClusterId, IdSource
from pyheketi.domain.topology import Topology
from pyheketi.placement.filters import Filter, other_zone
from pyheketi.placement.rings import Avoid, Candidate, Order, ring_of


class Role(Enum):
    """What a brick is for. The tag ``arbiter`` of a device says which roles it may have (placement.md §10)."""

    ANY = auto()
    """A brick of a set without arbiter: tags do not matter."""
    DATA = auto()
    ARBITER = auto()

    def order(self, offered: Iterable[Candidate]) -> Iterable[Candidate]:
        """Return the candidates that may have this role, those that may have no other first."""
        if self is Role.ANY:
            return offered
        ours = "required" if self is Role.ARBITER else "disabled"
        allowed = [each for each in offered if not self.refuses(each)]
        return sorted(allowed, key=lambda each: _arbiter_tag(each) != ours)

    def refuses(self, candidate: Candidate) -> str:
        """Return why a device must not have this role; empty if it may."""
        tag = _arbiter_tag(candidate)
        if self is Role.DATA and tag == "required":
            return "takes arbiter bricks only (tag arbiter: required)"
        if self is Role.ARBITER and tag == "disabled":
            return "takes no arbiter bricks (tag arbiter: disabled)"
        return ""


def _arbiter_tag(candidate: Candidate) -> str:
    return candidate.tags.get("arbiter", "supported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Brick sets that are wanted, all alike."""

    sets: int
    set_size: int
    brick_size: int
    """KiB of each brick."""
    arbiter_size: int = 0
    """KiB of the last brick of each set, an arbiter; 0 if it is like the others."""
    factor: float
    """Thin pool over brick size."""
    filters: tuple[Filter, ...]

    @property
    def parts(self) -> tuple[tuple[Role, int, int], ...]:
        """Role, size and number of the bricks of a set, in the order in which they are placed: arbiters first."""
        if not self.arbiter_size:
            return ((Role.ANY, self.brick_size, self.set_size),)
        return ((Role.ARBITER, self.arbiter_size, 1), (Role.DATA, self.brick_size, self.set_size - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedBrick:
    """A place for a brick. KiB."""

    where: Candidate
    size: int
    pool_size: int
    metadata_size: int


@dataclass(frozen=True, slots=True)
class NoPlacement:
    """Nothing fits; ``reasons`` has a line for each node or device."""

    reasons: tuple[str, ...]


class _Reservations:
    """What this placement has taken so far, on top of the topology."""

    def __init__(self, topology: Topology, factor: float) -> None:
        self._topology, self._factor = topology, factor
        self._taken: Counter[str] = Counter()

    def missing(self, device: Device, brick_size: int) -> int:
        """Return KiB that the device lacks for one more brick; 0 or less if it fits. Heketi wants one KiB over."""
        pool, metadata = pool_sizes(brick_size, self._factor, device.extent)
        room = self._topology.room(device, metadata) - self._taken[device.id]
        return pool + metadata + 1 - room

    def take(self, where: Candidate, brick_size: int) -> PlacedBrick:
        pool, metadata = pool_sizes(brick_size, self._factor, where.device.extent)
        self._taken[where.device.id] += pool + metadata
        return PlacedBrick(where=where, size=brick_size, pool_size=pool, metadata_size=metadata)


def place(
    topology: Topology, cluster: ClusterId, wish: Wish, avoid: Avoid, ids: IdSource
) -> tuple[tuple[PlacedBrick, ...], ...] | NoPlacement:
    """Return places for all sets of the wish, or why there are none.

    For every set the ring of devices is read once for each role, from a random start.
    """
    offered = ring_of(topology, cluster, avoid)
    reserved = _Reservations(topology, wish.factor)
    placed: list[tuple[PlacedBrick, ...]] = []
    for _ in range(wish.sets):
        start = ids.below(len(offered)) if offered else 0
        chosen = _place_set(Order(offered, start), wish, reserved)
        if len(chosen) < wish.set_size:
            return NoPlacement(_explain(topology, cluster, wish, avoid, reserved, len(placed)))
        placed.append(chosen)
    return tuple(placed)


def place_beside(
    topology: Topology,
    cluster: ClusterId,
    wish: Wish,
    beside: Sequence[Candidate],
    avoid: Avoid,
    ids: IdSource,
    role: Role = Role.ANY,
) -> PlacedBrick | NoPlacement:
    """Return a place for one brick in a set whose other bricks are ``beside``, or why there is none."""
    offered = ring_of(topology, cluster, avoid)
    reserved = _Reservations(topology, wish.factor)
    start = ids.below(len(offered)) if offered else 0
    for candidate in role.order(Order(offered, start)):
        if _fits(candidate, wish.brick_size, wish, beside, reserved):
            return reserved.take(candidate, wish.brick_size)
    return NoPlacement(_explain(topology, cluster, wish, avoid, reserved, 0, beside, role))


def _fits(
    candidate: Candidate, brick_size: int, wish: Wish, chosen: Sequence[Candidate], reserved: _Reservations
) -> bool:
    if any(refuse(candidate, chosen) for refuse in wish.filters):
        return False
    return reserved.missing(candidate.device, brick_size) <= 0


def _place_set(order: Order, wish: Wish, reserved: _Reservations) -> tuple[PlacedBrick, ...]:
    chosen: list[Candidate] = []
    sizes: list[int] = []
    for role, brick_size, count in wish.parts:
        wanted = len(chosen) + count
        for candidate in role.order(order):
            if len(chosen) == wanted:
                break
            if _fits(candidate, brick_size, wish, chosen, reserved):
                chosen.append(candidate)
                sizes.append(brick_size)
        if len(chosen) < wanted:
            return ()
    if wish.arbiter_size:  # placed first, it stands last
        chosen, sizes = chosen[1:] + chosen[:1], sizes[1:] + sizes[:1]
    return tuple(reserved.take(each, brick_size) for each, brick_size in zip(chosen, sizes, strict=True))


def unavailable(topology: Topology, cluster: ClusterId, avoid: Avoid) -> tuple[str, ...]:
    """Return a line for every node and device of a cluster that takes no brick now, whatever its size."""
    lines = []
    for node in topology.nodes_of(cluster):
        if why := avoid.node(node):
            lines.append(f"{_name(node)}: {why}")
        elif held := topology.devices_of(node.id):
            lines.extend(f"{_name(node)} {device.name}: {why}" for device in held if (why := avoid.device(device)))
        else:
            lines.append(f"{_name(node)}: has no devices")
    return tuple(lines)


def _name(node: Node) -> str:
    return f"node {node.manage_host} ({node.id})"


def _explain(
    topology: Topology,
    cluster: ClusterId,
    wish: Wish,
    avoid: Avoid,
    reserved: _Reservations,
    placed: int,
    beside: Sequence[Candidate] = (),
    role: Role = Role.ANY,
) -> tuple[str, ...]:
    """Tell of every node and device why it takes no further brick, as it stood when the placement failed."""
    need = sum(pool_sizes(wish.brick_size, wish.factor, 4096))
    number = "a brick" if beside else f"{wish.sets} x {wish.set_size} bricks"
    apart = "a node without a brick of its set" if beside else f"{wish.set_size} different nodes"
    if other_zone in wish.filters and not beside:
        apart += " in different zones (zone checking is strict)"
    lines = [
        f"{number} of {size.text(wish.brick_size)} wanted, {'it' if beside else 'each'} takes {size.text(need)} "
        f"with its thin pool metadata, on {apart}"
        + (f"; the last of each set is an arbiter of {size.text(wish.arbiter_size)}" if wish.arbiter_size else "")
        + (f"; {placed} of {wish.sets} sets could be placed" if placed else "")
    ]
    roles = [(role, wish.brick_size)] if beside else [(each, brick_size) for each, brick_size, _ in wish.parts]
    for node in topology.nodes_of(cluster):
        name = _name(node)
        if why := avoid.node(node):
            lines.append(f"{name}: {why}")
            continue
        held = topology.devices_of(node.id)
        lines.extend([] if held else [f"{name} has no devices"])
        for device in held:
            why = avoid.device(device) or _why_not(topology, Candidate(device, node), wish, reserved, beside, roles)
            lines.append(f"{name} {device.name}: {why}")
    return tuple(lines)


def _why_not(
    topology: Topology,
    candidate: Candidate,
    wish: Wish,
    reserved: _Reservations,
    beside: Sequence[Candidate],
    roles: Sequence[tuple[Role, int]],
) -> str:
    if why := next((why for refuse in wish.filters if (why := refuse(candidate, beside))), ""):
        return why
    allowed = [(role, brick_size) for role, brick_size in roles if not role.refuses(candidate)]
    said = "; ".join(why for role, _ in roles if (why := role.refuses(candidate)))
    missing = min((reserved.missing(candidate.device, brick_size) for _, brick_size in allowed), default=0)
    if missing > 0:
        free = size.text(topology.free(candidate.device))
        return "; ".join(filter(None, (f"lacks {size.text(missing)} (free: {free})", said)))
    return said or "has room"
