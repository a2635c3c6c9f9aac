"""A request from its first sending to its final answer, for both importable clients; it sends and waits for nothing.

Each function yields what to send next and is given the answer. Busy servers, redirects and jobs are told apart here
(clients.md §2, §6).
"""

import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import urljoin

from pyheketi.client import patience
from pyheketi.client.library.protocol import Answered, Elsewhere, place_of

TRIES_WHEN_BUSY = 7
"""Times that a request is sent while the server says that it is busy."""

_BUSY, _SEE_OTHER, _FAILED = 429, 303, 400
_MAY_BECOME_GET = (301, 302)
_REPEATED = (307, 308)
_MAX_REDIRECTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to send."""

    method: str
    uri: str
    """Path below the server's address."""
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """What the caller wants to send besides the token."""
    after: float = 0
    """Seconds to wait before it is sent."""


class TooManyRedirects(Exception):
    """The server sends from one place to another without end."""


_Answer = TypeVar("_Answer", bound=Answered)


def asked(ask: Ask, base: str, *, tries: int) -> Generator[Ask, _Answer, _Answer]:
    """Return the answer to a request, which may be that a job has begun.

    Redirects on the same server are followed, each with a token of its own. A change of anything must not turn into a
    read by the way: 301 and 302 are only followed for GET.

    Args:
        ask: What to send.
        base: Address of the server.
        tries: Times that a request is sent while the server is busy.

    Raises:
        Elsewhere: the server redirects to another one.
        TooManyRedirects: it does not stop to redirect.
    """
    for _ in range(_MAX_REDIRECTS):
        answer: _Answer = yield from _patiently(ask, tries)
        onward = _onward(ask, answer, base)
        if onward is None:
            return answer
        ask = onward
    raise TooManyRedirects(f"{ask.method} {base}{ask.uri}: stopped after {_MAX_REDIRECTS} redirects")


def finished(
    queue: str,
    base: str,
    *,
    wait: int,
    poll_delay: float,
    tries: int,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Ask, _Answer, _Answer]:
    """Return the result of a job, whose place is ``queue``; raises as ``asked`` does.

    Args:
        queue: The ``Location`` that the server gave.
        base: Address of the server.
        wait: Seconds that the server is asked to wait for the end; 0 for a look only.
        poll_delay: Seconds between two looks, where it did not wait.
        tries: As of ``asked``.
        clock: Tells seconds.
    """
    first = ask = Ask(method="GET", uri=place_of(queue, base), headers=patience.wish(wait) if wait else {})
    while True:
        began = clock() + ask.after
        answer: _Answer = yield from asked(ask, base, tries=tries)
        if answer.status_code >= _FAILED or "X-Pending" not in answer.headers:
            return answer
        ask = first if patience.held_back(answer.headers, clock() - began) else replace(first, after=poll_delay)


def pause_when_busy(retry_after: str | None) -> float:
    """Return seconds until the next try; spread, so that many clients do not come back at once."""
    try:
        seconds = int(retry_after or "")
    except ValueError:
        return random.randint(10, 29)  # noqa: S311  # nothing secret
    return max(0, seconds + random.randint(0, 9)) if seconds >= 0 else 0  # noqa: S311  # nothing secret


def _patiently(ask: Ask, tries: int) -> Generator[Ask, _Answer, _Answer]:
    for _ in range(tries - 1):
        answer: _Answer = yield ask
        if answer.status_code != _BUSY:
            return answer
        ask = replace(ask, after=pause_when_busy(answer.headers.get("Retry-After")))
    last: _Answer = yield ask
    return last


def _onward(ask: Ask, answer: Answered, base: str) -> Ask | None:
    """Return what to send because of a redirect; None if the answer is none, or is not followed."""
    status = answer.status_code
    if status not in (*_MAY_BECOME_GET, _SEE_OTHER, *_REPEATED) or "Location" not in answer.headers:
        return None
    location = urljoin(base + ask.uri, answer.headers["Location"])
    uri = place_of(location, base)
    becomes_get = status == _SEE_OTHER and ask.method != "GET"
    if uri == ask.uri and not becomes_get:  # the same path of the same host: http instead of https
        raise Elsewhere(location)
    if status in _REPEATED:
        return replace(ask, uri=uri, after=0)
    if status == _SEE_OTHER or ask.method == "GET":
        return Ask(method="GET", uri=uri, headers=ask.headers)
    return None
