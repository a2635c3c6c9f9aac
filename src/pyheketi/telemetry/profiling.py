"""Look into the running server: where its processor time goes, what takes memory, what everybody waits for.

Only names of functions, files and line numbers are told, never values. Linux only: time is counted by the kernel.
"""

import asyncio
import contextlib
import signal
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

from pyheketi.telemetry.pprof import Frame, Profile, Stack

_PERIOD = 0.01
"""Seconds of processor time between two looks at all threads, as in Go."""
_NEWS = 0.1
"""Seconds until a new thread is noticed."""
_DEPTH = 24
"""Frames that are kept of an allocation."""


async def processor(seconds: float) -> Profile:
    """Watch all threads for some seconds; return where they spent processor time. In the main thread only.

    The kernel interrupts us each time so much has been spent. A thread that looked by the clock would see others only
    where they let it run, which is where they wait.
    """
    began, sampler = time.time(), _Sampler()
    signal.signal(signal.SIGPROF, sampler.look)
    signal.setitimer(signal.ITIMER_PROF, _PERIOD, _PERIOD)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await asyncio.sleep(_NEWS)
                    sampler.learn()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)  # one may be on its way, and by default it kills
    return Profile(
        kinds=(("samples", "count"), ("cpu", "nanoseconds")),
        samples=sampler.samples,
        began=began,
        lasted=time.time() - began,
        period=int(_PERIOD * 1e9),
    )


class _Sampler:
    """Adds the processor time that a thread has used since the last look to where it is now."""

    def __init__(self) -> None:
        self.samples: dict[Stack, list[int]] = {}
        self._looking = False
        self.learn()
        self._used = dict(self._processor_times())

    def learn(self) -> None:
        """Note which threads there are. To ask takes a lock, which who is interrupted may hold: so not in a look."""
        self._threads = {each.ident: each.native_id for each in threading.enumerate() if each.ident is not None}

    def look(self, _: int, here: FrameType | None) -> None:
        """Handle the signal; ``here`` is where the main thread was interrupted. Where that is a look, it goes on."""
        if self._looking:
            return
        self._looking = True
        try:
            self._add(here)
        finally:
            self._looking = False

    def _processor_times(self) -> Iterator[tuple[int, int]]:
        """Yield threads and the nanoseconds they have run."""
        for ident, native_id in self._threads.items():
            if (used := _processor_time(native_id)) is not None:
                yield ident, used

    def _add(self, here: FrameType | None) -> None:
        frames = sys._current_frames()  # noqa: SLF001  # the documented way
        main = threading.main_thread().ident
        for ident, used in self._processor_times():
            spent = used - self._used.get(ident, 0)
            self._used[ident] = used
            frame = here if ident == main else frames.get(ident)
            if spent > 0 and frame is not None:
                sums = self.samples.setdefault(_stack(frame), [0, 0])
                sums[0] += 1
                sums[1] += spent


def _processor_time(native_id: int | None) -> int | None:
    """Return the nanoseconds that a thread has run, None if it is gone."""
    try:
        return int(Path(f"/proc/self/task/{native_id}/schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _stack(frame: FrameType | None) -> Stack:
    found = []
    while frame is not None:
        found.append(_place(frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)


def _place(code: CodeType, line: int | None) -> Frame:
    return Frame(code.co_qualname, code.co_filename, line or 0, code.co_firstlineno)


async def memory(seconds: float) -> Profile:
    """Note all allocations for some seconds, which slows the server down; return those that are still there."""
    began = time.time()
    tracemalloc.start(_DEPTH)
    try:
        await asyncio.sleep(seconds)
        traces = tracemalloc.take_snapshot().traces
    finally:
        tracemalloc.stop()
    samples: dict[Stack, list[int]] = {}
    for trace in traces:
        # Of an allocation the lines are known, but not the functions.
        stack = tuple(
            Frame(f"{Path(each.filename).name}:{each.lineno}", each.filename, each.lineno) for each in trace.traceback
        )
        sums = samples.setdefault(stack[::-1], [0, 0])
        sums[0] += 1
        sums[1] += trace.size
    kinds = (("inuse_objects", "count"), ("inuse_space", "bytes"))
    return Profile(kinds=kinds, samples=samples, began=began, lasted=time.time() - began)


def waiting() -> str:
    """Return what every thread and every task does now, the innermost place first."""
    frames = sys._current_frames()  # noqa: SLF001  # the documented way
    parts = [_told(f"thread {thread.name}", _stack(frames.get(thread.ident or 0))) for thread in threading.enumerate()]
    parts += [_told(f"task {task.get_name()}", tuple(_awaited(task))[::-1]) for task in asyncio.all_tasks()]
    return "\n".join(parts)


def _awaited(task: "asyncio.Task[object]") -> Iterator[Frame]:
    """Yield where a task is, from its coroutine inwards along what that awaits."""
    found: object = task.get_coro()
    while found is not None:
        frame = getattr(found, "cr_frame", None) or getattr(found, "gi_frame", None)
        if frame is None:
            return
        yield _place(frame.f_code, frame.f_lineno)
        found = getattr(found, "cr_await", None) or getattr(found, "gi_yieldfrom", None)


def _told(name: str, stack: Stack) -> str:
    lines = [f"    {frame.function}\n        {frame.file}:{frame.line}" for frame in stack]
    return "\n".join([f"{name}:", *lines, ""])


def command_line() -> bytes:
    """Return the words the server was started with, separated by zero bytes."""
    return Path("/proc/self/cmdline").read_bytes().rstrip(b"\0")
