"""What runs found, in words: a Markdown table, and the document that holds it."""

import statistics
from collections.abc import Collection, Iterable
from itertools import groupby
from operator import itemgetter

from benchmarks.figure import Figure
from benchmarks.kept import ROOT, Past, Run, Runs

DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN = "<!-- python -m benchmarks --keep writes from here -->"
END = "<!-- to here -->"


def table(runs: Iterable[Run]) -> str:
    """Return a row for each figure."""
    head = "| what | median | spread | target | met | beside the run before | measured |"
    rows = (_row(run, figure) for run in runs for figure in run.figures)
    return "\n".join([head, "|---|---:|---:|---:|:---:|---:|---|", *rows])


def _row(run: Run, figure: Figure) -> str:
    beside = f"{run.ratios[figure.name]:.2f}" if figure.name in run.ratios else ""
    cells = [figure.name, _with_unit(number(figure.median), figure), _spread(figure), _target(figure), _met(figure)]
    return f"| {' | '.join([*cells, beside, f'{run.day}, {run.commit}'])} |"


def _spread(figure: Figure) -> str:
    if len(figure.values) == 1:
        return ""
    return f"{number(min(figure.values))} to {number(max(figure.values))}"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return _with_unit(f"{'≥' if figure.more_is_better else '≤'} {number(figure.target)}", figure)


def _met(figure: Figure) -> str:
    return {None: "", True: "✓", False: "✗"}[figure.met]


def _with_unit(text: str, figure: Figure) -> str:
    return f"{text} {figure.unit}".strip()


def number(value: float) -> str:
    """Return three digits, or all of them before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machines(runs: Iterable[Run]) -> str:
    """Return what was measured when, of which commit and on which machine: a line for each such time and place."""

    def when(run: Run) -> tuple[str, str, str]:
        return run.day, run.commit, run.machine

    return "\n".join(
        f"- {day}, commit {commit} ({', '.join(run.suite for run in together)}): {machine}"
        for (day, commit, machine), together in groupby(sorted(runs, key=when, reverse=True), when)
    )


def days(runs: Collection[Run]) -> str:
    """Return what the latest runs found of each figure that has a target, side by side; nothing if there is but one."""
    figures = {figure.name: figure for run in runs for figure in run.figures if figure.target is not None}
    ranked = [(later, past) for run in runs for later, past in enumerate((run.past(), *run.earlier))]
    found: dict[tuple[str, str, str], list[Past]] = {}
    for _, past in sorted(ranked, key=itemgetter(0), reverse=True):  # the oldest first, also of one day
        found.setdefault((past.day, past.commit, past.processor), []).append(past)
    columns = sorted(found.items(), key=lambda column: column[0][0])
    columns.reverse()
    if len(columns) < 2:
        return ""
    paces = [number(statistics.median(past.pace for past in pasts)) for _, pasts in columns]
    rows = [
        ["what", "target", *(f"{day}, {commit}" for (day, commit, _), _ in columns)],
        ["---", *["---:"] * (len(columns) + 1)],
        ["processor", "", *(processor for (*_, processor), _ in columns)],
        ["work that never changes, a second", "", *paces],
        *([name, _target(figure), *(_median(name, pasts) for _, pasts in columns)] for name, figure in figures.items()),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _median(name: str, pasts: Iterable[Past]) -> str:
    return next((number(past.medians[name]) for past in pasts if name in past.medians), "")


def with_runs(document: str, runs: Runs) -> str:
    """Return a document with the table of all runs between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The document lacks the lines between which the table stands: {BEGIN} and {END}")
    written = [table(runs.values()), machines(runs.values())]
    if earlier := days(runs.values()):
        written += ["### The latest runs side by side", earlier]
    return "\n\n".join([f"{before}{begin}", *written, f"{end}{after}"])
