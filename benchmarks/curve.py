"""Figures of the same thing at different numbers of volumes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.figure import Figure


@dataclass(frozen=True, slots=True)
class Point:
    """Values at a number of volumes."""

    volumes: int
    median: float
    least: float
    most: float


def curve(figures: Iterable[Figure], what: str) -> list[Point]:
    """Return the figures named ``what, 1,000 volumes``, by the number of volumes.

    Raises:
        ValueError: there are none.
    """
    found = [
        Point(int(match[1].replace(",", "")), each.median, min(each.values), max(each.values))
        for each in figures
        if (match := re.fullmatch(rf"{re.escape(what)}, ([\d,]+) volumes", each.name))
    ]
    if not found:
        raise ValueError(f"The server suite has no figures named {what}, … volumes")
    return sorted(found, key=lambda point: point.volumes)
