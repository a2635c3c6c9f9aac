"""Look on all nodes for bricks that do not serve, and mend them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyheketi.control_plane import examiner
from pyheketi.control_plane.work import Work
from pyheketi.domain import errors
from pyheketi.domain.entities import Cluster, is_hidden
from pyheketi.domain.ids import IdSource, OperationId
from pyheketi.engine.runner import Performs
from pyheketi.planning import brick_service, volumes
from pyheketi.planning.brick_service import Trouble


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found."""

    troubles: tuple[Trouble, ...]
    looked_at: int
    """Bricks on nodes that could tell."""
    silent: Mapping[str, str]
    """Nodes that could not tell everything, by id, and why."""


class Serving:
    """Finds and mends bricks that do not serve."""

    def __init__(self, work: Work, performer: Performs, ids: IdSource) -> None:
        self._work, self._performer, self._ids = work, performer, ids

    async def survey(self) -> Survey:
        """Ask all nodes, at the same time."""
        topology = self._work.tip
        parts = await asyncio.gather(*map(self._of_cluster, topology.clusters()))
        return Survey(
            tuple(trouble for part in parts for trouble in part.troubles),
            sum(part.looked_at for part in parts),
            {id_: why for part in parts for id_, why in part.silent.items()},
        )

    async def mend(self, wanted: Sequence[str]) -> OperationId:
        """Begin to mend bricks, by their ids, after a fresh look.

        Raises:
            RequestError: one serves as it should, or is none.
            Conflict: one cannot be mended, or an operation is at work on its volume.
            TooManyOperations: the limit is reached.
        """
        found = (await self.survey()).troubles
        operation = OperationId(self._ids.new())
        with self._work.slot(operation):
            avoid = self._work.avoid
            plan = brick_service.plan(self._work.tip, found, wanted, operation=operation, avoid=avoid)
            return await self._work.begin(operation, plan)

    async def _of_cluster(self, cluster: Cluster) -> Survey:
        nodes = [each for each in self._work.tip.nodes_of(cluster.id) if not is_hidden(each)]
        asked = asyncio.gather(*(examiner.ask(self._performer, node) for node in nodes))
        told, dead = await asyncio.gather(asked, self._dead_bricks(cluster))
        troubles: list[Trouble] = []
        silent: dict[str, str] = {}
        looked_at = 0
        for node, picture in zip(nodes, told, strict=True):
            if isinstance(picture, errors.NodeError):
                silent[node.id] = str(picture)
                continue
            if isinstance(dead, errors.NodeError):
                silent[node.id] = f"gluster cannot tell which bricks run: {dead}"
            elif picture.mounts is None or picture.fstab is None or picture.lvm[-1] is None:
                silent[node.id] = "mounts, fstab or logical volumes of the node cannot be read"
            looked_at += len(brick_service.places(self._work.tip, node))
            known = frozenset() if isinstance(dead, errors.NodeError) else dead
            troubles += brick_service.on_node(self._work.tip, node, picture, known)
        return Survey(tuple(troubles), looked_at, silent)

    async def _dead_bricks(self, cluster: Cluster) -> frozenset[str] | errors.NodeError:
        hosts = volumes.gluster_hosts(self._work.tip, cluster.id, self._work.avoid)
        try:
            return await self._performer.dead_bricks(hosts) if hosts else frozenset()
        except errors.NodeError as error:
            return error
