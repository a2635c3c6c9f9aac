"""Which nodes do not answer. Placement keeps away from them (operations.md §8)."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyheketi.control_plane.alarm import Alarm
from pyheketi.control_plane.mounts import Mounts
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

    def __init__(
        self, performer: Performs, topology: Callable[[], Topology], schedule: HealthSchedule, alarm: Alarm
    ) -> None:
        self._performer, self._topology, self._schedule, self._alarm = performer, topology, schedule, alarm
        self._down: frozenset[NodeId] = frozenset()
        self.mounts = Mounts(performer, topology)
        """Which bricks are not mounted, as far as nodes were looked after."""
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

    def follow(self, schedule: HealthSchedule) -> None:
        """Look after the nodes at other times from now on, or not any more."""
        self._schedule = schedule
        self._forget_unwatched()

    async def watch(self) -> None:
        """Check all nodes for ever, and those that are down more often."""
        now = asyncio.get_running_loop().time
        began, full, latest = now(), -math.inf, -math.inf

        def due() -> float:
            schedule = self._schedule
            if not schedule.enabled:
                return math.inf
            return max(began + schedule.start, min(full + schedule.every, latest + schedule.retry))

        while True:
            await self._alarm.at(due)
            if everyone := full + self._schedule.every <= now():
                nodes = [node for node in self._topology().nodes() if node.state is State.ONLINE]
                await self._check(nodes)
                await self.mounts.look(node for node in nodes if node.id not in self._down)
            elif self._down:
                await self._check([node for node in self._topology().nodes() if node.id in self._down])
            latest = now()
            full = latest if everyone else full
            self._forget_unwatched()

    def _forget_unwatched(self) -> None:
        """Let placement use nodes that were down, and tell of no brick, when nobody looks any more how they are."""
        if not self._schedule.enabled:
            self._down = frozenset()
            self.mounts.forget(list(self.mounts.missing))

    async def _check(self, nodes: list[Node]) -> None:
        answers = await asyncio.gather(*(self._answers(node) for node in nodes))
        checked = {node.id for node in nodes}
        down = {node.id for node, answer in zip(nodes, answers, strict=True) if not answer}
        known = {node.id for node in self._topology().nodes()}
        back = (self._down & checked & known) - down
        self._down = frozenset((self._down - checked | down) & known)
        self.mounts.forget(self._down)
        if back:
            self.on_return()
            await self.mounts.look(node for node in nodes if node.id in back)

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
