"""Bricks that do not serve as they should, on the wire. Heketi 10 has no such endpoint."""

from pyheketi.wire import checks
from pyheketi.wire.base import Int64, Items, Strings, WireModel
from pyheketi.wire.orphans import SilentNode


class FaultyBrick(WireModel):
    """A brick of the database that does not serve on its node, or will not after a reboot."""

    brick: str = ""
    volume: str = ""
    """Id."""
    volume_name: str = ""
    cluster: str = ""
    node: str = ""
    host: str = ""
    """The node's management name."""
    path: str = ""
    """Directory that gluster uses."""
    faults: Strings = ()
    """``lost``: its logical volume is gone; ``unmounted``; ``unlisted``: not in fstab; ``dead``: no gluster process."""
    mendable: bool = False


class BrickService(WireModel):
    """Answer to ``GET /internal/state/bricks``."""

    bricks: Items[FaultyBrick] = ()
    looked_at: Int64 = 0
    """How many bricks lie on nodes that could tell."""
    silent: Items[SilentNode] = ()


class BrickMending(WireModel):
    """Body of ``POST /internal/state/bricks/mend``."""

    bricks: Strings = ()
    """Ids."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal({"bricks": None if self.bricks else "cannot be blank"})
