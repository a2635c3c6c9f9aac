"""The table of endpoints and the way of a request through it: path, token, endpoint, body, handler, answer."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from pyheketi.api import auth, exchange, profiles, waiting
from pyheketi.api.answers import Answer, PartedAnswer, error_answer, text_answer
from pyheketi.api.metrics import Metrics
from pyheketi.api.mode import Gate
from pyheketi.api.profiles import Profiles
from pyheketi.api.remembered import Remembered
from pyheketi.api.waiting import Left
from pyheketi.control_plane.asking import asked_by
from pyheketi.control_plane.control_plane import ControlPlane
from pyheketi.domain import errors
from pyheketi.operations.operation import Asker
from pyheketi.wire.base import Malformed, WireModel, parse

_log = logging.getLogger(__name__)
_access = logging.getLogger("pyheketi.access")

_ID = re.compile(r"[A-Fa-f0-9]+")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has found its endpoint."""

    control_plane: ControlPlane
    gate: Gate
    remembered: Remembered
    id: str
    """The id in the path; empty if its path has none."""
    body: WireModel | None
    """The parsed body; None where an optional body is absent, or none is expected."""
    query: Mapping[str, str]
    """Parameters behind the path, as text; empty where none are expected."""


Handler = Callable[[Call], Awaitable[Answer]]

Wait = Callable[[Call, float | None], Coroutine[Any, Any, bool]]
"""Waits for what the answer depends on, so many seconds at most, as the client wishes; None if it does not say.

Tells whether it did.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str
    """With ``{id}`` where an id stands."""
    handle: Handler
    summary: str
    request: type[WireModel] | None = None
    """What the body is read as."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What may stand behind the path, each with its meaning."""
    optional_body: bool = False
    """Whether the body may be absent."""
    malformed: tuple[int, str] = (422, "request unable to be parsed")
    """Answer to a body that cannot be read."""
    refusal_prefix: str = ""
    """What stands before the reason when a plan is refused."""
    answer: type[WireModel] | None = None
    """What the body of a success is, for the documentation."""
    status: int = 200
    """Of a success, for the documentation."""
    wait: Wait | None = None
    """Comes before ``handle`` where the answer may be worth waiting for."""


class Table:
    """Finds the endpoint of a path. Empty segments do not count, so ``//clusters/`` is ``/clusters``."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        self._shapes: dict[tuple[int, str], list[tuple[list[str], dict[str, Endpoint]]]] = {}
        for endpoint in self.endpoints:
            segments = endpoint.path.strip("/").split("/")
            shapes = self._shapes.setdefault((len(segments), segments[0]), [])
            methods = next((methods for shape, methods in shapes if shape == segments), None)
            if methods is None:
                methods = {}
                shapes.append((segments, methods))
            methods[endpoint.method] = endpoint

    def find(self, path: str) -> tuple[Mapping[str, Endpoint], str]:
        """Return the endpoints of a path by method, and the id in it; none if the path is unknown."""
        segments = [segment for segment in path.split("/") if segment]
        if segments:
            for shape, methods in self._shapes.get((len(segments), segments[0]), ()):
                id_ = ""
                for wanted, segment in zip(shape, segments, strict=True):
                    if wanted == "{id}":
                        id_ = segment
                        if not _ID.fullmatch(segment):
                            break
                    elif wanted != segment:
                        break
                else:
                    return methods, id_
        return {}, ""


class Application:
    """The ASGI application."""

    def __init__(
        self,
        control_plane: ControlPlane,
        table: Table,
        *,
        keys: auth.Keys | None,
        open_pages: Mapping[str, Callable[[], Answer]],
        headers: Mapping[str, str],
        body_limit: int,
        gate: Gate,
        metrics: Metrics,
        profiles: Profiles | None = None,
    ) -> None:
        """Serve.

        Args:
            control_plane: What everything is asked of.
            table: The endpoints.
            keys: Shared secrets; None lets everyone in.
            open_pages: What gives the answers to GET without a token, by path.
            headers: Sent with every answer.
            body_limit: Largest request body in bytes.
            gate: Lets changes in, by the server's mode.
            metrics: Counts requests; shown at ``/metrics`` to everyone.
            profiles: Looks into the server, for everyone; None does not.
        """
        self._control_plane, self._table, self._keys = control_plane, table, keys
        self._open_pages, self._body_limit, self._gate = open_pages, body_limit, gate
        self._metrics, self._profiles = metrics, profiles
        self._remembered = Remembered()
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    def keep_to(self, *, keys: auth.Keys | None, body_limit: int) -> None:
        """Ask for other keys, and take other bodies, from the next request on."""
        self._keys, self._body_limit = keys, body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"no {scope['type']} here")
        began = time.perf_counter()
        method, path = scope["method"], scope["path"]
        try:
            answer = await exchange.fitted(await self._answer(scope, receive), partial(_header, scope))
        except Left as left:
            _log.info("%s %s %s", method, _printable(path), left)
            return
        except errors.Error as error:
            answer = error_answer(error)
        except Exception:  # a bug must not take the connection down, let alone the server  # noqa: BLE001
            _log.exception("%s %s failed unexpectedly", method, path)
            answer = text_answer("Internal error, see the server's log", 500)
        await send(
            {
                "type": "http.response.start",
                "status": answer.status_code,
                "headers": answer.raw_headers + self._headers,
            }
        )
        if isinstance(answer, PartedAnswer):
            for part in answer.parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await asyncio.sleep(0)  # others have their turn
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
        level = logging.DEBUG if method == "GET" and answer.status_code < 400 else logging.INFO
        spent = time.perf_counter() - began - answer.waited
        self._metrics.note(method, answer.status_code, spent)
        if _access.isEnabledFor(level):
            _access.log(level, "%d %s %s %.1f ms", answer.status_code, method, _printable(path), spent * 1000)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"]
        if method == "GET" and (page := self._open_pages.get(path.strip("/"))) is not None:
            return page()
        if method == "GET" and path.strip("/") == "metrics":
            return self._metrics.answer()
        if self._profiles is not None and (name := profiles.named(path)):
            return await self._profiles.answer(name, scope["query_string"].decode("latin-1"))
        role, address = "", (scope.get("client") or ("",))[0]
        if self._keys is not None:
            header = _header(scope, b"authorization")
            try:
                role = auth.authorise(self._keys, header, method, path, time.time())
            except auth.Denied as denied:
                _log.warning("%s %s denied: %s", method, _printable(path), denied.text)
                return text_answer(denied.text, denied.status)
        if not self._gate.admits(method, address):
            return text_answer(self._gate.refusal, 503)
        methods, id_ = self._table.find(path)
        if not methods:
            return text_answer("Invalid path or request", 404)
        if method not in methods:
            return Answer(405)
        plain = address.removeprefix("::ffff:")  # an IPv4 address, as a socket for both kinds has it
        with asked_by(Asker(role=role, address=plain)):
            return await self._call(methods[method], id_, scope, receive)

    async def _call(self, endpoint: Endpoint, id_: str, scope: Scope, receive: Receive) -> Answer:
        body = None
        raw = await self._body(receive) if endpoint.request is not None or _announces_body(scope) else b""
        if raw is None:
            limit = self._body_limit // 1024
            return text_answer(f"request body is too large, the limit is {limit} KiB", 413, {"Connection": "close"})
        if endpoint.request is not None and (raw or not endpoint.optional_body):
            try:
                body = parse(endpoint.request, raw)
            except Malformed as why:
                status, text = endpoint.malformed
                return text_answer(text.format(why), status)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"))) if endpoint.parameters else {}
        call = Call(self._control_plane, self._gate, self._remembered, id_, body, query)
        try:
            if endpoint.wait is not None:
                return await _patient(endpoint.wait, endpoint.handle, call, scope, receive)
            return await endpoint.handle(call)
        except errors.Error as error:
            return error_answer(error, endpoint.refusal_prefix.replace("{id}", id_))

    async def _body(self, receive: Receive) -> bytes | None:
        """Return the whole body, or None if it is larger than allowed.

        Raises:
            Left: it will not come.
        """
        chunks, size, more = [], 0, True
        while more:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                raise Left("was not begun: its client left before all of it had come")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._body_limit:
                return None
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)


async def _patient(wait: Wait, handle: Handler, call: Call, scope: Scope, receive: Receive) -> Answer:
    """Answer after waiting, and tell a client that wished for it."""
    seconds = waiting.wished(scope["headers"])
    if seconds is None:
        await wait(call, None)
        return await handle(call)
    began = time.perf_counter()
    waited = await waiting.while_there(wait(call, seconds), receive)
    spent = time.perf_counter() - began
    answer = await handle(call)
    answer.waited = spent
    if waited:
        answer.raw_headers.append((b"preference-applied", b"wait=%d" % seconds))
    return answer


def _announces_body(scope: Scope) -> bool:
    """Tell whether a body comes with a request, even where none is needed: without it the request is not whole."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _printable(path: str) -> str:
    """Return a path for the log: no line breaks, no escape sequences, no end."""
    return path[:200].encode("unicode_escape").decode()
