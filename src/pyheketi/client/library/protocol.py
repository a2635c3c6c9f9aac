"""What both importable clients make of a request and an answer, without sending anything (clients.md §2, §6)."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from pyheketi.client import tokens
from pyheketi.client.address import decoded, shown
from pyheketi.client.library.endpoints import Gives

CONNECT_SECONDS = 10
"""Seconds to wait for a connection, unless answers are waited for shorter."""

IDLE_SECONDS = 3
"""Seconds that an unused connection is kept: less than servers and proxies do, so that no request is lost."""

_WAIT_SECONDS = 10
"""Seconds that a server is asked to hold back the answer about a job, at most."""

GOES_ON = "the server had begun, and goes on by itself when it can: see what came of it before you repeat"
"""Note for errors while waiting for a job."""

_PORTS = {"http": 80, "https": 443}


class Elsewhere(ValueError):
    """The server redirects to another one; a token is not for strangers."""

    def __init__(self, url: str) -> None:
        super().__init__(f"the server redirects to {shown(url)}, give that server's address instead")


class Answered(Protocol):
    """What HTTP libraries return: as far as it is used here, ``requests`` and ``httpx2`` agree."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, whatever the case of their names."""
        ...

    @property
    def text(self) -> str:
        """The body as text."""
        ...

    @property
    def content(self) -> bytes:
        """The body."""
        ...

    def json(self) -> Any:
        """Return what the body says in JSON."""
        ...


def base_of(host: str) -> str:
    """Return the server's address without slashes at its end."""
    return host.rstrip("/")


def token(user: str, key: str | bytes, method: str, base: str, uri: str) -> str:
    """Return the ``Authorization`` header for one request; the prefix of a proxy is part of what is signed."""
    secret = key if isinstance(key, str) else key.decode("utf-8", "surrogateescape")
    return tokens.bearer(user, secret, method, decoded(urlsplit(base + uri).path), time.time())


def body_of(method: str, data: Mapping[str, Any] | None) -> str | None:
    """Return the body of a request; None for none. The server wants one of every POST."""
    if data is None:
        return "{}" if method == "POST" else None
    return json.dumps(data)


def wait_within(timeout: float | None) -> int:
    """Return the seconds that a server is asked to wait where ``timeout`` ends all waiting; 0 if that is too short."""
    return _WAIT_SECONDS if timeout is None else int(min(_WAIT_SECONDS, timeout / 2))


def queue_of(location: str, base: str, uri: str) -> str:
    """Return where a job is that a request for ``uri`` has begun: a path, or a whole address."""
    return location if location.startswith("/") else urljoin(base + uri, location)


def place_of(location: str, base: str) -> str:
    """Return the path that a ``Location`` header means, without the base's own.

    Servers behind a proxy know neither its prefix nor that it speaks TLS; all requests go to ``base``.

    Raises:
        Elsewhere: it is another server.
    """
    ours = urlsplit(base)
    theirs = urlsplit(urljoin(base + "/", location))
    same_port = theirs.port == ours.port or _port(theirs) == _port(ours)
    if theirs.hostname != ours.hostname or not same_port:
        raise Elsewhere(location)
    path = theirs.path + (f"?{theirs.query}" if theirs.query else "")
    return path.removeprefix(ours.path) if path.startswith(ours.path + "/") else path


def failure(answer: Answered, reason: str, url: str) -> str:
    """Return the text of the error for a status of 400 or more: the official client's, and what the server said."""
    whose = "Client" if answer.status_code < 500 else "Server"
    said = answer.text.strip()
    return f"{answer.status_code} {whose} Error: {reason} for url: {shown(url)}{f': {said}' if said else ''}"


def wanted(answer: Answered, expect: Sequence[int], gives: Gives) -> Any:
    """Return what a call gives of its final answer."""
    fits = answer.status_code in expect
    match gives:
        case Gives.SUCCESS:
            return fits
        case Gives.JSON:
            return answer.json() if fits else None
        case Gives.RESPONSE:
            return answer if fits else None
        case Gives.BYTES:
            return answer.content if fits else None


def _port(url: SplitResult) -> int | None:
    return url.port or _PORTS.get(url.scheme)
