"""``GET /operations/history``: who asked for what, when, how it ended and how long it took."""

import re

import pytest
from tests.api import asgi
from tests.api.tokens import token
from tests.house import House

from pyheketi.api.endpoint import Application
from pyheketi.domain.entities import Brick, State
from pyheketi.executors.faults import Fail, Rule, matching

pytestmark = pytest.mark.anyio

ADMIN, PROVISIONER = "198.51.100.1", "198.51.100.2"
VOLUME = {"size": 1, "durability": {"type": "replicate", "replicate": {"replica": 3}}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def asked(app: Application, method: str, path: str, body: object = b"", role: str = "admin") -> asgi.Reply:
    """Ask with a token of that role, from its address."""
    key, peer = {"admin": ("adminkey", f"::ffff:{ADMIN}"), "user": ("userkey", PROVISIONER)}[role]
    signed = token(key, path=path.partition("?")[0], method=method, iss=role)
    reply = await asgi.request(app, method, path, body, signed, peer)
    assert reply.status < 400, reply.text
    return reply


async def history(app: Application, query: str = "") -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await asked(app, "GET", f"/operations/history{query}")).json["operations"]
    return found or []


async def ended(house: House, reply: asgi.Reply) -> None:
    await house.job(reply.headers["location"].rsplit("/", 1)[1])


async def test_every_change_tells_who_asked_for_it() -> None:
    house = House()
    await house.start()
    app = asgi.application(house.plane, keys=asgi.KEYS)
    cluster = (await asked(app, "POST", "/clusters", {"file": True, "block": True})).json["id"]
    await asked(app, "POST", f"/clusters/{cluster}/flags", {"file": True, "block": False})
    for number in range(3):
        hosts = {"manage": [f"node{number}"], "storage": [f"10.0.0.{number}"]}
        await ended(house, await asked(app, "POST", "/nodes", {"zone": 1, "cluster": cluster, "hostnames": hosts}))
    for node in house.topology.nodes():
        await ended(house, await asked(app, "POST", "/devices", {"node": node.id, "name": "/dev/sdb"}))
    node = next(iter(house.topology.nodes()))
    device = next(iter(house.topology.devices_of(node.id)))
    tags = {"change_type": "set", "tags": {"rack": "r1"}}
    await asked(app, "POST", f"/nodes/{node.id}/tags", tags)
    await asked(app, "POST", f"/devices/{device.id}/tags", tags)
    await ended(house, await asked(app, "POST", "/volumes", VOLUME, role="user"))
    (volume,) = house.topology.volumes()
    await ended(house, await asked(app, "DELETE", f"/volumes/{volume.id}"))
    await asked(app, "POST", "/admin", {"state": "local-client"})

    found = list(reversed(await history(app)))

    by_admin, by_user = ("admin", ADMIN), ("user", PROVISIONER)
    assert [(each["type_name"], each["asked_by"], each["asked_from"]) for each in found] == [
        ("create-cluster", *by_admin),
        ("set-cluster-flags", *by_admin),
        *[("add-node", *by_admin)] * 3,
        *[("add-device", *by_admin)] * 3,
        ("set-node-tags", *by_admin),
        ("set-device-tags", *by_admin),
        ("create-volume", *by_user),
        ("delete-volume", *by_admin),
        ("set-mode", *by_admin),
    ]
    about = {str(each["type_name"]): each["subject"] for each in found}
    assert (about["create-cluster"], about["set-node-tags"], about["set-device-tags"]) == (cluster, node.id, device.id)
    assert (about["create-volume"], about["delete-volume"], about["set-mode"]) == (volume.id, volume.id, "local-client")
    for each in found:
        assert (each["status"], each["error"]) == ("done", "")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(each["ended_at"]))
        assert str(each["asked_at"]) <= str(each["ended_at"])
        assert float(str(each["seconds"])) >= 0


async def brick_of(house: House, volume: str) -> Brick:
    found = house.topology.volume(volume)
    assert found is not None
    brick = house.topology.brick(found.bricks[0])
    assert brick is not None
    return brick


async def test_failures_and_refusals_are_told_apart_and_say_why() -> None:
    house = House()
    await house.start()
    await house.furnish()
    app = asgi.application(house.plane)
    house.break_(Rule(matching("gluster .*volume create"), Fail(1, stderr="volume create: no")))
    await ended(house, await asgi.request(app, "POST", "/volumes", VOLUME, peer=ADMIN))
    house.break_()
    online = (await brick_of(house, await house.create())).device
    await ended(house, await asgi.request(app, "POST", f"/devices/{online}/state", {"state": "failed"}, peer=ADMIN))

    refused, done, failed, *_ = (await asgi.request(app, "GET", "/operations/history")).json["operations"]

    assert (refused["type_name"], refused["status"], refused["subject"]) == ("remove-device", "refused", online)
    assert (failed["type_name"], failed["status"]) == ("create-volume", "failed")
    assert refused["error"]
    assert "volume create: no" in failed["error"]
    assert (done["type_name"], done["status"], done["asked_from"]) == ("create-volume", "done", "")
    assert {(each["asked_by"], each["asked_from"]) for each in (refused, failed)} == {("", ADMIN)}


async def test_evictions_are_by_whoever_asked_for_the_removal_even_after_a_restart() -> None:
    house = House()
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    brick = await brick_of(house, await house.create())
    await house.done(await house.plane.devices.set_state(brick.device, State.OFFLINE))
    app = asgi.application(house.plane, keys=asgi.KEYS)
    await asked(app, "POST", f"/devices/{brick.device}/state", {"state": "failed"})
    await house.crash()
    await house.start()
    await house.plane.settle()

    found = await history(asgi.application(house.plane, keys=asgi.KEYS), "?limit=2")

    assert [(each["type_name"], each["status"], each["asked_from"]) for each in found] == [
        ("remove-device", "done", ADMIN),
        ("evict-brick", "done", ADMIN),
    ]


async def test_it_is_read_page_by_page() -> None:
    house = House()
    await house.start()
    app = asgi.application(house.plane, keys=asgi.KEYS)
    made = [(await asked(app, "POST", "/clusters", {"file": True, "block": True})).json["id"] for _ in range(5)]
    read: list[str] = []
    before = ""
    for _ in range(3):
        page = (await asked(app, "GET", f"/operations/history?limit=2&before={before}")).json
        read += [each["subject"] for each in page["operations"]]
        before = page["next"]
    assert sorted(read) == sorted(made)
    assert before == ""
    assert await history(app, "?since=4e9") == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit: must be a number from 1 to 1000"),
        ("limit=1001", "limit: must be a number from 1 to 1000"),
        ("limit=x", "limit: must be a number from 1 to 1000"),
        ("since=yesterday", "since: must be a time in seconds since the epoch"),
        ("since=nan", "since: must be a time in seconds since the epoch"),
        ("before=1-'; DROP TABLE history", "before: must be what stands under next in another answer"),
    ],
)
async def test_parameters_that_make_no_sense_are_refused(query: str, said: str) -> None:
    house = House()
    await house.start()
    reply = await asgi.request(asgi.application(house.plane), "GET", f"/operations/history?{query}")
    assert (reply.status, reply.text.strip()) == (400, said)


async def test_no_secret_is_in_the_history() -> None:
    house = House()
    await house.start()
    await house.furnish()
    app = asgi.application(house.plane, keys=asgi.KEYS)
    await ended(house, await asked(app, "POST", "/volumes", VOLUME | {"size": 100, "block": True}))
    await ended(house, await asked(app, "POST", "/blockvolumes", {"size": 1, "auth": True}))
    (block,) = house.topology.block_volumes()
    house.break_(Rule(matching("gluster-block delete"), Fail(1, stderr="no")))
    await ended(house, await asked(app, "DELETE", f"/blockvolumes/{block.id}"))
    text = (await asked(app, "GET", "/operations/history")).text
    assert block.password
    for secret in (block.password, asgi.KEYS.admin, asgi.KEYS.user, "bearer"):
        assert secret not in text


async def test_only_admins_may_read_it() -> None:
    house = House()
    await house.start()
    app = asgi.application(house.plane, keys=asgi.KEYS)
    signed = token("userkey", path="/operations/history", iss="user")
    assert (await asgi.request(app, "GET", "/operations/history", token=signed)).status == 401
