"""Exchanges recorded from the original, replayed: statuses, headers, texts, fields and their order.

Ids and placement differ from run to run, so ids are matched as they appear, and lists of objects are compared without
regard to their order, which follows ids.
"""

import ast
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from tests.api import asgi
from tests.api.tokens import token
from tests.differences import requests
from tests.house import House
from tests.shared import golden

from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.limits import Limits
from pyheketi.telemetry import log

pytestmark = pytest.mark.anyio

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")

_SINCE = re.compile(r"expired by (\d+h\d+m\d+s|[56]s)")

ARBITER = re.compile('"size":(163840|81920)')
"""Ours are 300 MiB at least: mkfs.xfs makes no smaller file systems any more."""


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    body: str
    status: int
    headers: dict[str, str]
    answer: str
    ending: tuple[int, dict[str, str], str] | None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body}"


def _exchanges(section: str) -> Iterator[Exchange]:
    text = golden("http.txt")
    start = text.index(f"## {section}")
    end = text.find("\n## ", start)
    for block in text[start : None if end < 0 else end].split("\n>> ")[1:]:
        lines = block.split("\n")
        method, path, body = [*lines[0].split(" ", 2), ""][:3]
        status, headers = re.fullmatch(r"\s+(\d+) [\w -]+? (\{.*\})", lines[1]).groups()  # type: ignore[union-attr]  # the file's form
        ending = None
        if len(lines) > 3 and "async ->" in lines[3]:
            code, more, said = re.fullmatch(r"\s+async -> (\d+) (\{.*?\}) (.*)", lines[3]).groups()  # type: ignore[union-attr]  # the file's form
            ending = (int(code), ast.literal_eval(more), ast.literal_eval(said))
        yield Exchange(
            method, path, body, int(status), ast.literal_eval(headers), ast.literal_eval(lines[2].strip()), ending
        )


def _shape(value: Any) -> Any:
    """Return what is left of an answer when ids, sizes that follow placement and orders that follow ids are gone."""
    match value:
        case {"iqn": _, "username": user, "password": password}:
            return [len(value["hosts"]), value["lun"], bool(user), bool(password)]  # chosen by chance, or by the mock
        case dict():
            kept = {key: _shape(each) for key, each in value.items() if key not in ("paths", "pv_uuid")}
            if "free" in kept:
                kept |= {"free": kept["free"] + kept["used"], "used": None}
            return list(kept.items())
        case list():
            return sorted((_shape(each) for each in value), key=repr)
        case str():
            text = re.sub(r"^/dev/sd\w+$", "/dev/sd?", _ID.sub("ID", value))
            text = re.sub(r"^(10\.0\.0\.\d+,)+10\.0\.0\.\d+$", lambda found: "IP" * found[0].count(","), text)
            return sorted(text.split(",")) if "," in text else re.sub(r"^[\w.]+:(?=vol|myvol)", "HOST:", text)
        case _:
            return value


class Replay:
    """Sends what was recorded, with our ids in the place of the recorded ones."""

    def __init__(self, house: House) -> None:
        self.house, self.ids = house, dict[str, str]()
        self.devices: set[str] = set()
        self.app = asgi.application(house.plane)

    def ours(self, text: str) -> str:
        return _ID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def learn(self, recorded: str, found: str) -> None:
        theirs, ours = _ID.findall(recorded), _ID.findall(found)
        if len(theirs) == len(ours):
            self.ids.update({each: mine for each, mine in zip(theirs, ours, strict=True) if each not in self.ids})

    def compare(self, what: str, recorded: tuple[int, dict[str, str], str], found: asgi.Reply) -> None:
        status, headers, answer = recorded
        assert found.status == status, f"{what}: {found.text}"
        ours = ("content-length", "x-error-code", "x-pending", "x-heketi-progress")
        got = {key: _ID.sub("ID", value) for key, value in found.headers.items() if key not in ours}
        theirs = ("Content-Length", "Transfer-Encoding")  # long answers came in chunks, ours tell their length
        assert got == {key.lower(): _ID.sub("ID", value) for key, value in headers.items() if key not in theirs}
        assert ("content-length" in found.headers) == (status != 204)
        if headers.get("Content-Type", "").startswith("application/json") and answer:
            assert found.body.endswith(b"}\n")
            answer = ARBITER.sub('"size":307200', answer)
            assert _shape(found.json) == _shape(json.loads(answer)), what
        else:
            said, expected = (_SINCE.sub("expired", _ID.sub("ID", text)) for text in (found.text, answer))
            if "Failed to allocate" in answer:  # below the text that scripts know we say why
                said = said[: len(expected) - 1] + "\n"
            assert sorted(said.split("\n")) == sorted(expected.split("\n")), what
        self.learn(answer, found.text)

    async def send(self, exchange: Exchange) -> None:
        what = str(exchange)
        body = self.ours(exchange.body)
        if exchange.path == "/devices" and body in self.devices:  # the original's mock takes a device twice
            body = body.replace("/dev/sda", f"/dev/sdx{len(self.devices)}")
        self.devices.add(self.ours(exchange.body))
        found = await asgi.request(self.app, exchange.method, self.ours(exchange.path), body)
        self.compare(what, (exchange.status, exchange.headers, exchange.answer), found)
        if found.status == 202:
            job = found.headers["location"].rsplit("/", 1)[1]
            await self.house.job(job)
            ended = await asgi.request(self.app, "GET", f"/queue/{job}")
            if exchange.ending and exchange.ending[2] != "Id not found\n":  # the original's mock cannot find its bricks
                self.compare(f"{what}: job", exchange.ending, ended)
                self.learn(exchange.ending[1].get("Location", ""), ended.headers.get("location", ""))


def _tokens() -> list[str | None]:
    """Return what came with each request of the first section, up to those of the administrator at the end."""
    now = int(time.time())
    user = partial(token, "userkey", iss="user")
    return [
        *(None, None, None),
        token(path="/hello", method="POST"),
        token(path="/hello/"),
        token(path="/clusters/"),
        *(None, "basic abc", "bearer a.b", "bearer !a.b.c"),
        token(key="wrong"),
        token(iss="root"),
        token(iss=None),
        token(iat=now + 200),
        token(iat=now + 100),
        token(exp=now - 5),
        token(iat=now + 200, exp=now - 5),
        token(nbf=now + 60),
        token(exp=None),
        token(qsh="wrong"),
        token(iat=now + 0.5),
        *(token(alg="HS384"), token(alg="HS512"), token(alg="RS256"), token(alg="none"), token(alg="HS1")),
        *(user(), user(path="/volumes"), user(path="/volumes/"), user(path="/queue/abc")),
        user(path="/volumes", method="POST"),
    ]


async def _give_every_node_devices(house: House) -> None:
    """As the original was furnished before the recording of volumes went on; that part was not recorded."""
    for node in house.topology.nodes():
        for name in ("/dev/sda", "/dev/sdb"):
            if all(device.name != name for device in house.topology.devices_of(node.id)):
                await house.done(await house.plane.devices.add(DeviceAdd(node=node.id, name=name)))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_recorded_block_volumes_modes_and_log_levels() -> None:
    log.set_level("debug")  # as the original's was
    house = House(limits=Limits(block_hosting_creation=True, block_hosting_size_gib=100))
    await house.start()
    await house.furnish(devices=2)
    await house.plane.clusters.create(file=True, block=True)
    replay = Replay(house)
    replayed = []
    for exchange in _exchanges("4"):
        if {id_ for id_ in _ID.findall(exchange.path) if id_ not in replay.ids}:
            continue  # of things that were made before the recording
        await replay.send(exchange)
        replayed.append(exchange)
    assert len(replayed) > 50


async def test_recorded_authentication_and_routing() -> None:
    house = House()
    await house.start()
    app, replay = asgi.application(house.plane, asgi.KEYS), Replay(house)
    given, different = _tokens(), set(requests("1"))
    for place, exchange in enumerate(_exchanges("1")):
        if {f"{exchange.method} {exchange.path}", f"{exchange.method} {exchange.path} #{place}"} & different:
            continue
        bare = exchange.path.partition("?")[0]
        header = given[place] if place < len(given) else token(path=bare, method=exchange.method)
        found = await asgi.request(app, exchange.method, exchange.path, exchange.body, header)
        replay.compare(f"{place} {exchange}", (exchange.status, exchange.headers, exchange.answer), found)


async def test_recorded_bodies() -> None:
    """The end of the recording began with a database we cannot have: what needs none of its objects."""
    house = House()
    await house.start()
    replay = Replay(house)
    story = [each for each in _exchanges("6") if not _ID.search(each.path) and each.status in (201, 404, 422)]
    assert len(story) == 5
    for exchange in story:
        await replay.send(exchange)


@pytest.mark.parametrize("section", ["2", "3", "5"])
async def test_recorded(section: str) -> None:
    house = House()
    await house.start()
    replay = Replay(house)
    replayed = 0
    story = [*(_exchanges("2") if section == "3" else ()), *_exchanges(section)]
    for exchange in story:
        if exchange.path == "/volumes" and section == "3":
            await _give_every_node_devices(house)
        what = str(exchange)
        unknown = [id_ for id_ in _ID.findall(exchange.path) if id_ not in replay.ids and set(id_) != {"0"}]
        if any(mark in what for mark in requests(section)) or unknown:
            continue
        await replay.send(exchange)
        replayed += 1
    assert replayed > 20
