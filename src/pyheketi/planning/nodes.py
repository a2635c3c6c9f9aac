"""Add and delete nodes, and change their state (rest-api.md §7.3)."""

from dataclasses import dataclass, replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.entities import Node, Pending, State, Tags, is_hidden
from pyheketi.domain.ids import ClusterId, NodeId, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan, StepGroup
from pyheketi.placement.rings import Avoid
from pyheketi.planning import devices, volumes
from pyheketi.planning.use_case import UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAdd:
    """A wish for a node, its form already checked."""

    cluster: ClusterId
    zone: int
    manage: tuple[str, ...]
    storage: tuple[str, ...]
    tags: Tags = ()


def plan_add(topology: Topology, request: NodeAdd, *, node: NodeId, operation: OperationId, avoid: Avoid) -> Plan:
    """Plan to take a host into a cluster's pool.

    Raises:
        NotFound: no such cluster.
        Conflict: a host name belongs to another node.
    """
    if topology.cluster(request.cluster) is None:
        raise errors.NotFound("Cluster id does not exist")
    _require_free_names(topology, request)
    made = Node(
        id=node,
        cluster=request.cluster,
        zone=request.zone,
        manage=request.manage,
        storage=request.storage,
        tags=request.tags,
        pending=Pending(operation, hidden=True),
    )
    members = members_of(topology, request.cluster, avoid)
    check = steps.CheckGlusterd(host=made.manage_host)
    groups: tuple[StepGroup, ...] = ((check,),)
    if members:
        groups += ((steps.ProbePeer(hosts=members, storage_host=made.storage_host),),)
    return Plan(kind=Kind.ADD_NODE, subject=node, begin=(Put(made),), groups=groups, result=f"/nodes/{node}")


def members_of(topology: Topology, cluster: ClusterId, avoid: Avoid) -> tuple[str, ...]:
    """Return management names of the cluster's nodes that are online, those that answer first.

    Where there are only nodes that are just being added, it is they: two first ones must come into one pool.
    """
    nodes = topology.nodes_of(cluster)
    shown = [node for node in nodes if not is_hidden(node)]
    online = [node for node in shown or nodes if node.state is State.ONLINE]
    return volumes.hosts_of(sorted(online, key=lambda node: node.id in avoid.nodes))


def _require_free_names(topology: Topology, request: NodeAdd) -> None:
    for host in request.manage:
        if holder := topology.node_managed_at(host):
            raise errors.Conflict(f"Hostname {host} already used by node with id {holder}\n")
    for host in request.storage:
        if holder := topology.node_stored_at(host):
            raise errors.Conflict(f"Hostname {host} already used by node with id {holder}\n")
    for names in (request.manage, request.storage):
        if len(set(names)) < len(names):
            raise errors.Conflict(f"Hostnames {', '.join(names)}: a name stands there twice")


def finish_add(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the node."""
    node = topology.node(operation.subject)
    return (Put(replace(node, pending=None)),) if node else ()


def abandon_add(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the node."""
    node = topology.node(operation.subject)
    return (Remove(node),) if node else ()


ADD = UseCase(finish=finish_add, abandon=abandon_add)


def plan_delete(topology: Topology, node: Node, *, operation: OperationId, avoid: Avoid) -> Plan:
    """Plan to take a node out of its pool.

    Raises:
        Conflict: it has devices.
        InUse: another operation is at work on it.
    """
    if topology.devices_of(node.id):
        raise errors.Conflict(f"Unable to delete node [{node.id}] because it contains devices")
    _require_idle(node)
    others = tuple(host for host in volumes.gluster_hosts(topology, node.cluster, avoid) if host != node.manage_host)
    detach = steps.DetachPeer(hosts=others, storage_host=node.storage_host)
    return Plan(
        kind=Kind.DELETE_NODE,
        subject=node.id,
        begin=(Put(replace(node, pending=Pending(operation, hidden=True))),),
        groups=((detach,),) if others else (),
    )


def finish_delete(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the node."""
    node = topology.node(operation.subject)
    return (Remove(node),) if node else ()


def abandon_delete(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the node again."""
    node = topology.node(operation.subject)
    return (Put(replace(node, pending=None)),) if node else ()


DELETE = UseCase(finish=finish_delete, abandon=abandon_delete, no_return=steps.DetachPeer, forward_on_restart=True)


def plan_state(topology: Topology, node: Node, wanted: State) -> Plan:
    """Plan another state (rest-api.md §7.3, the table of transitions).

    Raises:
        Conflict: there is no way from the present state to the wanted one.
        InUse: another operation is at work on the node; only that no new bricks come is no harm.
    """
    if wanted is not State.OFFLINE:
        _require_idle(node)
    changes: tuple[Change, ...] = (Put(replace(node, state=wanted)),)
    match node.state, wanted:
        case before, after if before is after:
            changes = ()
        case State.FAILED, _:
            raise errors.Conflict(f"Cannot move a failed/removed node to {wanted.value} state")
        case _, State.FAILED:
            require_removable(topology, node)
            changes = (*(Put(replace(device, state=State.FAILED)) for device in topology.devices_of(node.id)), *changes)
    return Plan(kind=Kind.SET_NODE_STATE, subject=node.id, begin=changes)


def require_removable(topology: Topology, node: Node) -> None:
    """Refuse to remove a node that is in use for something else.

    Raises:
        Conflict: it is online.
        InUse: an operation is at work on it, on one of its devices, or on bricks of them.
    """
    _require_idle(node)
    if node.state is State.ONLINE:
        raise errors.Conflict(f"Node must be offline before remove operation is performed, node:{node.id}")
    for device in topology.devices_of(node.id):
        devices.require_settled(topology, device)


def _require_idle(node: Node) -> None:
    if node.pending is not None:
        raise errors.InUse(f"Node {node.id} is busy: operation {node.pending.operation} is at work on it")
