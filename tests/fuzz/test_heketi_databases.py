"""Heketi's own files, damaged where it hurts: links between pages, counts, sizes, and JSON of other shapes."""

import asyncio
import contextlib
import copy
import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.depth import often
from tests.shared import shared_dir

from pyheketi.domain import errors
from pyheketi.maintenance import database
from pyheketi.migrate import bolt, document
from pyheketi.migrate.bolt import DamagedFile

PAGE = 4096
HEAD = struct.Struct("<QHHI")
"""Of a page: id, kind, count of elements, pages that follow."""
BRANCH, LEAF = struct.Struct("<IIQ"), struct.Struct("<IIII")


@cache
def real() -> bytes:
    return (shared_dir() / "golden" / "heketi-v10.db").read_bytes()


def pages() -> list[int]:
    return list(range(len(real()) // PAGE))


@settings(max_examples=often(80, 20_000))
@given(data=st.data())
def test_links_counts_and_kinds_of_pages(data: st.DataObject) -> None:
    file = bytearray(real())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from(pages())) * PAGE
        number, kind, count, more = HEAD.unpack_from(file, at)
        numbers = st.sampled_from([0, 1, min(count + 1, 0xFFFF), 0xFFFF])
        match data.draw(st.sampled_from(["count", "kind", "more", "branch", "leaf", "copy"])):
            case "count":
                HEAD.pack_into(file, at, number, kind, data.draw(numbers), more)
            case "kind":
                HEAD.pack_into(file, at, number, data.draw(st.sampled_from([1, 2, 4, 0x10, 0, 3])), count, more)
            case "more":
                HEAD.pack_into(file, at, number, kind, count, data.draw(st.sampled_from([1, 2**31, 2**32 - 1])))
            case "branch":  # among others links to itself, to its parents, in circles
                HEAD.pack_into(file, at, number, 1, data.draw(st.integers(1, 3)), more)
                for element in range(3):
                    BRANCH.pack_into(file, at + 16 + 16 * element, 48, 0, data.draw(st.sampled_from(pages())))
            case "leaf":
                sizes = data.draw(st.tuples(*[st.sampled_from([0, 1, 16, PAGE, 2**31, 2**32 - 1])] * 3))
                LEAF.pack_into(file, at + 16, data.draw(st.integers(0, 2)), *sizes)
            case _:
                other = data.draw(st.sampled_from(pages())) * PAGE
                file[at + 8 : at + PAGE] = file[other + 8 : other + PAGE]
    with contextlib.suppress(DamagedFile):
        document.read_bolt(bytes(file))


def test_pages_in_a_circle_are_refused() -> None:
    """Every branch page names only itself: without an end to it, reading would never end."""
    file = bytearray(real())
    for page in pages()[2:]:
        HEAD.pack_into(file, page * PAGE, page, 1, 3, 0)
        for element in range(3):
            BRANCH.pack_into(file, page * PAGE + 16 + 16 * element, 48, 0, page)
    with pytest.raises(DamagedFile):
        bolt.read(bytes(file))


def attempt(source: Path, target: Path) -> str:
    """Import a file as ``heketi db import`` does; return the refusal, which leaves nothing behind."""
    before = source.read_bytes()
    try:
        database.import_(source, target)
    except errors.StoreError as error:
        assert not target.exists()
        return str(error)
    finally:
        assert source.read_bytes() == before
        for each in target.parent.glob("target*"):
            each.unlink()
    return ""


@settings(max_examples=often(40, 2000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_imported_whole_or_not_at_all(data: st.DataObject, tmp_path: Path) -> None:
    file = bytearray(real()[: data.draw(st.sampled_from([len(real())] * 5 + [0, 1, PAGE, 3 * PAGE + 5]))])
    for _ in range(data.draw(st.integers(0, 6)) if file else 0):
        file[data.draw(st.integers(0, len(file) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    source = tmp_path / "source"
    source.write_bytes(file)
    attempt(source, tmp_path / "target")


@cache
def exported() -> str:
    return (shared_dir() / "golden" / "heketi-v10.json").read_text()


values: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 2**63, 1e300, 1.5, "", "x" * 1000, "\ud800", "\x00", [], {}, [[]], {"a": {}}]
)


@settings(max_examples=often(80, 5000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_exports_with_other_values(data: st.DataObject, tmp_path: Path) -> None:
    tree = json.loads(exported())
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = tree
        while True:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 9)) == 0:
                place[key] = copy.deepcopy(data.draw(values))  # a later round may change what is in it
                break
            place = place[key]
    source = tmp_path / "source"
    source.write_text(json.dumps(tree))
    attempt(source, tmp_path / "target")
    with contextlib.suppress(errors.StoreError):
        database.check(source)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "[" * 10**6, '{"a":' * 10**5, '{"volumeentries":1e999}', "9" * 10**5, "\x00"]
)
def test_nonsense_is_refused_in_words(text: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text(text)
    said = attempt(source, tmp_path / "target")
    assert said or text == "null"


def test_a_change_by_an_endless_number() -> None:
    tree = json.loads(exported())
    tree["pendingoperations"] = {"f" * 32: {"Id": "f" * 32, "Type": 3, "Timestamp": 1, "Status": "", "Actions": []}}
    for change in (5, 14):
        for id_ in (*tree["volumeentries"], *tree["blockvolumeentries"]):
            tree["pendingoperations"]["f" * 32]["Actions"] = [{"Change": change, "Id": id_, "Delta": "DELTA"}]
            text = json.dumps(tree).replace('"DELTA"', "1e999")
            asyncio.run(_checked(text))


async def _checked(text: str) -> None:
    from pyheketi.migrate import checking, importing  # noqa: PLC0415
    from pyheketi.wire import base  # noqa: PLC0415
    from pyheketi.wire.dump import Dump  # noqa: PLC0415

    with contextlib.suppress(errors.StoreError, base.Malformed):
        found = base.parse(Dump, text)
        checking.check(found)
        importing.imported(found)
