"""Bricks on the wire."""

from pyheketi.wire import checks
from pyheketi.wire.base import Int64, WireModel

HEAL_CHECKS = ("", "enable", "disable")


def heal_check_problem(asked: str) -> str | None:
    """Return why a wish about the heal check is refused, or None."""
    return None if asked in HEAL_CHECKS else checks.refusal({"healcheck": f"{asked} is not valid heal info check"})


class BrickEvict(WireModel):
    """Body of ``POST /bricks/to-evict/{id}``."""

    healcheck: str = ""
    """``disable``: move the brick even if others still need it to heal."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return heal_check_problem(self.healcheck)


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
