"""What can be wished for clusters. No node is touched."""

from dataclasses import replace

from pyheketi.control_plane.finding import existing
from pyheketi.control_plane.work import Work
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster
from pyheketi.domain.ids import ClusterId, IdSource
from pyheketi.operations.operation import Kind
from pyheketi.planning import clusters


class Clusters:
    """Makes, changes and removes clusters, at once."""

    def __init__(self, work: Work, ids: IdSource) -> None:
        self._work, self._ids = work, ids

    async def create(self, *, file: bool, block: bool) -> Cluster:
        """Create an empty cluster."""
        cluster = Cluster(id=ClusterId(self._ids.new()), file=file, block=block)
        await self._work.change(Kind.CREATE_CLUSTER, cluster.id, [Put(cluster)])
        return cluster

    async def set_flags(self, id_: str, *, file: bool, block: bool) -> None:
        """Say what kinds of volumes a cluster takes. Raises ``NotFound``."""
        cluster = existing(self._work.tip.cluster(id_))
        await self._work.change(Kind.SET_CLUSTER_FLAGS, id_, [Put(replace(cluster, file=file, block=block))])

    async def delete(self, id_: str) -> None:
        """Remove an empty cluster. Raises ``NotFound``, ``Conflict``."""
        cluster = existing(self._work.tip.cluster(id_))
        await self._work.change(Kind.DELETE_CLUSTER, id_, clusters.delete(self._work.tip, cluster))
