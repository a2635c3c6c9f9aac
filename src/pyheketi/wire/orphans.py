"""Bricks on nodes that the database does not know, on the wire. Heketi 10 has no such endpoint."""

from pyheketi.wire import checks
from pyheketi.wire.base import Int64, Items, Strings, WireModel


class StrayBrick(WireModel):
    """What there is on a node of a brick that the database does not know, or that is just being made or removed."""

    cluster: str = ""
    node: str = ""
    host: str = ""
    """The node's management name."""
    device: str = ""
    """Id; empty if the volume group is not in the database."""
    volume_group: str = ""
    brick: str = ""
    """The id in its names."""
    state: str = ""
    """``orphan``: may be removed; ``gluster``, ``used``, ``foreign``, ``pending`` and ``unknown`` may not."""
    reason: str = ""
    size: Int64 = 0
    """KiB that its removal gives back."""
    mount_point: str = ""
    parts: Strings = ()
    """What there is of it: ``mount``, ``fstab``, ``lv``, ``pool``."""
    commands: Strings = ()
    """What its removal will run on the node, as far as can be said now; only of orphans."""


class SilentNode(WireModel):
    """A node that could not tell what it has."""

    node: str = ""
    host: str = ""
    reason: str = ""


class Orphans(WireModel):
    """Answer to ``GET /internal/state/orphans``."""

    bricks: Items[StrayBrick] = ()
    known: Int64 = 0
    """How many bricks were found that are as the database says."""
    silent: Items[SilentNode] = ()


class OrphanRemoval(WireModel):
    """Body of ``POST /internal/state/orphans/remove``."""

    bricks: Strings = ()
    """Ids, or ``volume group/brick``."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal({"bricks": None if self.bricks else "cannot be blank"})
