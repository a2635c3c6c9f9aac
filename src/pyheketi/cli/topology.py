"""``heketi-cli topology`` (cli.md §5.8, §7)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pyheketi.cli import layout
from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.node import warn_of_name
from pyheketi.cli.session import Session
from pyheketi.client.errors import ClientError
from pyheketi.wire.base import Malformed, parse_first, to_json
from pyheketi.wire.clusters import ClusterFlags
from pyheketi.wire.devices import Device, DeviceAdd
from pyheketi.wire.nodes import Node
from pyheketi.wire.topology import FileCluster, FileDevice, FileNode, TopologyCluster, TopologyFile
from pyheketi.wire.volumes import DISPERSE, REPLICATE, Volume

if TYPE_CHECKING:
    from pyheketi.client.client import Client


def show(session: Session) -> None:
    """Show everything; nothing is printed before all is known."""
    layout_wanted = session.text("template")
    if layout_wanted and not session.json:
        from pyheketi.cli import template  # noqa: PLC0415  # costs time that nobody else should pay

        compiled = template.compiled(layout_wanted)
    with connect(session) as client:
        topology = client.whole_topology()
    if session.json:
        session.write(to_json(topology))
        return
    if layout_wanted:
        session.write(template.rendered(compiled, to_json(topology)))
        return
    for cluster in topology.clusters:
        session.write("".join(_cluster_text(cluster)))
    session.write("\n")


def _cluster_text(cluster: TopologyCluster) -> Iterator[str]:
    """Return the parts of the layout. Each begins its line, and most leave ending it to the next."""
    file, block = layout.boolean(cluster.file), layout.boolean(cluster.block)
    yield f"\nCluster Id: {cluster.id}\n\n    File:  {file}\n    Block: {block}\n\n    Volumes:\n"
    for volume in cluster.volumes:
        yield from _volume_text(volume)
    yield "\n\n    Nodes:\n"
    for node in cluster.nodes:
        yield from _node_text(node)


def _volume_text(volume: Volume) -> Iterator[str]:
    mount, durability = volume.mount.glusterfs, volume.durability
    yield f"\n\tName: {volume.name}\n\tSize: {volume.size}\n\tId: {volume.id}\n\tCluster Id: {volume.cluster}"
    yield f"\n\tMount: {mount.device}\n\tMount Options: {layout.mount_options(mount.options)}"
    yield f"\n\tDurability Type: {durability.type}"
    if durability.type == REPLICATE:
        yield f"\n\tReplica: {durability.replicate.replica}"
    if durability.type == DISPERSE:
        yield f"\n\tDisperse Data: {durability.disperse.data}"
        yield f"\n\tDisperse Redundancy: {durability.disperse.redundancy}"
    if volume.snapshot.enable:
        yield f"\n\tSnapshot: Enabled\n\tSnapshot Factor: {volume.snapshot.factor:.2f}\n"
    else:
        yield "\n\tSnapshot: Disabled\n"
    yield "\n\t\tBricks:"
    yield "".join(
        [
            f"\n\t\t\tId: {brick.id}\n\t\t\tPath: {brick.path}\n\t\t\tSize (GiB): {layout.gib(brick.size)}"
            f"\n\t\t\tNode: {brick.node}\n\t\t\tDevice: {brick.device}\n"
            for brick in volume.bricks
        ]
    )
    yield "\n"


def _node_text(node: Node) -> Iterator[str]:
    manage, storage = ", ".join(node.hostnames.manage), ", ".join(node.hostnames.storage)
    yield f"\n\tNode Id: {node.id}\n\tState: {layout.state(node.state)}\n\tCluster Id: {node.cluster}"
    yield f"\n\tZone: {node.zone}\n\tManagement Hostnames: {manage}\n\tStorage Hostnames: {storage}"
    if node.tags:
        yield f"\n\tTags: {layout.tag_words(node.tags)}\n"
    yield "\n\tDevices:"
    for device in node.devices:
        yield from _device_text(device)
    yield "\n"


def _device_text(device: Device) -> Iterator[str]:
    room = layout.space(device.storage.total, device.storage.used, device.storage.free)
    yield f"\n\t\tId:{device.id:<35}State:{layout.state(device.state):<10}{room}"
    if device.tags:
        yield f"\n\t\t\tTags: {layout.tag_words(device.tags)}\n"
    yield f"\n\t\t\tKnown Paths: {' '.join(device.paths) or device.name}\n\n\t\t\tBricks:"
    yield "".join(
        [
            f"\n\t\t\t\tId:{brick.id:<35}Size (GiB):{layout.gib(brick.size):<8}Path: {brick.path}"
            for brick in device.bricks
        ]
    )


def load(session: Session) -> None:
    """Add what the file has and the server lacks.

    A failure is told, and the rest goes on. Scripts look for the word ``Unable``: it stands where something failed, and
    nowhere else.
    """
    wanted = _read(session.text("json"))
    with connect(session) as client:
        try:
            known = _known(client)
        except ClientError as error:
            raise Problem(f"Unable to get topology information: {error}") from error
        loading = _Loading(session, client, known)
        try:
            for cluster in wanted.clusters:
                loading.load(cluster)
        finally:
            loading.delete_empty_clusters()


def _read(path: str) -> TopologyFile:
    if not path:
        raise Problem("Missing configuration file")
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _problem("Unable to open config file", f"{path}: {error.strerror or error}") from error
    try:
        return parse_first(TopologyFile, text)
    except Malformed as error:
        raise _problem("Unable to parse config file", f"{path}: {error}") from error


def _problem(text: str, why: str) -> Problem:
    """Return an error whose text scripts know, with its reason as a hint."""
    problem = Problem(text)
    problem.add_note(why)
    return problem


def _known(client: "Client") -> dict[str, Node]:
    """Return the server's nodes by their first management name."""
    known: dict[str, Node] = {}
    for cluster in client.cluster_ids().clusters:
        for name in client.cluster(cluster).nodes:
            node = client.node(name)
            for host in node.hostnames.manage[:1]:
                known.setdefault(host, node)
    return known


@dataclass(slots=True)
class _Loading:
    """A file on its way to the server."""

    session: Session
    client: "Client"
    known: dict[str, Node]
    """As the server had them when loading began."""
    made: list[str] = field(default_factory=list)
    """Ids of clusters that were made, oldest first."""

    def load(self, wanted: FileCluster) -> None:
        cluster = ""
        for item in wanted.nodes:
            host = next(iter(item.node.hostnames.manage), "")
            if host in self.known:
                node = self.known[host]
                self.session.write(f"\tFound node {host} on cluster {node.cluster}\n")
                cluster, devices = self._checked(node.cluster), {device.name for device in node.devices}
                name = node.id
            else:
                cluster, devices = cluster or self._make_cluster(wanted), set()
                name = self._add_node(item, cluster, host)
            if name:
                for device in item.devices:
                    self._add_device(device, name, devices)

    def delete_empty_clusters(self) -> None:
        """Delete clusters that were made for nothing; whatever goes wrong, they do no harm."""
        for name in reversed(self.made):
            try:
                cluster = self.client.cluster(name)
                if not (cluster.nodes or cluster.volumes or cluster.blockvolumes):
                    self.client.delete_cluster(name)
            except ClientError:
                continue

    def _checked(self, cluster: str) -> str:
        try:
            return self.client.cluster(cluster).id
        except ClientError as error:
            self.session.write("Unable to get cluster information\n")
            raise _problem("Unable to get cluster information", str(error)) from error

    def _make_cluster(self, wanted: FileCluster) -> str:
        self.session.write("Creating cluster ... ")
        cluster = self.client.create_cluster(ClusterFlags(block=wanted.block, file=wanted.file)).id
        self.made.append(cluster)
        self.session.write(f"ID: {cluster}\n")
        if wanted.file:
            self.session.write("\tAllowing file volumes on cluster.\n")
        if wanted.block:
            self.session.write("\tAllowing block volumes on cluster.\n")
        return cluster

    def _add_node(self, item: FileNode, cluster: str, host: str) -> str:
        """Return the id of the new node, or nothing if there is none."""
        self.session.write(f"\tCreating node {host} ... ")
        if not host:
            self.session.write("Unable to create node: hostnames.manage is empty in the file\n")
            return ""
        try:
            node = self.client.add_node(item.node.model_copy(update={"cluster": cluster}))
        except ClientError as error:
            self.session.write(f"Unable to create node: {error}\n")
            return ""
        self.session.write(f"ID: {node.id}\n")
        warn_of_name(self.session, host, next(iter(item.node.hostnames.storage), ""))
        return node.id

    def _add_device(self, item: str | FileDevice | None, node: str, present: set[str]) -> None:
        device = item if isinstance(item, FileDevice) else FileDevice(name=item or "")
        if device.name in present:
            self.session.write(f"\t\tFound device {device.name}\n")
            return
        self.session.write(f"\t\tAdding device {device.name} ... ")
        wanted = DeviceAdd(name=device.name, tags=device.tags, node=node, destroydata=device.destroydata)
        try:
            self.client.add_device(wanted)
        except ClientError as error:
            self.session.write(f"Unable to add device: {error}\n")
        else:
            self.session.write("OK\n")
