"""The answer for a person."""

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence

from pyheketi.domain import size
from pyheketi.maintenance.simulate.answer import Answer
from pyheketi.maintenance.simulate.headline import counted, headline
from pyheketi.maintenance.simulate.results import NUMBERS, DeviceUse, Result, over_runs
from pyheketi.planning.simulation import Refusal

_REASONS = 16
"""Lines of a refusal that a person wants to see."""
_DEVICES = 60
"""Rows of devices that a person wants to see."""
_ID = re.compile(r" \([0-9a-f]{32}\)")
_MADE_UP = re.compile(r"\b0{24}([0-9a-f]{8})\b")


def text(answer: Answer) -> str:
    """Return the answer for a person; the first line is the short of it."""
    return "\n".join(_lines(answer)) + "\n"


def _lines(answer: Answer) -> Iterator[str]:
    yield headline(answer)
    if isinstance(answer.found, Refusal):
        yield from _reasons(answer.found)
        return
    yield ""
    results = answer.results
    yield from _one_run(answer, results[0]) if len(results) == 1 else _many_runs(answer)
    if refused := next((each for each in results if each.refusal), None):
        yield ""
        in_run = f" in run {refused.number}" if len(results) > 1 else ""
        yield f"Volume {len(refused.sizes) + 1} was refused{in_run}:"
        yield from _reasons(refused.refusal)
    if len(results) == 1:
        yield ""
        yield from _device_table(results[0].devices)


def _reasons(refusal: Refusal | None) -> list[str]:
    """Return a refusal without the ids of nodes, and with small numbers for clusters that are made up."""
    told = _MADE_UP.sub(lambda match: str(int(match[1], 16)), _ID.sub("", refusal.why if refusal else ""))
    lines = [f"  {line}" for line in told.splitlines()]
    rest = len(lines) - _REASONS
    return [*lines[: _REASONS - 1], f"    … and {rest} lines more, see --json", lines[-1]] if rest > 1 else lines


def _one_run(answer: Answer, run: Result) -> list[str]:
    sizes = f"(mean {_short(run.mean_gib)} GiB, median {_short(run.median_gib)} GiB)"
    spread = f"{run.least_percent:.1f} to {run.most_percent:.1f} % in use, standard deviation {run.deviation:.1f}"
    raw = f"{run.raw_per_usable:.3f} GiB of devices for each GiB of volumes"
    return [
        f"Placed:   {counted(len(run.sizes), 'volume')}, {run.total_gib} GiB {sizes}",
        f"Space:    {_gib(run.used)} of {_gib(run.total)} GiB in use ({run.percent:.1f} %)",
        f"Overhead: {raw}, {_gib(run.metadata)} GiB of it metadata of thin pools",
        f"Devices:  {spread}",
        f"Seed:     {answer.question.seed}",
    ]


_COLUMNS = {
    "volumes": "Volumes",
    "total_gib": "GiB",
    "mean_gib": "Mean GiB",
    "median_gib": "Median GiB",
    "used_percent": "Used %",
    "least_percent": "Least %",
    "most_percent": "Most %",
    "deviation_percent": "Deviation",
    "raw_per_usable": "Overhead",
}


def _many_runs(answer: Answer) -> Iterator[str]:
    rows = [["Run", *_COLUMNS.values(), "Refused"]]
    for run in answer.results:
        refused = f"{run.refusal.wish.size_gib} GiB: {run.refusal.why.splitlines()[0]}" if run.refusal else "-"
        rows.append([str(run.number), *_cells({name: NUMBERS[name](run) for name in _COLUMNS}), refused])
    for title, of in (("mean", statistics.fmean), ("median", statistics.median)):
        rows.append([title, *_cells(over_runs(answer.results, of)), ""])
    yield from _table(rows, left=(0, len(_COLUMNS) + 1))
    yield ""
    yield f"Seed: {answer.question.seed}"


def _device_table(devices: Sequence[DeviceUse]) -> Iterator[str]:
    rows = [["Node", "Zone", "Device", "Total GiB", "Used GiB", "Used %", "Bricks", ""]]
    for each in devices[:_DEVICES]:
        state = "" if each.online else "offline"
        numbers = (_gib(each.total), _gib(each.used), f"{each.percent:.1f}", str(each.bricks))
        rows.append([each.node, str(each.zone), each.name, *numbers, state])
    yield from _table(rows, left=(0, 2, 7))
    if (rest := len(devices) - _DEVICES) > 0:
        yield f"… and {counted(rest, 'device')} more, see --json or --csv"


def _table(rows: Sequence[Sequence[str]], left: Sequence[int]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _cells(numbers: Mapping[str, float]) -> list[str]:
    return [_KINDS[name](numbers[name]) if name in _KINDS else f"{numbers[name]:.1f}" for name in _COLUMNS]


def _short(number: float) -> str:
    """Return a number with one digit behind the point, if it is none of the whole ones."""
    return f"{number:.1f}".removesuffix(".0")


def _gib(kib: int) -> str:
    return f"{kib / size.KIB_PER_GIB:.1f}"


_KINDS = dict.fromkeys(("volumes", "total_gib", "mean_gib", "median_gib"), _short) | {
    "raw_per_usable": lambda number: f"{number:.3f}"
}
"""How numbers are written; others have one digit behind the point."""
