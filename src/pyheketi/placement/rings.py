"""The order in which devices are offered: zones take turns, in a zone its nodes, on a node its devices.

Heketi's ring turns zones and nodes with one counter, so that with equal parity some nodes are used up before their
neighbours appear (placement.md §18.15); here each level has its own turn.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyheketi.domain.entities import Device, Node, State, is_hidden
from pyheketi.domain.ids import ClusterId, DeviceId, NodeId
from pyheketi.domain.topology import Topology


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that may take bricks, and its node."""

    device: Device
    node: Node

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags of the device, laid over those of its node."""
        return dict(self.node.tags) | dict(self.device.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Avoid:
    """What placement keeps away from for now."""

    nodes: frozenset[NodeId] = field(default_factory=frozenset)
    """Nodes that do not answer."""
    devices: frozenset[DeviceId] = field(default_factory=frozenset)
    """Devices on which a brick could not be made in an earlier attempt."""

    def node(self, node: Node) -> str:
        """Return why no device of a node takes a brick now; empty if they may."""
        if is_hidden(node):
            return "is being added or removed"
        if node.state is not State.ONLINE:
            return f"is {node.state.value}"
        return "does not answer" if node.id in self.nodes else ""

    def device(self, device: Device) -> str:
        """Return why a device takes no brick now, whatever its size; empty if it may."""
        if is_hidden(device):
            return "is being added or removed"
        if device.state is not State.ONLINE:
            return f"is {device.state.value}"
        return "failed to take a brick a moment ago" if device.id in self.devices else ""


def candidates(topology: Topology, cluster: ClusterId, avoid: Avoid) -> Iterator[Candidate]:
    """Yield the devices of a cluster that may take bricks, by node id and device id (placement.md §6)."""
    for node in topology.nodes_of(cluster):
        if not avoid.node(node):
            for device in topology.devices_of(node.id):
                if not avoid.device(device):
                    yield Candidate(device, node)


@dataclass(frozen=True, slots=True)
class Order:
    """Candidates to be asked one after the other, beginning anywhere; nobody is copied for that."""

    candidates: Sequence[Candidate]
    start: int = 0

    def __iter__(self) -> Iterator[Candidate]:
        """Yield all candidates once."""
        offered = self.candidates
        yield from (offered[at] for at in range(self.start, len(offered)))
        yield from (offered[at] for at in range(self.start))


_MEMORY = 16
"""Rings that are remembered: one for each cluster, and a few for what is avoided for a while."""
_rings: dict[tuple[ClusterId, Avoid], tuple[tuple[object, ...], tuple[Candidate, ...]]] = {}


def ring_of(topology: Topology, cluster: ClusterId, avoid: Avoid) -> tuple[Candidate, ...]:
    """Return the ring of a cluster's candidates.

    It depends on nodes and devices only, so it is made anew when one of them changes, and not for each volume.
    """
    hardware = topology.hardware
    before, known = _rings.get((cluster, avoid), (None, ()))
    if before is not None and before[0] is hardware[0] and before[1] is hardware[1]:
        return known
    made = tuple(ring(candidates(topology, cluster, avoid)))
    if len(_rings) >= _MEMORY:
        _rings.clear()
    _rings[cluster, avoid] = hardware, made
    return made


def ring(offered: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates so that neighbours are far apart: other zones first, then other nodes, then other disks."""
    zones: dict[int, dict[NodeId, deque[Candidate]]] = defaultdict(dict)
    for each in offered:
        zones[each.node.zone].setdefault(each.node.id, deque()).append(each)
    return list(_in_turns([deque(_in_turns(list(nodes.values()))) for nodes in zones.values()]))


def _in_turns(queues: list[deque[Candidate]]) -> Iterator[Candidate]:
    waiting = deque(queue for queue in queues if queue)
    while waiting:
        queue = waiting.popleft()
        yield queue.popleft()
        if queue:
            waiting.append(queue)
