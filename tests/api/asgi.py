"""Requests to the application without a socket, for tests that look at every byte."""

import json
from collections.abc import Mapping
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
    headers: Mapping[str, str] | None = None,
) -> Reply:
    sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
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
        "headers": sent if token is None else [*sent, (b"authorization", token.encode("latin-1"))],
    }
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message)

    await app(scope, receive, send)
    start, *parts = answered
    told = {key.decode(): value.decode() for key, value in start["headers"]}
    return Reply(start["status"], told, b"".join(part["body"] for part in parts))
