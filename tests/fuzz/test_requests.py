"""Requests of all sorts to the application: always an answer, never a fault of ours, and refusals change nothing."""

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api import asgi
from tests.depth import often
from tests.house import House

from pyheketi.api.table import table

ENDPOINTS = [each for each in table().endpoints if each.path not in {"/admin", "/internal/logging"}]
NAMES = sorted(
    {name for each in ENDPOINTS if each.request for name in each.request.model_fields}
    | {"size", "replica", "manage", "storage", "type", "enable", "factor"}
)

words = st.sampled_from(
    ["", "online", "failed", "none", "disperse", "/dev/sdb", "$(reboot)", "a\n", "\x00", "-f", "é", "\ud800"]
)
numbers = st.sampled_from([0, 1, -1, 3, 2**31, 2**63, -(2**63) - 1, 1.5, 1e300, 1e-300])
scalars = st.one_of(words, st.text(max_size=20), numbers, st.booleans(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | words, inner, max_size=4),
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
odd_bodies = st.one_of(
    st.binary(max_size=50),
    st.sampled_from(
        [b"[" * 100_000, b'{"size":' * 5000, b'{"size":1e999}', b'{"size":' + b"9" * 5000 + b"}", b"\xff\xfe{}"]
    ),
)


@st.composite
def requests(draw: st.DrawFn, ids: list[str]) -> tuple[str, str, bytes]:
    endpoint = draw(st.sampled_from(ENDPOINTS))
    id_ = draw(st.sampled_from([*ids, "0" * 32, "F", "g", "..", "%00", "é" * 5000]))
    method = draw(st.sampled_from([endpoint.method] * 9 + ["GET", "HEAD", "PATCH", "BREW", ""]))
    odd = draw(st.integers(0, 5)) == 0
    body = draw(odd_bodies) if odd else json.dumps(draw(objects)).encode()
    return (
        method,
        endpoint.path.replace("{id}", id_) + draw(st.sampled_from(["", "", "/", "//", "?a=%ff", "\ud800"])),
        body,
    )


class Furnished:
    """A small house behind an application, new for each example."""

    async def make(self) -> "Furnished":
        self.house = House()
        await self.house.start()
        await self.house.furnish()
        await self.house.create()
        self.app = asgi.application(self.house.plane, body_limit=2**20)
        return self

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.house.topology.entities()]


IDS = asyncio.run(Furnished().make()).ids
"""The same in every house."""


@settings(max_examples=often(50, 10_000), suppress_health_check=list(HealthCheck))
@given(asked=st.lists(requests(IDS), min_size=1, max_size=6))
def test_whatever_is_asked_there_is_an_answer(
    asked: list[tuple[str, str, bytes]], request: pytest.FixtureRequest
) -> None:
    async def live() -> None:
        world = await Furnished().make()
        for method, path, body in asked:
            before, nodes = world.house.topology, world.house.inventory()
            reply = await asgi.request(world.app, method, path, body)
            assert b"Internal error" not in reply.body, (method, path, body)
            assert 200 <= reply.status < 600
            assert reply.status < 400 or reply.body or method == "HEAD" or reply.status == 405
            if reply.status in {400, 404, 405, 413, 422}:
                assert (world.house.topology, world.house.inventory()) == (before, nodes)
            await world.house.plane.settle()
        assert world.house.topology is not None  # its invariants hold
        await world.house.crash()

    caught = _Bugs()
    logging.getLogger("pyheketi").addHandler(caught)
    try:
        asyncio.run(live())
    finally:
        logging.getLogger("pyheketi").removeHandler(caught)
    assert caught.found == []


class _Bugs(logging.Handler):
    """Keeps what is logged with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(record.getMessage())
