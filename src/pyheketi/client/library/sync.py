"""``HeketiClient``: the importable client on ``requests``, whose errors programs expect."""

import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Self

try:
    import requests
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "HeketiClient needs the package requests: pip install 'pyheketi[client]'. AsyncHeketiClient needs nothing more."
    ) from error

from pyheketi.client.library import protocol, talk
from pyheketi.client.library.endpoints import Endpoints, Gives, Options
from pyheketi.client.library.looks import Looks
from pyheketi.client.library.sessions import Sessions

_OK = 200
_LOST = (requests.exceptions.ConnectionError, requests.exceptions.Timeout, requests.exceptions.InvalidURL)


class HeketiClient(Endpoints[Any, bool, requests.Response | None, bytes | None]):
    """Calls a Heketi server, ours or the original. May be used by several threads."""

    def __init__(
        self,
        host: str,
        user: str,
        key: str | bytes,
        verify: bool | str = True,  # the official client's order
        poll_delay: float = 1,
        *,
        timeout: float | None = 300,
        retry_busy: bool = True,
    ) -> None:
        """Nothing is sent yet.

        Args:
            host: Address of the server, ``http://heketi.example.com:8080``.
            user: ``admin`` or ``user``.
            key: Key of that user.
            verify: Whether to verify the server's certificate, or a file or directory of certificates to trust.
            poll_delay: Seconds between two looks after a job, if the server cannot wait for its end itself.
            timeout: Seconds to wait for any answer, and 10 at most for a connection; None for ever.
            retry_busy: Whether to send requests again while the server says that it is busy.
        """
        self.host, self.user, self.key = host, user, key
        self.verify, self.poll_delay = verify, poll_delay
        self.timeout, self.retry_busy = timeout, retry_busy
        self._sessions = Sessions()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; another call opens new ones."""
        self._sessions.close()

    def hello(self) -> bool:
        """Return whether a server answers."""
        return self._send(talk.Ask(method="GET", uri="/hello")).status_code == _OK

    def _set_token_in_header(self, method: str, uri: str, headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return headers with a token for one request; those given are not changed."""
        return {**(headers or {}), "Authorization": protocol.token(self.user, self.key, method, self._base, uri)}

    def _make_request(
        self, method: str, uri: str, data: Options | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send a request and wait for the job that it may start; return the final answer.

        Raises:
            requests.exceptions.HTTPError: the status is 400 or more; the text ends with what the server said.
            requests.exceptions.RequestException: there is no answer, or the server redirects to another one.
        """
        ask = talk.Ask(method=method, uri=uri, body=protocol.body_of(method, data), headers=headers or {})
        answer = self._hold(talk.asked(ask, self._base, tries=self._tries))
        if answer.status_code == requests.codes.accepted:
            return self._get_queued_response(protocol.queue_of(answer.headers["location"], self._base, uri))
        return answer

    def _get_queued_response(self, queue_uri: str) -> requests.Response:
        """Wait for the end of a job; return its result. Raises as ``_make_request``."""
        try:
            return self._hold(
                talk.finished(
                    queue_uri,
                    self._base,
                    wait=protocol.wait_within(self.timeout),
                    poll_delay=self.poll_delay,
                    tries=self._tries,
                )
            )
        except _LOST as error:
            error.add_note(protocol.GOES_ON)
            raise

    @property
    def _base(self) -> str:
        return protocol.base_of(self.host)

    @property
    def _tries(self) -> int:
        return talk.TRIES_WHEN_BUSY if self.retry_busy else 1

    def _hold(self, conversation: Generator[talk.Ask, requests.Response, requests.Response]) -> requests.Response:
        """Send and wait as told; return the last answer unless it is a failure."""
        try:
            ask = next(conversation)
            while True:
                if ask.after:
                    time.sleep(ask.after)
                ask = conversation.send(self._send(ask))
        except StopIteration as end:
            answer: requests.Response = end.value
        except protocol.Elsewhere as error:
            raise requests.exceptions.InvalidURL(str(error)) from error
        except talk.TooManyRedirects as error:
            raise requests.exceptions.TooManyRedirects(str(error)) from error
        if answer.status_code >= requests.codes.bad_request:
            raise requests.exceptions.HTTPError(protocol.failure(answer, answer.reason, answer.url), response=answer)
        return answer

    def _send(self, ask: talk.Ask) -> requests.Response:
        """Send one request with a token of its own."""
        connect = None if self.timeout is None else min(self.timeout, protocol.CONNECT_SECONDS)
        answer = self._sessions.mine().request(
            ask.method,
            self._base + ask.uri,
            data=ask.body,
            headers=self._set_token_in_header(ask.method, ask.uri, ask.headers),
            verify=self.verify,
            timeout=(connect, self.timeout),
            allow_redirects=False,
        )
        self._sessions.rest()
        return answer

    def _call(self, method: str, uri: str, data: Options | None = None, *, expect: Sequence[int], gives: Gives) -> Any:
        return protocol.wanted(self._make_request(method, uri, data), expect, gives)

    def _look(self, looks: Looks) -> Any:
        try:
            look = next(looks)
            while True:
                look = looks.send(self._seen(look.uri, gone=look.may_be_gone))
        except StopIteration as end:
            return end.value

    def _seen(self, uri: str, *, gone: bool) -> Any:
        try:
            return self._json("GET", uri)
        except requests.exceptions.HTTPError as error:
            if gone and error.response.status_code == requests.codes.not_found:
                return None
            raise
