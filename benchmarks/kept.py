"""The runs that are kept in the repository: the latest of each suite, with which later ones are compared."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "benchmarks" / "kept.json"

_PACED = ("s", "ms", "/s")
"""Units of what a faster machine does better."""


_REMEMBERED = 4
"""Runs of a suite, besides the latest, of which medians are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is left of a run when a later one takes its place: the medians of figures that have a target."""

    commit: str
    day: str
    processor: str
    pace: float
    medians: Mapping[str, float]
    """By name of the figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of one suite found."""

    suite: str
    commit: str
    day: str
    """As 2026-12-31."""
    machine: str
    """In words, with versions."""
    pace: float
    """How often the machine did something that never changes, a second: what makes figures of runs comparable."""
    figures: tuple[Figure, ...]
    ratios: Mapping[str, float] = field(default_factory=dict)
    """How good figures are beside those of the run before, by name; see ``ratio``."""
    earlier: tuple[Past, ...] = ()
    """Runs that were kept before, the latest first."""

    def past(self) -> Past:
        """Return what is to be left of it."""
        medians = {each.name: each.median for each in self.figures if each.target is not None}
        processor = re.search(r"\((.*?)\)(?=, )", self.machine)
        return Past(
            commit=self.commit,
            day=self.day,
            processor=processor[1] if processor else self.machine,
            pace=self.pace,
            medians=medians,
        )


Runs = Mapping[str, Run]
"""By suite."""

_RUNS = TypeAdapter(dict[str, Run])


def ratio(now: Figure, before: Figure, *, pace: float) -> float:
    """Return how good a figure is beside an earlier one: 1 is the same, 0.5 half as good, whatever the unit.

    ``pace`` is the pace of this run's machine over that of the other; time is counted as if both had been the same.
    """
    better = now.median / before.median if now.more_is_better else before.median / now.median
    if now.unit not in _PACED:
        return better
    return better / pace


def compared(run: Run, before: Run | None) -> Run:
    """Return a run with its ratios to an earlier one of the same suite, which it remembers."""
    if before is None:
        return run
    old = {each.name: each for each in before.figures}
    pace = run.pace / before.pace
    found = {each.name: round(ratio(each, old[each.name], pace=pace), 3) for each in run.figures if each.name in old}
    return replace(run, ratios=found, earlier=(before.past(), *before.earlier)[:_REMEMBERED])


def merged(before: Runs, now: Iterable[Run], order: Iterable[str]) -> dict[str, Run]:
    """Return the latest run of each suite; a suite that nobody knows any more is forgotten."""
    latest = {**before, **{run.suite: run for run in now}}
    return {suite: latest[suite] for suite in order if suite in latest}


def to_text(runs: Runs) -> str:
    """Return runs as JSON, a figure's values on one line."""
    text = _RUNS.dump_json(dict(runs), indent=1).decode()
    return re.sub(r"\[([-+\d.e,\s]+)\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def from_text(text: str) -> dict[str, Run]:
    """Return the runs that ``to_text`` wrote."""
    return _RUNS.validate_json(text)


def read() -> dict[str, Run]:
    """Return the kept runs; none before the first is kept."""
    return from_text(FILE.read_text()) if FILE.exists() else {}


def write(runs: Runs) -> None:
    """Keep runs."""
    FILE.write_text(to_text(runs))


def commit() -> str:
    """Return the commit that is measured, with a plus if the sources differ from it; empty outside a repository."""
    found = _git("describe", "--always", "--abbrev=8", "--exclude=*").stdout.strip()
    return f"{found}+" if found and _git("diff", "--quiet", "HEAD", "--", "src").returncode else found


def _git(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
