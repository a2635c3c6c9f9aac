"""Where we differ from recordings of the original on purpose: the table at the end of ``docs/differences.md``."""

import re
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).resolve().parents[1] / "docs" / "differences.md"
_ROW = re.compile(r"^\| (?P<recording>(?:http|cli)[\w./ ,]+) \| (?P<where>[^|]+) \| (?P<why>[^|]+) \|$", re.MULTILINE)

CHANCE = "follows from chance or from steps before"


@cache
def _rows() -> list[tuple[str, str, str]]:
    found = [(row["recording"], row["where"], row["why"]) for row in _ROW.finditer(_TABLE.read_text())]
    assert found, f"{_TABLE} has no table of differences"
    return found


def steps(recording: str) -> dict[int, str]:
    """Return the places in a recorded session that differ, and why."""
    return {int(place): why for name, where, why in _rows() if name == recording for place in where.split(",")}


def requests(section: str) -> dict[str, str]:
    """Return what requests in a section of the recorded exchanges differ: ``GET /path`` or a part of them, and why."""
    rows = [(name.removeprefix("http.txt ").split(", "), where, why) for name, where, why in _rows()]
    return {where.strip("`"): why for sections, where, why in rows if section in sections}
