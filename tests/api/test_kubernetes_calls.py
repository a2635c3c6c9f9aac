"""Every call that real Kubernetes provisioners made, replayed in their order, with their way to sign."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.api import asgi
from tests.house import House
from tests.shared import golden

from pyheketi.client import tokens
from pyheketi.domain.ids import NodeId
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.limits import Limits
from pyheketi.planning.nodes import NodeAdd

pytestmark = pytest.mark.anyio

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_NOT_COMPARED = ("bricks", "devices", "mount", "iqn", "hosts", "username", "password", "zone")
"""What placement, chance or the original's mock decided."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Call:
    """A request and its answer; bodies are cut after some thousand letters."""

    method: str
    path: str
    issuer: str = ""
    scheme: str = ""
    body: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    answer: str = ""


def calls(name: str) -> Iterator[Call]:
    call: Call | None = None
    for line in golden(name).splitlines():
        first, _, rest = line.strip().partition(" ")
        if not line.startswith(" ") and re.fullmatch("GET|POST|DELETE", first):
            if call:
                yield call
            call = Call(first, rest)
        elif call and line.startswith("   jwt: "):
            told = json.loads(line.partition(": ")[2])
            call.scheme, call.issuer = told["scheme"], told["jwt_claims"]["iss"]
        elif call and line.startswith("   req body: "):
            call.body = line.partition(": ")[2]
        elif call and line.startswith("   -> "):
            status, _, headers = line.removeprefix("   -> ").partition(" ")
            call.status, call.headers = int(status), json.loads(headers)
        elif call and line.startswith("   resp body: "):
            call.answer = line.partition(": ")[2]
    if call:
        yield call


async def furnished() -> House:
    """Six nodes with three devices each, as the recorded server had."""
    house = House(limits=Limits(block_hosting_creation=True, block_hosting_size_gib=100))
    await house.start()
    cluster = await house.plane.clusters.create(file=True, block=True)
    for number in range(6):
        host, address = f"node{number}.test", f"192.168.10.10{number}"
        wish = NodeAdd(cluster=cluster.id, zone=number % 2 + 1, manage=(host,), storage=(address,))
        node = await house.done(await house.plane.nodes.add(wish))
        for letter in "bcd":
            await house.done(await house.plane.devices.add(DeviceAdd(node=NodeId(node), name=f"/dev/fake{letter}")))
    return house


class Provisioner:
    """Sends what was recorded, our ids in the place of the recorded ones."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.app = asgi.application(house.plane, keys=asgi.KEYS)
        self.ours: dict[str, str] = {}

    def translated(self, text: str) -> str:
        return _ID.sub(lambda found: self.ours.get(found[0], found[0]), text)

    def learn(self, recorded: str, found: str) -> None:
        for theirs, ours in zip(_ID.findall(recorded), _ID.findall(found), strict=False):
            self.ours.setdefault(theirs, ours)

    async def send(self, call: Call) -> asgi.Reply:
        path = self.translated(call.path)
        key = "another key" if call.status == 401 else asgi.KEYS.admin
        token = tokens.bearer(call.issuer, key, call.method, path, time.time())
        assert token.startswith(f"{call.scheme} ")
        return await asgi.request(self.app, call.method, path, self.translated(call.body), token)

    def compare(self, call: Call, reply: asgi.Reply) -> None:
        what = f"{call.method} {call.path} {call.body}"
        assert reply.status == call.status, f"{what}: {reply.text}"
        for name in ("Content-Type", "X-Content-Type-Options", "X-Pending"):
            assert reply.headers.get(name.lower()) == call.headers.get(name), what
        if place := call.headers.get("Location"):
            self.learn(place, reply.headers["location"])
            assert reply.headers["location"] == self.translated(place), what
        if call.headers.get("Content-Type", "").startswith("application/json"):
            self.require_same_fields(call, reply, what)
        elif call.status >= 400:
            assert reply.text.splitlines()[0] == call.answer, what

    def require_same_fields(self, call: Call, reply: asgi.Reply, what: str) -> None:
        try:
            theirs: dict[str, Any] = json.loads(call.answer)
        except json.JSONDecodeError:
            return  # it was cut
        assert list(reply.json) == list(theirs), what
        for name in ("id", "cluster", "blockhostingvolume"):
            if name in theirs:
                self.ours.setdefault(theirs[name], reply.json[name])
        if "nodes" in theirs:
            for node, ours in zip(theirs["nodes"], reply.json["nodes"], strict=False):
                self.ours.setdefault(node, ours)
        for name, value in theirs.items():
            if name not in _NOT_COMPARED and not isinstance(value, list | dict):
                assert str(reply.json[name]) == self.translated(str(value)), f"{what}: {name}"


@pytest.mark.parametrize("name", ["kubernetes-in-tree-provisioner.txt", "kubernetes-external-provisioners.txt"])
async def test_provisioners_get_what_they_got(name: str) -> None:
    house = await furnished()
    provisioner = Provisioner(house)
    replayed = 0
    for call in calls(name):
        if call.headers.get("X-Pending"):
            continue  # how often a job is looked at is chance
        if call.method == "GET" and call.path.startswith("/queue/"):
            await house.job(provisioner.translated(call.path).rsplit("/", 1)[1])
        if call.path.startswith("/clusters/"):
            (cluster,) = house.topology.clusters()
            provisioner.ours.setdefault(call.path.rsplit("/", 1)[1], cluster.id)
        if "clusters" in call.body and "0" * 32 not in call.body:
            (cluster,) = house.topology.clusters()
            call.body = re.sub(r'(?<="clusters":\[")[0-9a-f]{32}', cluster.id, call.body)
        provisioner.compare(call, await provisioner.send(call))
        replayed += 1
    assert replayed > 25


async def test_storage_host_names_become_the_addresses_of_endpoints() -> None:
    house = await furnished()
    volume = await house.create(1)
    app = asgi.application(house.plane, keys=asgi.KEYS)
    hosts = set()
    path = f"/volumes/{volume}"
    token = tokens.bearer("admin", asgi.KEYS.admin, "GET", path, time.time())
    cluster = (await asgi.request(app, "GET", path, token=token)).json["cluster"]
    path = f"/clusters/{cluster}"
    token = tokens.bearer("admin", asgi.KEYS.admin, "GET", path, time.time())
    for node in (await asgi.request(app, "GET", path, token=token)).json["nodes"]:
        path = f"/nodes/{node}"
        token = tokens.bearer("admin", asgi.KEYS.admin, "GET", path, time.time())
        hosts.add((await asgi.request(app, "GET", path, token=token)).json["hostnames"]["storage"][0])
    assert hosts == {f"192.168.10.10{number}" for number in range(6)}


async def test_a_volume_that_is_gone_says_so_in_the_words_that_kubernetes_looks_for() -> None:
    house = await furnished()
    app = asgi.application(house.plane)
    for method in ("GET", "DELETE"):
        reply = await asgi.request(app, method, f"/volumes/{'0' * 32}")
        assert (reply.status, reply.text) == (404, "Id not found\n")
