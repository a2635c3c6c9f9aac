"""``heketi-cli node`` (cli.md §5.6, §6.2)."""

from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.layout import space, state, tag_lines
from pyheketi.cli.session import Session
from pyheketi.wire import checks
from pyheketi.wire.base import to_json
from pyheketi.wire.nodes import Hostnames, Node, NodeAdd, StateChange

_MISSING = "Node id missing"


def add(session: Session) -> None:
    """Add a node."""
    zone = session.integer("zone")
    manage, storage = session.text("management-host-name"), session.text("storage-host-name")
    cluster = session.text("cluster")
    _require(
        (zone, "Missing zone"),
        (manage, "Missing management hostname"),
        (storage, "Missing storage hostname"),
        (cluster, "Missing cluster id"),
    )
    warn_of_name(session, manage, storage)
    wanted = NodeAdd(zone=zone, hostnames=Hostnames(manage=(manage,), storage=(storage,)), cluster=cluster)
    with connect(session) as client:
        node = client.add_node(wanted)
    if session.json:
        session.write(to_json(node))
    else:
        session.write(f"Node information:\n{_head(node)}")


def warn_of_name(session: Session, manage: str, storage: str) -> None:
    """Warn of a storage host name that is no IP address: gluster can use it, Kubernetes cannot."""
    if not checks.is_ip(storage):
        session.terminal.complain(
            f'Warning: storage host name "{storage}" of node {manage} is not an IP address; '
            "Kubernetes cannot mount volumes of its cluster"
        )


def delete(session: Session) -> None:
    """Delete a node."""
    node = session.argument(_MISSING)
    with connect(session) as client:
        client.delete_node(node)
    session.write(f"Node {node} deleted\n")


def enable(session: Session) -> None:
    """Use a node again."""
    _change_state(session, "online", "online")


def disable(session: Session) -> None:
    """Put no new bricks on a node."""
    _change_state(session, "offline", "offline")


def remove(session: Session) -> None:
    """Move all bricks off a node."""
    _change_state(session, "failed", "removed")


def show(session: Session) -> None:
    """Show a node and its devices."""
    name = session.argument(_MISSING)
    with connect(session) as client:
        node = client.node(name)
    if session.json:
        session.write(to_json(node))
        return
    session.write(f"{_head(node)}Devices:\n")
    for device in node.devices:
        room = space(device.storage.total, device.storage.used, device.storage.free)
        session.write(
            f"Id:{device.id:<35}Name:{device.name:<20}State:{state(device.state):<10}"
            f"{room}Bricks:{len(device.bricks):<8}\n"
        )


def show_all(session: Session) -> None:
    """List all nodes, cluster by cluster."""
    with connect(session) as client:
        for cluster in client.cluster_ids().clusters:
            for node in client.cluster(cluster).nodes:
                session.write(f"Id:{node}\tCluster:{cluster}\n")


def _head(node: Node) -> str:
    manage, storage = (next(iter(names), "") for names in (node.hostnames.manage, node.hostnames.storage))
    return (
        f"Node Id: {node.id}\nState: {state(node.state)}\nCluster Id: {node.cluster}\nZone: {node.zone}\n"
        f"Management Hostname: {manage}\nStorage Hostname: {storage}\n{tag_lines(node.tags)}"
    )


def _change_state(session: Session, wanted: str, told: str) -> None:
    node = session.argument(_MISSING)
    with connect(session) as client:
        client.set_node_state(node, StateChange(state=wanted))
    session.write(f"Node {node} is now {told}\n")


def _require(*needed: tuple[str | int, str]) -> None:
    for value, missing in needed:
        if not value:
            raise Problem(missing)
