"""Measure: ``python -m benchmarks [planning cli store server lab]``; all but the lab if none is named.

The server needs wrk (apt-get install wrk), the lab needs root on Debian. Prints a table. ``--keep`` writes the figures
into ``benchmarks/kept.json``, with which later runs are compared, and table and plot into ``docs``: with matplotlib.
Figures of different runs are compared as ratios, after what the machine itself could do each time.
"""

import argparse
import importlib.util
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks import cli, kept, lab, machine, planning, report, server, store
from benchmarks.figure import Figure
from lab import lacking


def _nothing() -> str:
    return ""


def _wrk() -> str:
    return "" if shutil.which("wrk") else "wrk is missing: apt-get install wrk"


def _matplotlib() -> str:
    if importlib.util.find_spec("matplotlib"):
        return ""
    return "matplotlib is missing: .venv/bin/python -m pip install --require-hashes -r benchmarks/requirements.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Figures that are measured together."""

    measure: Callable[[], Iterable[Figure]]
    lacking: Callable[[], str] = _nothing
    """Returns why it cannot run here; empty if it can."""
    unasked: bool = True
    """Whether it runs when none is named."""


SUITES = {
    "planning": Suite(measure=planning.measure),
    "cli": Suite(measure=cli.measure),
    "store": Suite(measure=store.measure),
    "server": Suite(measure=server.measure, lacking=_wrk),
    "lab": Suite(measure=lab.measure, lacking=lacking, unasked=False),
}


def main() -> None:
    """Run what is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"what to measure: {', '.join(SUITES)}")
    parser.add_argument("--keep", action="store_true", help="keep the figures in the repository")
    options = parser.parse_args()
    if unknown := set(options.suites) - set(SUITES):
        parser.error(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(SUITES)}")
    names = [name for name, suite in SUITES.items() if (name in options.suites if options.suites else suite.unasked)]
    for name in names:
        if why := SUITES[name].lacking():
            parser.error(f"{name} cannot run: {why}")
    if options.keep and (why := _matplotlib()):
        parser.error(why)
    before = kept.read()
    runs = [kept.compared(run(name), before.get(name)) for name in names]
    print(f"{report.table(runs)}\n\n{report.machines(runs)}")
    if options.keep:
        keep(kept.merged(before, runs, SUITES))


def run(name: str) -> kept.Run:
    """Run one suite."""
    began = time.perf_counter()
    figures = list(_told(SUITES[name].measure()))
    print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    return kept.Run(
        suite=name,
        commit=kept.commit(),
        day=time.strftime("%Y-%m-%d"),
        machine=machine.describe(),
        pace=round(machine.pace()),
        figures=tuple(each.rounded() for each in figures),
    )


def _told(figures: Iterable[Figure]) -> Iterator[Figure]:
    """Print figures as they come."""
    for figure in figures:
        print(f"  {figure.name}: {report.number(figure.median)} {figure.unit}", flush=True)
        yield figure


def keep(runs: kept.Runs) -> None:
    """Write what is kept: the figures, the table and the plot."""
    from benchmarks import plot  # noqa: PLC0415  # matplotlib is needed for nothing else

    document = report.with_runs(report.DOCUMENT.read_text(), runs)
    kept.write(runs)
    report.DOCUMENT.write_text(document)
    if "server" in runs:
        plot.write(runs["server"])


if __name__ == "__main__":
    main()
