"""Measure: ``python -m benchmarks [planning cli server]``; all if none is named. Needs wrk (apt-get install wrk).

Prints a table; ``--keep`` writes the figures into ``benchmarks/kept.json``, with which later runs are compared.
Figures of different runs are compared as ratios, after what the machine itself could do each time.
"""

import argparse
import time
from collections.abc import Callable, Iterable

from benchmarks import cli, planning, report, server
from benchmarks.figure import Figure

SUITES: dict[str, Callable[[], Iterable[Figure]]] = {
    "planning": planning.measure,
    "cli": cli.measure,
    "server": server.measure,
}


def main() -> None:
    """Run what is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"what to measure: {', '.join(SUITES)}")
    parser.add_argument("--keep", action="store_true", help="keep the figures in the repository")
    options = parser.parse_args()
    if unknown := set(options.suites) - set(SUITES):
        parser.error(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(SUITES)}")
    where, before, figures = report.machine(), report.kept(), list[Figure]()
    for name in options.suites or SUITES:
        began = time.perf_counter()
        figures += SUITES[name]()
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    print(f"{where.text}\n\n{report.table(figures, where, before)}")
    if options.keep:
        report.keep(figures, where)


if __name__ == "__main__":
    main()
