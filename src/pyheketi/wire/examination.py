"""Answer to ``GET /internal/state/examine/gluster`` (rest-api.md §7.9). Names and their odd spelling are Heketi's."""

from typing import Any

from pydantic import Field

from pyheketi.wire.base import Items, Strings, WireModel
from pyheketi.wire.dump import Dump


class GlusterBrick(WireModel):
    """A brick as gluster has it."""

    Name: str = ""
    """``host:path``."""


class GlusterBricks(WireModel):
    """Bricks of a volume as gluster has it."""

    BrickList: Items[GlusterBrick] = ()


class GlusterVolume(WireModel):
    """A volume as gluster has it, without what nobody reads."""

    VolumeName: str = ""
    Bricks: GlusterBricks = GlusterBricks()


class GlusterVolumeList(WireModel):
    """Volumes as gluster has them."""

    VolumeList: Items[GlusterVolume] = ()


class GlusterVolumes(WireModel):
    """What can be read of ``VolumeInfo``."""

    Volumes: GlusterVolumeList = GlusterVolumeList()


class BrickMount(WireModel):
    """A line of a node's fstab."""

    Device: str = ""
    MountPoint: str = ""
    Type: str = ""
    MountOptions: str = ""
    Mounted: bool = False


class BrickMounts(WireModel):
    """Lines of a node's fstab."""

    Statuses: Items[BrickMount] = ()


class NodeData(WireModel):
    """What a node has; what it could not tell is null."""

    NodeHeketiID: str = ""
    VolumeInfo: dict[str, Any] | None = None
    LVMPVInfo: dict[str, Any] | None = None
    LVMVGInfo: dict[str, Any] | None = None
    LVMLVInfo: dict[str, Any] | None = None
    BricksMountStatus: BrickMounts | None = None
    BlockVolumeNames: Strings | None = None
    """``hosting volume/block volume``."""


class ClusterData(WireModel):
    """What the nodes of a cluster have."""

    ClusterHeketiID: str = ""
    NodesData: Items[NodeData] = ()


class Examination(WireModel):
    """The database, and what the nodes have."""

    heketidb: Dump = Field(default_factory=Dump)
    report: Strings = ()
    """What a person should know."""
    clusters: Items[ClusterData] = ()
