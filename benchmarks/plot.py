"""What the number of volumes does to speed, as a picture. The only module that needs matplotlib."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchmarks.curve import Point, curve
from benchmarks.kept import ROOT, Run

FILE = ROOT / "docs" / "performance.svg"

_HEKETI = ((0, 64), (800, 15))
"""Volumes that Heketi created per second, by the number that there were."""
_OURS, _THEIRS, _QUIET = "#1f5fa8", "#c2571a", "#5c5c5c"
_STYLE = {
    "svg.hashsalt": "pyheketi",  # ids that are the same in every run
    "svg.fonttype": "path",  # looks the same everywhere
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _QUIET,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "axes.labelcolor": _QUIET,
}


def write(run: Run, file: Path = FILE) -> None:
    """Draw what the server suite found."""
    created = curve(run.figures, "volumes created, 8 clients")
    read = curve(run.figures, "GET /volumes/{id}")
    with mpl.rc_context(_STYLE):
        picture = Picture(figsize=(9, 3.6), layout="constrained")
        left, right = picture.subplots(1, 2)
        _draw(left, created, "Volumes created per second, 8 clients")
        _draw_heketi(left)
        _draw(right, read, "GET /volumes/{id} per second, 8 connections")
        picture.savefig(file, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})


def _draw(axes: Axes, points: list[Point], title: str) -> None:
    volumes, medians = [each.volumes for each in points], [each.median for each in points]
    spread = [[each.median - each.least for each in points], [each.most - each.median for each in points]]
    axes.errorbar(volumes, medians, yerr=spread, color=_OURS, marker="o", markersize=5, linewidth=1.8, capsize=3)
    first, middle, last = points[0], points[len(points) // 2], points[-1]
    _label(axes, "pyheketi", (middle.volumes, middle.most), (0, 7), "center")
    _label(axes, f"{first.median:,.0f}", (first.volumes, first.median), (-7, -3), "right")
    _label(axes, f"{last.median:,.0f}", (last.volumes, last.median), (7, -3), "left")
    axes.set_title(title, loc="left", fontsize=10.5)
    axes.set_xlabel("volumes on the server")
    axes.set_xscale("symlog", linthresh=100, linscale=0.5)
    axes.set_xlim(0, max(volumes) * 2.5)
    axes.set_ylim(0, max(each.most for each in points) * 1.15)
    axes.set_xticks([0, *sorted({100, 1000, 10_000} | {max(volumes)})], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_locator(MaxNLocator(5))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)


def _draw_heketi(axes: Axes) -> None:
    volumes, speeds = zip(*_HEKETI, strict=True)
    axes.plot(volumes, speeds, color=_THEIRS, marker="s", markersize=5, linewidth=1.8, linestyle="--", clip_on=False)
    for place, text in zip(_HEKETI, (f"{speeds[0]}, Heketi 10", f"{speeds[1]}"), strict=True):
        axes.annotate(text, place, (8, 2), textcoords="offset points", color=_THEIRS)


def _label(axes: Axes, text: str, place: tuple[float, float], away: tuple[float, float], align: str) -> None:
    axes.annotate(text, place, away, textcoords="offset points", color=_OURS, ha=align)
