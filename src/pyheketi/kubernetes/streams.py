"""Programs in containers: the exec sub-protocol over a WebSocket, ``v5`` or ``v4.channel.k8s.io``.

Every message begins with a byte that tells the channel: 0 standard input, 1 standard output, 2 standard error, 3 the
end, a JSON document.
"""

import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from pyheketi.kubernetes.access import Access
from pyheketi.kubernetes.api import ApiError, authorization, no_answer, refusal

_frames = logging.getLogger(f"{__name__}.frames")
_frames.setLevel(logging.WARNING)  # at debug it would tell the token

_PROTOCOLS = (Subprotocol("v5.channel.k8s.io"), Subprotocol("v4.channel.k8s.io"))
_STDIN, _STDOUT, _STDERR, _END = 0, 1, 2, 3
_PIECE = 32 * 1024
"""Bytes of the largest message we send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A container."""

    namespace: str
    pod: str
    container: str

    def __str__(self) -> str:
        return f"pod:{self.pod} c:{self.container} ns:{self.namespace}"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended."""

    status: int
    """Exit status; 1 if the API server does not tell."""
    message: str = ""
    """Why, if it could not be run."""


class Stream:
    """The inputs and outputs of a program that runs in a container."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.ending: Ending | None = None
        """How it ended; nothing while it runs, and when the connection broke."""

    async def send(self, words: bytes) -> None:
        """Give it something to read. Nothing happens if the connection is closed: reading tells."""
        with contextlib.suppress(ConnectionClosed):
            for start in range(0, len(words), _PIECE):
                await self._connection.send(bytes([_STDIN]) + words[start : start + _PIECE])

    async def words(self) -> AsyncGenerator[tuple[bytes, bool], None]:
        """Yield what it says, and whether on standard error, until it has ended or the connection is closed."""
        with contextlib.suppress(ConnectionClosed):
            while self.ending is None:
                message = await self._connection.recv(decode=False)
                channel, words = message[:1], message[1:]
                if channel == bytes([_END]):
                    self.ending = ending_of(words)
                elif words and channel in {bytes([_STDOUT]), bytes([_STDERR])}:
                    yield words, channel == bytes([_STDERR])

    async def close(self) -> None:
        """Let go of it; it finds the end of its input."""
        await self._connection.close()


async def run_in(target: Target, words: Sequence[str], access: Access, *, patience: float = 10.0) -> Stream:
    """Start a program in a container.

    Args:
        target: the container.
        words: program and arguments.
        access: the API server.
        patience: seconds to wait for the connection.

    Raises:
        ApiError: it refused or did not answer; nothing was started.
    """
    path = f"/api/v1/namespaces/{quote(target.namespace, safe='')}/pods/{quote(target.pod, safe='')}/exec"
    flags = [("stdin", "true"), ("stdout", "true"), ("stderr", "true"), ("tty", "false")]
    query = urlencode([("container", target.container), *(("command", word) for word in words), *flags])
    secure = access.server.startswith("https")
    try:
        connection = await connect(
            f"ws{access.server.removeprefix('http')}{path}?{query}",
            subprotocols=_PROTOCOLS,
            additional_headers=authorization(access),
            ssl=access.tls if secure else None,
            proxy=None,
            compression=None,
            open_timeout=patience,
            ping_interval=20,
            ping_timeout=40,
            close_timeout=1,
            max_size=None,
            logger=_frames,
        )
    except InvalidStatus as error:
        raise refusal(error.response.status_code, bytes(error.response.body or b"")) from error
    except (InvalidHandshake, InvalidMessage, InvalidURI, OSError, TimeoutError) as error:
        raise no_answer(access, error) from error
    if connection.subprotocol is None:
        await connection.close()
        raise ApiError(f"the API server {access.server} knows none of {', '.join(_PROTOCOLS)}: it is too old, or none")
    return Stream(connection)


def ending_of(document: bytes) -> Ending:
    """Return how a program ended, as the API server tells it in JSON."""
    try:
        told = json.loads(document)
        if told["status"] == "Success":
            return Ending(0)
        causes = told.get("details", {}).get("causes") or []
        status = next((int(each["message"]) for each in causes if each.get("reason") == "ExitCode"), 1)
        return Ending(status, str(told.get("message", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Ending(1, document.decode(errors="replace"))
