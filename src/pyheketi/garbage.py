"""Keep Python's collector from going through everything that lasts again and again.

What the server knows is some hundred thousand small values at ten thousand volumes, and nothing of it is ever garbage
that counting references does not find. A full collection would look at each of them, while nobody is answered, every
time that they have become a quarter more. Here each looks at what is new since the one before, and once a day at
everything, for cycles that have died late.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Iterator, Mapping

DAY = 24 * 3600.0
"""Seconds between looks at everything."""


@contextlib.contextmanager
def none_while_starting() -> Iterator[None]:
    """Make what lasts, without a collection in between."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.asynccontextmanager
async def collected_once(*, every: float = DAY) -> AsyncIterator[None]:
    """Have what survives a full collection left alone by the next; look at everything ``every`` so many seconds."""
    gc.callbacks.append(_leave_survivors)
    looking = asyncio.create_task(_look_at_everything(every))
    try:
        yield
    finally:
        looking.cancel()
        gc.callbacks.remove(_leave_survivors)
        gc.unfreeze()


def _leave_survivors(phase: str, about: Mapping[str, int]) -> None:
    if phase == "stop" and about["generation"] == 2:
        gc.freeze()


async def _look_at_everything(every: float) -> None:
    while True:
        await asyncio.sleep(every)
        gc.unfreeze()
        gc.collect()
