import re
from dataclasses import replace

import pytest
from benchmarks import kept, report
from benchmarks.figure import Figure, per_second
from benchmarks.kept import Run

START = Figure(name="start", unit="s", values=[2.0, 4.0, 3.0], target=3)
READS = per_second("reads", [5000.0, 7000.0, 5500.0], 6000)
MEMORY = Figure(name="memory", unit="MiB", values=[120.4], target=250)
TRIPS = Figure(name="round trips", unit="", values=[4.0])


def run(suite: str, *figures: Figure, commit: str = "11111111", day: str = "2026-11-20", pace: float = 1000) -> Run:
    return Run(suite=suite, commit=commit, day=day, machine="2 cores", pace=pace, figures=figures)


@pytest.mark.parametrize(
    ("before", "now", "pace", "expected"),
    [
        pytest.param(START, START, 1, 1, id="the same"),
        pytest.param(START, replace(START, values=(6.0,)), 1, 0.5, id="twice the time is half as good"),
        pytest.param(READS, replace(READS, values=(11_000.0,)), 1, 2, id="twice the speed is twice as good"),
        pytest.param(START, replace(START, values=(1.5,)), 2, 1, id="half the time on a machine twice as fast"),
        pytest.param(READS, replace(READS, values=(11_000.0,)), 2, 1, id="twice the speed on a machine twice as fast"),
        pytest.param(MEMORY, replace(MEMORY, values=(60.2,)), 2, 2, id="a fast machine needs no less memory"),
        pytest.param(TRIPS, replace(TRIPS, values=(8.0,)), 2, 0.5, id="nor fewer round trips"),
    ],
)
def test_ratio(before: Figure, now: Figure, pace: float, expected: float) -> None:
    assert kept.ratio(now, before, pace=pace) == pytest.approx(expected)


def test_figures_are_compared_with_those_of_their_name() -> None:
    before = run("server", START, TRIPS, pace=500)
    now = kept.compared(run("server", READS, replace(START, values=(1.0,)), pace=1000), before)
    assert now.ratios == {"start": 1.5}
    assert kept.compared(now, None).ratios == now.ratios


def test_kept_suites_stay_until_they_are_run_again() -> None:
    before = {each.suite: each for each in (run("lab", TRIPS), run("server", START, MEMORY), run("no more", READS))}
    later = run("server", START, commit="22222222", day="2026-11-21")
    merged = kept.merged(before, [later], ["planning", "server", "lab"])
    assert list(merged) == ["server", "lab"]
    assert merged["server"] is later
    assert merged["lab"] is before["lab"]


def test_what_is_kept_is_read_again() -> None:
    runs = {"server": replace(run("server", START, READS, MEMORY), ratios={"start": 1.25}), "lab": run("lab", TRIPS)}
    text = kept.to_text(runs)
    assert kept.from_text(text) == runs
    assert '"values": [2.0, 4.0, 3.0],' in text


def test_rounding_keeps_four_digits() -> None:
    values = (0.000123456, 12.34567, 123456.7, 8.0)
    assert Figure(name="", unit="s", values=values).rounded().values == (0.0001235, 12.35, 123500, 8)


def test_table() -> None:
    runs = [
        replace(run("server", START, READS), ratios={"start": 0.987}),
        run("lab", MEMORY, TRIPS, commit="22222222+", day="2026-11-21"),
    ]
    assert [_cells(line) for line in report.table(runs).splitlines()] == [
        ["what", "median", "spread", "target", "met", "beside the run before", "measured"],
        ["---", "---:", "---:", "---:", ":---:", "---:", "---"],
        ["start", "3 s", "2 to 4", "≤ 3 s", "✓", "0.99", "2026-11-20, 11111111"],
        ["reads", "5,500 /s", "5,000 to 7,000", "≥ 6,000 /s", "✗", "", "2026-11-20, 11111111"],
        ["memory", "120 MiB", "", "≤ 250 MiB", "✓", "", "2026-11-21, 22222222+"],
        ["round trips", "4", "", "", "", "", "2026-11-21, 22222222+"],
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.0123"), (3, "3"), (12.34, "12.3"), (99.96, "100"), (6000.4, "6,000")]
)
def test_number(value: float, text: str) -> None:
    assert report.number(value) == text


def test_a_line_for_each_time_and_place() -> None:
    runs = [run("cli", START), run("store", START), run("lab", TRIPS, day="2026-11-21")]
    assert report.machines(runs).splitlines() == [
        "- 2026-11-21, commit 11111111 (lab): 2 cores",
        "- 2026-11-20, commit 11111111 (cli, store): 2 cores",
    ]


def test_a_run_leaves_its_medians_to_the_next() -> None:
    first = replace(run("server", START, TRIPS), machine="2 cores (AMD EPYC (TM)), 23 GiB; Python 3.11.7, wrk (x)")
    second = kept.compared(run("server", READS, commit="22222222"), first)
    assert second.earlier == (first.past(),)
    assert (first.past().processor, first.past().medians) == ("AMD EPYC (TM)", {"start": 3.0})
    later = second
    for number in range(9):
        later = kept.compared(run("server", READS, commit=f"{number}"), later)
    assert [past.commit for past in later.earlier] == ["7", "6", "5", "4"]
    assert kept.from_text(kept.to_text({"server": later})) == {"server": later}


def test_days_side_by_side() -> None:
    cli = replace(run("cli", MEMORY, commit="22222222", day="2026-11-21", pace=2100), earlier=())
    before = run("server", replace(START, values=(6.0,)), READS)
    server = kept.compared(run("server", START, TRIPS, commit="22222222", day="2026-11-21", pace=1900), before)
    assert [_cells(line) for line in report.days([cli, server]).splitlines()] == [
        ["what", "target", "2026-11-21, 22222222", "2026-11-20, 11111111"],
        ["---", "---:", "---:", "---:"],
        ["processor", "", "2 cores", "2 cores"],
        ["work that never changes, a second", "", "2,000", "1,000"],
        ["memory", "≤ 250 MiB", "120", ""],
        ["start", "≤ 3 s", "3", "6"],
    ]
    assert report.days([cli]) == ""


def test_of_one_day_the_later_run_is_first() -> None:
    before = run("server", START, commit="11111111")
    after = kept.compared(run("server", START, commit="22222222"), before)
    head = _cells(report.days([run("planning", MEMORY, commit="11111111"), after]).splitlines()[0])
    assert head[2:] == ["2026-11-20, 22222222", "2026-11-20, 11111111"]


def test_document_keeps_its_prose() -> None:
    empty = f"# Fast\n\n{report.BEGIN}\n{report.END}\n\nAfter.\n"
    once = report.with_runs(empty, {"server": run("server", START, READS)})
    assert once.startswith(f"# Fast\n\n{report.BEGIN}\n\n| what |")
    assert once.endswith(f"(server): 2 cores\n\n{report.END}\n\nAfter.\n")
    assert report.with_runs(once, {"server": run("server", START)}) == report.with_runs(
        empty, {"server": run("server", START)}
    )


@pytest.mark.parametrize("document", ["", report.BEGIN, report.END, f"{report.END}{report.BEGIN}"])
def test_document_without_marks_is_left_alone(document: str) -> None:
    with pytest.raises(ValueError, match=re.escape(report.END)):
        report.with_runs(document, {})


def test_the_document_has_its_marks() -> None:
    assert "| what |" in report.with_runs(report.DOCUMENT.read_text(), {"server": run("server", START)})


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
