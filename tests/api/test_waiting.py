"""``Prefer: wait=…`` on ``/queue/{id}``: answered when the job ends, or after the time, on a clock that leaps."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Scope
from tests import hostile, leaping
from tests.api import asgi
from tests.house import REPLICA_3, House

from pyheketi.api import waiting
from pyheketi.api.endpoint import Application
from pyheketi.executors.faults import Pause, Rule, matching
from pyheketi.planning.volume_create import VolumeCreate

LONG = 10.0
"""Seconds until the job ends."""

WISHES: dict[str, tuple[list[str], int | None]] = {
    "nothing": ([], None),
    "plain": (["wait=10"], 10),
    "not at all": (["wait=0"], 0),
    "too long": (["wait=31"], 30),
    "for ages": (["wait=" + "9" * 60_000], 30),
    "zeros": (["wait=0007"], 7),
    "case": (["Wait=10"], 10),
    "spaces": ([" \twait \t= 10 \t"], 10),
    "quoted": (['wait="10"'], 10),
    "among others": (["respond-async, wait=10;why=x, handling=lenient"], 10),
    "empty members": ([",, ,wait=10,,"], 10),
    "several headers": (["respond-async", "handling=lenient, wait=10"], 10),
    "parameters": (['wait=10; a; b="x,y;z" ;'], 10),
    "the first one counts": (["wait=10, wait=5", "wait=3"], 10),
    "the first one counts, sense or not": (["wait=soon, wait=5"], None),
    "another name": (["waiting=10, await=10, wait-=10, x;wait=10"], None),
    "within quotes": (['a="x, wait=10"'], None),
    "within quotes with quotes": ([r'a="\", wait=10"'], None),
    "behind quotes": ([r'a="\\", wait=10'], 10),
    "a quote without end": (['a="x, wait=10'], None),
    "a quote without end in another header": (['a="x', "wait=10"], 10),
    "a quote too many": (['a="x"", wait=10'], None),
    "no value": (["wait"], None),
    "an empty value": (["wait="], None),
    "an empty text": (['wait=""'], None),
    "half a text": (['wait="10'], None),
    "a sign": (["wait=-1"], None),
    "a plus": (["wait=+1"], None),
    "a fraction": (["wait=1.5"], None),
    "an exponent": (["wait=1e1"], None),
    "words": (["wait=10 20"], None),
    "a thousand": (["wait=1_0"], None),
    "other digits": (["wait=\xb2"], None),
    "a unit": (["wait=10s"], None),
}


def header(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"h"), *((b"prefer", each.encode("latin-1")) for each in values), (b"x-prefer", b"wait=1")]


@pytest.mark.parametrize(("values", "seconds"), WISHES.values(), ids=WISHES)
def test_what_a_client_wishes(values: list[str], seconds: int | None) -> None:
    assert waiting.wished(header(*values)) == seconds


@given(st.lists(st.one_of(st.binary(), st.text('wait=10 ",;\\x\t').map(str.encode))))
def test_no_header_breaks_it(values: list[bytes]) -> None:
    seconds = waiting.wished([(b"prefer", each) for each in values])
    assert seconds is None or 0 <= seconds <= waiting.MOST


@given(st.text('ab=", \\', max_size=20), st.integers(0, 30))
def test_a_wish_is_found_behind_whole_members(other: str, seconds: int) -> None:
    quoted = other.replace("\\", r"\\").replace('"', r"\"")
    assert waiting.wished(header(f'x="{quoted}" ; y , wait={seconds}')) == seconds


class Scene:
    """A server on which a volume is being made, for ``LONG`` seconds from ``began``."""

    async def up(self) -> "Scene":
        self.house = House()
        await self.house.start()
        await self.house.furnish()
        self.app = asgi.application(self.house.plane)
        self.house.break_(Rule(matching("volume start"), Pause(1 + LONG)))
        self.job = await self.house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))
        await asyncio.sleep(1)  # the steps before the long one take no time
        self.began = asyncio.get_running_loop().time()
        return self

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    async def ask(self, *wishes: str, job: str = "") -> asgi.Reply:
        return await asgi.request(
            self.app, "GET", f"/queue/{job or self.job}", headers=[("Prefer", each) for each in wishes]
        )


def told(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        scene = await Scene().up()
        await story(scene)
        await scene.house.crash()

    leaping.run(main())


def test_a_job_that_ends_meanwhile_is_told_at_once() -> None:
    async def story(scene: Scene) -> None:
        reply = await scene.ask("wait=25")
        assert (reply.status, reply.headers["preference-applied"]) == (303, "wait=25")
        assert scene.now == LONG

    told(story)


def test_a_job_that_does_not_is_pending_after_the_time() -> None:
    async def story(scene: Scene) -> None:
        plain = await scene.ask()
        assert scene.now == 0
        reply = await scene.ask("Wait = 4")
        assert scene.now == 4
        assert (reply.status, reply.headers["x-pending"]) == (200, "true")
        assert reply.headers == {**plain.headers, "preference-applied": "wait=4"}

    told(story)


def test_no_more_is_granted_than_the_most() -> None:
    async def story(scene: Scene) -> None:
        scene.house.break_(Rule(matching("volume delete"), Pause(1000)))
        assert await scene.house.plane.wait_for(scene.job, LONG + 1)
        volume = await scene.house.done(scene.job)
        deletion, began = await scene.house.plane.volumes.delete(volume), scene.now
        reply = await scene.ask("wait=500", job=deletion)
        assert (reply.headers["x-pending"], reply.headers["preference-applied"]) == ("true", "wait=30")
        assert scene.now - began == waiting.MOST

    told(story)


def test_who_wishes_for_nothing_that_makes_sense_hears_what_all_hear() -> None:
    async def story(scene: Scene) -> None:
        plain = await scene.ask()
        assert "preference-applied" not in plain.headers
        for text in (*hostile.PAYLOADS, "wait=", "wait=x", "respond-async"):
            for wish in (text, f"wait={text}", f"{text}, {text}"):
                sent = wish.encode("utf-8", "replace").decode("latin-1")
                assert await scene.ask(sent) == plain, wish
        assert scene.now == 0

    told(story)


def test_what_is_not_at_work_is_not_waited_for() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.house.plane.wait_for(scene.job, LONG + 1)
        began = scene.now
        for job in (scene.job, "0" * 32):
            assert await scene.ask("wait=10", job=job) == await scene.ask(job=job)
        assert scene.now == began

    told(story)


def test_requests_that_begin_a_job_or_ask_for_something_else_are_not_held_back() -> None:
    async def story(scene: Scene) -> None:
        wish = [("Prefer", "wait=10")]
        plain = await asgi.request(scene.app, "GET", "/volumes")
        assert await asgi.request(scene.app, "GET", "/volumes", headers=wish) == plain
        body = {"size": 1, "durability": {"type": "none"}}
        begun = await asgi.request(scene.app, "POST", "/volumes", body, headers=wish)
        assert (begun.status, set(begun.headers)) == (202, {"location", "content-length"})
        assert scene.now == 0

    told(story)


def test_a_thousand_wait_at_once() -> None:
    async def story(scene: Scene) -> None:
        replies = await asyncio.gather(*(scene.ask("wait=30") for _ in range(1000)))
        assert {reply.status for reply in replies} == {303}
        assert scene.now == LONG

    told(story)


def test_a_server_that_stops_answers_now_and_grants_nothing() -> None:
    async def story(scene: Scene) -> None:
        asked = [asyncio.create_task(scene.ask("wait=30")) for _ in range(3)]
        await asyncio.sleep(1)
        scene.house.plane.let_go()
        for reply in (*await asyncio.gather(*asked), await scene.ask("wait=30")):
            assert (reply.status, reply.headers["x-pending"]) == (200, "true")
            assert "preference-applied" not in reply.headers
        assert scene.now == 1

    told(story)


async def leaves(app: Application, path: str, after: float) -> list[Message]:
    """Ask, go away after some seconds, and return what was said to nobody, when the server is done with it."""
    sent: list[Message] = []
    coming: list[Message] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if len(coming) == 1:
            await asyncio.sleep(after)
        return coming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    headers: Sequence[tuple[bytes, bytes]] = [(b"prefer", b"wait=30")]
    scope: Scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    return sent


def test_nothing_goes_on_for_a_client_that_has_left() -> None:
    async def story(scene: Scene) -> None:
        before = asyncio.all_tasks()
        assert await leaves(scene.app, f"/queue/{scene.job}", 2) == []
        assert scene.now == 2
        assert asyncio.all_tasks() == before
        assert (await scene.ask("wait=30")).status == 303

    told(story)


async def durations(app: Application) -> dict[str, float]:
    """Return how many GET requests were counted, and what they took, by status."""
    page = (await asgi.request(app, "GET", "/metrics")).text
    found = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
    names = {f"pyheketi_http_request_seconds_{what}": what for what in ("count", "sum")}
    return {f"{names[each.name]} {each.labels['status']}": each.value for each in found if each.name in names}


def test_what_a_client_wished_to_wait_does_not_count_as_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(scene: Scene) -> None:
        monkeypatch.setattr(time, "perf_counter", lambda: scene.now)
        await scene.ask("wait=2")
        await scene.ask("wait=30")
        assert scene.now == LONG
        assert await durations(scene.app) == {"count 200": 1, "sum 200": 0, "count 303": 1, "sum 303": 0}

    told(story)


def test_the_document_tells_of_it() -> None:
    async def story(scene: Scene) -> None:
        paths = (await asgi.request(scene.app, "GET", "/openapi.json")).json["paths"]
        (wish,) = [each for each in paths["/queue/{id}"]["get"]["parameters"] if each["in"] == "header"]
        assert (wish["name"], wish["required"]) == ("Prefer", False)
        assert "Preference-Applied" in paths["/queue/{id}"]["get"]["responses"]["200"]["headers"]
        others = [each for path, methods in paths.items() for each in methods.values() if path != "/queue/{id}"]
        assert not [each for other in others for each in other.get("parameters", ()) if each["in"] == "header"]

    told(story)
