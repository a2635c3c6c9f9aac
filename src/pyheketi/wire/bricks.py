"""Bricks on the wire."""

from pyheketi.wire.base import Int64, WireModel


class Brick(WireModel):
    """A brick of a volume on a device."""

    id: str = ""
    path: str = ""
    """Directory on the node."""
    device: str = ""
    node: str = ""
    volume: str = ""
    size: Int64 = 0
    """KiB."""
