"""What can be wished for nodes."""

from collections.abc import Mapping
from dataclasses import replace

from pyheketi.control_plane.finding import existing, shown
from pyheketi.control_plane.removals import Removals
from pyheketi.control_plane.work import Work
from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Node, State, Tags
from pyheketi.domain.ids import IdSource, NodeId, OperationId
from pyheketi.engine.runner import Performs
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Plan
from pyheketi.planning import nodes, tags
from pyheketi.planning.nodes import NodeAdd


class Nodes:
    """Adds, changes and removes nodes."""

    def __init__(self, work: Work, removals: Removals, performer: Performs, ids: IdSource) -> None:
        self._work, self._removals, self._performer, self._ids = work, removals, performer, ids

    async def add(self, request: NodeAdd) -> OperationId:
        """Begin to add a node.

        Raises:
            NotFound: no such cluster.
            Conflict: a host name is taken.
            RequestError: glusterd does not run on the new node, or on no node of the cluster.
        """
        operation = OperationId(self._ids.new())
        node = NodeId(self._ids.new())

        def plan() -> Plan:
            return nodes.plan_add(self._work.tip, request, node=node, operation=operation, avoid=self._work.avoid)

        plan()  # what can be refused at once need not wait for the nodes
        await self._require_glusterd(request)
        return await self._work.begin(operation, plan())

    async def _require_glusterd(self, request: NodeAdd) -> None:
        members = nodes.members_of(self._work.tip, request.cluster, self._work.avoid)
        try:
            await self._performer.do(steps.CheckGlusterd(host=request.manage[0]), sure=True)
        except errors.NodeError as error:
            raise errors.RequestError(f"New Node doesn't have glusterd running\n{error}") from error
        failures: list[errors.NodeError] = []
        for host in members:
            try:
                await self._performer.do(steps.CheckGlusterd(host=host), sure=True)
            except errors.NodeError as error:
                failures.append(error)
            else:
                return
        if failures:
            lines = "\n".join(map(str, failures))
            raise errors.RequestError(f"None of the nodes in cluster has glusterd running\n{lines}")

    async def delete(self, id_: str) -> OperationId:
        """Begin to remove a node, or go on with a removal that got stuck.

        Raises ``NotFound``, ``Conflict``, ``TooManyOperations``.
        """
        if stuck := self._work.stuck_on(existing(self._work.tip.node(id_)), Kind.DELETE_NODE):
            return self._work.take_up(stuck)
        operation = OperationId(self._ids.new())
        node = self._find(id_)
        plan = nodes.plan_delete(self._work.tip, node, operation=operation, avoid=self._work.avoid)
        return await self._work.begin(operation, plan)

    async def set_state(self, id_: str, state: State, *, check_heal: bool = True) -> OperationId:
        """Change a node's state; a refusal is told by the job. Raises ``NotFound``, ``TooManyOperations``.

        In the way to ``failed`` all bricks are moved off, after a look at what heals unless told otherwise.
        """
        node = self._find(id_)
        if state is State.FAILED and self._holds_bricks(node):
            return await self._removals.begin_node(node, check_heal=check_heal)
        return await self._work.decide(
            OperationId(self._ids.new()),
            Kind.SET_NODE_STATE,
            id_,
            lambda: nodes.plan_state(self._work.tip, node, state),
            throttled=state is State.FAILED,
        )

    async def change_tags(self, id_: str, change: str, wanted: Mapping[str, str]) -> Tags:
        """Change tags of a node and return all that it has then. Raises ``NotFound``."""
        node = self._find(id_)
        made = replace(node, tags=tags.changed(node.tags, change, wanted))
        await self._work.change(Kind.SET_NODE_TAGS, id_, [Put(made)])
        return made.tags

    def _find(self, id_: str) -> Node:
        return shown(self._work.tip.node(id_))

    def _holds_bricks(self, node: Node) -> bool:
        topology = self._work.tip
        return any(topology.count_bricks(device.id) for device in topology.devices_of(node.id))
