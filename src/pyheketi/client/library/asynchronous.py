"""``AsyncHeketiClient``: the importable client for asyncio, on ``httpx2``."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any, Self

import httpx2

from pyheketi.client.library import protocol
from pyheketi.client.library.endpoints import Endpoints, Gives, Options


class AsyncHeketiClient(Endpoints):
    """Calls a Heketi server, ours or the original. Every call returns an awaitable; close it, or use ``async with``."""

    def __init__(
        self,
        host: str,
        user: str,
        key: str,
        verify: bool | str = True,  # as HeketiClient has it
        poll_delay: float = 1,
        *,
        timeout: float | None = 60,
        retry_busy: bool = True,
    ) -> None:
        """Nothing is sent yet; parameters as of ``HeketiClient``."""
        self.host, self.user, self.key = host, user, key
        self.verify, self.poll_delay, self.retry_busy = verify, poll_delay, retry_busy
        trust = ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify
        self._http = httpx2.AsyncClient(verify=trust, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def hello(self) -> bool:
        """Return whether a server answers and lets us in."""
        answer = await self._http.get(f"{self._base}/hello", headers=self._headers("GET", "/hello"))
        return answer.status_code == httpx2.codes.OK

    @property
    def _base(self) -> str:
        return protocol.base_of(self.host)

    def _headers(self, method: str, uri: str) -> dict[str, str]:
        return {"Authorization": protocol.token(self.user, self.key, method, self._base, uri)}

    async def _make_request(self, method: str, uri: str, data: Options | None = None) -> httpx2.Response:
        """Send a request and wait for the job that it may start; return the final answer.

        Raises:
            httpx2.HTTPStatusError: the status is 400 or more; the text ends with what the server said.
        """
        answer = await self._send(method, uri, data)
        if answer.status_code == httpx2.codes.ACCEPTED:
            return await self._get_queued_response(answer.headers["location"])
        return answer

    async def _get_queued_response(self, queue_uri: str) -> httpx2.Response:
        """Wait for the end of a job; return its result. Raises as ``_make_request``."""
        uri = protocol.place_of(queue_uri, self._base)
        while True:
            answer = await self._send("GET", uri)
            if answer.status_code == httpx2.codes.SEE_OTHER:
                return await self._make_request("GET", protocol.place_of(answer.headers["location"], self._base))
            if "X-Pending" not in answer.headers:
                return answer
            await asyncio.sleep(self.poll_delay)

    async def _send(self, method: str, uri: str, data: Options | None = None) -> httpx2.Response:
        """Send a request, again while the server is busy, each time with a fresh token."""
        for _ in range(protocol.TRIES_WHEN_BUSY if self.retry_busy else 1):
            answer = await self._http.request(
                method, self._base + uri, content=protocol.body_of(data), headers=self._headers(method, uri)
            )
            if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS or not self.retry_busy:
                break
            await asyncio.sleep(protocol.pause_when_busy(answer.headers))
        if answer.status_code >= httpx2.codes.BAD_REQUEST:
            text = protocol.failure(answer, answer.reason_phrase, str(answer.url))
            raise httpx2.HTTPStatusError(text, request=answer.request, response=answer)
        return answer

    async def _call(
        self, method: str, uri: str, data: Options | None = None, *, expect: Sequence[int], gives: Gives
    ) -> Any:
        return protocol.wanted(await self._make_request(method, uri, data), expect, gives)
