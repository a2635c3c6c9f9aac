"""The table of Heketi's losses is whole: no item of the specification is missing, no test it names does not exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.losses import catalogue
from tests.losses.catalogue import Item, Source
from tests.shared import shared_dir

_ROOT = Path(__file__).resolve().parents[2]


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((_ROOT / path).read_text())
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


def numbers(source: Source) -> Iterator[str]:
    """Yield the numbers of the items that the specification lists."""
    text = (shared_dir() / source.path).read_text()
    section = text.partition(f"\n{source.begin}")[2].partition("\n## ")[0]
    for count, line in enumerate(re.findall(f"(?m)^{source.number}", section), 1):
        yield line.strip() if line.strip("* ") else str(count)


@pytest.mark.parametrize("source", [each for each in catalogue.SOURCES if each.path], ids=lambda each: each.name)
def test_every_item_of_the_specification_has_a_row(source: Source) -> None:
    listed = list(numbers(source))
    assert len(listed) > 3
    assert listed == list(source.items)


@pytest.mark.parametrize(("name", "item"), list(catalogue.rows()), ids=[name for name, _ in catalogue.rows()])
def test_every_row_names_tests_that_exist_or_says_why_there_is_none(name: str, item: Item) -> None:
    assert item.what
    assert bool(item.shown) != bool(item.why_not)
    missing = [each for each in item.shown if each.split("::")[1] not in names_in(each.split("::")[0])]
    assert missing == []


def test_every_test_here_has_a_row() -> None:
    named = {test for _, item in catalogue.rows() for test in item.shown}
    files = (_ROOT / "tests/losses").glob("test_*.py")
    here = {f"tests/losses/{path.name}::{name}" for path in files for name in names_in(f"tests/losses/{path.name}")}
    own = {each for each in here if "test_catalogue.py" in each}
    assert here - own - named == set()
