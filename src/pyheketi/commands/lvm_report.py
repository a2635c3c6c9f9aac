"""What LVM answers. Nonsense is a ``ValueError``: the caller knows whose answer it was."""

from dataclasses import dataclass
from typing import Any

from pyheketi.commands import node_json
from pyheketi.commands.command import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalVolume:
    """A device that LVM owns."""

    name: str
    """LVM's own name of the device."""
    uuid: str
    volume_group: str
    """Empty if it is in none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalVolume:
    """A logical volume or a thin pool."""

    name: str
    volume_group: str
    pool: str = ""
    """Thin pool that it lies in; empty if in none."""
    thin_count: int = 0
    """Of a thin pool: the number of volumes in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSize:
    """Size of a volume group. KiB."""

    total: int
    used: int
    extent: int


def parse_physical_volumes(text: str) -> tuple[PhysicalVolume, ...]:
    """Return the rows of a ``pvs`` or ``vgs`` report."""
    return tuple(
        PhysicalVolume(name=row["pv_name"], uuid=row["pv_uuid"], volume_group=row["vg_name"])
        for row in _rows(text, ("pv", "vg"), ("pv_name", "pv_uuid", "vg_name"))
    )


def parse_logical_volumes(text: str) -> tuple[LogicalVolume, ...]:
    """Return the rows of an ``lvs`` report."""
    return tuple(
        LogicalVolume(
            name=row["lv_name"],
            volume_group=row["vg_name"],
            pool=row["pool_lv"],
            thin_count=int(row["thin_count"] or 0),
        )
        for row in _rows(text, ("lv",), ("lv_name", "vg_name", "pool_lv", "thin_count"))
    )


def parse_group_size(text: str) -> GroupSize:
    """Return what ``vgdisplay -c`` said."""
    words = text.strip().split(":")
    numbers = [int(word) for word in words[12:15] if word.isdecimal()]
    if len(words) < 17 or len(numbers) != 3 or numbers[0] == 0:
        raise ValueError(f"vgdisplay returned an invalid string: {text.strip()[:200]!r}")
    extent, total, used = numbers
    return GroupSize(total=total * extent, used=used * extent, extent=extent)


def lacks_group(result: Result, group: str) -> bool:
    """Return whether LVM said that there is no such volume group, and not that something else went wrong."""
    return not result.ok and f'volume group "{group}" not found'.lower() in result.stderr.lower()


def _rows(text: str, kinds: tuple[str, ...], columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a report, each with all ``columns``."""
    try:
        answer: Any = node_json.read(text)
        rows = [row for report in answer["report"] for kind in kinds for row in report.get(kind, ())]
        return [{column: str(row[column]) for column in columns} for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a report of LVM with {', '.join(columns)}: {text[:200]!r}") from error
