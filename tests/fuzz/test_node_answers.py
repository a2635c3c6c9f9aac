"""What nodes may answer: cut off, of other versions, garbage, a hundred thousand volumes. Read, or refused in words."""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import often
from tests.shared import shared_dir

from pyheketi.commands import examination, fstab, gluster_block, gluster_xml, lvm_report, mount
from pyheketi.commands.command import Command, Program, Result
from pyheketi.domain import errors
from pyheketi.operations.steps import DeleteBlock

HOST = "n1"
CALL = Command(Program.GLUSTER, ("volume", "info"))
BLOCK = DeleteBlock(hosts=(HOST,), hosting="h", name="b")
ANSWERS: dict[str, Callable[[str], object]] = {
    "volume": lambda text: gluster_xml.read_volume(HOST, Result(CALL, 0, text), "vol_0"),
    "volumes": lambda text: gluster_xml.read_volumes(HOST, Result(CALL, 0, text)),
    "healing": lambda text: gluster_xml.read_healing(HOST, Result(CALL, 0, text)),
    "peers": lambda text: gluster_xml.read_peers(HOST, Result(CALL, 0, text)),
    "pvs": lvm_report.parse_physical_volumes,
    "lvs": lvm_report.parse_logical_volumes,
    "vgdisplay": lvm_report.parse_group_size,
    "mounts": mount.parse_table,
    "fstab": lambda text: fstab.names(text, "0" * 32),
    "block created": lambda text: gluster_block.read_created(HOST, (HOST,), Result(CALL, 0, text)),
    "block deleted": lambda text: gluster_block.require_deleted(HOST, BLOCK, Result(CALL, 0, text)),
    "block expanded": lambda text: gluster_block.require_expanded(HOST, Result(CALL, 0, text)),
    "block info": lambda text: gluster_block.read_look(HOST, BLOCK, Result(CALL, 0, text)),
    "everything": lambda text: examination.read([Result(CALL, 0, text)] * 8),
}


def read(kind: str, text: str) -> object:
    """Read an answer; None if it is refused in words."""
    try:
        return ANSWERS[kind](text)
    except (errors.NodeError, errors.Conflict, ValueError) as error:
        refusal = error
    assert str(refusal)
    assert not isinstance(refusal, UnicodeError)
    return None


VOLUME = """<volume><name>vol_{0}</name><id>{0}</id><status>1</status><snapshotCount>0</snapshotCount>
<typeStr>Replicate</typeStr><bricks><brick uuid="u">10.0.0.1:/b/{0}<name>10.0.0.1:/b/{0}</name></brick></bricks>
<options><option><name>a</name><value>b</value></option></options></volume>"""
XML = "<cliOutput><opRet>0</opRet><opErrno>0</opErrno><opErrstr/>{}</cliOutput>"
ROW = {
    "pv_name": "/dev/sdb",
    "pv_uuid": "u",
    "vg_name": "vg_1",
    "lv_name": "brick_1",
    "pool_lv": "tp_1",
    "thin_count": "1",
}


def many(kind: str, count: int) -> str:
    """Return an answer of that kind about many things."""
    if kind in {"volume", "volumes", "everything"}:
        return XML.format(
            f"<volInfo><volumes>{''.join(VOLUME.format(each) for each in range(count))}</volumes></volInfo>"
        )
    if kind == "healing":
        brick = "<brick hostUuid='-'><name>h:/b</name><numberOfEntries>1</numberOfEntries></brick>"
        return XML.format(f"<healInfo><bricks>{brick * count}</bricks></healInfo>")
    if kind == "peers":
        peer = "<peer><hostname>h</hostname><connected>1</connected><stateStr>Peer in Cluster</stateStr></peer>"
        return XML.format(f"<peerStatus>{peer * count}</peerStatus>")
    if kind in {"pvs", "lvs"}:
        return json.dumps({"report": [{kind[:2]: [ROW] * count}]})
    if kind == "vgdisplay":
        return f"  vg_1:r/w:772:-1:0:{'1' * (count > 1)}0:0:-1:0:1:1:131072:4096:32:16:16:uuid\n"
    if kind == "mounts":
        return "/dev/mapper/vg-brick /var/lib/heketi/mounts/vg/brick xfs rw,inode64 0 0\n" * count
    if kind == "fstab":
        return f"/dev/mapper/x /y/brick_{'0' * 31}1 xfs rw 1 2\n" * count
    answer = {"IQN": "iqn:1", "USERNAME": "u", "PASSWORD": "p", "PORTAL(S)": ["h"] * count, "RESULT": "SUCCESS"}
    return json.dumps(answer | {"NAME": "b", "SIZE": "3.0 GiB", "GBID": "g", "EXPORTED ON": ["h"] * count})


@cache
def recorded() -> Sequence[str]:
    """Outputs of real commands, as the original was given them."""
    text = (shared_dir() / "golden" / "node-commands.txt").read_text()
    return [each for each in re.split(r"\n(?=[$#])", text) if len(each) < 20_000][:200] or [text[:20_000]]


pieces = st.sampled_from(
    [
        "<",
        ">",
        "</",
        "<!",
        "&amp;",
        "&#0;",
        "[",
        "{",
        "}",
        '"',
        ":",
        "\x00",
        "\\000",
        "\\777",
        "1e999",
        "9" * 400,
        "nan",
        "-1",
        "GiB",
        "",
    ]
)


@pytest.mark.parametrize("kind", ANSWERS)
@settings(max_examples=often(60, 5000))
@given(data=st.data())
def test_damaged_answers(kind: str, data: st.DataObject) -> None:
    text = many(kind, data.draw(st.integers(0, 3)))
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(begin + 20, len(text))))
        text = (
            text[:begin]
            + data.draw(pieces | st.binary(max_size=4).map(lambda raw: raw.decode(errors="backslashreplace")))
            + text[end:]
        )
    read(kind, text[: data.draw(st.sampled_from([len(text), len(text) // 2]))])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ROW, "report", "pv", "lv", "blocks"]), inner, max_size=4)
    ),
    max_leaves=8,
)
BLOCK_KEYS = [
    "RESULT",
    "errCode",
    "errMsg",
    "SIZE",
    "GBID",
    "EXPORTED ON",
    "RESIZE FAILED ON",
    "IQN",
    "PASSWORD",
    "blocks",
]
sizes = st.sampled_from(["1 GiB", "9" * 400 + "GiB", ".GiB", "1.2.3 TiB", "5.0 MiB", "1e5 GiB", "-1 GiB"])


@settings(max_examples=often(300, 20_000))
@given(
    kind=st.sampled_from([kind for kind in ANSWERS if kind[0] in "pleb"]),
    answer=anything
    | st.dictionaries(st.sampled_from(BLOCK_KEYS), anything | sizes | st.dictionaries(st.just("h"), sizes, max_size=1)),
)
def test_json_of_another_shape(kind: str, answer: Any) -> None:
    read(kind, json.dumps(answer))


@settings(max_examples=often(200, 10_000))
@given(kind=st.sampled_from(sorted(ANSWERS)), other=st.data())
def test_answers_to_other_questions(kind: str, other: st.DataObject) -> None:
    read(
        kind, other.draw(st.sampled_from(recorded()) | st.sampled_from(sorted(ANSWERS)).map(lambda each: many(each, 2)))
    )


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize(
    "text", ["[" * 10**6, '{"a":' * 10**5, "<a>" * 10**5, "\\" * 10**5, ":" * 10**5], ids=lambda text: text[:5]
)
def test_deep_and_long_nonsense(kind: str, text: str) -> None:
    read(kind, text)


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_hundred_thousand_of_all_are_read(kind: str) -> None:
    """Work that grew faster than the answer would never come to its end here."""
    assert read(kind, many(kind, often(20_000, 100_000))) is not None or kind.startswith("block")


def test_numbers_of_a_volume_group_make_sense() -> None:
    for wrong in ("0:32:16", "4096:-1:0", "4096:32:-16", "-1:32:16"):
        with pytest.raises(ValueError, match="vgdisplay"):
            lvm_report.parse_group_size(f"vg:r/w:772:-1:0:0:0:-1:0:1:1:131072:{wrong}:16:uuid")
