"""Every call of the importable clients: what it asks for, and what it gives for each kind of answer (clients.md §6)."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
from tests.library import ERRORS, Make, to
from tests.scripted_server import Canned, Script, serving

from pyheketi import AsyncHeketiClient, HeketiClient

DOCUMENT = {"id": "x", "size": 1}


class Kind(Enum):
    """What becomes of a good answer, and of one that is not expected."""

    OBJECT = "its JSON, or None"
    DONE = "True, or False"
    ANSWER = "itself, or None"
    BYTES = "its body, or None"


@dataclass(frozen=True)
class Call:
    """A call and what it is on the wire."""

    name: str
    words: tuple[Any, ...]
    method: str
    path: str
    body: str
    kind: Kind
    good: int = 200
    """The status that is success."""
    job: bool = False

    def __str__(self) -> str:
        return self.name

    def answers(self, final: Canned) -> Script:
        """Return what a server says if it all ends with ``final``."""
        if not self.job:
            return {(self.method, self.path): [final]}
        queue = [Canned(headers={"X-Pending": "true"}), *([to("/made", 303)] if self.good == 200 else [final])]
        return {(self.method, self.path): [to("/queue/1")], ("GET", "/queue/1"): queue, ("GET", "/made"): [final]}


def read(name: str, path: str, *words: Any) -> Call:
    return Call(name, words, "GET", path, "", Kind.OBJECT)


def change(name: str, path: str, *words: Any, body: str = "{}", good: int = 200) -> Call:
    return Call(name, words, "POST", path, body, Kind.DONE, good)


def makes(name: str, path: str, *words: Any, body: str = "{}") -> Call:
    """A job that ends with an object."""
    return Call(name, words, "POST", path, body, Kind.OBJECT, job=True)


def does(name: str, method: str, path: str, *words: Any, body: str = "") -> Call:
    """A job that ends with nothing."""
    return Call(name, words, method, path, body, Kind.DONE, 204, job=True)


OFFLINE, TAGS = {"state": "offline"}, {"change_type": "set", "tags": {"a": "b"}}
OFFLINE_SENT, TAGS_SENT = '{"state": "offline"}', '{"change_type": "set", "tags": {"a": "b"}}'
FLAGS, FLAGS_SENT = {"file": True, "block": False}, '{"file": true, "block": false}'
LEVEL = {"loglevel": {"glusterfs": "debug"}}
TEN, TEN_SENT = {"size": 10}, '{"size": 10}'

CALLS = [
    Call("cluster_create", (), "POST", "/clusters", "{}", Kind.OBJECT, 201),
    Call("cluster_create", (FLAGS,), "POST", "/clusters", FLAGS_SENT, Kind.OBJECT, 201),
    change("cluster_setflags", "/clusters/c/flags", "c"),
    change("cluster_setflags", "/clusters/c/flags", "c", FLAGS, body=FLAGS_SENT),
    read("cluster_info", "/clusters/c", "c"),
    read("cluster_list", "/clusters"),
    Call("cluster_delete", ("c",), "DELETE", "/clusters/c", "", Kind.DONE),
    makes("node_add", "/nodes", {"zone": 1}, body='{"zone": 1}'),
    read("node_info", "/nodes/n", "n"),
    does("node_delete", "DELETE", "/nodes/n", "n"),
    does("node_state", "POST", "/nodes/n/state", "n", OFFLINE, body=OFFLINE_SENT),
    change("node_set_tags", "/nodes/n/tags", "n", TAGS, body=TAGS_SENT),
    does("device_add", "POST", "/devices", {"name": "/dev/vdb"}, body='{"name": "/dev/vdb"}'),
    read("device_info", "/devices/d", "d"),
    does("device_delete", "DELETE", "/devices/d", "d", body="{}"),
    does("device_delete", "DELETE", "/devices/d", "d", {"forceforget": True}, body='{"forceforget": true}'),
    does("device_state", "POST", "/devices/d/state", "d", OFFLINE, body=OFFLINE_SENT),
    does("device_resync", "GET", "/devices/d/resync", "d"),
    change("device_set_tags", "/devices/d/tags", "d", TAGS, body=TAGS_SENT),
    does("brick_evict", "POST", "/bricks/to-evict/b", "b", body="{}"),
    does("brick_evict", "POST", "/bricks/to-evict/b", "b", {"healcheck": "disable"}, body='{"healcheck": "disable"}'),
    makes("volume_create", "/volumes", TEN, body=TEN_SENT),
    read("volume_list", "/volumes"),
    read("volume_info", "/volumes/v", "v"),
    makes("volume_expand", "/volumes/v/expand", "v", {"expand_size": 2}, body='{"expand_size": 2}'),
    makes("volume_clone", "/volumes/v/clone", "v"),
    makes("volume_clone", "/volumes/v/clone", "v", {"name": "copy"}, body='{"name": "copy"}'),
    makes("volume_block_restriction", "/volumes/v/block-restriction", "v"),
    makes(
        "volume_block_restriction",
        "/volumes/v/block-restriction",
        "v",
        {"restriction": "locked"},
        body='{"restriction": "locked"}',
    ),
    does("volume_delete", "DELETE", "/volumes/v", "v"),
    read("block_volume_list", "/blockvolumes"),
    read("block_volume_info", "/blockvolumes/b", "b"),
    makes("block_volume_create", "/blockvolumes", TEN, body=TEN_SENT),
    makes("block_volume_expand", "/blockvolumes/b/expand", "b", {"new_size": 5}, body='{"new_size": 5}'),
    does("block_volume_delete", "DELETE", "/blockvolumes/b", "b"),
    read("operations_info", "/operations"),
    read("operations_list", "/operations/pending"),
    read("operation_details", "/operations/pending/o", "o"),
    does("operations_cleanup", "POST", "/operations/pending/cleanup", body="{}"),
    change("operations_cleanup", "/operations/pending/cleanup", {"operations": ["o"]}, body='{"operations": ["o"]}'),
    read("server_mode_get", "/admin"),
    change("server_mode_set", "/admin", {"state": "normal"}, body='{"state": "normal"}', good=204),
    change("server_mode_set", "/admin", {"state": "normal"}, body='{"state": "normal"}'),
    read("loglevel_get", "/internal/logging"),
    Call("loglevel_set", (LEVEL,), "POST", "/internal/logging", '{"loglevel": {"glusterfs": "debug"}}', Kind.OBJECT),
    Call("db_dump", (), "GET", "/db/dump", "", Kind.ANSWER),
    read("db_check", "/db/check"),
    Call("backup_db", (), "GET", "/backup/db", "", Kind.BYTES),
    read("state_examine_gluster", "/internal/state/examine/gluster"),
]

ELSEWHERE = {"hello", "topology", "close", "aclose"}
"""Calls that are told of in test_library_wire.py, and what is no call."""


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_asks_for_its_endpoint_and_gives_what_came_of_it(make: Make, call: Call) -> None:
    final = Canned(call.good, "" if call.good == 204 else DOCUMENT)
    with serving(call.answers(final)) as server:
        given = getattr(make(server.url, poll_delay=0), call.name)(*call.words)
    assert (server.asked[0].method, server.asked[0].path, server.asked[0].body) == (call.method, call.path, call.body)
    assert len(server.asked) == (1 if not call.job else 4 if call.good == 200 else 3)
    match call.kind:
        case Kind.OBJECT:
            assert given == DOCUMENT
        case Kind.DONE:
            assert given is True
        case Kind.ANSWER:
            assert (given.status_code, given.json(), given.text) == (200, DOCUMENT, final.raw.decode())
        case Kind.BYTES:
            assert given == final.raw


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_gives_nothing_for_an_unexpected_success(make: Make, call: Call) -> None:
    with serving(call.answers(Canned(206, DOCUMENT))) as server:
        given = getattr(make(server.url, poll_delay=0), call.name)(*call.words)
    assert given is (False if call.kind is Kind.DONE else None)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_raises_what_the_server_refuses(make: Make, call: Call) -> None:
    refusal = Canned(409, "not so\n")
    with serving({(call.method, call.path): [refusal]}) as server, pytest.raises(ERRORS) as refused:
        getattr(make(server.url), call.name)(*call.words)
    assert str(refused.value) == f"409 Client Error: Conflict for url: {server.url}{call.path}: not so"


@pytest.mark.parametrize("kind", [HeketiClient, AsyncHeketiClient])
def test_no_call_is_forgotten_here(kind: type) -> None:
    public = {name for name in dir(kind) if not name.startswith("_")}
    assert public - ELSEWHERE == {call.name for call in CALLS}
