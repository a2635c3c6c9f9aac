"""``GET /metrics``: Heketi's numbers under Heketi's names (rest-api.md §7.12), and how requests went."""

import time
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pyheketi.api import mapping
from pyheketi.api.answers import Answer
from pyheketi.control_plane.control_plane import ControlPlane
from pyheketi.domain.entities import is_hidden
from pyheketi.domain.ids import NodeId
from pyheketi.domain.topology import Topology

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OF_DEVICE = ("cluster", "hostname", "storage_hostname", "id", "device", "pv_uuid")


class Metrics:
    """Counts requests, and looks at the control plane when asked."""

    def __init__(self, control_plane: ControlPlane, backed_up_at: Callable[[], float | None] = lambda: None) -> None:
        """``backed_up_at`` tells when there was last a good backup, in seconds since the epoch; None for never."""
        self._registry = CollectorRegistry()
        self._registry.register(_Heketi(control_plane))
        self._registry.register(_BackedUp(backed_up_at))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Histogram(
            "pyheketi_http_request_seconds",
            "How long requests took",
            ("method", "status"),
            buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2.5),
            registry=self._registry,
        )

    def note(self, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, str(status)).observe(seconds)

    def answer(self) -> Answer:
        """Return all numbers as they are now."""
        return Answer(200, generate_latest(self._registry), {"Content-Type": _TYPE})


class _BackedUp(Collector):
    """How old the last good backup is; nothing if there is none."""

    def __init__(self, backed_up_at: Callable[[], float | None]) -> None:
        self._backed_up_at = backed_up_at

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return nothing, as above."""
        yield from ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the number as it is now."""
        if (at := self._backed_up_at()) is not None:
            meaning = "Seconds since the last good backup was all there is in the database"
            yield GaugeMetricFamily("pyheketi_backup_age_seconds", meaning, value=max(0.0, time.time() - at))


class _Heketi(Collector):
    """The numbers that Heketi gave."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return nothing: the names need not be known before the first look."""
        yield from ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the numbers as they are now."""
        topology = self._control_plane.topology
        yield GaugeMetricFamily("heketi_up", "Is heketi running?", value=1)
        yield from _of_clusters(topology)
        yield from _of_devices(topology)
        yield from _of_bricks(topology, self._control_plane.health.mounts.missing)
        counts = mapping.operation_counts_to_wire(self._control_plane.operations)
        for name, meaning, count in (
            ("stale", "Number of Stale Operations", counts.stale),
            ("failed", "Number of Failed Operations", counts.failed),
            ("new", "Number of New Operations", counts.new),
            ("total", "Total Number of Operations", counts.total),
            ("inFlight", "Number of in flight Operations", counts.in_flight),
        ):
            yield GaugeMetricFamily(f"heketi_operations_{name}_count", meaning, value=count)


def _of_bricks(topology: Topology, unmounted: Mapping[NodeId, frozenset[str]]) -> Iterator[GaugeMetricFamily]:
    meaning = "Number of bricks that should be mounted on the node and were not when it was last looked at"
    count = GaugeMetricFamily("pyheketi_bricks_unmounted_count", meaning, labels=("cluster", "hostname"))
    for node in topology.nodes():
        if not is_hidden(node):
            count.add_metric((node.cluster, node.manage_host), len(unmounted.get(node.id, ())))
    yield count


def _of_clusters(topology: Topology) -> Iterator[GaugeMetricFamily]:
    clusters = list(topology.clusters())
    yield GaugeMetricFamily("heketi_cluster_count", "Number of clusters", value=len(clusters))
    volumes = GaugeMetricFamily("heketi_volumes_count", "Number of volumes on cluster", labels=("cluster",))
    blocks = GaugeMetricFamily("heketi_block_volumes_count", "Number of block volumes on cluster", labels=("cluster",))
    nodes = GaugeMetricFamily("heketi_nodes_count", "Number of nodes on cluster", labels=("cluster",))
    for cluster in clusters:
        shown = mapping.cluster_to_wire(topology, cluster)
        volumes.add_metric((cluster.id,), len(shown.volumes))
        blocks.add_metric((cluster.id,), len(shown.blockvolumes))
        nodes.add_metric((cluster.id,), len(shown.nodes))
    yield from (volumes, blocks, nodes)


def _of_devices(topology: Topology) -> Iterator[GaugeMetricFamily]:
    held = GaugeMetricFamily("heketi_device_count", "Number of devices on host", labels=_OF_DEVICE[:3])
    kinds = {
        "size": "Total size of the device",
        "free": "Amount of Free space available on the device",
        "used": "Amount of space used on the device",
    }
    kib = {kind: GaugeMetricFamily(f"heketi_device_{kind}", text, labels=_OF_DEVICE) for kind, text in kinds.items()}
    in_bytes = {
        kind: GaugeMetricFamily(f"heketi_device_{kind}_bytes", f"{text} in bytes", labels=_OF_DEVICE)
        for kind, text in kinds.items()
    }
    bricks = GaugeMetricFamily("heketi_device_brick_count", "Number of bricks on device", labels=_OF_DEVICE)
    for cluster in topology.clusters():
        for node_id in mapping.cluster_to_wire(topology, cluster).nodes:
            node = topology.node(node_id)
            if node is None:
                continue
            shown = mapping.node_to_wire(topology, node)
            where = (cluster.id, node.manage_host, node.storage_host)
            held.add_metric(where, len(shown.devices))
            for device in shown.devices:
                labels = (*where, device.id, device.name, device.pv_uuid)
                room = {"size": device.storage.total, "free": device.storage.free, "used": device.storage.used}
                for kind, amount in room.items():
                    kib[kind].add_metric(labels, amount)
                    in_bytes[kind].add_metric(labels, amount * 1024)
                bricks.add_metric(labels, len(device.bricks))
    yield from (held, *kib.values(), *in_bytes.values(), bricks)
