"""Create, flag and delete clusters: no node is touched (rest-api.md §7.2)."""

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Remove
from pyheketi.domain.entities import Cluster
from pyheketi.domain.topology import Topology


def delete(topology: Topology, cluster: Cluster) -> tuple[Change, ...]:
    """Return the changes that remove an empty cluster.

    Raises:
        Conflict: it has nodes or volumes, shown or not.
    """
    if topology.nodes_of(cluster.id) or topology.count_volumes(cluster.id):
        raise errors.Conflict(f"Unable to delete cluster [{cluster.id}] because it contains volumes and/or nodes")
    return (Remove(cluster),)
