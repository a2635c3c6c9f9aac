"""``server state orphans``: what is listed, what would be done, what is removed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, ScriptedServer, serving

LIST, REMOVE = ("GET", "/internal/state/orphans"), ("POST", "/internal/state/orphans/remove")


def brick(id_: str, state: str, node: str = "n1", **more: Any) -> dict[str, Any]:
    return {
        "cluster": "c1",
        "node": node,
        "host": f"host-{node}",
        "device": "d",
        "volume_group": "vg_d",
        "brick": id_,
        "state": state,
        "reason": f"because it is {state}",
        "size": 3 * 2**19,
        "mount_point": "/m",
        "parts": ["lv", "pool"],
        "commands": [f"lvremove {id_}", "rmdir /m"] if state == "orphan" else [],
    } | more


ALL = {
    "bricks": [brick("aa", "orphan"), brick("bb", "gluster"), brick("cc", "orphan", "n2", cluster="c2")],
    "known": 7,
    "silent": [],
}
WORDS = ["server", "state", "orphans"]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    removed = Canned(202, headers={"Location": "/queue/j"})
    with serving({LIST: [Canned(200, ALL)], REMOVE: [removed], ("GET", "/queue/j"): [Canned(204)]}) as running:
        yield running


def test_what_is_found_is_listed_with_what_to_do_next(cli: Cli, server: ScriptedServer) -> None:
    told = cli(["-s", server.url, *WORDS])
    assert told.exit == 1
    assert told.stdout.splitlines() == [
        "Brick:aa State:orphan  Size (GiB):1.50     Node:host-n1 Group:vg_d Has:lv,pool Why:because it is orphan",
        "Brick:bb State:gluster Size (GiB):1.50     Node:host-n1 Group:vg_d Has:lv,pool Why:because it is gluster",
        "Brick:cc State:orphan  Size (GiB):1.50     Node:host-n2 Group:vg_d Has:lv,pool Why:because it is orphan",
    ]
    assert "7 bricks are as the database says, 3 others were found; 2 of them belong to nobody and hold 3.00 GiB" in (
        told.stderr
    )
    assert "heketi-cli server state orphans --delete aa cc" in told.stderr


@pytest.mark.parametrize(("flag", "shown"), [("--node=n2", ["cc"]), ("--cluster=c1", ["aa", "bb"]), ("--node=x", [])])
def test_one_node_or_cluster(cli: Cli, server: ScriptedServer, flag: str, shown: list[str]) -> None:
    told = cli(["-s", server.url, *WORDS, flag, "--json"])
    assert [each["brick"] for each in json.loads(told.stdout)["bricks"]] == shown
    assert told.exit == int(bool(shown))


@pytest.mark.parametrize(
    ("answer", "exit_", "said"),
    [
        ({"known": 3}, 0, "3 bricks are as the database says, 0 others were found."),
        ({"bricks": [brick("aa", "used")]}, 0, "1 others were found, none of which can be removed."),
        ({"bricks": [brick("aa", "unknown")]}, 2, "none of which can be removed."),
        ({"silent": [{"node": "n", "host": "h", "reason": "gone"}]}, 2, "Node h (n) could not tell: gone"),
    ],
    ids=["nothing", "others'", "unknown", "silent"],
)
def test_the_status_tells_whether_all_is_well(cli: Cli, answer: dict[str, Any], exit_: int, said: str) -> None:
    with serving({LIST: [Canned(200, answer)]}) as running:
        told = cli(["-s", running.url, *WORDS])
    assert told.exit == exit_
    assert said in told.stderr


def test_without_yes_nothing_is_done(cli: Cli, server: ScriptedServer) -> None:
    told = cli(["-s", server.url, *WORDS, "--delete", "aa", "vg_d/brick_cc"])
    assert told.exit == 0
    assert told.stdout == "On host-n1:\n  lvremove aa\n  rmdir /m\nOn host-n2:\n  lvremove cc\n  rmdir /m\n"
    assert "Nothing was done. Add --yes" in told.stderr
    assert [(each.method, each.path) for each in server.asked] == [LIST]


def test_with_yes_they_are_removed(cli: Cli, server: ScriptedServer) -> None:
    told = cli(["-s", server.url, *WORDS, "--delete", "--yes", "aa"])
    assert (told.exit, told.stdout) == (0, "Brick aa removed from host-n1\n")
    (sent,) = [each for each in server.asked if each.method == "POST"]
    assert json.loads(sent.body) == {"bricks": ["vg_d/brick_aa"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--delete"], "name the bricks to remove"),
        (["--yes"], "--yes goes with --delete"),
        (["aa"], "add --delete"),
        (["--delete", "--yes", "bb"], "brick bb on host-n1 is left alone: because it is gluster"),
        (["--delete", "--yes", "zz"], "brick zz is not among those found"),
    ],
)
def test_mistakes_are_refused_and_nothing_is_sent(
    cli: Cli, server: ScriptedServer, words: list[str], said: str
) -> None:
    told = cli(["-s", server.url, *WORDS, *words])
    assert told.exit == 2
    assert said in told.stderr
    assert not [each for each in server.asked if each.method == "POST"]


def test_a_server_of_the_original_cannot_do_it(cli: Cli) -> None:
    with serving({LIST: [Canned(404, "Invalid path or request\n")]}) as running:
        told = cli(["-s", running.url, *WORDS])
    assert told.exit == 2
    assert "Hint: A Heketi server does not offer this" in told.stderr
