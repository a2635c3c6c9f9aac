"""How the importable clients follow jobs, wait for a busy server and follow redirects."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
import requests
from tests.library import ASTRAY, BUSY, ERRORS, KEY, PENDING, VOLUME, Make, answer_of, claims, deletion, to
from tests.scripted_server import Canned, Script, ScriptedServer, serving

from pyheketi import AsyncHeketiClient
from pyheketi.client.library import talk

NOTE = "see what came of it before you repeat"


def wishes(server: ScriptedServer) -> list[str | None]:
    """Return what was wished for with each look after the job."""
    return [asked.headers.get("Prefer") for asked in server.asked if asked.path == "/queue/1"]


@pytest.mark.parametrize(
    ("timeout", "wish"), [(300, "wait=10"), (None, "wait=10"), (15, "wait=7"), (3, "wait=1"), (1.9, None)]
)
def test_the_server_is_asked_to_wait_shorter_than_answers_are_waited_for(
    make: Make, timeout: float | None, wish: str | None
) -> None:
    with serving(deletion(PENDING, Canned(204))) as server:
        assert make(server.url, poll_delay=0, timeout=timeout).volume_delete("v")
    assert wishes(server) == [wish, wish]
    assert "Prefer" not in server.asked[0].headers


HELD = {"X-Pending": "true", "Preference-Applied": "wait=10"}
LOOKS = {
    "it waits": (HELD, 10, 0),
    "it has the most it grants": ({**HELD, "Preference-Applied": "wait=1"}, 1, 0),
    "it says so, but answers at once": (HELD, 0.1, 7),
    "Heketi is slow": ({"X-Pending": "true"}, 10, 7),
}


@pytest.mark.parametrize(("headers", "takes", "pause"), LOOKS.values(), ids=LOOKS)
def test_who_is_asked_again_at_once(headers: dict[str, str], takes: float, pause: float) -> None:
    now = 0.0
    conversation: Any = talk.finished("/queue/1", "http://h", wait=10, poll_delay=7, tries=1, clock=lambda: now)
    ask = next(conversation)
    for _ in range(3):
        now += ask.after + takes
        answer = requests.Response()
        answer.status_code = 200
        answer.headers.update(headers)
        ask = conversation.send(answer)
        assert (ask.after, ask.headers) == (pause, {"Prefer": "wait=10"})


def test_jobs_of_one_client_leave_connections_for_others() -> None:
    """32 are all there are, and a server that waits has one of them until the job ends."""
    client = AsyncHeketiClient("http://h", "admin", KEY)
    for _ in range(2):
        with contextlib.ExitStack() as jobs:
            assert [jobs.enter_context(client._waiting()) for _ in range(40)] == [10] * 16 + [0] * 24
    asyncio.run(client.aclose())


def test_jobs_are_polled_with_fresh_tokens(make: Make) -> None:
    script: Script = {
        ("POST", "/volumes"): [to("/queue/1")],
        ("GET", "/queue/1"): [PENDING, to("/volumes/v", 303)],
        ("GET", "/volumes/v"): [Canned(200, VOLUME)],
    }
    with serving(script) as server:
        assert make(server.url, poll_delay=0).volume_create({"size": 1}) == VOLUME
    said = [(asked.method, asked.path) for asked in server.asked]
    assert said == [("POST", "/volumes"), ("GET", "/queue/1"), ("GET", "/queue/1"), ("GET", "/volumes/v")]
    for asked in server.asked:
        assert claims(asked)["qsh"] == hashlib.sha256(f"{asked.method}&{asked.path}".encode()).hexdigest()


FINAL = {
    "done": ([Canned(204)], True),
    "the header counts, whatever it says": ([Canned(headers={"X-Pending": "false"}), Canned(204)], True),
    "not as expected": ([Canned(200)], False),
}


@pytest.mark.parametrize(("polls", "expected"), FINAL.values(), ids=FINAL)
def test_a_job_ends_when_it_is_no_longer_pending(make: Make, polls: Sequence[Canned], expected: bool) -> None:
    with serving(deletion(*polls)) as server:
        assert make(server.url, poll_delay=0).volume_delete("v") is expected


@pytest.mark.parametrize("pending", [{}, {"X-Pending": "true"}])
def test_a_job_that_fails_is_raised(make: Make, pending: dict[str, str]) -> None:
    script = deletion(PENDING, Canned(500, "no glusterd\n", pending))
    with serving(script) as server, pytest.raises(ERRORS) as failed:
        make(server.url, poll_delay=0).volume_delete("v")
    url = f"{server.url}/queue/1"
    assert str(failed.value) == f"500 Server Error: Internal Server Error for url: {url}: no glusterd"
    response = answer_of(failed.value)
    assert (response.status_code, response.text) == (500, "no glusterd\n")


def test_a_job_without_a_place_is_a_key_error_as_ever(make: Make) -> None:
    with serving({("POST", "/volumes"): [Canned(202)]}) as server, pytest.raises(KeyError, match=r"(?i)location"):
        make(server.url).volume_create({"size": 1})


def test_a_lost_job_is_not_simply_repeated(make: Make) -> None:
    script = deletion(Canned(hang_up=True))
    with serving(script) as server, pytest.raises((requests.ConnectionError, httpx2.TransportError)) as lost:
        make(server.url).volume_delete("v")
    assert NOTE in lost.value.__notes__[0]


LOCATIONS = ["/queue/1", "/pre/queue/1", "../queue/1", "HOST/queue/1", "HOST/pre/queue/1"]


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_job_is_found_wherever_the_server_says(make: Make, location: str) -> None:
    answers = [Canned(202)]
    script: Script = {("DELETE", "/pre/volumes/v"): answers, ("GET", "/pre/queue/1"): [Canned(204)]}
    with serving(script) as server:
        answers[0] = to(location.replace("HOST", server.url))
        assert make(f"{server.url}/pre", poll_delay=0).volume_delete("v")


@pytest.mark.parametrize("location", ["http://elsewhere/queue/1", "//elsewhere/queue/1", "http://127.0.0.1:1/queue/1"])
def test_a_job_is_not_looked_for_at_another_server(make: Make, location: str) -> None:
    with (
        serving(deletion(location=location)) as server,
        pytest.raises(ASTRAY, match=r"redirects to .*/queue/1") as lost,
    ):
        make(server.url).volume_delete("v")
    assert len(server.asked) == 1
    assert NOTE in lost.value.__notes__[0]


def test_a_busy_server_is_asked_again_with_a_fresh_body_and_token(make: Make) -> None:
    script: Script = {
        ("POST", "/volumes"): [BUSY, BUSY, to("/queue/1")],
        ("GET", "/queue/1"): [BUSY, to("/volumes/v", 303)],
        ("GET", "/volumes/v"): [BUSY, Canned(200, VOLUME)],
    }
    with serving(script) as server:
        assert make(server.url).volume_create({"size": 1}) == VOLUME
    assert [asked.path for asked in server.asked] == ["/volumes"] * 3 + ["/queue/1"] * 2 + ["/volumes/v"] * 2
    assert {asked.body for asked in server.asked[:3]} == {'{"size": 1}'}


@pytest.mark.parametrize(("more", "tries"), [({}, 7), ({"retry_busy": False}, 1)])
def test_a_server_that_stays_busy_is_raised(make: Make, more: dict[str, bool], tries: int) -> None:
    with serving({("GET", "/volumes"): [BUSY]}) as server, pytest.raises(ERRORS) as refused:
        make(server.url, **more).volume_list()
    assert len(server.asked) == tries
    assert str(refused.value).endswith(": Server busy. Retry operation later.")


def test_each_try_has_a_token_of_its_own_and_a_pause_before_it() -> None:
    conversation: Any = talk.asked(talk.Ask(method="GET", uri="/a"), "http://h", tries=7)
    asks = [next(conversation)]
    answer = requests.Response()
    answer.status_code, answer.headers["Retry-After"] = 429, "20"
    asks += [conversation.send(answer) for _ in range(6)]
    with pytest.raises(StopIteration):
        conversation.send(answer)
    assert asks[0].after == 0
    assert all(20 <= ask.after <= 29 for ask in asks[1:])
    assert all("Authorization" not in ask.headers for ask in asks)  # it is made when it is sent


PAUSES = {
    None: (10, 29),
    "": (10, 29),
    "Wed, 21 Oct 2026 07:28:00 GMT": (10, 29),
    "0": (0, 9),
    "5": (5, 14),
    "-3": (0, 0),
}


@pytest.mark.parametrize("retry_after", PAUSES)
def test_how_long_a_busy_server_is_left_alone(retry_after: str | None) -> None:
    low, high = PAUSES[retry_after]
    seen = {talk.pause_when_busy(retry_after) for _ in range(1000)}
    assert seen == set(range(low, high + 1))


REDIRECTS = {
    "a read goes on": ("GET", 301, [("GET", ""), ("GET", "")]),
    "a read goes on, too": ("GET", 302, [("GET", ""), ("GET", "")]),
    "a change is repeated": ("POST", 307, [("POST", '{"size": 1}'), ("POST", '{"size": 1}')]),
    "a change is repeated, too": ("POST", 308, [("POST", '{"size": 1}'), ("POST", '{"size": 1}')]),
    "the result is elsewhere": ("POST", 303, [("POST", '{"size": 1}'), ("GET", "")]),
    "a change does not turn into a read": ("POST", 301, [("POST", '{"size": 1}')]),
    "no redirect": ("GET", 300, [("GET", "")]),
}


@pytest.mark.parametrize(("method", "status", "sent"), REDIRECTS.values(), ids=REDIRECTS)
def test_redirects_on_the_same_server(make: Make, method: str, status: int, sent: Sequence[tuple[str, str]]) -> None:
    there = [Canned(200, VOLUME)]
    script: Script = {(method, "/volumes"): [to("/v2", status)], ("GET", "/v2"): there, ("POST", "/v2"): there}
    with serving(script) as server:
        client = make(server.url)
        given = client.volume_create({"size": 1}) if method == "POST" else client.volume_list()
    assert [(asked.method, asked.body) for asked in server.asked] == sent
    assert given == (VOLUME if len(sent) == 2 else None)
    for asked in server.asked:
        assert claims(asked)["qsh"] == hashlib.sha256(f"{asked.method}&{asked.path}".encode()).hexdigest()


@pytest.mark.parametrize("location", ["http://elsewhere/volumes", "https://HOST/volumes"])
@pytest.mark.parametrize("call", ["volume_list", "volume_create", "backup_db"])
def test_other_servers_get_no_token(make: Make, call: str, location: str) -> None:
    answers = [Canned(301)]
    with serving({("GET", "*"): answers, ("POST", "*"): answers}) as server:
        answers[0] = to(location.replace("HOST", f"127.0.0.1:{server.port}").replace("/volumes", "/x"), 301)
        if "https" in location:  # the same path: only the scheme is another one
            path = "/backup/db" if call == "backup_db" else "/volumes"
            answers[0] = to(f"https://127.0.0.1:{server.port}{path}", 301)
        with pytest.raises(ASTRAY, match=r"redirects to http.*, give that server's address instead"):
            getattr(make(server.url), call)()
    assert len(server.asked) == 1


def test_redirects_end(make: Make) -> None:
    script: Script = {("GET", "/volumes"): [to("/a", 302)], ("GET", "/a"): [to("/volumes", 302)]}
    endless = (requests.exceptions.TooManyRedirects, httpx2.TooManyRedirects)
    with serving(script) as server, pytest.raises(endless, match="stopped after 20 redirects"):
        make(server.url).volume_list()
    assert len(server.asked) == 20
