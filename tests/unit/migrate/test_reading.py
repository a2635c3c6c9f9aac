"""The original's own files read: a real one, old ones, damaged ones."""

import contextlib
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import heketi_file
from tests.heketi_file import Interface
from tests.shared import golden, shared_dir

from pyheketi.migrate import bolt, document, gob
from pyheketi.migrate.bolt import DamagedFile
from pyheketi.wire import base, dump

ID = "0123456789abcdef0123456789abcdef"
CLUSTER = {"Info": {"Id": ID, "Nodes": ["n"], "ClusterFlags": {"Block": True, "File": True}}}
SMALL = {
    "CLUSTER": {ID: heketi_file.gob(CLUSTER)},
    "NODE": {"MANAGEnode1": b"n" * 32, "STORAGE10.0.0.1": b"n" * 32},
    "VOLUME": {},
}


def real() -> bytes:
    return (shared_dir() / "golden/heketi-v10.db").read_bytes()


def test_a_real_file_is_read_as_the_original_exports_it() -> None:
    exported = (shared_dir() / "golden/heketi-v10.json").read_text()
    assert dump.text(document.read_bolt(real())) == exported.rstrip("\n")


def test_an_export_is_read_and_written_unchanged() -> None:
    exported = (shared_dir() / "golden/heketi-v10.json").read_text()
    assert dump.text(base.parse(dump.Dump, exported)) == exported.rstrip("\n")


def test_what_we_write_for_tests_is_what_we_read() -> None:
    value = {
        "Flag": True,
        "Count": -5,
        "Size": 2**40,
        "Factor": 1.5,
        "Name": "č",
        "List": ["a", "b"],
        "Numbers": [1, 300, -70000],
        "Tags": {"": "map", "arbiter": "required"},
        "Inner": {"Deep": {"Id": "x"}},
        "Held": Interface("*glusterfs.NoneDurability", {"Replica": 1}),
        "Delta": Interface("int", 3),
    }
    found = gob.decode(heketi_file.gob(value))
    assert found.pop("Held") == gob.Named("*glusterfs.NoneDurability", {"Replica": 1})
    assert found.pop("Delta") == gob.Named("int", 3)
    assert found == {
        key: {"arbiter": "required"} if key == "Tags" else each
        for key, each in value.items()
        if key not in ("Held", "Delta")
    }


def test_zero_fields_are_absent_and_unknown_ones_ignored() -> None:
    found = document.read_bolt(
        heketi_file.bolt(SMALL | {"DEVICE": {ID: heketi_file.gob({"New": 7, "Info": {"Id": ID, "Size": 0}})}})
    )
    assert found.deviceentries[ID].Info.id == ID
    assert found.deviceentries[ID].State == "online"
    assert found.deviceentries[ID].ExtentSize == 4096


def test_an_old_file_without_the_newer_buckets_is_read() -> None:
    found = document.read_bolt(heketi_file.bolt(SMALL))
    assert list(found.clusterentries) == [ID]
    assert [*found.nodeentries, *found.pendingoperations, *found.dbattributeentries] == []


def test_large_values_lie_on_more_pages_than_one() -> None:
    many = {f"{number:032x}": heketi_file.gob({"Info": {"Id": f"{number:032x}"}}) for number in range(300)}
    assert len(document.read_bolt(heketi_file.bolt(SMALL | {"BRICK": many})).brickentries) == 300


def test_another_program_s_file_is_refused() -> None:
    with pytest.raises(DamagedFile, match=r"no database of Heketi: its buckets are events"):
        document.read_bolt(heketi_file.bolt({"events": {"a": b"b"}}))
    with pytest.raises(DamagedFile, match="no BoltDB file"):
        bolt.read(b"SQLite format 3\0" * 100)


def test_a_file_that_is_cut_off_names_the_page() -> None:
    with pytest.raises(DamagedFile, match=r"cut off: page \d+ begins at byte \d+, beyond its end"):
        bolt.read(real()[: 15 * 4096])


def test_a_page_in_the_wrong_place_is_named() -> None:
    data = bytearray(heketi_file.bolt(SMALL))
    struct.pack_into("<Q", data, 3 * heketi_file.PAGE, 99)
    with pytest.raises(DamagedFile, match="page 3 says that it is page 99"):
        bolt.read(bytes(data))


def test_one_damaged_head_does_not_matter_two_do() -> None:
    data = bytearray(heketi_file.bolt(SMALL))
    data[20] ^= 1
    assert "CLUSTER" in bolt.read(bytes(data))
    data[heketi_file.PAGE + 30] ^= 1
    with pytest.raises(DamagedFile, match="Both heads"):
        bolt.read(bytes(data))


def test_a_damaged_entry_is_named() -> None:
    broken = SMALL | {"VOLUME": {"a" * 32: heketi_file.gob({"Info": {"Id": "x"}})[:-4]}}
    with pytest.raises(DamagedFile, match=f"entry {'a' * 32} of bucket VOLUME is damaged"):
        document.read_bolt(heketi_file.bolt(broken))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_ends_in_anything_but_a_refusal(data: st.DataObject) -> None:
    file = bytearray(real())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(file)))
    with contextlib.suppress(DamagedFile):
        document.read_bolt(bytes(file[:end]))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_garbage_ends_in_anything_but_a_refusal(stream: bytes) -> None:
    with contextlib.suppress(ValueError):
        gob.decode(stream)


def test_json_of_another_shape_is_refused_with_the_place() -> None:
    document_ = json.loads(json.dumps(golden("heketi-v10.json")))
    id_ = next(iter(document_["volumeentries"]))
    document_["volumeentries"][id_]["Info"]["size"] = "ten"
    with pytest.raises(base.Malformed, match=rf"volumeentries.{id_}.Info.size"):
        base.parse(dump.Dump, json.dumps(document_))
