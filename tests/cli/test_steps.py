"""``server operations steps``: how far operations are, and what they wait for."""

import json
from typing import Any

from tests.cli.conftest import Cli
from tests.scripted_server import Canned, serving

WORDS = ("server", "operations", "steps")
AT = "2026-11-21T09:15:00.000Z"


def step(does: str, state: str, **more: Any) -> dict[str, Any]:
    return {"group": 1, "name": "X", "does": does, "nodes": ["n1"], "state": state} | more


WAIT = {"node": "n1", "since": AT, "commands": ["mkfs.xfs /dev/x", "mount /x"], "pause": ""}
PAUSE = {"node": "n2", "since": AT, "commands": ["gluster volume create"], "pause": "the node is busy:\nx"}
RUNNING = {
    "id": "aa",
    "type_name": "create-volume",
    "subject": "v1",
    "state": "undoing",
    "asked_by": "admin",
    "asked_from": "192.0.2.1",
    "asked_at": AT,
    "since": AT,
    "attempt": 2,
    "part": "cc",
    "error": "no\nspace",
    "steps": [
        step("make brick b1", "done"),
        step("make brick b2", "running", since=AT, waits=[WAIT, PAUSE]),
        step("create volume", "failed", group=2, nodes=["n1", "n2"], error="first\nsecond"),
    ],
}
PLAIN = RUNNING | {"id": "bb", "asked_by": "", "asked_from": "", "attempt": 1, "part": "", "error": "", "steps": []}
SHOWN = f"""\
Id: aa
Type: create-volume
Subject: v1
State: undoing since {AT}
Asked: by admin@192.0.2.1 at {AT}
Attempt: 2
At work for it: operation cc
Error: no
    space
Steps: 1 of 3 done
  1. done     make brick b1 on n1
  1. running  make brick b2 on n1 since {AT}
       waits for node n1 since {AT}:
         mkfs.xfs /dev/x
         mount /x
       waits for node n2 since {AT} (the node is busy: x):
         gluster volume create
  2. failed   create volume
       first
       second
"""
SHOWN_PLAIN = f"""\
Id: bb
Type: create-volume
Subject: v1
State: undoing since {AT}
Asked: by the server at {AT}
Steps: 0 of 0 done
"""
PENDING = {"pendingoperations": [{"id": id_} for id_ in ("aa", "gone", "bb")]}
SERVER = {
    ("GET", "/operations/pending"): [Canned(200, PENDING)],
    ("GET", "/operations/pending/aa/steps"): [Canned(200, RUNNING)],
    ("GET", "/operations/pending/bb/steps"): [Canned(200, PLAIN)],
    ("GET", "/operations/pending/gone/steps"): [Canned(404, "Id not found: gone\n")],
}


def test_one_operation(cli: Cli) -> None:
    with serving(SERVER) as server:
        told = cli(["-s", server.url, *WORDS, "aa"])
    assert (told.exit, told.stdout) == (0, SHOWN)


def test_all_operations_without_those_that_have_just_ended(cli: Cli) -> None:
    with serving(SERVER) as server:
        told = cli(["-s", server.url, *WORDS])
    assert (told.exit, told.stdout) == (0, f"{SHOWN}\n{SHOWN_PLAIN}")


def test_json(cli: Cli) -> None:
    with serving(SERVER) as server:
        told = cli(["-s", server.url, *WORDS, "--json"])
    assert [each["id"] for each in json.loads(told.stdout)] == ["aa", "bb"]


def test_an_operation_that_is_not_there(cli: Cli) -> None:
    with serving(SERVER) as server:
        told = cli(["-s", server.url, *WORDS, "gone"])
    assert told.exit != 0
    assert "Id not found: gone" in told.stderr


def test_a_server_of_the_original_cannot_do_it(cli: Cli) -> None:
    with serving({("GET", "*"): [Canned(404, "Invalid path or request\n")]}) as server:
        told = cli(["-s", server.url, *WORDS, "aa"])
    assert told.exit != 0
    assert "it takes pyheketi's" in told.stderr
