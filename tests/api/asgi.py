"""Requests to the application without a socket, for tests that look at every byte."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.types import Message

from pyheketi.api import openapi
from pyheketi.api.auth import Keys
from pyheketi.api.endpoint import Application
from pyheketi.api.metrics import Metrics
from pyheketi.api.mode import Gate
from pyheketi.api.profiles import Profiles
from pyheketi.api.table import table
from pyheketi.control_plane.control_plane import ControlPlane

KEYS = Keys(admin="adminkey", user="userkey")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def application(
    plane: ControlPlane, keys: Keys | None = None, body_limit: int = 4096, profiles: Profiles | None = None
) -> Application:
    endpoints = table()
    pages = openapi.open_pages(endpoints.endpoints, "0")
    return Application(
        plane,
        endpoints,
        keys=keys,
        open_pages=pages,
        headers={},
        body_limit=body_limit,
        gate=Gate(),
        metrics=Metrics(plane),
        profiles=profiles,
    )


async def request(
    app: Application,
    method: str,
    path: str,
    body: bytes | str | object = b"",
    token: str | None = None,
    peer: str = "192.0.2.1",
    headers: Iterable[tuple[str, str]] = (),
) -> Reply:
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
    bare, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": bare,
        "client": (peer, 40000),
        "query_string": query.encode(),
        "headers": [
            *([] if token is None else [(b"authorization", token.encode("latin-1"))]),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in headers),
        ],
    }
    sent: list[Message] = []
    coming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not coming:
            await asyncio.Future()  # the client stays
        return coming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    told = {key.decode(): value.decode() for key, value in start["headers"]}
    return Reply(start["status"], told, b"".join(part["body"] for part in parts))
