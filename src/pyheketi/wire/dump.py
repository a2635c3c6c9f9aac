"""Heketi's whole database as a document: ``GET /db/dump``, ``heketi db export`` (db.md §4).

Names and their order are Heketi's. Ids of objects are the names in the sections.
"""

import json
from typing import Annotated

from pydantic import Field

from pyheketi.wire import base
from pyheketi.wire.base import OMIT, Int64, Items, Strings, WireModel
from pyheketi.wire.block_volumes import BlockTarget
from pyheketi.wire.bricks import Brick
from pyheketi.wire.clusters import Cluster
from pyheketi.wire.devices import Storage
from pyheketi.wire.nodes import Hostnames
from pyheketi.wire.volumes import BlockHosting, Durability, Mount, Snapshot


class Mark(WireModel):
    """Mark of the operation at work on an object."""

    Id: str = ""
    """Of the operation; empty if there is none."""


class ClusterEntry(WireModel):
    """A cluster and the ids of what is in it."""

    Info: Cluster = Cluster()


class VolumeContents(WireModel):
    """A volume as it was asked for and made."""

    size: Int64 = 0
    """GiB."""
    clusters: Annotated[Strings, OMIT] = ()
    name: str = ""
    durability: Durability = Durability()
    gid: Annotated[Int64, OMIT] = 0
    glustervolumeoptions: Annotated[Strings, OMIT] = ()
    block: Annotated[bool, OMIT] = False
    snapshot: Snapshot = Snapshot()
    id: str = ""
    cluster: str = ""
    mount: Mount = Mount()
    blockinfo: BlockHosting = BlockHosting()


class VolumeEntry(WireModel):
    """A volume, the ids of its bricks and its gluster options."""

    Info: VolumeContents = VolumeContents()
    Bricks: Strings = ()
    GlusterVolumeOptions: Strings = ()
    Pending: Mark = Mark()


class BrickEntry(WireModel):
    """A brick, where it is, and its LVM names. KiB."""

    Info: Brick = Brick()
    TpSize: Int64 = 0
    PoolMetadataSize: Int64 = 0
    Pending: Mark = Mark()
    LvmThinPool: str = ""
    LvmLv: str = ""
    SubType: Int64 = 0
    """0 unknown, 1 normal, 2 arbiter."""


class NodeContents(WireModel):
    """A node."""

    zone: Int64 = 0
    hostnames: Hostnames = Hostnames()
    cluster: str = ""
    tags: Annotated[dict[str, str], OMIT] = Field(default_factory=dict)
    id: str = ""


class NodeEntry(WireModel):
    """A node, its state and the ids of its devices."""

    State: str = ""
    Info: NodeContents = NodeContents()
    Devices: Strings = ()


class DeviceContents(WireModel):
    """A device."""

    name: str = ""
    tags: Annotated[dict[str, str], OMIT] = Field(default_factory=dict)
    storage: Storage = Storage()
    id: str = ""
    paths: Annotated[Strings, OMIT] = ()
    pv_uuid: Annotated[str, OMIT] = ""


class DeviceEntry(WireModel):
    """A device, its state and the ids of its bricks."""

    State: str = ""
    Info: DeviceContents = DeviceContents()
    Bricks: Strings = ()
    NodeId: str = ""
    ExtentSize: Int64 = 0
    """KiB."""


class BlockVolumeContents(WireModel):
    """A block volume."""

    size: Int64 = 0
    """GiB."""
    clusters: Annotated[Strings, OMIT] = ()
    name: str = ""
    hacount: Annotated[Int64, OMIT] = 0
    auth: Annotated[bool, OMIT] = False
    id: str = ""
    blockvolume: BlockTarget = BlockTarget()
    cluster: Annotated[str, OMIT] = ""
    blockhostingvolume: Annotated[str, OMIT] = ""
    usablesize: Annotated[Int64, OMIT] = 0


class BlockVolumeEntry(WireModel):
    """A block volume."""

    Info: BlockVolumeContents = BlockVolumeContents()
    Pending: Mark = Mark()


class AttributeEntry(WireModel):
    """Something about the database itself."""

    Key: str = ""
    Value: str = ""


class Action(WireModel):
    """What an operation does to an object."""

    Change: Int64 = 0
    """Number of the kind of change (db.md §1)."""
    Id: str = ""
    Delta: float | None = None
    """GiB, for changes of size; whole, but Heketi's import made fractions of them."""


class OperationEntry(WireModel):
    """An operation that has not ended."""

    Id: str = ""
    Timestamp: Int64 = 0
    """Seconds since the epoch, of its beginning."""
    Type: Int64 = 0
    """Number of its kind (db.md §1)."""
    Actions: Items[Action] = ()
    Status: str = ""


class Dump(WireModel):
    """Everything."""

    clusterentries: dict[str, ClusterEntry] = Field(default_factory=dict)
    volumeentries: dict[str, VolumeEntry] = Field(default_factory=dict)
    brickentries: dict[str, BrickEntry] = Field(default_factory=dict)
    nodeentries: dict[str, NodeEntry] = Field(default_factory=dict)
    deviceentries: dict[str, DeviceEntry] = Field(default_factory=dict)
    blockvolumeentries: dict[str, BlockVolumeEntry] = Field(default_factory=dict)
    dbattributeentries: dict[str, AttributeEntry] = Field(default_factory=dict)
    pendingoperations: dict[str, OperationEntry] = Field(default_factory=dict)


def text(document: WireModel) -> str:
    """Return a document as Heketi writes it: indented by four blanks, without a final newline."""
    return base.escaped(json.dumps(document, ensure_ascii=False, indent=4, default=base.fields_of))
