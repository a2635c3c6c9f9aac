"""Which nodes do not answer. Placement keeps away from them (operations.md §8)."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyheketi.domain import errors
from pyheketi.domain.entities import Node, State
from pyheketi.domain.ids import NodeId
from pyheketi.domain.topology import Topology
from pyheketi.engine.runner import Performs
from pyheketi.operations import steps
from pyheketi.placement.rings import Avoid

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSchedule:
    """When nodes are looked at; seconds."""

    enabled: bool = True
    start: float = 10
    every: float = 120
    retry: float = 15
    """Nodes that are down are looked at this often, so that one that comes back is not left idle."""


class Health:
    """Looks after the nodes. A node nobody has looked at yet counts as well."""

    def __init__(self, performer: Performs, topology: Callable[[], Topology], schedule: HealthSchedule) -> None:
        self._performer, self._topology, self._schedule = performer, topology, schedule
        self._down: frozenset[NodeId] = frozenset()
        self.on_return: Callable[[], object] = lambda: None
        """Called when a node that was down answers again."""

    @property
    def avoid(self) -> Avoid:
        """What placement keeps away from."""
        return Avoid(nodes=self._down)

    async def look_at(self, hosts: Iterable[str]) -> None:
        """Check the nodes with these management names now."""
        topology = self._topology()
        ids = {topology.node_managed_at(host) for host in hosts}
        await self._check([node for id_ in ids if id_ and (node := topology.node(id_))])

    async def watch(self) -> None:
        """Check all nodes for ever, and those that are down more often."""
        if not self._schedule.enabled:
            return
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._schedule.start)
        while True:
            await self._check([node for node in self._topology().nodes() if node.state is State.ONLINE])
            next_round = loop.time() + self._schedule.every
            while (left := next_round - loop.time()) > 0:
                await asyncio.sleep(min(left, self._schedule.retry))
                if self._down:
                    await self._check([node for node in self._topology().nodes() if node.id in self._down])

    async def _check(self, nodes: list[Node]) -> None:
        answers = await asyncio.gather(*(self._answers(node) for node in nodes))
        checked = {node.id for node in nodes}
        down = {node.id for node, answer in zip(nodes, answers, strict=True) if not answer}
        known = {node.id for node in self._topology().nodes()}
        back = (self._down & checked & known) - down
        self._down = frozenset((self._down - checked | down) & known)
        if back:
            self.on_return()

    async def _answers(self, node: Node) -> bool:
        was_down = node.id in self._down
        try:
            await self._performer.do(steps.CheckGlusterd(host=node.manage_host), sure=True)
        except errors.NodeError as error:
            if not was_down:
                _log.warning("Node %s (%s) is down, no new bricks go there: %s", node.id, node.manage_host, error)
            return False
        if was_down:
            _log.info("Node %s (%s) is up again", node.id, node.manage_host)
        return True
