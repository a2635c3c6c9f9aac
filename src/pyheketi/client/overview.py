"""What ``GET /topology`` says once, said where ``heketi-cli topology info`` shows it (cli.md §5.8)."""

from typing import Any

from pyheketi.wire.bricks import Brick
from pyheketi.wire.topology import ClusterOverview, Overview, Topology, TopologyCluster, VolumeOverview
from pyheketi.wire.volumes import Volume, mounted


def unfolded(overview: Overview) -> Topology:
    """Return everything as if every object had been asked for by itself."""
    return Topology(clusters=tuple(map(_cluster, overview.clusters)))


def _cluster(cluster: ClusterOverview) -> TopologyCluster:
    bricks = {brick.id: brick for node in cluster.nodes for device in node.devices for brick in device.bricks}
    return TopologyCluster(
        id=cluster.id,
        block=cluster.block,
        file=cluster.file,
        nodes=cluster.nodes,
        volumes=tuple(_volume(volume, cluster, bricks) for volume in cluster.volumes),
    )


def _volume(volume: VolumeOverview, cluster: ClusterOverview, bricks: dict[str, Brick]) -> Volume:
    fields: dict[str, Any] = {name: getattr(volume, name) for name in volume.model_fields_set}
    fields["cluster"], fields["mount"] = cluster.id, mounted(cluster.hosts, volume.name)
    fields["bricks"] = tuple([bricks[each] for each in volume.bricks if each in bricks])
    return Volume(**fields)
