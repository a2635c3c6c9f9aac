"""Waiting for moments that may be moved meanwhile, as new settings move them."""

import asyncio
import contextlib
import math
from collections.abc import Callable


class Alarm:
    """Lets chores wait. Moments are times of the event loop's clock; an infinite one never comes."""

    def __init__(self) -> None:
        self._moved = asyncio.Event()

    async def at(self, moment: Callable[[], float]) -> None:
        """Wait for what ``moment`` tells: it is asked now, and again whenever moments were moved."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # who is late every time lets others in all the same
        while (left := moment() - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(left) else left):
                    await self._moved.wait()

    def moved(self) -> None:
        """Tell those who wait to ask again."""
        self._moved.set()
        self._moved.clear()
