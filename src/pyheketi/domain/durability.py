"""How a volume survives the loss of bricks, and what that means for the sizes of bricks (placement.md §3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Distribute:
    """No copies: each file lives on one brick."""

    @property
    def set_size(self) -> int:
        """Bricks in a set."""
        return 1

    @property
    def data_bricks(self) -> int:
        """Bricks of a set whose sizes add up to what can be stored."""
        return 1

    def __str__(self) -> str:
        return "distribute"


@dataclass(frozen=True, slots=True)
class Replicate:
    """Every brick of a set holds everything."""

    count: int
    """Copies, 1 to 3."""
    arbiter: bool = False
    """Whether the last brick of each set holds only the names of files, to settle disputes of the others."""

    @property
    def set_size(self) -> int:
        """Bricks in a set."""
        return self.count

    @property
    def data_bricks(self) -> int:
        """Bricks of a set whose sizes add up to what can be stored."""
        return 1

    def __str__(self) -> str:
        return f"replica {self.count}{' arbiter 1' if self.arbiter else ''}"


@dataclass(frozen=True, slots=True)
class Disperse:
    """Erasure coding: any ``data`` bricks of a set are enough to read it."""

    data: int
    redundancy: int

    @property
    def set_size(self) -> int:
        """Bricks in a set."""
        return self.data + self.redundancy

    @property
    def data_bricks(self) -> int:
        """Bricks of a set whose sizes add up to what can be stored."""
        return self.data

    def __str__(self) -> str:
        return f"disperse {self.data}+{self.redundancy}"


Durability: TypeAlias = Distribute | Replicate | Disperse


def arbiter_position(durability: Durability) -> int | None:
    """Return where in each set the arbiter brick stands; None if there is none."""
    return durability.count - 1 if isinstance(durability, Replicate) and durability.arbiter else None


DISPERSIONS = frozenset({(2, 1), (4, 2), (8, 3), (8, 4)})
"""The combinations of data and redundancy that are allowed (rest-api.md §7.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DurabilityRequest:
    """Durability as the client wrote it; answers repeat it word by word (rest-api.md §6.7)."""

    type: str = ""
    replica: int = 0
    data: int = 0
    redundancy: int = 0

    def effective(self) -> Durability:
        """Return the durability that this means, with Heketi's defaults.

        Raises:
            ValueError: an unknown type, or numbers that are not allowed.
        """
        match self.type:
            case "" | "none":
                return Distribute()
            case "replicate":
                if not 0 <= self.replica <= 3:
                    raise ValueError("Invalid replica value")
                return Replicate(self.replica or 2)
            case "disperse":
                if (self.data, self.redundancy) not in DISPERSIONS:
                    raise ValueError(f"Invalid dispersion combination: {self.data}+{self.redundancy}")
                return Disperse(self.data, self.redundancy)
            case _:
                raise ValueError("Unknown durability type")


def splits(durability: Durability, size: int, max_brick: int) -> Iterator[tuple[int, int]]:
    """Yield ``(sets, brick size)`` to try for a volume of ``size`` KiB: 1, 2, 4, … sets, ever smaller bricks.

    Both divisions truncate, the one by the number of sets first. Bricks above ``max_brick`` KiB are passed over.
    The caller stops at its own limits; the bricks here shrink down to nothing.
    """
    sets = 1
    while brick := size // sets // durability.data_bricks:
        if brick <= max_brick:
            yield sets, brick
        sets *= 2
