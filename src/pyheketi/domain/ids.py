"""Identifiers. Heketi's ids are 16 random bytes as 32 lower-case hexadecimal digits (rest-api.md §6.1)."""

from typing import NewType, Protocol

ClusterId = NewType("ClusterId", str)
NodeId = NewType("NodeId", str)
DeviceId = NewType("DeviceId", str)
BrickId = NewType("BrickId", str)
VolumeId = NewType("VolumeId", str)
BlockVolumeId = NewType("BlockVolumeId", str)
OperationId = NewType("OperationId", str)


class IdSource(Protocol):
    """Where fresh ids and random choices come from.

    Planning asks for randomness here, so that the same source gives the same plan.
    """

    def new(self) -> str:
        """Return a fresh id: 32 lower-case hexadecimal digits."""
        ...

    def below(self, bound: int) -> int:
        """Return a number in ``0 … bound - 1``; ``bound`` is at least 1."""
        ...
