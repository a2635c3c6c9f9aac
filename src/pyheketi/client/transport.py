"""One HTTP connection to a server, kept between requests.

The standard library's client does all that is needed here, and is loaded in a third of the time that others take:
loading is most of what a short command does.
"""

import http.client
import select
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from pyheketi.client.address import Address

_CONNECT = 10.0
"""Seconds that a connection may take, and the agreement on TLS."""
_SILENCE = 300.0
"""Seconds that a server may say nothing."""
_KEPT = 3.0
"""Seconds after which an idle connection is not used again: no server closes it so soon, so no request is lost."""
_AS_THEY_ARE = "%!$&'()*+,/:;=?@[]~"
"""Characters that may stand in a path beside letters and digits."""
_GZIP = 31
"""The window of zlib for documents with gzip's header."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    """Found whatever the case of their names."""
    content: bytes


class NoAnswer(Exception):  # told in words by ``reasons``
    """A request has got no answer; the cause is what the libraries said."""

    def __init__(self, *, connecting: bool) -> None:
        super().__init__()
        self.connecting = connecting
        """Whether there was no connection, so that nothing can have been sent."""


class Transport:
    """Sends requests, one at a time. Proxies of the environment are not asked."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """``context`` says whom to trust where the address is ``https``; nothing is sent yet."""
        self._context = context
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def ask(self, address: Address, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request and return the answer, whatever its status. It is always the same server.

        Raises:
            NoAnswer: there is none, or only a part of it.
        """
        try:
            connection = self._connected(address)
        except (OSError, ValueError) as error:  # names that nobody may have are a ValueError
            raise NoAnswer(connecting=True) from error
        target = quote(path.partition("#")[0], safe=_AS_THEY_ARE, errors="surrogateescape")
        try:
            connection.request(method, target, body or None, dict(headers))
            with connection.getresponse() as response:
                content = response.read()
            if content and response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
                content = zlib.decompress(content, _GZIP)
        except (OSError, http.client.HTTPException, zlib.error) as error:
            self.close()
            raise NoAnswer(connecting=False) from error
        except BaseException:
            self.close()
            raise
        self._used = time.monotonic()
        return Answer(response.status, cast("Mapping[str, str]", response.headers), content)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self, address: Address) -> http.client.HTTPConnection:
        kept = self._connection
        if kept is not None and kept.sock and time.monotonic() - self._used < _KEPT and not _has_news(kept.sock):
            return kept
        self.close()
        if address.secure:
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                address.host, address.port, timeout=_CONNECT, context=self._context
            )
        else:
            made = http.client.HTTPConnection(address.host, address.port, timeout=_CONNECT)
        try:
            made.connect()
        except BaseException:
            made.close()
            raise
        made.sock.settimeout(_SILENCE)
        self._connection = made
        return made


def _has_news(idle: socket.socket) -> bool:
    """Tell whether something has come on a connection on which nothing was asked: the other side has closed it."""
    poll = select.poll()
    poll.register(idle, select.POLLIN)
    return bool(poll.poll(0))
