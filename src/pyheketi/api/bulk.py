"""Everything in one answer, or a page of it: ``GET /topology``, ``GET /volumes?detail=…`` and its like.

What is answered is a value, so it can be written part by part while the server does other things in between.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from pyheketi.api import mapping, parameters
from pyheketi.domain import errors
from pyheketi.domain.entities import BlockVolume, Cluster, Device, Node, Volume, is_hidden
from pyheketi.domain.topology import Topology
from pyheketi.wire import base
from pyheketi.wire import topology as wire_topology

IDS, SUMMARY, FULL = "ids", "summary", "full"

PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "detail": f"{IDS}, {SUMMARY} or {FULL}: what is told of each; {IDS} if not given",
        "limit": "how many at most; all if not given",
        "after": "only those with greater ids: what stands under next in another answer",
    }
)

_PART = 32 * 1024
"""Bytes that are written at once, about: a millisecond or two."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What parameters ask for."""

    detail: str
    limit: int | None
    """None for all."""
    after: str


def wanted(query: Mapping[str, str]) -> Wanted:
    """Understand parameters.

    Raises:
        RequestError: they cannot be understood.
    """
    detail, after = query.get("detail", IDS), query.get("after", "")
    if detail not in (IDS, SUMMARY, FULL):
        raise errors.RequestError(f"detail: must be {IDS}, {SUMMARY} or {FULL}")
    if after and not re.fullmatch("[0-9A-Fa-f]{1,64}", after):
        raise errors.RequestError("after: must be an id, or what stands under next in another answer")
    return Wanted(detail, parameters.count(query, "limit"), after)


_Kind = TypeVar("_Kind", Volume, BlockVolume)


@dataclass(frozen=True, slots=True)
class Listing(Generic[_Kind]):
    """How a kind of volume is listed."""

    name: str
    """Of the list in the answer."""
    of: Callable[[Topology], Iterable[_Kind]]
    """All of them, by id."""
    tell: Mapping[str, Callable[[Topology, _Kind], bytes]]
    """One of them as JSON, by what is wanted."""

    def parts(self, topology: Topology, wish: Wanted) -> Iterator[bytes]:
        """Write a page."""
        page = (each for each in self.of(topology) if each.id > wish.after and not is_hidden(each))
        told, more = list(itertools.islice(page, wish.limit)), next(page, None)
        tell = self.tell[wish.detail]
        after = told[-1].id if more else ""
        yield from _written(
            itertools.chain(
                [f'{{"{self.name}":['.encode()],
                _separated(tell(topology, each) for each in told),
                [f'],"next":"{after}"}}'.encode()],
            )
        )


def _id(_: Topology, entity: Volume | BlockVolume) -> bytes:
    return f'"{entity.id}"'.encode()


VOLUMES: Listing[Volume] = Listing(
    "volumes",
    Topology.volumes,
    {
        IDS: _id,
        SUMMARY: lambda _, volume: base.dump(mapping.volume_summary_to_wire(volume)),
        FULL: lambda topology, volume: base.dump(mapping.volume_to_wire(topology, volume)),
    },
)

BLOCK_VOLUMES: Listing[BlockVolume] = Listing(
    "blockvolumes",
    Topology.block_volumes,
    {
        IDS: _id,
        SUMMARY: lambda _, block: base.dump(mapping.block_volume_summary_to_wire(block)),
        FULL: lambda _, block: base.dump(mapping.block_volume_to_wire(block)),
    },
)


def overview(topology: Topology) -> Iterator[bytes]:
    """Write everything (``wire.topology.Overview``)."""
    clusters = (_cluster(topology, cluster) for cluster in topology.clusters())
    yield from _written(itertools.chain([b'{"clusters":['], _joined(clusters), [b"]}"]))


def _cluster(topology: Topology, cluster: Cluster) -> Iterator[bytes]:
    """Write a cluster: what is there at any one time is a device with its bricks, or a volume."""
    hosts = mapping.mount_hosts(topology, cluster.id)
    bare = wire_topology.BareCluster(id=cluster.id, block=cluster.block, file=cluster.file, hosts=hosts)
    nodes, volumes = itertools.filterfalse(is_hidden, topology.nodes_of(cluster.id)), topology.volumes_of(cluster.id)
    yield _opened(bare, "nodes")
    yield from _joined(_node(topology, node) for node in nodes)
    yield b'],"volumes":['
    yield from _separated(
        base.dump_rows([mapping.volume_overview_row(topology, each)])[1:-1]
        for each in itertools.filterfalse(is_hidden, volumes)
    )
    yield b'],"blockvolumes":['
    blocks = itertools.filterfalse(is_hidden, topology.block_volumes_in(cluster.id))
    yield from _separated(base.dump(mapping.block_volume_summary_to_wire(each)) for each in blocks)
    yield b"]}"


def _node(topology: Topology, node: Node) -> Iterator[bytes]:
    devices = itertools.filterfalse(is_hidden, topology.devices_of(node.id))
    yield _opened(mapping.bare_node_to_wire(node), "devices")
    yield from _separated(_device(topology, device) for device in devices)
    yield b"]}"


def _device(topology: Topology, device: Device) -> bytes:
    rows = [mapping.brick_row(brick, device.node) for brick in topology.bricks_on(device.id)]
    return _opened(mapping.bare_device_to_wire(topology, device), "bricks") + base.dump_rows(rows)[1:] + b"}"


def _opened(bare: base.WireModel, name: str) -> bytes:
    """Return an object up to the beginning of a list in it."""
    return base.dump(bare).removesuffix(b"}") + f',"{name}":['.encode()


def _separated(documents: Iterable[bytes]) -> Iterator[bytes]:
    return _joined(zip(documents))


def _joined(groups: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    """Write items of a list; each comes in pieces."""
    for number, group in enumerate(groups):
        if number:
            yield b","
        yield from group


def _written(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Put pieces together to parts worth sending, with a newline at the end as everywhere."""
    gathered, size = list[bytes](), 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _PART:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join([*gathered, b"\n"])
