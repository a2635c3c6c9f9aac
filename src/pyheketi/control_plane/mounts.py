"""Which bricks are not mounted though they should be, after a reboot that went wrong for example: seen and told."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from pyheketi.domain import errors
from pyheketi.domain.entities import Node
from pyheketi.domain.ids import NodeId
from pyheketi.domain.topology import Topology
from pyheketi.engine.runner import Performs
from pyheketi.planning import brick_service

_log = logging.getLogger(__name__)


class Mounts:
    """Remembers what was seen at the last look at each node."""

    def __init__(self, performer: Performs, topology: Callable[[], Topology]) -> None:
        self._performer, self._topology = performer, topology
        self._missing: dict[NodeId, frozenset[str]] = {}

    @property
    def missing(self) -> Mapping[NodeId, frozenset[str]]:
        """Ids of the bricks that are not mounted, by node; of nodes that have such."""
        return self._missing

    async def look(self, nodes: Iterable[Node]) -> None:
        """Look at nodes, all at the same time; forget those that there are no more."""
        self.forget(self._missing.keys() - {node.id for node in self._topology().nodes()})
        await asyncio.gather(*map(self._look, nodes))

    def forget(self, nodes: Iterable[NodeId]) -> None:
        """Say nothing of nodes that are not looked at any more."""
        for id_ in nodes:
            self._missing.pop(id_, None)

    async def _look(self, node: Node) -> None:
        before = self._topology()
        try:
            table = await self._performer.mounts(node.manage_host)
        except errors.NodeError:
            return  # it answered a moment ago; the next look tells
        found = {place.brick: (volume, place) for volume, place in brick_service.unmounted(before, node, table)}
        if found:  # what came or went meanwhile is just being made or removed
            still = {place.brick for _, place in brick_service.places(self._topology(), node)}
            found = {brick: each for brick, each in found.items() if brick in still}
        known = self._missing.pop(node.id, frozenset())
        if found:
            self._missing[node.id] = frozenset(found)
        for brick in found.keys() - known:
            volume, place = found[brick]
            mend = f"heketi-cli server state bricks --mend {brick}"
            _log.warning("Brick %s of %s is not mounted on %s: %s", brick, volume.name, place.host, mend)
        if known and not found:
            _log.info("All bricks of node %s (%s) are mounted again", node.id, node.manage_host)
