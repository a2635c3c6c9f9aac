"""The topology that ``topology info --json`` shows, and the file that ``topology load`` reads (cli.md §4, §7)."""

from typing import Annotated

from pydantic import Field

from pyheketi.wire.base import OMIT, Items, Strings, WireModel
from pyheketi.wire.block_volumes import BlockVolumeSummary
from pyheketi.wire.nodes import Node, NodeAdd
from pyheketi.wire.volumes import BlockHosting, Volume, VolumeCreate


class TopologyCluster(WireModel):
    """A cluster with everything in it."""

    volumes: Items[Volume] = ()
    nodes: Items[Node] = ()
    id: str = ""
    block: bool = False
    file: bool = False


class Topology(WireModel):
    """All clusters."""

    clusters: Items[TopologyCluster] = ()


class VolumeOverview(VolumeCreate):
    """A volume; its mount hosts are its cluster's, its bricks are with their devices."""

    id: str = ""
    blockinfo: BlockHosting = BlockHosting()
    bricks: Strings = ()
    """Ids."""


class BareCluster(WireModel):
    """A cluster without what is in it."""

    id: str = ""
    block: bool = False
    file: bool = False
    hosts: Strings = ()
    """What volumes are mounted from: the first, and the others as its backups."""


class ClusterOverview(BareCluster):
    """A cluster with everything in it, everything said once."""

    nodes: Items[Node] = ()
    """As ``GET /nodes/{id}`` shows them."""
    volumes: Items[VolumeOverview] = ()
    blockvolumes: Items[BlockVolumeSummary] = ()


class Overview(WireModel):
    """Answer to ``GET /topology``."""

    clusters: Items[ClusterOverview] = ()


class FileDevice(WireModel):
    """A device of the file, where it is more than a name."""

    name: str = ""
    tags: Annotated[dict[str, str], OMIT] = Field(default_factory=dict)
    destroydata: Annotated[bool, OMIT] = False


class FileNode(WireModel):
    """A node of the file and its devices; ``node.cluster`` does not count."""

    node: NodeAdd = NodeAdd()
    devices: Items[str | FileDevice | None] = ()


class FileCluster(WireModel):
    """A cluster of the file."""

    nodes: Items[FileNode] = ()
    block: bool = True
    file: bool = True


class TopologyFile(WireModel):
    """A topology file."""

    clusters: Items[FileCluster] = ()
