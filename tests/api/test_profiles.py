"""``/debug/pprof/``: what the files and texts say, and who gets them."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from tests.api import asgi
from tests.house import House

from pyheketi.api.endpoint import Application
from pyheketi.api.profiles import Profiles
from pyheketi.telemetry.pprof import Frame, Profile

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def profiled() -> AsyncIterator[Application]:
    house = House()
    await house.start()
    yield asgi.application(house.plane, asgi.KEYS, profiles=Profiles())
    await house.plane.stop(0)


Message = dict[int, list[int | bytes]]


def message(data: bytes) -> Message:
    """Return the fields of a message of protocol buffers by number."""
    found: Message = {}
    while data:
        key, data = number(data)
        if key & 7 == 0:
            value, data = number(data)
            found.setdefault(key >> 3, []).append(value)
        else:
            assert key & 7 == 2
            length, data = number(data)
            found.setdefault(key >> 3, []).append(data[:length])
            data = data[length:]
    return found


def number(data: bytes) -> tuple[int, bytes]:
    total = 0
    for place, byte in enumerate(data):
        total |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return total, data[place + 1 :]
    raise AssertionError("a number has no end")


def numbers(data: int | bytes) -> list[int]:
    assert isinstance(data, bytes)
    found = []
    while data:
        value, data = number(data)
        found.append(value)
    return found


def only(found: Message, field: int) -> int:
    (value,) = found[field]
    assert isinstance(value, int)
    return value


def messages(found: Message, field: int) -> Iterator[Message]:
    for each in found.get(field, []):
        assert isinstance(each, bytes)
        yield message(each)


def texts(found: Message) -> list[str]:
    return [each.decode() for each in found[6] if isinstance(each, bytes)]


def stacks(file: bytes) -> dict[tuple[tuple[str, int], ...], list[int]]:
    """Return values by names of functions and lines, as ``pprof`` would read them."""
    found = message(gzip.decompress(file))
    words = texts(found)
    functions = {only(each, 1): words[only(each, 2)] for each in messages(found, 5)}
    places = {}
    for place in messages(found, 4):
        (line,) = messages(place, 4)
        places[only(place, 1)] = functions[only(line, 1)], only(line, 2)
    return {tuple(places[id_] for id_ in numbers(sample[1][0])): numbers(sample[2][0]) for sample in messages(found, 2)}


def test_a_file_says_what_was_put_in() -> None:
    inner, outer = Frame("čas", "/a.py", 300, 290), Frame("main", "/b.py", 7, 1)
    profile = Profile(
        kinds=(("samples", "count"), ("cpu", "nanoseconds")),
        samples={(inner, outer): (3, 2**40), (outer,): (1, 0)},
        began=1.5,
        lasted=2,
        period=10**7,
    )
    file = profile.encoded()
    assert stacks(file) == {(("čas", 300), ("main", 7)): [3, 2**40], (("main", 7),): [1, 0]}
    found = message(gzip.decompress(file))
    words = texts(found)
    assert words[0] == ""
    kinds = [(words[only(each, 1)], words[only(each, 2)]) for each in (*messages(found, 1), *messages(found, 11))]
    assert kinds == [("samples", "count"), ("cpu", "nanoseconds"), ("cpu", "nanoseconds")]
    assert [only(found, field) for field in (9, 10, 12)] == [1_500_000_000, 2_000_000_000, 10_000_000]
    assert [(words[only(each, 4)], only(each, 5)) for each in messages(found, 5)] == [("/a.py", 290), ("/b.py", 1)]


@contextmanager
def busy() -> Iterator[None]:
    """Keep a thread at work."""
    ended = threading.Event()

    def turn_and_turn() -> None:
        while not ended.is_set():
            sum(range(1000))

    thread = threading.Thread(target=turn_and_turn, name="treadmill")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def test_where_time_goes() -> None:
    async with profiled() as app:
        with busy():
            reply = await asgi.request(app, "GET", "/debug/pprof/profile?seconds=0.5")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/octet-stream"
    spent = {names[0][0].rpartition(".")[2]: values for names, values in stacks(reply.body).items()}
    looks, nanoseconds = spent["turn_and_turn"]
    assert looks > 0
    assert nanoseconds > 0


async def test_what_takes_memory() -> None:
    kept: list[bytes] = []
    async with profiled() as app:
        taking = asyncio.create_task(asgi.request(app, "POST", "/debug/pprof/heap?seconds=0.3"))
        await asyncio.sleep(0.1)
        kept.append(bytes(3_000_000))
        reply = await taking
    largest, values = max(stacks(reply.body).items(), key=lambda each: each[1][1])
    assert largest[0][0].startswith("test_profiles.py:")
    assert values[1] >= len(kept[0])


async def test_one_at_a_time() -> None:
    async with profiled() as app:
        first = asyncio.create_task(asgi.request(app, "GET", "/debug/pprof/profile?seconds=0.2"))
        await asyncio.sleep(0)
        assert (await asgi.request(app, "GET", "/debug/pprof/heap?seconds=0.2")).status == 500
        assert (await first).status == 200
        assert (await asgi.request(app, "GET", "/debug/pprof/profile?seconds=0.05")).status == 200


async def test_what_everybody_waits_for() -> None:
    never = asyncio.Event()

    async def inner() -> None:
        await never.wait()

    async def outer() -> None:
        await inner()

    waiting = asyncio.create_task(outer(), name="patience")
    await asyncio.sleep(0)
    async with profiled() as app:
        with busy():
            reply = await asgi.request(app, "GET", "/debug/pprof/goroutine?debug=2")
    waiting.cancel()
    assert "thread treadmill:\n" in reply.text
    told = reply.text.split("task patience:\n")[1].split("\n\n")[0]
    assert [line.rpartition(".")[2] for line in told.splitlines()[::2]] == ["wait", "inner", "outer"]


async def test_the_command_line() -> None:
    async with profiled() as app:
        assert "pytest" in (await asgi.request(app, "GET", "/debug/pprof/cmdline")).text


@pytest.mark.parametrize("path", ["/debug/pprof", "/debug/pprof/", "/debug/pprof/profile"])
async def test_without_the_setting_or_a_name_there_is_nothing(path: str) -> None:
    house = House()
    await house.start()
    app = asgi.application(house.plane, asgi.KEYS)
    assert (await asgi.request(app, "GET", path)).status == 401
    if not path.endswith("profile"):
        async with profiled() as app:
            assert (await asgi.request(app, "GET", path)).status == 401


async def test_names_of_go_s_that_mean_nothing_here() -> None:
    async with profiled() as app:
        for name in ("block", "mutex", "trace", "x"):
            reply = await asgi.request(app, "GET", f"/debug/pprof/{name}")
            assert (reply.status, reply.text) == (
                404,
                "Unknown profile: there are cmdline, goroutine, heap, profile\n",
            )
