"""Everything that there is to be stored on, typed. One method for one endpoint; jobs are waited for."""

from collections.abc import Iterator

from pyheketi.client.asking import Asking, decoded, path
from pyheketi.client.connection import CREATED, NOT_FOUND, UNAUTHORIZED
from pyheketi.client.errors import ServerError
from pyheketi.client.overview import unfolded
from pyheketi.wire import base, block_volumes, bricks, clusters, devices, nodes, topology, volumes


class Client(Asking):
    """A server, asked for clusters, nodes, devices and volumes; raises what ``Asking`` does."""

    def cluster_ids(self) -> clusters.ClusterList:
        """List the ids of all clusters."""
        return self._get(clusters.ClusterList, "/clusters")

    def cluster(self, cluster: str) -> clusters.Cluster:
        """Return a cluster."""
        return self._get(clusters.Cluster, path("clusters", cluster))

    def create_cluster(self, flags: clusters.ClusterFlags) -> clusters.Cluster:
        """Make an empty cluster."""
        answer = self._connection.call("POST", "/clusters", base.dump(flags), expect=(CREATED,))
        return decoded(clusters.Cluster, answer)

    def set_cluster_flags(self, cluster: str, flags: clusters.ClusterFlags) -> None:
        """Say which volumes a cluster may hold."""
        self._connection.call("POST", path("clusters", cluster, "flags"), base.dump(flags))

    def delete_cluster(self, cluster: str) -> None:
        """Delete an empty cluster."""
        self._connection.call("DELETE", path("clusters", cluster))

    def node(self, node: str) -> nodes.Node:
        """Return a node."""
        return self._get(nodes.Node, path("nodes", node))

    def add_node(self, node: nodes.NodeAdd) -> nodes.Node:
        """Add a node to a cluster."""
        return decoded(nodes.Node, self._connection.job("POST", "/nodes", base.dump(node)))

    def set_node_state(self, node: str, change: nodes.StateChange) -> None:
        """Change the state of a node; ``failed`` moves everything off it."""
        self._finish("POST", path("nodes", node, "state"), change)

    def change_node_tags(self, node: str, change: nodes.TagsChange) -> None:
        """Change tags of a node."""
        self._connection.call("POST", path("nodes", node, "tags"), base.dump(change))

    def delete_node(self, node: str) -> None:
        """Delete a node without devices."""
        self._finish("DELETE", path("nodes", node))

    def device(self, device: str) -> devices.Device:
        """Return a device."""
        return self._get(devices.Device, path("devices", device))

    def add_device(self, device: devices.DeviceAdd) -> None:
        """Add a device to a node."""
        self._finish("POST", "/devices", device)

    def set_device_state(self, device: str, change: nodes.StateChange) -> None:
        """Change the state of a device; ``failed`` moves everything off it."""
        self._finish("POST", path("devices", device, "state"), change)

    def change_device_tags(self, device: str, change: nodes.TagsChange) -> None:
        """Change tags of a device."""
        self._connection.call("POST", path("devices", device, "tags"), base.dump(change))

    def resync_device(self, device: str) -> None:
        """Make the server look at the size of a device anew."""
        self._finish("GET", path("devices", device, "resync"))

    def delete_device(self, device: str, options: devices.DeviceDelete) -> None:
        """Delete a failed device without bricks."""
        self._finish("DELETE", path("devices", device), options)

    def evict_brick(self, brick: str, options: bricks.BrickEvict) -> None:
        """Move a brick to another device."""
        self._finish("POST", path("bricks", "to-evict", brick), options)

    def volume_ids(self) -> volumes.VolumeList:
        """List the ids of all volumes."""
        return self._get(volumes.VolumeList, "/volumes")

    def volume_summaries(self) -> Iterator[volumes.VolumeSummary]:
        """Yield all volumes: in one request, or one for each of a Heketi server."""
        answer = self._summaries("/volumes")
        try:
            yield from base.parse(volumes.VolumeSummaries, answer).volumes
        except base.Malformed:  # Heketi has not read the question
            for id_ in decoded(volumes.VolumeList, answer).volumes:
                found = self.volume(id_)
                yield volumes.VolumeSummary(
                    id=id_, name=found.name, cluster=found.cluster, size=found.size, block=found.block
                )

    def volume(self, volume: str) -> volumes.Volume:
        """Return a volume."""
        return self._get(volumes.Volume, path("volumes", volume))

    def create_volume(self, volume: volumes.VolumeCreate) -> volumes.Volume:
        """Make a volume."""
        return decoded(volumes.Volume, self._connection.job("POST", "/volumes", base.dump(volume)))

    def expand_volume(self, volume: str, expand: volumes.VolumeExpand) -> volumes.Volume:
        """Make a volume larger."""
        answer = self._connection.job("POST", path("volumes", volume, "expand"), base.dump(expand))
        return decoded(volumes.Volume, answer)

    def delete_volume(self, volume: str) -> None:
        """Delete a volume."""
        self._finish("DELETE", path("volumes", volume))

    def clone_volume(self, volume: str, clone: volumes.VolumeClone) -> volumes.Volume:
        """Make a volume that begins as a copy of another."""
        answer = self._connection.job("POST", path("volumes", volume, "clone"), base.dump(clone))
        return decoded(volumes.Volume, answer)

    def restrict_volume(self, volume: str, restriction: volumes.BlockRestriction) -> volumes.Volume:
        """Say whether a block hosting volume takes more block volumes."""
        answer = self._connection.job("POST", path("volumes", volume, "block-restriction"), base.dump(restriction))
        return decoded(volumes.Volume, answer)

    def block_volume_ids(self) -> block_volumes.BlockVolumeList:
        """List the ids of all block volumes."""
        return self._get(block_volumes.BlockVolumeList, "/blockvolumes")

    def block_volume_summaries(self) -> Iterator[block_volumes.BlockVolumeSummary]:
        """Yield all block volumes: in one request, or one for each of a Heketi server."""
        answer = self._summaries("/blockvolumes")
        try:
            yield from base.parse(block_volumes.BlockVolumeSummaries, answer).blockvolumes
        except base.Malformed:
            for id_ in decoded(block_volumes.BlockVolumeList, answer).blockvolumes:
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
        return self._get(block_volumes.BlockVolume, path("blockvolumes", block))

    def create_block_volume(self, block: block_volumes.BlockVolumeCreate) -> block_volumes.BlockVolume:
        """Make a block volume."""
        return decoded(block_volumes.BlockVolume, self._connection.job("POST", "/blockvolumes", base.dump(block)))

    def expand_block_volume(self, block: str, expand: block_volumes.BlockVolumeExpand) -> block_volumes.BlockVolume:
        """Make a block volume larger."""
        answer = self._connection.job("POST", path("blockvolumes", block, "expand"), base.dump(expand))
        return decoded(block_volumes.BlockVolume, answer)

    def delete_block_volume(self, block: str) -> None:
        """Delete a block volume."""
        self._finish("DELETE", path("blockvolumes", block))

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
