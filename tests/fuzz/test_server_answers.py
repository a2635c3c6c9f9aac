"""What the command line is told by a server that is none, or none of ours: an error in words, and an end."""

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import scripted_server
from tests.depth import often
from tests.scripted_server import Canned, ScriptedServer

from pyheketi.cli.main import run

ID = "0" * 32
COMMANDS: Sequence[Sequence[str]] = (
    ["topology", "info"],
    ["topology", "info", "--json"],
    ["cluster", "list"],
    ["cluster", "info", ID],
    ["cluster", "create"],
    ["node", "info", ID],
    ["node", "list"],
    ["device", "info", ID],
    ["device", "resync", ID],
    ["volume", "list"],
    ["volume", "info", ID],
    ["volume", "create", "--size=1"],
    ["volume", "delete", ID],
    ["volume", "expand", f"--volume={ID}", "--expand-size=1"],
    ["blockvolume", "info", ID],
    ["blockvolume", "list"],
    ["db", "check"],
    ["db", "dump"],
    ["server", "operations", "info"],
    ["server", "operations", "list"],
    ["server", "mode", "get"],
    ["server", "state", "examine", "gluster"],
    ["server", "state", "compare"],
    ["server", "state", "orphans"],
    ["loglevel", "get"],
)
NAMES = [
    "id",
    "name",
    "size",
    "clusters",
    "nodes",
    "devices",
    "bricks",
    "volumes",
    "mount",
    "glusterfs",
    "hosts",
    "options",
]
NAMES += [
    "hostnames",
    "manage",
    "storage",
    "tags",
    "durability",
    "type",
    "cluster",
    "zone",
    "state",
    "blockinfo",
    "error",
]
NAMES += [
    "blockvolumes",
    "blockvolume",
    "total",
    "totalinconsistencies",
    "pendingoperations",
    "loglevel",
    "used",
    "free",
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
)
bodies = st.one_of(
    st.binary(max_size=60),
    anything.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"", b"[" * 10**5, b"<html>", b"\xff\xfe", b"null", b'{"id":' + b"9" * 5000 + b"}", b'{"size":1e999}']
    ),
)
places = st.sampled_from(["", "/queue/1", "//", "http://[", "http://other.example/x", "?", "/é", "/%zz", "\x7f", "a b"])
answers = st.builds(
    lambda status, body, headers, hang_up: Canned(status, body, headers, hang_up=hang_up),
    st.sampled_from([200, 200, 200, 200, 201, 202, 204, 301, 303, 307, 400, 404, 429, 500, 503, 599]),
    bodies,
    st.fixed_dictionaries(
        {"Retry-After": st.sampled_from(["-99", "-99", "-999999999"])},
        optional={
            "Location": places,
            "X-Pending": st.sampled_from(["false", "odd"]),
            "Content-Type": st.just("text/html"),
        },
    ),
    st.sampled_from([False] * 9 + [True]),
)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server.serving({}) as running:
        yield running


@settings(max_examples=often(120, 10_000), suppress_health_check=list(HealthCheck))
@given(words=st.sampled_from(COMMANDS), given_=st.lists(answers, min_size=1, max_size=4))
def test_whatever_is_answered(words: Sequence[str], given_: list[Canned], server: ScriptedServer) -> None:
    script: dict[tuple[str, str], Any] = {(method, "*"): given_ for method in ("GET", "POST", "DELETE")}
    server._script, server._given = script, dict.fromkeys(script, 0)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as complaint:
        status = run([*words, f"--server={server.url}", "--user=admin", "--secret=hush-hush"])
    said = complaint.getvalue()
    assert "Traceback" not in said
    assert "hush-hush" not in said
    assert status == 0 or said
