"""Readable worlds for tests. Every world is checked by ``domain.invariants``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyheketi.control_plane.ids import SeededIds
from pyheketi.domain import invariants
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster, Device, Node, State
from pyheketi.domain.ids import ClusterId, DeviceId, NodeId
from pyheketi.domain.size import KIB_PER_GIB
from pyheketi.domain.topology import Topology


def id_of(kind: str, *numbers: int) -> str:
    """Return a readable id of 32 hexadecimal digits: ``0d`` for devices, then the numbers."""
    digit = {"cluster": "c", "node": "a", "device": "d"}[kind]
    return (digit + "".join(f"{number:02x}" for number in numbers)).ljust(32, "0")


@dataclass(frozen=True)
class World:
    """A cluster: one node for each zone given, each with devices of these sizes."""

    zones: Sequence[int] = (1, 1, 1)
    devices_gib: Sequence[float] = (100,)
    cluster: int = 1
    offline_nodes: Iterable[int] = field(default_factory=tuple)
    arbiter_tags: Sequence[str] = ()
    """Of the nodes, in turns."""

    @property
    def cluster_id(self) -> ClusterId:
        return ClusterId(id_of("cluster", self.cluster))

    def node_id(self, node: int) -> NodeId:
        return NodeId(id_of("node", self.cluster, node))

    def device_id(self, node: int, device: int = 0) -> DeviceId:
        return DeviceId(id_of("device", self.cluster, node, device))

    def topology(self, onto: Topology | None = None) -> Topology:
        entities: list[Cluster | Node | Device] = [Cluster(id=self.cluster_id, file=True, block=True)]
        for number, zone in enumerate(self.zones):
            state = State.OFFLINE if number in tuple(self.offline_nodes) else State.ONLINE
            entities.append(
                Node(
                    id=self.node_id(number),
                    cluster=self.cluster_id,
                    zone=zone,
                    manage=(f"n{self.cluster}-{number}",),
                    storage=(f"10.0.{self.cluster}.{number}",),
                    state=state,
                    tags=(("arbiter", self.arbiter_tags[number % len(self.arbiter_tags)]),)
                    if self.arbiter_tags
                    else (),
                )
            )
            entities.extend(
                Device(
                    id=self.device_id(number, index),
                    node=self.node_id(number),
                    name=f"/dev/sd{chr(ord('b') + index)}",
                    total=int(gib * KIB_PER_GIB),
                )
                for index, gib in enumerate(self.devices_gib)
            )
        made = (onto or Topology()).apply([Put(entity) for entity in entities])
        assert invariants.check(made) == []
        return made


def seeded(seed: int = 7) -> SeededIds:
    return SeededIds(seed)
