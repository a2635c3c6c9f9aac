"""Volumes on the wire (rest-api.md §7.5)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from pyheketi.wire import checks
from pyheketi.wire.base import OMIT, Float32, Int64, Items, Strings, WireModel
from pyheketi.wire.bricks import Brick

NONE, REPLICATE, DISPERSE = "none", "replicate", "disperse"

DISPERSIONS = frozenset({(2, 1), (4, 2), (8, 3), (8, 4)})
"""Data and redundancy that go together."""

_MAX_REPLICA = 3
_END_OF_GIDS = 2**31 - 1
_MAX_SNAPSHOT_FACTOR = 100


class Replicate(WireModel):
    """How many copies."""

    replica: Annotated[Int64, OMIT] = 0
    """1 to 3; 0 means 2."""


class Disperse(WireModel):
    """Bricks of a set that hold data, and those that may be lost."""

    data: Annotated[Int64, OMIT] = 0
    """2, 4 or 8."""
    redundancy: Annotated[Int64, OMIT] = 0
    """1 with data 2, 2 with 4, 3 or 4 with 8."""


class Durability(WireModel):
    """How a volume survives the loss of bricks; answers repeat what was requested."""

    type: Annotated[str, OMIT] = ""
    """``none`` (bricks without copies), ``replicate`` or ``disperse``; empty means none."""
    replicate: Replicate = Replicate()
    disperse: Disperse = Disperse()

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        if self.type not in ("", NONE, REPLICATE, DISPERSE):
            return "Unknown durability type"
        return None

    def combination_problem(self) -> str | None:
        """Return why the numbers do not fit the type, or None. Numbers of other types do not count."""
        if self.type == REPLICATE and not 0 <= self.replicate.replica <= _MAX_REPLICA:
            return "Invalid replica value"
        combination = (self.disperse.data, self.disperse.redundancy)
        if self.type == DISPERSE and combination not in DISPERSIONS:
            return f"Invalid dispersion combination: {combination[0]}+{combination[1]}"
        return None


class Snapshot(WireModel):
    """Room for snapshots."""

    enable: bool = False
    """Whether thin pools are larger than their bricks."""
    factor: Float32 = 0.0
    """Thin pool size over brick size."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        if self.enable and not 1 <= self.factor <= _MAX_SNAPSHOT_FACTOR:
            return "Invalid snapshot factor"
        return None


class VolumeCreate(WireModel):
    """Body of ``POST /volumes``."""

    size: Int64 = 0
    """GiB."""
    clusters: Annotated[Strings, OMIT] = ()
    """Ids of clusters to try; all if empty."""
    name: str = ""
    """``vol_{id}`` if empty."""
    durability: Durability = Durability()
    gid: Annotated[Int64, OMIT] = 0
    """Group that may write; 0 changes nothing."""
    glustervolumeoptions: Annotated[Strings, OMIT] = ()
    """Each ``key value``."""
    block: Annotated[bool, OMIT] = False
    """Make a block hosting volume."""
    snapshot: Snapshot = Snapshot()

    def problem(self) -> str | None:
        """Return why the request is refused, or None; the checks and their order are those of rest-api.md §7.5."""
        return (
            checks.refusal(
                {
                    "size": checks.at_least_one(self.size, most=checks.MAX_GIB),
                    "name": checks.volume_name(self.name),
                    "glustervolumeoptions": checks.volume_options(self.glustervolumeoptions),
                }
            )
            or self._gid_problem()
            or self.durability.problem()
            or self.snapshot.problem()
            or self.durability.combination_problem()
        )

    def _gid_problem(self) -> str | None:
        if self.gid < 0:
            return "Bad group id less than zero"
        if self.gid >= _END_OF_GIDS:
            return "Bad group id equal or greater than 2**32"
        return None


class GlusterMount(WireModel):
    """What a client mounts."""

    hosts: Strings = ()
    device: str = ""
    """``host:volume``."""
    options: dict[str, str] = Field(default_factory=dict)


class Mount(WireModel):
    """Ways to mount a volume; there is one."""

    glusterfs: GlusterMount = GlusterMount()


def mounted(hosts: Sequence[str], name: str) -> Mount:
    """Return how to mount a volume of a cluster with these hosts (rest-api.md §6.7)."""
    first = hosts[0] if hosts else ""
    return Mount(glusterfs=_mounted_from(tuple(hosts)).model_copy(update={"device": f"{first}:{name}"}))


@lru_cache(maxsize=16)
def _mounted_from(hosts: tuple[str, ...]) -> GlusterMount:
    """Return what the volumes of a cluster have in common."""
    return GlusterMount(hosts=hosts, device="", options={"backup-volfile-servers": ",".join(hosts[1:])})


class BlockHosting(WireModel):
    """What a block hosting volume holds; empty for others."""

    freesize: Annotated[Int64, OMIT] = 0
    """GiB."""
    reservedsize: Annotated[Int64, OMIT] = 0
    """GiB."""
    blockvolume: Annotated[Strings, OMIT] = ()
    restriction: Annotated[str, OMIT] = ""


class Volume(VolumeCreate):
    """A volume."""

    id: str = ""
    cluster: str = ""
    mount: Mount = Mount()
    blockinfo: BlockHosting = BlockHosting()
    bricks: Items[Brick] = ()


class VolumeList(WireModel):
    """Answer to ``GET /volumes``."""

    volumes: Strings = ()


class VolumeSummary(WireModel):
    """What tells one volume from another."""

    id: str = ""
    name: str = ""
    cluster: str = ""
    size: Int64 = 0
    """GiB."""
    block: bool = False


class VolumeSummaries(WireModel):
    """Answer to ``GET /volumes?detail=summary``."""

    volumes: Items[VolumeSummary] = ()
    next: str = ""
    """What ``after`` has to be for the next page; empty on the last."""


class VolumeDetails(WireModel):
    """Answer to ``GET /volumes?detail=full``: each volume as ``GET /volumes/{id}`` shows it."""

    volumes: Items[Volume] = ()
    next: str = ""
    """What ``after`` has to be for the next page; empty on the last."""


class VolumeClone(WireModel):
    """Body of ``POST /volumes/{id}/clone``."""

    name: Annotated[str, OMIT] = ""
    """Of the clone; ``vol_{id}`` if empty."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal({"name": checks.volume_name(self.name)})


class BlockRestriction(WireModel):
    """Body of ``POST /volumes/{id}/block-restriction``."""

    restriction: str = ""
    """``locked``: the volume takes no more block volumes; empty: it does."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal({"restriction": None if self.restriction in ("", "locked") else checks.VALUE})


class VolumeExpand(WireModel):
    """Body of ``POST /volumes/{id}/expand``."""

    expand_size: Int64 = 0
    """GiB to add."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal({"expand_size": checks.at_least_one(self.expand_size, most=checks.MAX_GIB)})
