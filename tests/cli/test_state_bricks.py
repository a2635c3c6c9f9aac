"""``server state bricks``: what is listed, with what to do about it, and what is mended."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, ScriptedServer, serving

LIST, MEND = ("GET", "/internal/state/bricks"), ("POST", "/internal/state/bricks/mend")
WORDS = ["server", "state", "bricks"]


def brick(id_: str, *faults: str, node: str = "n1") -> dict[str, Any]:
    return {
        "brick": id_,
        "volume": "v",
        "volume_name": "vol_v",
        "cluster": "c",
        "node": node,
        "host": f"host-{node}",
        "path": f"/mounts/{id_}/brick",
        "faults": list(faults),
        "mendable": "lost" not in faults,
    }


SILENT = {"node": "n3", "host": "host-n3", "reason": "No route to host"}
ALL = {
    "bricks": [brick("aa", "unmounted", "dead"), brick("bb", "lost", "unmounted"), brick("cc", "unlisted", node="n2")],
    "looked_at": 9,
    "silent": [],
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    begun = Canned(202, headers={"Location": "/queue/j"})
    with serving({LIST: [Canned(200, ALL)], MEND: [begun], ("GET", "/queue/j"): [Canned(204)]}) as running:
        yield running


def test_what_does_not_serve_is_listed_with_what_to_do_next(cli: Cli, server: ScriptedServer) -> None:
    told = cli(["-s", server.url, *WORDS])
    assert told.exit == 1
    assert told.stdout.splitlines() == [
        "Brick:aa State:unmounted,dead      Node:host-n1 Volume:vol_v Path:/mounts/aa/brick",
        "Brick:bb State:lost,unmounted      Node:host-n1 Volume:vol_v Path:/mounts/bb/brick",
        "Brick:cc State:unlisted            Node:host-n2 Volume:vol_v Path:/mounts/cc/brick",
    ]
    assert told.stderr.splitlines() == [
        "aa: it is not mounted, gluster's process for it does not run",
        (
            "bb: its logical volume is gone, it is not mounted. If its disk does not come back, have gluster fill"
            " another one: heketi-cli brick evict bb (a volume without copies has lost this part of its data)"
        ),
        "cc: it is not in fstab, so that a reboot would leave it unmounted",
        "3 of 9 bricks do not serve as they should. To mount and start them:",
        "  heketi-cli server state bricks --mend aa cc",
    ]


@pytest.mark.parametrize(("node", "shown"), [("n2", ["cc"]), ("host-n1", ["aa", "bb"]), ("x", [])])
def test_one_node(cli: Cli, server: ScriptedServer, node: str, shown: list[str]) -> None:
    told = cli(["-s", server.url, *WORDS, f"--node={node}", "--json"])
    assert [each["brick"] for each in json.loads(told.stdout)["bricks"]] == shown
    assert told.exit == int(bool(shown))


@pytest.mark.parametrize(
    ("answer", "exit_", "said"),
    [
        ({"looked_at": 3}, 0, "All 3 bricks that could be looked at serve as they should."),
        (ALL | {"silent": [SILENT]}, 2, "Node host-n3 (n3) could not tell: No route to host"),
    ],
)
def test_statuses(cli: Cli, answer: dict[str, Any], exit_: int, said: str) -> None:
    with serving({LIST: [Canned(200, answer)]}) as running:
        told = cli(["-s", running.url, *WORDS])
    assert told.exit == exit_
    assert said in told.stderr


@pytest.mark.parametrize(
    ("words", "bricks"), [(["aa"], ["aa"]), (["cc", "aa"], ["cc", "aa"]), (["--all"], ["aa", "cc"])]
)
def test_bricks_are_mended(cli: Cli, server: ScriptedServer, words: list[str], bricks: list[str]) -> None:
    told = cli(["-s", server.url, *WORDS, "--mend", *words])
    assert (told.exit, told.stderr) == (0, "")
    assert [line.split()[1] for line in told.stdout.splitlines()] == bricks
    (asked,) = [each for each in server.asked if each.method == "POST"]
    assert json.loads(asked.body) == {"bricks": bricks}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["aa"], "bricks are named to mend them: add --mend, or leave them out"),
        (["--all"], "--all goes with --mend, and instead of names"),
        (["--mend", "--all", "aa"], "--all goes with --mend, and instead of names"),
        (["--mend"], "name the bricks to mend, or say --all"),
        (["--mend", "dd"], "brick dd serves as it should, or there is none of that id"),
        (["--mend", "aa", "bb"], "brick bb cannot be mended: its logical volume is gone"),
    ],
)
def test_mistakes_change_nothing(cli: Cli, server: ScriptedServer, words: list[str], said: str) -> None:
    told = cli(["-s", server.url, *WORDS, *words])
    assert told.exit == 2
    assert said in told.stderr
    assert not [each for each in server.asked if each.method == "POST"]


def test_nothing_to_mend(cli: Cli) -> None:
    with serving({LIST: [Canned(200, {"looked_at": 3})]}) as running:
        told = cli(["-s", running.url, *WORDS, "--mend", "--all"])
    assert (told.exit, told.stdout) == (0, "")
    assert "All 3 bricks" in told.stderr


def test_a_server_of_heketi_does_not_offer_it(cli: Cli) -> None:
    with serving({LIST: [Canned(404, "Invalid path or request\n")]}) as running:
        told = cli(["-s", running.url, *WORDS])
    assert told.exit == 2
    assert "A Heketi server does not offer this" in told.stderr
