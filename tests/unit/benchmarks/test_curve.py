import pytest
from benchmarks.curve import Point, curve
from benchmarks.figure import per_second

READS = [
    per_second("GET /volumes/{id}, 10,000 volumes", [9.0, 5.0, 7.0]),
    per_second("GET /volumes/{id}, 100 volumes", [8.0]),
    per_second("GET /volumes/{id}, fresh connections, 100 volumes", [1.0]),
    per_second("GET /volumes, 100 volumes", [2.0]),
]


def test_curve_is_ordered_by_volumes_and_holds_nothing_else() -> None:
    assert curve(READS, "GET /volumes/{id}") == [Point(100, 8, 8, 8), Point(10_000, 7, 5, 9)]


def test_a_figure_that_nobody_measured() -> None:
    with pytest.raises(ValueError, match="PUT"):
        curve(READS, "PUT")
