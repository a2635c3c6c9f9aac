"""Place brick sets on devices (placement.md §8)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pyheketi.domain import size
from pyheketi.domain.entities import Device, Node, pool_sizes
from pyheketi.domain.ids import ClusterId, IdSource
from pyheketi.domain.topology import Topology
from pyheketi.placement.filters import Filter
from pyheketi.placement.rings import Avoid, Candidate, candidates, ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Brick sets that are wanted, all alike."""

    sets: int
    set_size: int
    brick_size: int
    """KiB of each brick."""
    factor: float
    """Thin pool over brick size."""
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedBrick:
    """A place for a brick. KiB."""

    where: Candidate
    pool_size: int
    metadata_size: int


@dataclass(frozen=True, slots=True)
class NoPlacement:
    """Nothing fits; ``reasons`` has a line for each node or device."""

    reasons: tuple[str, ...]


class _Reservations:
    """What this placement has taken so far, on top of the topology."""

    def __init__(self, topology: Topology, wish: Wish) -> None:
        self._topology, self._wish = topology, wish
        self._taken: Counter[str] = Counter()

    def need(self, device: Device) -> tuple[int, int]:
        return pool_sizes(self._wish.brick_size, self._wish.factor, device.extent)

    def missing(self, device: Device) -> int:
        """Return KiB that the device lacks for one more brick; 0 or less if it fits. Heketi wants one KiB over."""
        pool, metadata = self.need(device)
        room = self._topology.room(device, metadata) - self._taken[device.id]
        return pool + metadata + 1 - room

    def take(self, device: Device) -> tuple[int, int]:
        pool, metadata = self.need(device)
        self._taken[device.id] += pool + metadata
        return pool, metadata


def place(
    topology: Topology, cluster: ClusterId, wish: Wish, avoid: Avoid, ids: IdSource
) -> tuple[tuple[PlacedBrick, ...], ...] | NoPlacement:
    """Return places for all sets of the wish, or why there are none.

    For every set the ring of devices is read once, from a random start.
    """
    order = ring(candidates(topology, cluster, avoid))
    reserved = _Reservations(topology, wish)
    placed: list[tuple[PlacedBrick, ...]] = []
    for _ in range(wish.sets):
        start = ids.below(len(order)) if order else 0
        chosen = _place_set(order[start:] + order[:start], wish, reserved)
        if len(chosen) < wish.set_size:
            return NoPlacement(_explain(topology, cluster, wish, avoid, reserved, len(placed)))
        placed.append(chosen)
    return tuple(placed)


def place_beside(
    topology: Topology, cluster: ClusterId, wish: Wish, beside: Sequence[Candidate], avoid: Avoid, ids: IdSource
) -> PlacedBrick | NoPlacement:
    """Return a place for one brick in a set whose other bricks are ``beside``, or why there is none."""
    order = ring(candidates(topology, cluster, avoid))
    reserved = _Reservations(topology, wish)
    start = ids.below(len(order)) if order else 0
    for candidate in order[start:] + order[:start]:
        if not any(refuse(candidate, beside) for refuse in wish.filters) and reserved.missing(candidate.device) <= 0:
            pool, metadata = reserved.take(candidate.device)
            return PlacedBrick(where=candidate, pool_size=pool, metadata_size=metadata)
    return NoPlacement(_explain(topology, cluster, wish, avoid, reserved, 0, beside))


def _place_set(order: Sequence[Candidate], wish: Wish, reserved: _Reservations) -> tuple[PlacedBrick, ...]:
    chosen: list[Candidate] = []
    for candidate in order:
        if any(refuse(candidate, chosen) for refuse in wish.filters) or reserved.missing(candidate.device) > 0:
            continue
        chosen.append(candidate)
        if len(chosen) == wish.set_size:
            break
    else:
        return ()
    places = []
    for each in chosen:
        pool, metadata = reserved.take(each.device)
        places.append(PlacedBrick(where=each, pool_size=pool, metadata_size=metadata))
    return tuple(places)


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
) -> tuple[str, ...]:
    """Tell of every node and device why it takes no further brick, as it stood when the placement failed."""
    need = sum(pool_sizes(wish.brick_size, wish.factor, 4096))
    number = "a brick" if beside else f"{wish.sets} x {wish.set_size} bricks"
    apart = "a node without a brick of its set" if beside else f"{wish.set_size} different nodes"
    lines = [
        f"{number} of {size.text(wish.brick_size)} wanted, {'it' if beside else 'each'} takes {size.text(need)} "
        f"with its thin pool metadata, on {apart}"
        + (f"; {placed} of {wish.sets} sets could be placed" if placed else "")
    ]
    for node in topology.nodes_of(cluster):
        name = _name(node)
        if why := avoid.node(node):
            lines.append(f"{name}: {why}")
        else:
            lines.extend(f"{name} {line}" for line in _explain_devices(topology, node, wish, avoid, reserved, beside))
    return tuple(lines)


def _explain_devices(
    topology: Topology,
    node: Node,
    wish: Wish,
    avoid: Avoid,
    reserved: _Reservations,
    beside: Sequence[Candidate],
) -> list[str]:
    devices = topology.devices_of(node.id)
    lines = [] if devices else ["has no devices"]
    for device in devices:
        refusals = [why for refuse in wish.filters if (why := refuse(Candidate(device, node), beside))]
        missing = reserved.missing(device)
        if why := avoid.device(device):
            pass
        elif refusals:
            why = refusals[0]
        elif missing > 0:
            why = f"lacks {size.text(missing)} (free: {size.text(topology.free(device))})"
        else:
            why = "has room"
        lines.append(f"{device.name}: {why}")
    return lines
