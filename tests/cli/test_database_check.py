"""``db check --explain`` and ``--repair``: the server's words."""

import json

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, serving

DEVICE = {
    "rule": "device-used",
    "kind": "device",
    "object": "d1",
    "text": "Device d1 size values differ",
    "means": "More is in use.",
    "repair": "it becomes 5 KiB",
    "commands": ["heketi-cli device resync d1"],
    "advice": "Read the numbers.",
}
FOUND = {
    "findings": [
        DEVICE,
        DEVICE | {"object": "d2", "text": "Device d2 too", "repair": "", "commands": ["heketi-cli device resync d2"]},
        {
            "rule": "own-id",
            "kind": "node",
            "object": "n1",
            "text": "Node n1 says",
            "means": "By hand.",
            "repair": "",
            "commands": [],
            "advice": "Go back.",
        },
        DEVICE | {"rule": "device-total", "means": "Not its size."},
    ],
    "total": 4,
    "repairable": 3,
}
EXPLAINED = """\
device-used: More is in use.
  What to do: Read the numbers.
  device d1: Device d1 size values differ
  device d2: Device d2 too
own-id: By hand.
  What to do: Go back.
  node n1: Node n1 says
device-total: Not its size.
  What to do: Read the numbers.
  device d1: Device d1 size values differ
The commands: heketi-cli db check --repair
"""
PLANNED = """\
4 contradictions, 3 of them can be repaired by commands. Nothing was done.
device-used: Device d1 size values differ
  repair: it becomes 5 KiB
  Read the numbers.
device-used: Device d2 too
  Read the numbers.
own-id: Node n1 says
  Go back.
device-total: Device d1 size values differ
  repair: it becomes 5 KiB
  Read the numbers.
Commands:
  heketi-cli device resync d1
  heketi-cli device resync d2
"""
NOTHING = {"findings": None, "total": 0, "repairable": 0}


@pytest.mark.parametrize(
    ("flag", "answer", "said"),
    [
        ("--explain", FOUND, EXPLAINED),
        ("--repair", FOUND, PLANNED),
        ("--explain", NOTHING, "No contradictions were found\n"),
        ("--repair", NOTHING, "0 contradictions, 0 of them can be repaired by commands. Nothing was done.\n"),
    ],
)
def test_words_and_commands(cli: Cli, flag: str, answer: object, said: str) -> None:
    with serving({("GET", "/db/check/explain"): [Canned(200, answer)]}) as server:
        told = cli(["-s", server.url, "db", "check", flag])
    assert (told.exit, told.stdout) == (0, said)


def test_json(cli: Cli) -> None:
    with serving({("GET", "/db/check/explain"): [Canned(200, FOUND)]}) as server:
        told = cli(["-s", server.url, "db", "check", "--explain", "--json"])
    assert json.loads(told.stdout)["total"] == 4


def test_without_a_flag_it_is_as_ever(cli: Cli) -> None:
    with serving({("GET", "/db/check"): [Canned(200, '{"totalinconsistencies":0}')]}) as server:
        told = cli(["-s", server.url, "db", "check"])
    assert (told.exit, told.stdout) == (0, '{"totalinconsistencies":0}')


def test_a_server_of_the_original_cannot_do_it(cli: Cli) -> None:
    with serving({("GET", "*"): [Canned(404, "Invalid path or request\n")]}) as server:
        told = cli(["-s", server.url, "db", "check", "--explain"])
    assert told.exit != 0
    assert "it takes pyheketi's" in told.stderr
