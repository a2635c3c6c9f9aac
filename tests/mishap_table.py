"""The runs of ``test_mishaps.py`` as a table: how often each mishap met each operation, or each command of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.mishaps import Mishap

PROPERTY = "mishaps"


@dataclass(frozen=True, slots=True)
class Cell:
    """Runs of one operation with one mishap."""

    wish: str
    mishap: str
    runs: Mapping[str, int]
    """By the deed that met it."""
    failed: Mapping[str, int]


def rows(cells: Iterable[Cell], *, of_deeds: bool) -> list[str]:
    """Return the lines of the table; a cell tells how many runs went well, and how many of how many did not."""
    runs: dict[str, Counter[str]] = {}
    failed: dict[str, Counter[str]] = {}
    for cell in cells:
        for deed, count in cell.runs.items():
            for row in (f"{cell.wish}: {deed}" if of_deeds else cell.wish, "all"):
                runs.setdefault(row, Counter())[cell.mishap] += count
                failed.setdefault(row, Counter())[cell.mishap] += cell.failed.get(deed, 0)
    lead = "all"
    ordered = [*(row for row in runs if row != lead), *([lead] if lead in runs else [])]
    width = max(map(len, [*ordered, ""]))
    columns = [mishap.value for mishap in Mishap]
    lines = [" ".join([" " * width, *columns])]
    for row in ordered:
        words = (_words(runs[row][column], failed[row][column]).rjust(len(column)) for column in columns)
        lines.append(" ".join([row.ljust(width), *words]))
    return lines


def _words(runs: int, failed: int) -> str:
    return f"{failed}/{runs}!" if failed else str(runs or "-")
