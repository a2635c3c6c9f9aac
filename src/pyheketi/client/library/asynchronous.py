"""``AsyncHeketiClient``: the importable client for asyncio, on ``httpx2``."""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

import httpx2

from pyheketi.client import tls
from pyheketi.client.library import protocol, talk
from pyheketi.client.library.endpoints import Endpoints, Gives, Options
from pyheketi.client.library.looks import Looks

_Given = TypeVar("_Given")
_Later: TypeAlias = Coroutine[Any, Any, _Given]

_CONNECTIONS = 32
"""At once, as Heketi's own client has it; more requests wait."""
_WAITING = _CONNECTIONS // 2
"""Jobs that have a connection each until they end; the others are polled, so that there are some left."""


class AsyncHeketiClient(Endpoints[_Later[Any], _Later[bool], _Later[httpx2.Response | None], _Later[bytes | None]]):
    """Calls a Heketi server, ours or the original. Every call is awaited; close it, or use ``async with``."""

    def __init__(
        self,
        host: str,
        user: str,
        key: str | bytes,
        verify: bool | str = True,  # as HeketiClient has it
        poll_delay: float = 1,
        *,
        timeout: float | None = 300,
        retry_busy: bool = True,
    ) -> None:
        """Nothing is sent yet, but certificates are read; parameters as of ``HeketiClient``.

        Raises:
            TlsFileError: the file of certificates cannot be used.
        """
        self.host, self.user, self.key = host, user, key
        self.verify, self.poll_delay = verify, poll_delay
        self.timeout, self.retry_busy = timeout, retry_busy
        self._jobs = 0
        connect = None if timeout is None else min(timeout, protocol.CONNECT_SECONDS)
        self._http = httpx2.AsyncClient(
            verify=_trust(verify),
            timeout=httpx2.Timeout(timeout, connect=connect, pool=None),
            limits=httpx2.Limits(max_connections=_CONNECTIONS, keepalive_expiry=protocol.IDLE_SECONDS),
            auth=_signed_already,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def hello(self) -> bool:
        """Return whether a server answers."""
        answer = await self._send(talk.Ask(method="GET", uri="/hello"))
        return answer.status_code == httpx2.codes.OK

    def _set_token_in_header(self, method: str, uri: str, headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return headers with a token for one request; those given are not changed."""
        return {**(headers or {}), "Authorization": protocol.token(self.user, self.key, method, self._base, uri)}

    async def _make_request(
        self, method: str, uri: str, data: Options | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Send a request and wait for the job that it may start; return the final answer.

        Raises:
            httpx2.HTTPStatusError: the status is 400 or more; the text ends with what the server said.
            httpx2.RequestError: there is no answer, or the server redirects to another one.
        """
        ask = talk.Ask(method=method, uri=uri, body=protocol.body_of(method, data), headers=headers or {})
        answer = await self._hold(talk.asked(ask, self._base, tries=self._tries))
        if answer.status_code == httpx2.codes.ACCEPTED:
            return await self._get_queued_response(protocol.queue_of(answer.headers["location"], self._base, uri))
        return answer

    async def _get_queued_response(self, queue_uri: str) -> httpx2.Response:
        """Wait for the end of a job; return its result. Raises as ``_make_request``."""
        try:
            with self._waiting() as wait:
                return await self._hold(
                    talk.finished(queue_uri, self._base, wait=wait, poll_delay=self.poll_delay, tries=self._tries)
                )
        except httpx2.TransportError as error:
            error.add_note(protocol.GOES_ON)
            raise

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[int]:
        """Yield how long the server is asked to wait for a job, in seconds; 0 where others keep it waiting enough."""
        self._jobs += 1
        try:
            yield protocol.wait_within(self.timeout) if self._jobs <= _WAITING else 0
        finally:
            self._jobs -= 1

    @property
    def _base(self) -> str:
        return protocol.base_of(self.host)

    @property
    def _tries(self) -> int:
        return talk.TRIES_WHEN_BUSY if self.retry_busy else 1

    async def _hold(self, conversation: Generator[talk.Ask, httpx2.Response, httpx2.Response]) -> httpx2.Response:
        """Send and wait as told; return the last answer unless it is a failure."""
        try:
            ask = next(conversation)
            while True:
                if ask.after:
                    await asyncio.sleep(ask.after)
                ask = conversation.send(await self._send(ask))
        except StopIteration as end:
            answer: httpx2.Response = end.value
        except protocol.Elsewhere as error:
            raise httpx2.RemoteProtocolError(str(error)) from error
        except talk.TooManyRedirects as error:
            raise httpx2.TooManyRedirects(str(error)) from error
        if answer.status_code >= httpx2.codes.BAD_REQUEST:
            text = protocol.failure(answer, answer.reason_phrase, str(answer.url))
            raise httpx2.HTTPStatusError(text, request=answer.request, response=answer)
        return answer

    async def _send(self, ask: talk.Ask) -> httpx2.Response:
        """Send one request with a token of its own."""
        headers = self._set_token_in_header(ask.method, ask.uri, ask.headers)
        return await self._http.request(ask.method, self._base + ask.uri, content=ask.body, headers=headers)

    async def _call(
        self, method: str, uri: str, data: Options | None = None, *, expect: Sequence[int], gives: Gives
    ) -> Any:
        return protocol.wanted(await self._make_request(method, uri, data), expect, gives)

    async def _look(self, looks: Looks) -> Any:
        try:
            look = next(looks)
            while True:
                look = looks.send(await self._seen(look.uri, gone=look.may_be_gone))
        except StopIteration as end:
            return end.value

    async def _seen(self, uri: str, *, gone: bool) -> Any:
        try:
            return await self._json("GET", uri)
        except httpx2.HTTPStatusError as error:
            if gone and error.response.status_code == httpx2.codes.NOT_FOUND:
                return None
            raise


def _trust(verify: bool | str) -> bool | ssl.SSLContext:
    if isinstance(verify, bool):
        return verify
    if Path(verify).is_dir():
        return ssl.create_default_context(capath=verify)
    return tls.context_for(tls.Trust(certificates=(verify,)))


def _signed_already(request: httpx2.Request) -> httpx2.Request:
    """Keep the token: httpx2 would put a name and password that the address has in its place."""
    return request
