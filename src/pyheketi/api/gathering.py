"""What is written to a connection in one turn of the loop goes out at once.

An answer is two writes, its head and its body. Sent one by one they cost two calls of the system, and wake the client
for a head that it can do nothing with.
"""

import asyncio
from typing import Any


class GatheringTransport(asyncio.Transport):
    """A transport on another one, whose writes it puts together."""

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._inner, self._loop = inner, loop
        self._gathered: list[bytes | bytearray | memoryview] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write soon."""
        if not self._gathered:
            self._loop.call_soon(self._send)
        self._gathered.append(data)

    def _send(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered and not self._inner.is_closing():
            self._inner.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def close(self) -> None:
        """Send what was written, and close."""
        self._send()
        self._inner.close()

    def abort(self) -> None:
        """Close now."""
        self._inner.abort()

    def is_closing(self) -> bool:
        """Tell whether it is closed or about to be."""
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell something about the connection."""
        return self._inner.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Take nothing from the client."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Take from the client again."""
        self._inner.resume_reading()
