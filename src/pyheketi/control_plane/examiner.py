"""Look at what all nodes have, beside what the database says (executors.md §10)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyheketi.commands import gluster_xml
from pyheketi.commands.examination import LVM_REPORTS, NodePicture
from pyheketi.domain import errors
from pyheketi.domain.entities import Cluster, Node, Volume
from pyheketi.domain.topology import Topology
from pyheketi.engine.runner import Performs


@dataclass(frozen=True, slots=True)
class Examination:
    """What nodes have, and what a person should know of it."""

    hosting: tuple[Volume, ...]
    """Block hosting volumes of all clusters: each node was asked for the block volumes of each."""
    pictures: Mapping[str, NodePicture | None]
    """By id of the node; None if it could not be asked."""
    report: tuple[str, ...]
    """Heketi's sentences."""


async def ask(performer: Performs, node: Node, hosting: Sequence[str] = ()) -> NodePicture | errors.NodeError:
    """Return what a node has, or why it could not be asked; ``hosting`` as of ``Performs.examine``."""
    try:
        return await performer.examine(node.manage_host, hosting)
    except errors.NodeError as error:
        return error


async def examine(topology: Topology, performer: Performs) -> Examination:
    """Ask all nodes, at the same time."""
    hosting = tuple(volume for volume in topology.volumes() if volume.block)
    names = tuple(volume.name for volume in hosting)

    async def picture(node: Node) -> NodePicture | None:
        told = await ask(performer, node, names)
        return None if isinstance(told, errors.NodeError) else told

    nodes = list(topology.nodes())
    found = await asyncio.gather(*map(picture, nodes))
    pictures: Mapping[str, NodePicture | None] = {node.id: each for node, each in zip(nodes, found, strict=True)}
    report: list[str] = []
    for cluster in topology.clusters():
        report += _of_cluster(topology, cluster, hosting, pictures)
    return Examination(hosting, pictures, tuple(report))


def _of_cluster(
    topology: Topology,
    cluster: Cluster,
    hosting: tuple[Volume, ...],
    pictures: Mapping[str, NodePicture | None],
) -> list[str]:
    nodes = topology.nodes_of(cluster.id)
    report: list[str] = []
    for node in nodes:
        report += _of_node(node, hosting, pictures[node.id])
    if all(pictures[node.id] is None for node in nodes):
        report.append(f"not able to fetch any data from cluster {cluster.id}")
        return report
    ours = sorted(volume.name for volume in topology.volumes_of(cluster.id))
    report += _compared(ours, nodes, pictures) or ["heketi volume list matches with volume list of all nodes"]
    return report


def _of_node(node: Node, hosting: tuple[Volume, ...], picture: NodePicture | None) -> list[str]:
    host = node.manage_host
    if picture is None:
        return [f"could not fetch data from node {host}"]
    report = [
        f"could not fetch LVM {kind} data from node {host} : {failure or 'the answer makes no sense'}"
        for kind, found, failure in zip(LVM_REPORTS, picture.lvm, picture.failures, strict=True)
        if found is None
    ]
    if picture.fstab is None:
        report.append(f"could not fetch brick mount status from node {host}")
    report += [
        f"could not fetch block volume list for block hosting volume {volume.id}"
        for volume, blocks in zip(hosting, picture.block_volumes, strict=True)
        if blocks is None
    ]
    return report


def _compared(ours: list[str], nodes: Sequence[Node], pictures: Mapping[str, NodePicture | None]) -> list[str]:
    report = []
    for node in nodes:
        picture = pictures[node.id]
        if picture is None or picture.volumes is None:
            report.append(
                f"heketi volume list could not be compared with volume list of node {node.id} due to missing info"
            )
        elif ours != sorted(gluster_xml.names(picture.volumes)):
            report.append(f"heketi volume list does not match with volume list of node {node.id}")
    return report
