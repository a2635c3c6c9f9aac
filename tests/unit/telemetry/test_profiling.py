"""A look at all threads may come anywhere: between any two instructions of the main thread."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyheketi.telemetry import profiling
from pyheketi.telemetry.pprof import Profile


@pytest.fixture
def busy() -> Iterator[threading.Thread]:
    """A thread that uses processor time."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    stop.set()
    thread.join()


def test_a_look_takes_no_lock(busy: threading.Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = profiling._Sampler()
    used = Path(f"/proc/self/task/{busy.native_id}/schedstat")
    before = used.read_text()
    while used.read_text() == before:
        pass

    def held() -> list[threading.Thread]:
        raise AssertionError("who is interrupted may hold the lock that this takes")

    monkeypatch.setattr(threading, "enumerate", held)
    sampler.look(0, sys._getframe())
    assert any(frame.function.endswith("work") for stack in sampler.samples for frame in stack)


def test_a_look_within_a_look_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = profiling._Sampler()
    depth = 0

    def interrupted(_: int | None) -> int:
        nonlocal depth
        depth += 1
        assert depth < 100
        sampler.look(0, sys._getframe())
        return depth

    monkeypatch.setattr(profiling, "_processor_time", interrupted)
    sampler.look(0, sys._getframe())
    assert depth == threading.active_count()
    sampler.look(0, sys._getframe())
    assert depth == 2 * threading.active_count()


def test_a_thread_that_begins_meanwhile_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "_NEWS", 0.01)

    def late() -> None:
        while not stop.is_set():
            sum(range(1000))

    async def story() -> Profile:
        watching = asyncio.create_task(profiling.processor(0.5))
        await asyncio.sleep(0.05)
        thread = threading.Thread(target=late)
        thread.start()
        profile = await watching
        stop.set()
        thread.join()
        return profile

    stop = threading.Event()
    assert any(frame.function.endswith("late") for stack in asyncio.run(story()).samples for frame in stack)
