"""What real clients depend on: the rules of research/clients-in-the-wild.md §A that are the server's business."""

import json
import time
from typing import Any

import pytest
from tests.api import asgi
from tests.api.test_auth import token
from tests.house import House

from pyheketi.api.mode import Gate, Mode
from pyheketi.executors.faults import Fail, Rule, matching

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Server:
    """A furnished house behind the application."""

    def __init__(self) -> None:
        self.house = House()

    async def up(self, furnished: bool = True) -> "Server":
        await self.house.start()
        if furnished:
            await self.house.furnish()
        self.app = asgi.application(self.house.plane)
        return self

    async def __call__(self, method: str, path: str, body: Any = b"") -> asgi.Reply:
        return await asgi.request(self.app, method, path, body)

    async def end(self, reply: asgi.Reply) -> asgi.Reply:
        assert reply.status == 202, reply.text
        await self.house.job(reply.headers["location"].rsplit("/", 1)[1])
        return await self("GET", reply.headers["location"])

    async def volume(self, **wish: Any) -> str:
        wanted = {"size": 1, "durability": {"type": "replicate", "replicate": {"replica": 3}}} | wish
        ended = await self.end(await self("POST", "/volumes", wanted))
        assert ended.status == 303, ended.text
        return ended.headers["location"].rsplit("/", 1)[1]


async def test_1_errors_are_text_with_a_length() -> None:
    server = await Server().up(furnished=False)
    for reply in (
        await server("GET", "/volumes/abc"),
        await server("POST", "/volumes", "{"),
        await server("GET", "/nothing"),
        await server("POST", "/volumes", {"size": 1}),
    ):
        assert reply.status >= 400
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert reply.headers["content-length"] == str(len(reply.body))
        assert reply.text.endswith("\n")


async def test_2_an_unknown_volume_is_not_found() -> None:
    server = await Server().up(furnished=False)
    reply = await server("DELETE", "/volumes/abc")
    assert (reply.status, reply.body) == (404, b"Id not found\n")


async def test_3_a_lost_job_never_looks_like_a_deleted_volume() -> None:
    server = await Server().up(furnished=False)
    reply = await server("GET", "/queue/abc")
    assert reply.status == 404
    assert reply.text.strip() != "Id not found"
    assert "abc" in reply.text


async def test_3_a_volume_whose_deletion_is_stuck_does_not_look_deleted() -> None:
    server = await Server().up()
    volume = await server.volume()
    server.house.break_(Rule(matching("lvremove"), Fail(5, stderr="busy")))
    assert (await server.end(await server("DELETE", f"/volumes/{volume}"))).status == 500
    again = await server.end(await server("DELETE", f"/volumes/{volume}"))
    assert again.status == 500
    assert "busy" in again.text


async def test_4_to_7_a_job_from_begin_to_end_and_once_more() -> None:
    server = await Server().up()
    begun = await server("POST", "/volumes", {"size": 1})
    place = begun.headers["location"]
    assert begun.status == 202
    assert place.startswith("/queue/")
    pending = await server("GET", place)
    assert (pending.status, pending.headers["x-pending"], pending.body) == (200, "true", b"")
    ended = await server.end(begun)
    assert ended.status == 303
    assert ended.headers["location"].startswith("/volumes/")
    assert "x-pending" not in ended.headers
    assert await server("GET", place) == ended
    gone = await server("DELETE", ended.headers["location"])
    deleted = await server.end(gone)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "x-pending" not in deleted.headers


async def test_8_to_11_tokens_of_all_clients() -> None:
    server = await Server().up(furnished=False)
    app = asgi.application(server.house.plane, keys=asgi.KEYS)
    now = int(time.time())
    good = token(iat=now, exp=now + 1)
    assert (await asgi.request(app, "GET", "/clusters", token=good)).status == 200
    assert (await asgi.request(app, "GET", "/clusters?x=1", token=good)).status == 200
    assert (await asgi.request(app, "GET", "/clusters")).status == 401
    assert (await asgi.request(app, "GET", "/nothing")).status == 401
    double = token(iat=now, exp=now + 60, path="//clusters")
    assert (await asgi.request(app, "GET", "//clusters", token=double)).status == 200


async def test_12_bodies_where_none_is_needed_are_ignored() -> None:
    server = await Server().up()
    assert (await server("GET", "/clusters", {})).status == 200
    volume = await server.volume()
    assert (await server.end(await server("DELETE", f"/volumes/{volume}", {}))).status == 204


async def test_13_hello() -> None:
    server = await Server().up(furnished=False)
    app = asgi.application(server.house.plane, keys=asgi.KEYS)
    reply = await asgi.request(app, "GET", "/hello", token="nonsense")
    assert (reply.status, reply.body) == (200, b"Hello from Heketi")
    assert reply.headers["content-type"] == "text/plain; charset=UTF-8"


async def test_14_busy_says_when_to_come_back() -> None:
    server = Server()
    server.house.rules = server.house.rules.__class__(max_in_flight=1, health=server.house.rules.health)
    await server.up()
    first = await server("POST", "/volumes", {"size": 1})
    busy = await server("POST", "/volumes", {"size": 1})
    assert (busy.status, busy.text) == (429, "Server busy. Retry operation later.\n")
    assert int(busy.headers["retry-after"]) > 0
    assert (await server.end(first)).status == 303


async def test_15_16_requests_as_kubernetes_writes_them() -> None:
    server = await Server().up()
    wish = {
        "size": 1,
        "name": "",
        "durability": {"type": "replicate", "replicate": {"replica": 3}, "disperse": {}},
        "gid": 2000,
        "glustervolumeoptions": ["", " user.heketi.average-file-size 1024", ""],
        "snapshot": {"enable": True, "factor": 1},
        "unknown": {"x": 1},
    }
    ended = await server.end(await server("POST", "/volumes", wish))
    shown = (await server("GET", ended.headers["location"])).json
    assert shown["gid"] == 2000
    bare = await server.end(
        await server("POST", "/volumes", {"size": 1, "durability": {"replicate": {}, "disperse": {}}})
    )
    assert bare.status == 303


async def test_17_a_node_has_one_storage_address() -> None:
    """A name is accepted all the same: heketi-cli warns of it (tests/cli)."""
    server = await Server().up()
    node = next(server.house.topology.nodes())
    assert (await server("GET", f"/nodes/{node.id}")).json["hostnames"]["storage"] == [node.storage_host]
    named = {"manage": ["named"], "storage": ["named.example"]}
    wish = {"zone": 1, "cluster": node.cluster, "hostnames": named}
    ended = await server.end(await server("POST", "/nodes", wish))
    assert (await server("GET", ended.headers["location"])).json["hostnames"] == named


async def test_18_clusters_list_nodes_that_are_off_line() -> None:
    server = await Server().up()
    node = next(server.house.topology.nodes())
    assert (await server.end(await server("POST", f"/nodes/{node.id}/state", {"state": "offline"}))).status == 204
    cluster = (await server("GET", f"/clusters/{node.cluster}")).json
    assert node.id in cluster["nodes"]


async def test_19_a_volume_without_a_name_is_named_after_its_id() -> None:
    server = await Server().up()
    volume = await server.volume(name="")
    assert (await server("GET", f"/volumes/{volume}")).json["name"] == f"vol_{volume}"


async def test_20_extra_slashes_are_served() -> None:
    server = await Server().up()
    assert (await server("GET", "//clusters")).status == 200
    assert (await server("GET", "/clusters/")).status == 200
    made = await server("POST", "//clusters", {"file": True})
    assert made.status == 201
    assert (await server("DELETE", f"//clusters/{made.json['id']}/")).status == 200


async def test_21_keys_and_units() -> None:
    server = await Server().up()
    volume = await server.volume(size=10)
    assert (await server("GET", "/volumes")).json == {"volumes": [volume]}
    shown = (await server("GET", f"/volumes/{volume}")).json
    assert shown["size"] == 10
    assert {brick["size"] for brick in shown["bricks"]} == {10485760}
    device = (await server("GET", f"/devices/{shown['bricks'][0]['device']}")).json
    assert device["storage"] == {"total": 524288000, "free": 513748992, "used": 10539008}


@pytest.mark.parametrize(
    ("mode", "method", "peer", "admitted"),
    [
        ("normal", "POST", "10.0.0.9", True),
        ("read-only", "GET", "10.0.0.9", True),
        ("read-only", "POST", "127.0.0.1", False),
        ("local-client", "HEAD", "10.0.0.9", True),
        ("local-client", "POST", "10.0.0.9", False),
        ("local-client", "DELETE", "127.0.0.1", True),
        ("local-client", "POST", "::1", True),
        ("local-client", "POST", "::ffff:127.0.0.1", True),
        ("local-client", "POST", "127.0.0.2", False),
    ],
)
def test_a_mode_lets_in_whom_it_should(mode: str, method: str, peer: str, admitted: bool) -> None:
    assert Gate(Mode(mode)).admits(method, peer) is admitted


async def test_operations_that_have_not_ended_are_told() -> None:
    server = await Server().up()
    none = {"total": 0, "in_flight": 0, "stale": 0, "failed": 0, "new": 0}
    assert (await server("GET", "/operations")).json == none
    assert (await server("GET", "/operations/pending")).json == {"pendingoperations": []}
    volume = await server.volume()
    server.house.break_(Rule(matching("lvremove"), Fail(5, stderr="busy")))
    begun = await server("DELETE", f"/volumes/{volume}")
    (id_,) = (each.id for each in server.house.plane.operations)
    at_work = {"id": id_, "type_name": "delete-volume", "status": "", "sub_status": "in-flight"}
    assert (await server("GET", "/operations/pending")).json == {"pendingoperations": [at_work]}
    assert (await server.end(begun)).status == 500
    assert (await server("GET", "/operations")).json == none | {"total": 1, "failed": 1}
    shown = (await server("GET", f"/operations/pending/{id_}")).json
    assert shown["status"] == "failed"
    assert {each["description"] for each in shown["changes"]} == {"Delete brick", "Delete volume"}
    server.house.break_()
    cleanup = await server("POST", "/operations/pending/cleanup", {"operations": [id_]})
    assert (await server.end(cleanup)).status == 204
    assert (await server("GET", "/operations")).json == none
    assert (await server("GET", f"/operations/pending/{id_}")).text == f"Id not found: {id_}\n"
    for body, status in (({"operations": ["x"]}, 400), ({"operations": ["0" * 32] * 33}, 400), (b"", 422)):
        assert (await server("POST", "/operations/pending/cleanup", body)).status == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/volumes", "[" * 2000, 422),
        ("POST", "/volumes", b"\xff\xfe", 422),
        ("POST", "/volumes", " " * 5000, 413),
        ("POST", "/volumes", {"size": "10"}, 422),
        ("POST", "/volumes", {"size": 10**30}, 422),
        ("POST", "/volumes", {"size": 2**62}, 400),
        ("POST", "/volumes", {"size": -5}, 400),
        *(
            ("POST", "/volumes", {"size": 1, "name": name}, 400)
            for name in ("a b", "a/b", 'a"b', "a\n", "a;b", "$(reboot)", "-a", "../x")
        ),
        ("POST", "/volumes", {"size": 1, "glustervolumeoptions": ["a.b c\nd"]}, 400),
        ("POST", "/volumes", {"size": 1, "glustervolumeoptions": ["--mode script"]}, 400),
        ("POST", "/volumes", {"size": 1, "glustervolumeoptions": ["novalue"]}, 400),
        ("POST", "/volumes", {"size": 1, "glustervolumeoptions": ["user.heketi.arbiter true"]}, 400),
        ("POST", "/devices", {"name": "/dev/sd;b", "node": "0" * 32}, 400),
        ("POST", "/devices", {"name": "/dev/sdb", "node": "0" * 32}, 404),
        ("POST", "/nodes", {"zone": 1, "cluster": "0" * 32, "hostnames": {"manage": ["$(x)"], "storage": ["a"]}}, 400),
        ("POST", "/clusters/abc/flags", {}, 404),
        ("PUT", "/clusters", {}, 405),
        ("GET", "/volumes/../clusters", b"", 404),
        ("GET", "/volumes/zz", b"", 404),
    ],
    ids=str,
)
async def test_bad_input_changes_nothing(method: str, path: str, body: Any, status: int) -> None:
    server = await Server().up()
    before, inventory = server.house.topology, server.house.inventory()
    reply = await server(method, path, body)
    assert reply.status == status, reply.text
    assert server.house.topology == before
    assert server.house.inventory() == inventory


async def test_shell_characters_in_options_reach_gluster_as_one_argument() -> None:
    server = await Server().up()
    text = "user.note a; touch /tmp/pwned $(reboot) `id` | x > y 'quoted' \"too\""
    volume = await server.volume(glustervolumeoptions=[text])
    assert text in (await server("GET", f"/volumes/{volume}")).json["glustervolumeoptions"]
    listed = [line for line in server.house.inventory().gluster_volumes if volume in line]
    assert text.removeprefix("user.note ") in listed[0]


async def test_documentation_describes_every_endpoint() -> None:
    server = await Server().up(furnished=False)
    described = json.loads((await server("GET", "/openapi.json")).body)
    assert described["openapi"].startswith("3.1")
    assert "post" in described["paths"]["/volumes/{id}/expand"]
    page = await server("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert b"/volumes/{id}/expand" in page.body
