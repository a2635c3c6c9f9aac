"""Everything the server can be asked, typed. One method for one endpoint; jobs are waited for."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from pyheketi.client.connection import CREATED, NO_CONTENT, NOT_FOUND, OK, UNAUTHORIZED, Connection
from pyheketi.client.errors import BadAnswer, ServerError
from pyheketi.client.overview import unfolded
from pyheketi.wire import (
    base,
    block_volumes,
    brick_service,
    bricks,
    check,
    clusters,
    devices,
    nodes,
    operations,
    orphans,
    server,
    topology,
    volumes,
)

_Model = TypeVar("_Model", bound=base.WireModel)


class Client:
    """A server and how to reach it.

    All methods raise ``ClientError``: ``ServerError`` with the server's text, ``TransportError`` if there was no
    answer, ``BadAnswer`` if it makes no sense.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def executor(self) -> str:
        """What the server's nodes are made of, as far as it has said; ``mock`` are simulated ones."""
        return self._connection.executor

    def cluster_ids(self) -> clusters.ClusterList:
        """List the ids of all clusters."""
        return self._get(clusters.ClusterList, "/clusters")

    def cluster(self, cluster: str) -> clusters.Cluster:
        """Return a cluster."""
        return self._get(clusters.Cluster, _path("clusters", cluster))

    def create_cluster(self, flags: clusters.ClusterFlags) -> clusters.Cluster:
        """Make an empty cluster."""
        answer = self._connection.call("POST", "/clusters", base.dump(flags), expect=(CREATED,))
        return _decoded(clusters.Cluster, answer)

    def set_cluster_flags(self, cluster: str, flags: clusters.ClusterFlags) -> None:
        """Say which volumes a cluster may hold."""
        self._connection.call("POST", _path("clusters", cluster, "flags"), base.dump(flags))

    def delete_cluster(self, cluster: str) -> None:
        """Delete an empty cluster."""
        self._connection.call("DELETE", _path("clusters", cluster))

    def node(self, node: str) -> nodes.Node:
        """Return a node."""
        return self._get(nodes.Node, _path("nodes", node))

    def add_node(self, node: nodes.NodeAdd) -> nodes.Node:
        """Add a node to a cluster."""
        return _decoded(nodes.Node, self._connection.job("POST", "/nodes", base.dump(node)))

    def set_node_state(self, node: str, change: nodes.StateChange) -> None:
        """Change the state of a node; ``failed`` moves everything off it."""
        self._finish("POST", _path("nodes", node, "state"), change)

    def change_node_tags(self, node: str, change: nodes.TagsChange) -> None:
        """Change tags of a node."""
        self._connection.call("POST", _path("nodes", node, "tags"), base.dump(change))

    def delete_node(self, node: str) -> None:
        """Delete a node without devices."""
        self._finish("DELETE", _path("nodes", node))

    def device(self, device: str) -> devices.Device:
        """Return a device."""
        return self._get(devices.Device, _path("devices", device))

    def add_device(self, device: devices.DeviceAdd) -> None:
        """Add a device to a node."""
        self._finish("POST", "/devices", device)

    def set_device_state(self, device: str, change: nodes.StateChange) -> None:
        """Change the state of a device; ``failed`` moves everything off it."""
        self._finish("POST", _path("devices", device, "state"), change)

    def change_device_tags(self, device: str, change: nodes.TagsChange) -> None:
        """Change tags of a device."""
        self._connection.call("POST", _path("devices", device, "tags"), base.dump(change))

    def resync_device(self, device: str) -> None:
        """Make the server look at the size of a device anew."""
        self._finish("GET", _path("devices", device, "resync"))

    def delete_device(self, device: str, options: devices.DeviceDelete) -> None:
        """Delete a failed device without bricks."""
        self._finish("DELETE", _path("devices", device), options)

    def evict_brick(self, brick: str, options: bricks.BrickEvict) -> None:
        """Move a brick to another device."""
        self._finish("POST", _path("bricks", "to-evict", brick), options)

    def volume_ids(self) -> volumes.VolumeList:
        """List the ids of all volumes."""
        return self._get(volumes.VolumeList, "/volumes")

    def volume_summaries(self) -> Iterator[volumes.VolumeSummary]:
        """Yield all volumes: in one request, or one for each of a Heketi server."""
        answer = self._summaries("/volumes")
        try:
            yield from base.parse(volumes.VolumeSummaries, answer).volumes
        except base.Malformed:  # Heketi has not read the question
            for id_ in _decoded(volumes.VolumeList, answer).volumes:
                found = self.volume(id_)
                yield volumes.VolumeSummary(
                    id=id_, name=found.name, cluster=found.cluster, size=found.size, block=found.block
                )

    def volume(self, volume: str) -> volumes.Volume:
        """Return a volume."""
        return self._get(volumes.Volume, _path("volumes", volume))

    def create_volume(self, volume: volumes.VolumeCreate) -> volumes.Volume:
        """Make a volume."""
        return _decoded(volumes.Volume, self._connection.job("POST", "/volumes", base.dump(volume)))

    def expand_volume(self, volume: str, expand: volumes.VolumeExpand) -> volumes.Volume:
        """Make a volume larger."""
        answer = self._connection.job("POST", _path("volumes", volume, "expand"), base.dump(expand))
        return _decoded(volumes.Volume, answer)

    def delete_volume(self, volume: str) -> None:
        """Delete a volume."""
        self._finish("DELETE", _path("volumes", volume))

    def clone_volume(self, volume: str, clone: volumes.VolumeClone) -> volumes.Volume:
        """Make a volume that begins as a copy of another."""
        answer = self._connection.job("POST", _path("volumes", volume, "clone"), base.dump(clone))
        return _decoded(volumes.Volume, answer)

    def restrict_volume(self, volume: str, restriction: volumes.BlockRestriction) -> volumes.Volume:
        """Say whether a block hosting volume takes more block volumes."""
        answer = self._connection.job("POST", _path("volumes", volume, "block-restriction"), base.dump(restriction))
        return _decoded(volumes.Volume, answer)

    def block_volume_ids(self) -> block_volumes.BlockVolumeList:
        """List the ids of all block volumes."""
        return self._get(block_volumes.BlockVolumeList, "/blockvolumes")

    def block_volume_summaries(self) -> Iterator[block_volumes.BlockVolumeSummary]:
        """Yield all block volumes: in one request, or one for each of a Heketi server."""
        answer = self._summaries("/blockvolumes")
        try:
            yield from base.parse(block_volumes.BlockVolumeSummaries, answer).blockvolumes
        except base.Malformed:
            for id_ in _decoded(block_volumes.BlockVolumeList, answer).blockvolumes:
                found = self.block_volume(id_)
                yield block_volumes.BlockVolumeSummary(
                    id=id_,
                    name=found.name,
                    cluster=found.cluster,
                    size=found.size,
                    blockhostingvolume=found.blockhostingvolume,
                )

    def block_volume(self, block: str) -> block_volumes.BlockVolume:
        """Return a block volume."""
        return self._get(block_volumes.BlockVolume, _path("blockvolumes", block))

    def create_block_volume(self, block: block_volumes.BlockVolumeCreate) -> block_volumes.BlockVolume:
        """Make a block volume."""
        return _decoded(block_volumes.BlockVolume, self._connection.job("POST", "/blockvolumes", base.dump(block)))

    def expand_block_volume(self, block: str, expand: block_volumes.BlockVolumeExpand) -> block_volumes.BlockVolume:
        """Make a block volume larger."""
        answer = self._connection.job("POST", _path("blockvolumes", block, "expand"), base.dump(expand))
        return _decoded(block_volumes.BlockVolume, answer)

    def delete_block_volume(self, block: str) -> None:
        """Delete a block volume."""
        self._finish("DELETE", _path("blockvolumes", block))

    def operation_counts(self) -> operations.OperationCounts:
        """Return how many operations have not ended."""
        return self._get(operations.OperationCounts, "/operations")

    def pending_operations(self) -> operations.PendingOperations:
        """List operations that have not ended."""
        return self._get(operations.PendingOperations, "/operations/pending")

    def pending_operation(self, operation: str) -> operations.OperationDetails:
        """Return what an operation does that has not ended."""
        return self._get(operations.OperationDetails, _path("operations", "pending", operation))

    def operation_steps(self, operation: str) -> operations.OperationSteps:
        """Return how far an operation is that has not ended, and what it waits for."""
        return self._get(operations.OperationSteps, _path("operations", "pending", operation, "steps"))

    def history(self, *, limit: int, since: float = 0, before: str = "") -> operations.History:
        """Return operations that have ended, the latest first.

        Args:
            limit: how many at most, 1 to 1000.
            since: those that ended at this time or later, seconds since the epoch.
            before: ``next`` of another answer.
        """
        return self._get(operations.History, f"/operations/history?limit={limit}&since={since:.6f}&before={before}")

    def clean_up_operations(self, wanted: operations.OperationsCleanup) -> None:
        """Bring stuck operations to an end."""
        path = "/operations/pending/cleanup"
        self._connection.job("POST", path, base.dump(wanted), expect=NO_CONTENT, at_once=OK)

    def database_dump(self) -> bytes:
        """Return the whole database as JSON, as the server wrote it."""
        return self._connection.call("GET", "/db/dump")

    def database_check(self) -> bytes:
        """Return what is wrong in the database as JSON, as the server wrote it."""
        return self._connection.call("GET", "/db/check")

    def database_check_explained(self) -> check.ExplainedCheck:
        """Return what is wrong in the database, what it means, and what repairs it."""
        return self._get(check.ExplainedCheck, "/db/check/explain")

    def database_backup(self) -> bytes:
        """Return a copy of the database."""
        return self._connection.call("GET", "/backup/db")

    def examination(self) -> bytes:
        """Return what the nodes have, compared with the database, as JSON, as the server wrote it."""
        return self._connection.call("GET", "/internal/state/examine/gluster")

    def orphan_bricks(self) -> orphans.Orphans:
        """Return the bricks that nodes have and the database does not."""
        return self._get(orphans.Orphans, "/internal/state/orphans")

    def faulty_bricks(self) -> brick_service.BrickService:
        """Return which bricks do not serve as they should; only pyheketi's server tells."""
        return self._get(brick_service.BrickService, "/internal/state/bricks")

    def mend_bricks(self, wanted: brick_service.BrickMending) -> None:
        """Mount bricks, and start their processes."""
        self._finish("POST", "/internal/state/bricks/mend", wanted)

    def remove_orphan_bricks(self, wanted: orphans.OrphanRemoval) -> None:
        """Destroy bricks that belong to nobody."""
        self._finish("POST", "/internal/state/orphans/remove", wanted)

    def mode(self) -> server.AdminStatus:
        """Return the server's mode."""
        return self._get(server.AdminStatus, "/admin")

    def set_mode(self, wanted: server.AdminStatus) -> None:
        """Change the server's mode."""
        self._connection.call("POST", "/admin", base.dump(wanted), expect=(OK, NO_CONTENT))

    def log_level(self) -> server.LogLevel:
        """Return what is logged."""
        return self._get(server.LogLevel, "/internal/logging")

    def set_log_level(self, wanted: server.LogLevel) -> None:
        """Change what is logged."""
        self._connection.call("POST", "/internal/logging", base.dump(wanted))

    def whole_topology(self) -> topology.Topology:
        """Return all clusters with everything in them: in one request, or one for each object of a Heketi server."""
        try:
            return unfolded(self._get(topology.Overview, "/topology"))
        except ServerError as error:
            if error.status != NOT_FOUND:
                raise
        return topology.Topology(clusters=tuple(self._whole(cluster) for cluster in self.cluster_ids().clusters))

    def _summaries(self, path: str) -> bytes:
        """Return what a list tells of each at once; the bare list where that is all that one may see."""
        try:
            return self._connection.call("GET", f"{path}?detail=summary")
        except ServerError as error:
            if error.status != UNAUTHORIZED:
                raise
            return self._connection.call("GET", path)

    def _whole(self, cluster: str) -> topology.TopologyCluster:
        found = self.cluster(cluster)
        held = (self.volume(volume) for volume in found.volumes)
        return topology.TopologyCluster(
            id=found.id,
            block=found.block,
            file=found.file,
            volumes=tuple(volume for volume in held if volume.cluster == found.id),
            nodes=tuple(self.node(node) for node in found.nodes),
        )

    def _get(self, model: type[_Model], path: str) -> _Model:
        return _decoded(model, self._connection.call("GET", path))

    def _finish(self, method: str, path: str, body: base.WireModel | None = None) -> None:
        document = b"" if body is None else base.dump(body)
        self._connection.job(method, path, document, expect=NO_CONTENT)


def _path(*segments: str) -> str:
    """Return a path; ids are whatever the user typed, so they are quoted."""
    return "".join(f"/{quote(segment, safe='', errors='surrogateescape')}" for segment in segments)


def _decoded(model: type[_Model], document: bytes) -> _Model:
    try:
        return base.parse(model, document)
    except base.Malformed as error:
        raise BadAnswer(str(error)) from error
