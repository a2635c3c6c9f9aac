"""``HeketiClient``: the importable client on ``requests``, whose errors programs expect."""

import threading
import time
from collections.abc import Sequence
from typing import Any, Self

try:
    import requests
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "HeketiClient needs the package requests: pip install 'pyheketi[client]'. AsyncHeketiClient needs nothing more."
    ) from error

from pyheketi.client.library import protocol
from pyheketi.client.library.endpoints import Endpoints, Gives, Options


class HeketiClient(Endpoints):
    """Calls a Heketi server, ours or the original. May be used by several threads."""

    def __init__(
        self,
        host: str,
        user: str,
        key: str,
        verify: bool | str = True,  # the official client's order
        poll_delay: float = 1,
        *,
        timeout: float | None = 60,
        retry_busy: bool = True,
    ) -> None:
        """Nothing is sent yet.

        Args:
            host: Address of the server, ``http://heketi.example.com:8080``.
            user: ``admin`` or ``user``.
            key: Key of that user.
            verify: Whether to verify the server's certificate, or a file of certificates to trust.
            poll_delay: Seconds between two looks after a job.
            timeout: Seconds to wait for any answer; None for ever.
            retry_busy: Whether to send requests again while the server says that it is busy.
        """
        self.host, self.user, self.key = host, user, key
        self.verify, self.poll_delay = verify, poll_delay
        self.timeout, self.retry_busy = timeout, retry_busy
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    @property
    def _session(self) -> requests.Session:
        """The connections of the calling thread."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            self._sessions.append(session)
        return session

    def hello(self) -> bool:
        """Return whether a server answers and lets us in."""
        headers = self._set_token_in_header("GET", "/hello")
        answer = self._session.get(
            f"{protocol.base_of(self.host)}/hello", headers=headers, verify=self.verify, timeout=self.timeout
        )
        return bool(answer.status_code == requests.codes.ok)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; another call opens new ones."""
        self._local = threading.local()
        while self._sessions:
            self._sessions.pop().close()

    def _set_token_in_header(self, method: str, uri: str, headers: dict[str, str] | None = None) -> dict[str, str]:
        """Return headers with a token for one request; those given are not changed."""
        base = protocol.base_of(self.host)
        return {**(headers or {}), "Authorization": protocol.token(self.user, self.key, method, base, uri)}

    def _make_request(
        self, method: str, uri: str, data: Options | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send a request and wait for the job that it may start; return the final answer.

        Raises:
            requests.exceptions.HTTPError: the status is 400 or more; the text ends with what the server said.
        """
        answer = self._send(method, uri, data, headers)
        if answer.status_code == requests.codes.accepted:
            return self._get_queued_response(answer.headers["location"])
        return answer

    def _get_queued_response(self, queue_uri: str) -> requests.Response:
        """Wait for the end of a job; return its result. Raises as ``_make_request``."""
        uri = protocol.place_of(queue_uri, protocol.base_of(self.host))
        while True:
            answer = self._send("GET", uri)
            if answer.status_code == requests.codes.see_other:
                return self._make_request("GET", protocol.place_of(answer.headers["location"], self._base))
            if "X-Pending" not in answer.headers:
                return answer
            time.sleep(self.poll_delay)

    @property
    def _base(self) -> str:
        return protocol.base_of(self.host)

    def _send(
        self, method: str, uri: str, data: Options | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send a request, again while the server is busy, each time with a fresh token."""
        for _ in range(protocol.TRIES_WHEN_BUSY if self.retry_busy else 1):
            answer = self._session.request(
                method,
                self._base + uri,
                data=protocol.body_of(data),
                headers=self._set_token_in_header(method, uri, headers),
                verify=self.verify,
                timeout=self.timeout,
                allow_redirects=False,
            )
            if answer.status_code != requests.codes.too_many_requests or not self.retry_busy:
                break
            time.sleep(protocol.pause_when_busy(answer.headers))
        if answer.status_code >= requests.codes.bad_request:
            text = protocol.failure(answer, answer.reason, answer.url)
            raise requests.exceptions.HTTPError(text, response=answer)
        return answer

    def _call(self, method: str, uri: str, data: Options | None = None, *, expect: Sequence[int], gives: Gives) -> Any:
        return protocol.wanted(self._make_request(method, uri, data), expect, gives)
