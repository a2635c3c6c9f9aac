"""Block volumes on the wire (rest-api.md §7.6)."""

from typing import Annotated

from pyheketi.wire import checks
from pyheketi.wire.base import OMIT, Int64, Items, Strings, WireModel


class BlockVolumeCreate(WireModel):
    """Body of ``POST /blockvolumes``."""

    size: Int64 = 0
    """GiB."""
    clusters: Annotated[Strings, OMIT] = ()
    """Ids of clusters to try; all if empty."""
    name: str = ""
    """``blockvol_{id}`` if empty."""
    hacount: Annotated[Int64, OMIT] = 0
    """How many hosts export it; 0 for all."""
    auth: Annotated[bool, OMIT] = False
    """Whether initiators need a password."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal(
            {
                "size": checks.at_least_one(self.size, most=checks.MAX_GIB),
                "name": checks.volume_name(self.name),
                "hacount": checks.at_least_one(self.hacount) if self.hacount else None,
            }
        )


class BlockTarget(WireModel):
    """How initiators find a block volume."""

    hosts: Strings = ()
    iqn: str = ""
    lun: Int64 = 0
    username: str = ""
    password: str = ""


class BlockVolume(BlockVolumeCreate):
    """A block volume."""

    id: str = ""
    blockvolume: BlockTarget = BlockTarget()
    cluster: Annotated[str, OMIT] = ""
    blockhostingvolume: Annotated[str, OMIT] = ""
    """Id of the volume that it lies on."""
    usablesize: Annotated[Int64, OMIT] = 0
    """GiB that all hosts can serve."""


class BlockVolumeList(WireModel):
    """Answer to ``GET /blockvolumes``."""

    blockvolumes: Strings = ()


class BlockVolumeSummary(WireModel):
    """What tells one block volume from another; nothing secret."""

    id: str = ""
    name: str = ""
    cluster: str = ""
    size: Int64 = 0
    """GiB."""
    blockhostingvolume: str = ""


class BlockVolumeSummaries(WireModel):
    """Answer to ``GET /blockvolumes?detail=summary``."""

    blockvolumes: Items[BlockVolumeSummary] = ()
    next: str = ""
    """What ``after`` has to be for the next page; empty on the last."""


class BlockVolumeDetails(WireModel):
    """Answer to ``GET /blockvolumes?detail=full``: each as ``GET /blockvolumes/{id}`` shows it, passwords included."""

    blockvolumes: Items[BlockVolume] = ()
    next: str = ""
    """What ``after`` has to be for the next page; empty on the last."""


class BlockVolumeExpand(WireModel):
    """Body of ``POST /blockvolumes/{id}/expand``."""

    new_size: Int64 = 0
    """GiB afterwards, in all."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal({"new_size": checks.at_least_one(self.new_size, most=checks.MAX_GIB)})
