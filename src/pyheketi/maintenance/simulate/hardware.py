"""Where volumes are to be placed: hardware of a file, of a database, or made up."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyheketi.domain import errors, size
from pyheketi.domain.entities import DEFAULT_EXTENT, Cluster, Device, Entity, Node
from pyheketi.domain.ids import ClusterId, DeviceId, NodeId
from pyheketi.domain.topology import Topology
from pyheketi.maintenance import sources
from pyheketi.maintenance.simulate.faults import Fault
from pyheketi.wire.base import Malformed, parse_first
from pyheketi.wire.devices import DeviceAdd
from pyheketi.wire.nodes import Hostnames, NodeAdd
from pyheketi.wire.topology import FileCluster, FileDevice, FileNode, TopologyFile

_LABEL = 128 * 1024
"""KiB at the begin of a device that LVM keeps for itself, as we make physical volumes (placement.md §4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invented:
    """Nodes that are all alike, in one cluster."""

    nodes: int
    devices: int
    """Of each node."""
    zones: int
    """Nodes take turns in them; 0: every node is a zone of its own."""
    device_gib: int

    @property
    def raw_kib(self) -> int:
        """KiB of all volume groups."""
        return self.nodes * self.devices * usable(self.device_gib)

    def topology(self) -> Topology:
        """Return the nodes with their devices, all empty."""
        nodes = tuple(
            FileNode(
                node=NodeAdd(
                    zone=1 + (number - 1) % (self.zones or self.nodes),
                    hostnames=Hostnames(manage=(f"node-{number}",), storage=(f"node-{number}",)),
                ),
                devices=tuple(f"/dev/disk{disk}" for disk in range(1, self.devices + 1)),
            )
            for number in range(1, self.nodes + 1)
        )
        return _built([FileCluster(nodes=nodes)], self.device_gib)


def usable(device_gib: int) -> int:
    """Return KiB of the volume group on a device of that size: whole extents behind LVM's label."""
    return (device_gib * size.KIB_PER_GIB - _LABEL) // DEFAULT_EXTENT * DEFAULT_EXTENT


def of_file(path: Path, device_gib: int) -> Topology:
    """Return what a file for ``heketi-cli topology load`` describes; all devices have the same size.

    Raises:
        Fault: it cannot be read, or a server would refuse something in it.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Fault(f"--topology: {path} cannot be read: {error.strerror or error}") from error
    try:
        told = parse_first(TopologyFile, text)
    except Malformed as error:
        raise Fault(
            f"--topology: {path} is no topology as heketi-cli topology load takes it: {error}."
            " Databases and what heketi-cli db dump prints go with --db"
        ) from error
    if not any(cluster.nodes for cluster in told.clusters):
        raise Fault(
            f"--topology: {path} has no clusters with nodes. Write one as for heketi-cli topology load; databases and"
            " what heketi-cli db dump prints go with --db"
        )
    try:
        return _built(told.clusters, device_gib)
    except Fault as fault:
        raise Fault(f"--topology: {path}: {fault}") from fault


def of_database(path: Path) -> Topology:
    """Return what a database holds, whatever wrote it; the file is not changed.

    Raises:
        Fault: it cannot be read, or holds no clusters.
    """
    dump = "Its server tells what is in it: heketi-cli db dump > dump.json, and then name dump.json instead"
    try:
        topology = asyncio.run(sources.look(path))
    except errors.StoreLocked as error:
        raise Fault(f"{error}. {dump}") from error
    except errors.Error as error:
        raise Fault(str(error)) from error
    except OSError as error:
        denied = f". {dump}" if isinstance(error, PermissionError) else ""
        raise Fault(f"{path} cannot be read: {error.strerror or error}{denied}") from error
    if next(topology.clusters(), None) is None:
        raise Fault(f"{path} holds no clusters. A file for heketi-cli topology load goes with --topology")
    return topology


def _built(clusters: Iterable[FileCluster], device_gib: int) -> Topology:
    try:
        return Topology(
            [entity for place, each in enumerate(clusters, 1) for entity in _cluster(place, each, device_gib)]
        )
    except errors.BrokenInvariant as error:
        raise Fault(f"two nodes have the same host name ({error})") from error


def _cluster(place: int, told: FileCluster, device_gib: int) -> Iterator[Entity]:
    cluster = ClusterId(f"{place:032x}")
    yield Cluster(id=cluster, file=told.file, block=told.block)
    for number, node in enumerate(told.nodes, 1):
        yield from _node(cluster, place * 0x1000000 + number, node, device_gib)


def _node(cluster: ClusterId, number: int, told: FileNode, device_gib: int) -> Iterator[Entity]:
    wanted = told.node.model_copy(update={"cluster": cluster})
    name = next(iter(wanted.hostnames.manage), f"number {number & 0xFFFFFF}")
    if problem := wanted.problem():
        raise Fault(f"node {name}: {problem}")
    node = NodeId(f"{number:032x}")
    yield Node(
        id=node,
        cluster=cluster,
        zone=wanted.zone,
        manage=tuple(wanted.hostnames.manage),
        storage=tuple(wanted.hostnames.storage),
        tags=tuple(sorted(wanted.tags.items())),
    )
    names: set[str] = set()
    for at, item in enumerate(told.devices, 1):
        device = item if isinstance(item, FileDevice) else FileDevice(name=item or "")
        if problem := DeviceAdd(name=device.name, node=node, tags=device.tags).problem():
            raise Fault(f"device {device.name or f'number {at}'} of node {name}: {problem}")
        if device.name in names:
            raise Fault(f"device {device.name} of node {name} is named twice")
        names.add(device.name)
        yield Device(
            id=DeviceId(f"{number:016x}{at:016x}"),
            node=node,
            name=device.name,
            total=usable(device_gib),
            tags=tuple(sorted(device.tags.items())),
        )
