"""What both importable clients do with a request and an answer, without sending anything (clients.md §2, §6)."""

import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from pyheketi.client import tokens
from pyheketi.client.library.endpoints import Gives

TRIES_WHEN_BUSY = 7
"""Times that a request is sent while the server says that it is busy."""


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


def token(user: str, key: str, method: str, base: str, uri: str) -> str:
    """Return the ``Authorization`` header for one request; the prefix of a proxy is part of what is signed."""
    path = urlsplit(base + uri).path
    return tokens.bearer(user, key, method, unquote(path), time.time())


def body_of(data: Mapping[str, Any] | None) -> str | None:
    """Return the body of a request; None for none."""
    return None if data is None else json.dumps(data)


def place_of(location: str, base: str) -> str:
    """Return the path that a ``Location`` header means, without the base's own.

    Raises:
        ValueError: it is another server; a token is not for strangers.
    """
    if location.startswith(base + "/"):
        return location.removeprefix(base)
    parts, ours = urlsplit(location), urlsplit(base)
    if parts.netloc and parts.netloc != ours.netloc:
        raise ValueError(f"the server redirects to {location}, give that server's address instead")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return path.removeprefix(ours.path) if ours.path and path.startswith(ours.path + "/") else path


def pause_when_busy(headers: Mapping[str, str]) -> float:
    """Return seconds until the next try; spread, so that many clients do not come back at once."""
    try:
        return max(0, int(headers.get("Retry-After", "")) + random.randint(0, 9))  # noqa: S311  # nothing secret
    except ValueError:
        return random.randint(10, 29)  # noqa: S311  # nothing secret


def failure(answer: Answered, reason: str, url: str) -> str:
    """Return the text of the error for a status of 400 or more: the official client's, and what the server said."""
    whose = "Client" if answer.status_code < 500 else "Server"
    said = answer.text.strip()
    return f"{answer.status_code} {whose} Error: {reason} for url: {url}{f': {said}' if said else ''}"


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
        case Gives.TEXT:
            return answer.text
        case Gives.BYTES:
            return answer.content
