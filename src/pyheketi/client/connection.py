"""Requests over one kept connection: signed, retried while the server is busy, followed through jobs.

See clients.md §1 and §2.
Proxy variables of the environment are ignored, as the original does.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pyheketi import __version__
from pyheketi.client import address, patience, tls, tokens
from pyheketi.client.errors import ServerError, TransportError
from pyheketi.client.reasons import reason
from pyheketi.client.transport import Answer, NoAnswer, Transport

Progress: TypeAlias = Callable[[str], None]
"""Told what is being waited for, about once a second."""

OK, CREATED, ACCEPTED, NO_CONTENT, UNAUTHORIZED, NOT_FOUND, BUSY = 200, 201, 202, 204, 401, 404, 429

_TO_GET = (301, 302, 303)
_REPEATED = (307, 308)
_MAX_REDIRECTS = 20
_BUSY_RETRIES = 6
_FIRST_POLLS = (0.0, 0.02, 0.05, 0.1, 0.2)
_POLLS = 0.4
"""Seconds between polls of a young job; they grow to ``_SLOWEST_POLLS`` as it gets older."""
_SLOWEST_POLLS = 1.0
_HELD_BACK = patience.wish(1)
"""A server that can answers at the end of the job, and once a second before, for the sake of those who watch."""
_NONE: Mapping[str, str] = {}
_AGENT = f"heketi-cli/{__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who asks."""

    user: str = ""
    """``admin`` or ``user``; empty for a server without authentication."""
    key: str = field(default="", repr=False)


class Connection:
    """Sends requests to one server. Not for use by several threads."""

    def __init__(
        self,
        server: str,
        account: Account,
        trust: tls.Trust,
        *,
        progress: Progress | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is sent yet, but certificate files are read.

        Raises:
            TlsFileError: if a certificate file cannot be used.
        """
        self.executor: str = ""
        """What the server said its nodes are made of; ``mock`` are simulated ones."""
        self._server, self._account = server, account
        self._sleep, self._clock = sleep, clock
        self._progress: Final = progress or (lambda _text: None)
        self._transport = Transport(tls.context_for(trust, system=server.lower().startswith("https:")))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def call(self, method: str, path: str, body: bytes = b"", *, expect: tuple[int, ...] = (OK,)) -> bytes:
        """Return the body of the answer to a request.

        Raises:
            ServerError: if the status is none of ``expect``.
            TransportError: if there is no answer.
        """
        return _expected(self._patiently(method, self._address(method, path).prefix + path, body), *expect)

    def job(self, method: str, path: str, body: bytes = b"", *, expect: int = OK, at_once: int | None = None) -> bytes:
        """Start a job, wait for its end and return the body of its result (rest-api.md §4).

        ``at_once`` is the status of a server that had nothing to do.

        Raises:
            ServerError: if it cannot start, fails, or ends with another status than ``expect``.
            TransportError: if there is no answer. The job may go on at the server.
        """
        path = self._address(method, path).prefix + path
        answer = self._patiently(method, path, body)
        if answer.status == at_once:
            return answer.content
        _expected(answer, ACCEPTED)
        try:
            result = self._finished(self._location(answer, method, path))
        except TransportError as error:
            error.add_note(
                "the server had begun, and goes on by itself when it can: see what came of it before you repeat"
            )
            raise
        return _expected(result, expect)

    def _finished(self, queue: str) -> Answer:
        """Poll a job until it has ended; return its result."""
        polls = 0
        began = self._clock()
        while True:
            asked = self._clock()
            answer = self._patiently("GET", queue, headers=_HELD_BACK)
            if answer.status != OK or answer.headers.get("X-Pending") != "true":
                return answer
            now = self._clock()
            waited = now - began
            if waited >= 1:
                done, _, steps = answer.headers.get("X-Heketi-Progress", "").partition("/")
                told = f", {done} of {steps} steps done" if steps else ""
                self._progress(f"waiting for the server, {waited:.0f} s{told}")
            if patience.held_back(answer.headers, now - asked):
                continue
            usual = min(max(_POLLS, waited / 60), _SLOWEST_POLLS)
            self._sleep(_FIRST_POLLS[polls] if polls < len(_FIRST_POLLS) else usual)
            polls += 1

    def _patiently(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = _NONE) -> Answer:
        """Send a request again while the server is busy."""
        for _ in range(_BUSY_RETRIES):
            answer = self._followed(method, path, body, headers)
            if answer.status != BUSY:
                return answer
            pause = _pause(answer.headers.get("Retry-After"))
            self._progress(f"server busy, trying again in {pause:.0f} s")
            self._sleep(pause)
        return self._followed(method, path, body, headers)

    def _followed(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request and follow redirects.

        A change of anything must not turn into a read by the way: 301 and 302 are only followed for GET.
        """
        for _ in range(_MAX_REDIRECTS):
            answer = self._sent(method, path, body, headers)
            status = answer.status
            follow = status in _REPEATED or status == _TO_GET[-1] or (status in _TO_GET and method == "GET")
            if not follow or "Location" not in answer.headers:
                return answer
            path = self._location(answer, method, path)
            if status in _TO_GET:
                method, body = "GET", b""
        raise TransportError(f'{address.verb(method)} "{path}": stopped after {_MAX_REDIRECTS} redirects')

    def _sent(self, method: str, path: str, body: bytes, more: Mapping[str, str]) -> Answer:
        """Send one request."""
        server = self._address(method, path)
        token = tokens.bearer(self._account.user, self._account.key, method, address.decoded(path), time.time())
        encoding = "identity" if server.local else "gzip"
        headers = {**more, "Authorization": token, "Accept-Encoding": encoding, "User-Agent": _AGENT}
        if body:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._transport.ask(server, method, path, body, headers)
        except NoAnswer as error:
            text = f'{address.verb(method)} "{server.shown}{path}": {reason(error, server)}'
            raise TransportError(text) from error
        self.executor = answer.headers.get("X-Heketi-Executor", self.executor)
        return answer

    def _address(self, method: str, path: str) -> address.Address:
        return address.parse(self._server, method, path)

    def _location(self, answer: Answer, method: str, path: str) -> str:
        location = answer.headers.get("Location")
        if not location:
            raise TransportError("http: no Location header in response")
        return self._address(method, path).resolve(location, path)


def _expected(answer: Answer, *statuses: int) -> bytes:
    if answer.status not in statuses:
        raise ServerError(answer.status, answer.content.decode("utf-8", "replace"))
    return answer.content


def _pause(retry_after: str | None) -> float:
    """Return seconds until the next try; spread, so that many clients do not come back at once."""
    try:
        seconds = int(retry_after or "")
    except ValueError:
        return random.randint(10, 29)  # noqa: S311  # nothing secret
    return max(0, seconds + random.randint(0, 9))  # noqa: S311  # nothing secret
