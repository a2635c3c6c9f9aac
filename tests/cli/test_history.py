"""``server operations history``: lines, JSON, how much and since when."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, serving

from pyheketi.cli.errors import Problem
from pyheketi.cli.history import _since

WORDS = ("server", "operations", "history")
FAILED = {
    "id": "aa",
    "type_name": "create-volume",
    "subject": "v1",
    "asked_by": "user",
    "asked_from": "192.0.2.1",
    "asked_at": "2026-11-21T09:15:00.000Z",
    "ended_at": "2026-11-21T09:15:01.500Z",
    "seconds": 1.5,
    "status": "failed",
    "error": "No space\nNode n1: full",
}
DONE = FAILED | {"id": "bb", "asked_by": "", "status": "done", "error": ""}
OWN = DONE | {"id": "cc", "asked_from": ""}


def test_one_line_each(cli: Cli) -> None:
    with serving({("GET", "*"): [Canned(200, {"operations": [FAILED, DONE, OWN], "next": ""})]}) as server:
        told = cli(["-s", server.url, *WORDS])
    assert told.exit == 0
    rest = "Type:create-volume  Subject:v1  By:{}  At:2026-11-21T09:15:00.000Z  Seconds:1.500  Status:{}"
    assert told.stdout.splitlines() == [
        f"Id:aa  {rest.format('user@192.0.2.1', 'failed')}  Error:No space Node n1: full",
        f"Id:bb  {rest.format('anybody@192.0.2.1', 'done')}",
        f"Id:cc  {rest.format('the server', 'done')}",
    ]


def test_more_than_the_server_gives_at_a_time_are_asked_for_in_parts(cli: Cli) -> None:
    pages = [Canned(200, {"operations": [DONE] * 1000, "next": "7-bb"}), Canned(200, {"operations": [OWN], "next": ""})]
    first, second = "/operations/history?limit=1000&since=0.000000&before=", "/operations/history?limit=500"
    with serving({("GET", first): pages[:1], ("GET", "*"): pages[1:]}) as server:
        told = cli(["-s", server.url, *WORDS, "--limit=1500", "--json"])
        asked = [each.path for each in server.asked]
    assert len(json.loads(told.stdout)["operations"]) == 1001
    assert asked[0] == first
    assert asked[1].startswith(second)
    assert parse_qs(urlsplit(asked[1]).query)["before"] == ["7-bb"]


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("", 0.0),
        ("90m", 1e9 - 5400),
        ("12h", 1e9 - 43200),
        ("7d", 1e9 - 7 * 86400),
        ("99999w", 0.0),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC).timestamp()),
        ("2026-11-21T09:15", datetime(2026, 11, 21, 9, 15, tzinfo=UTC).timestamp()),
        ("2026-11-21T09:15+01:00", datetime(2026, 11, 21, 8, 15, tzinfo=UTC).timestamp()),
    ],
)
def test_times(text: str, since: float) -> None:
    assert _since(text, 1e9) == since


def test_other_texts_are_no_times() -> None:
    with pytest.raises(Problem, match='"tomorrow" is no time for --since'):
        _since("tomorrow", 1e9)


@pytest.mark.parametrize(
    ("words", "said"), [(["--limit=0"], "--limit must be at least 1"), (["--since=x"], "is no time for --since")]
)
def test_mistakes_are_told(cli: Cli, words: Sequence[str], said: str) -> None:
    told = cli([*WORDS, *words])
    assert told.exit != 0
    assert said in told.stderr


def test_a_server_of_the_original_cannot_do_it(cli: Cli) -> None:
    with serving({("GET", "*"): [Canned(404, "Invalid path or request\n")]}) as server:
        told = cli(["-s", server.url, *WORDS])
    assert told.exit != 0
    assert "it takes pyheketi's" in told.stderr
