"""Both importable clients behind one face, so that one test serves both."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx2
import requests
from tests.scripted_server import Asked, Canned, Script

from pyheketi import AsyncHeketiClient, HeketiClient

Make: TypeAlias = Callable[..., Any]
"""Makes either client for an address."""

KEY = "adminkey"
ERRORS = (requests.exceptions.HTTPError, httpx2.HTTPStatusError)
"""Either client's error for a status of 400 or more."""
NO_ANSWER = (requests.exceptions.ConnectionError, httpx2.ConnectError)
ASTRAY = (requests.exceptions.InvalidURL, httpx2.RemoteProtocolError)
"""Either client's error for a redirect to another server."""


class Blocking:
    """The async client, call by call."""

    def __init__(self, url: str, user: str = "admin", key: str | bytes = KEY, **more: Any) -> None:
        self.inner = AsyncHeketiClient(url, user, key, **more)
        self.loop = asyncio.new_event_loop()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return lambda *words, **named: self.loop.run_until_complete(found(*words, **named))

    def close(self) -> None:
        self.loop.run_until_complete(self.inner.aclose())
        self.loop.close()


def connect(kind: str, url: str, user: str = "admin", key: str | bytes = KEY, **more: Any) -> Any:
    """Return a client that is ``sync`` or ``async`` inside."""
    return HeketiClient(url, user, key, **more) if kind == "sync" else Blocking(url, user, key, **more)


def answer_of(error: BaseException) -> Any:
    """Return the response that either client's error has."""
    return vars(error)["response"]


def claims(request: Asked) -> dict[str, Any]:
    """Return what a request's token says."""
    kind, token = request.headers["Authorization"].split(" ")
    assert kind == "bearer"
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


PENDING = Canned(headers={"X-Pending": "true"})
BUSY = Canned(429, "Server busy. Retry operation later.\n", {"Retry-After": "-1"})
"""For a client that does not wait then."""
VOLUME = {"id": "v"}


def to(location: str, status: int = 202) -> Canned:
    return Canned(status, headers={"Location": location})


def deletion(*polls: Canned, location: str = "/queue/1") -> Script:
    """Answers to the deletion of the volume."""
    return {("DELETE", "/volumes/v"): [to(location)], ("GET", "/queue/1"): polls}
