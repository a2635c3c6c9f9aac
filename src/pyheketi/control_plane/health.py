"""Which nodes do not answer: placement keeps away from them (operations.md §8). And which bricks are not mounted."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pyheketi.control_plane.alarm import Alarm
from pyheketi.domain import errors
from pyheketi.domain.entities import Node, State
from pyheketi.domain.ids import NodeId
from pyheketi.domain.topology import Topology
from pyheketi.engine.runner import Performs
from pyheketi.operations import steps
from pyheketi.placement.rings import Avoid
from pyheketi.planning import brick_service

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
        self._unmounted: dict[NodeId, frozenset[str]] = {}
        self.on_return: Callable[[], object] = lambda: None
        """Called when a node that was down answers again."""

    @property
    def avoid(self) -> Avoid:
        """What placement keeps away from."""
        return Avoid(nodes=self._down)

    @property
    def unmounted(self) -> Mapping[NodeId, frozenset[str]]:
        """Ids of the bricks that are not mounted, by node; of nodes that were last seen so."""
        return {id_: bricks for id_, bricks in self._unmounted.items() if id_ not in self._down}

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
                await self._check([node for node in self._topology().nodes() if node.state is State.ONLINE])
            elif self._down:
                await self._check([node for node in self._topology().nodes() if node.id in self._down])
            latest = now()
            full = latest if everyone else full
            self._forget_unwatched()

    def _forget_unwatched(self) -> None:
        """Let placement use nodes that were down, and tell of no brick, when nobody looks any more how they are."""
        if not self._schedule.enabled:
            self._down = frozenset()
            self._unmounted.clear()

    async def _check(self, nodes: list[Node]) -> None:
        answers = await asyncio.gather(*(self._answers(node) for node in nodes))
        checked = {node.id for node in nodes}
        down = {node.id for node, answer in zip(nodes, answers, strict=True) if not answer}
        known = {node.id for node in self._topology().nodes()}
        back = (self._down & checked & known) - down
        self._down = frozenset((self._down - checked | down) & known)
        await asyncio.gather(*(self._look_at_bricks(node) for node in nodes if node.id not in down))
        if back:
            self.on_return()

    async def _look_at_bricks(self, node: Node) -> None:
        """Remember and tell which bricks of a node are not mounted."""
        before = self._topology()
        try:
            table = await self._performer.mounts(node.manage_host)
        except errors.NodeError:
            return  # it answered a moment ago; the next look tells
        still = {place.brick for _, place in brick_service.places(self._topology(), node)}
        found = [each for each in brick_service.unmounted(before, node, table) if each[1].brick in still]
        known = self._unmounted.pop(node.id, frozenset())
        if found:
            self._unmounted[node.id] = frozenset(place.brick for _, place in found)
        for volume, place in found:
            if place.brick not in known:
                mend = f"heketi-cli server state bricks --mend {place.brick}"
                _log.warning("Brick %s of %s is not mounted on %s: %s", place.brick, volume.name, place.host, mend)
        if known and not found:
            _log.info("All bricks of node %s (%s) are mounted again", node.id, node.manage_host)

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
