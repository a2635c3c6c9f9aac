"""Everything in one answer: ``GET /topology``, lists with details, pages, tags, compression."""

import gzip
import itertools
import json
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api import asgi
from tests.api.tokens import token
from tests.house import House

from pyheketi.api import bulk, exchange
from pyheketi.client.overview import unfolded
from pyheketi.domain.durability import DurabilityRequest, Replicate
from pyheketi.domain.entities import Brick, Cluster, Device, Entity, Node, Pending, Volume
from pyheketi.domain.ids import BrickId, ClusterId, DeviceId, NodeId, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.planning.limits import Limits
from pyheketi.wire import base
from pyheketi.wire import topology as wire_topology

pytestmark = pytest.mark.anyio

LISTS = ("volumes", "blockvolumes")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Two clusters; in one of them are volumes of several kinds, and one that is on its way."""
    house = House(limits=Limits(block_hosting_creation=True, block_hosting_size_gib=20))
    await house.start()
    await house.furnish(zones=(1, 2, 3))
    app = asgi.application(house.plane)
    wishes: list[tuple[str, dict[str, object]]] = [
        ("/volumes", {"size": 1}),
        ("/volumes", {"size": 2, "gid": 7, "durability": {"type": "replicate", "replicate": {"replica": 3}}}),
        ("/volumes", {"size": 9, "durability": {"type": "disperse", "disperse": {"data": 2, "redundancy": 1}}}),
        ("/volumes", {"size": 1, "name": "<&>", "snapshot": {"enable": True, "factor": 1.5}}),
        ("/volumes", {"size": 1, "glustervolumeoptions": ["features.shard on"]}),
        ("/blockvolumes", {"size": 1, "auth": True}),
        ("/blockvolumes", {"size": 2, "auth": True}),
        ("/blockvolumes", {"size": 3}),
    ]
    for path, wish in wishes:
        reply = await asgi.request(app, "POST", path, wish)
        assert reply.status in (202, 400), reply.text  # a name may be refused
        if reply.status == 202:
            await house.job(reply.headers["location"].rsplit("/", 1)[1])
    await asgi.request(app, "POST", "/clusters", {"file": True, "block": False})
    yield house
    await house.plane.stop(0)


async def one_by_one(house: House) -> dict[str, object]:
    """Return what ``heketi-cli topology info --json`` shows, asked for as a client of Heketi's does."""
    app = asgi.application(house.plane)

    async def get(kind: str, id_: str) -> dict[str, object]:
        found: dict[str, object] = (await asgi.request(app, "GET", f"/{kind}/{id_}")).json
        return found

    clusters = []
    for id_ in (await asgi.request(app, "GET", "/clusters")).json["clusters"]:
        cluster = (await asgi.request(app, "GET", f"/clusters/{id_}")).json
        cluster["volumes"] = [await get("volumes", each) for each in cluster["volumes"]]
        cluster["nodes"] = [await get("nodes", each) for each in cluster["nodes"]]
        del cluster["blockvolumes"]
        clusters.append(cluster)
    return {"clusters": clusters}


async def test_the_overview_tells_what_all_single_answers_tell(house: House) -> None:
    reply = await asgi.request(asgi.application(house.plane), "GET", "/topology")
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    overview = base.parse(wire_topology.Overview, reply.body)
    told = unfolded(overview)
    expected = base.parse(wire_topology.Topology, json.dumps(await one_by_one(house)))
    assert base.to_json(told) == base.to_json(expected)
    assert sum(len(cluster.volumes) for cluster in overview.clusters) > 4
    blocks = [block for cluster in overview.clusters for block in cluster.blockvolumes]
    assert {(each.id, each.size, each.blockhostingvolume) for each in blocks} == {
        (each.id, each.size_gib, each.hosting) for each in house.topology.block_volumes()
    }
    assert b"password" not in reply.body


async def test_the_overview_is_written_as_every_other_document(house: House) -> None:
    reply = await asgi.request(asgi.application(house.plane), "GET", "/topology")
    assert reply.body == base.dump(base.parse(wire_topology.Overview, reply.body)) + b"\n"


async def test_what_is_being_made_is_not_told(house: House) -> None:
    hidden = Pending(OperationId("f" * 32), hidden=True)
    topology = Topology(_with(house.topology, pending=hidden))
    for parts in (bulk.overview(topology), bulk.VOLUMES.parts(topology, bulk.wanted({}))):
        assert b"hidden-volume" not in (document := b"".join(parts))
        assert b"e" * 32 not in document.replace(b"brick_", b"")
    assert b"hidden-volume" in b"".join(bulk.overview(Topology(_with(house.topology, pending=None))))


def _with(topology: Topology, pending: Pending | None) -> Iterable[Entity]:
    cluster = next(topology.clusters())
    return [
        *topology.entities(),
        Volume(
            id=VolumeId("e" * 32),
            name="hidden-volume",
            cluster=cluster.id,
            size_gib=1,
            durability=Replicate(1),
            durability_request=DurabilityRequest(type="none"),
            pending=pending,
        ),
    ]


@pytest.mark.parametrize("kind", LISTS)
async def test_a_list_with_details_tells_what_single_answers_tell(house: House, kind: str) -> None:
    app = asgi.application(house.plane)
    plain = (await asgi.request(app, "GET", f"/{kind}")).json[kind]
    assert len(plain) > 2
    full = (await asgi.request(app, "GET", f"/{kind}?detail=full")).json
    assert full == {kind: [(await asgi.request(app, "GET", f"/{kind}/{id_}")).json for id_ in plain], "next": ""}
    summary = (await asgi.request(app, "GET", f"/{kind}?detail=summary")).json
    keys = list(summary[kind][0])
    told = {"id", "name", "cluster", "size"} | {"block" if kind == "volumes" else "blockhostingvolume"}
    assert set(keys) == told
    assert [[each[key] for key in keys if key != "block"] for each in summary[kind]] == [
        [each[key] for key in keys if key != "block"] for each in full[kind]
    ]
    assert (await asgi.request(app, "GET", f"/{kind}?detail=ids")).json == {kind: plain, "next": ""}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("detail", ["ids", "summary", "full"])
async def test_pages_together_are_the_whole(house: House, kind: str, detail: str) -> None:
    app = asgi.application(house.plane)
    whole = (await asgi.request(app, "GET", f"/{kind}?detail={detail}")).json[kind]
    for limit in range(1, len(whole) + 2):
        gathered, after, pages = [], "", 0
        while True:
            page = (await asgi.request(app, "GET", f"/{kind}?detail={detail}&limit={limit}&after={after}")).json
            assert len(page[kind]) <= limit
            gathered += page[kind]
            pages += 1
            if not (after := page["next"]):
                break
        assert gathered == whole
        assert pages == -(-len(whole) // limit)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("detail=all", "detail: must be ids, summary or full"),
        ("limit=0", "limit: must be a number from 1 on"),
        ("limit=-1", "limit: must be a number from 1 on"),
        ("limit=1e3", "limit: must be a number from 1 on"),
        ("limit=%D9%A1", "limit: must be a number from 1 on"),
        ("after=x%22", "after: must be an id, or what stands under next in another answer"),
    ],
)
@pytest.mark.parametrize("kind", LISTS)
async def test_what_cannot_be_understood_is_refused(house: House, kind: str, query: str, text: str) -> None:
    reply = await asgi.request(asgi.application(house.plane), "GET", f"/{kind}?{query}")
    assert (reply.status, reply.text) == (400, text + "\n")


async def test_who_may_not_look_at_a_volume_sees_ids_only(house: House) -> None:
    app = asgi.application(house.plane, keys=asgi.KEYS)

    async def asked(path: str, key: str = "userkey", role: str = "user") -> asgi.Reply:
        signed = token(key, path=path.partition("?")[0], method="GET", iss=role)
        return await asgi.request(app, "GET", path, token=signed)

    assert (await asked("/volumes")).status == 200
    assert (await asked("/volumes?limit=1")).status == 200
    for path in ("/volumes?detail=summary", "/volumes?detail=full", "/topology", "/blockvolumes?detail=summary"):
        reply = await asked(path)
        assert (reply.status, reply.text) == (401, "Administrator access required\n")
        assert (await asked(path, "adminkey", "admin")).status == 200


# -- what a client has -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/topology", "/volumes?detail=full", "/blockvolumes?limit=1"])
async def test_who_has_it_is_not_told_again(house: House, path: str) -> None:
    app = asgi.application(house.plane)
    first = await asgi.request(app, "GET", path)
    tag = first.headers["etag"]
    for has in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await asgi.request(app, "GET", path, headers=[("If-None-Match", has)])
        assert (again.status, again.body, again.headers) == (304, b"", {"etag": tag})
    assert (await asgi.request(app, "GET", path, headers=[("If-None-Match", '"other"')])).body == first.body
    await house.create()
    changed = await asgi.request(app, "GET", path, headers=[("If-None-Match", tag)])
    assert changed.status == 200
    assert changed.headers["etag"] != tag


async def test_another_server_has_other_tags(house: House) -> None:
    replies = [await asgi.request(asgi.application(house.plane), "GET", "/topology") for _ in range(2)]
    assert len({reply.headers["etag"] for reply in replies}) == 2


# -- compression -----------------------------------------------------------------------------------------------


async def test_large_answers_are_compressed_for_those_who_take_it(house: House) -> None:
    app = asgi.application(house.plane)
    plain = await asgi.request(app, "GET", "/topology")
    squeezed = await asgi.request(app, "GET", "/topology", headers=[("Accept-Encoding", "br, gzip")])
    assert "content-encoding" not in plain.headers
    assert squeezed.headers["content-encoding"] == "gzip"
    assert {reply.headers["vary"] for reply in (plain, squeezed)} == {"accept-encoding"}
    assert gzip.decompress(squeezed.body) == plain.body
    assert len(squeezed.body) < len(plain.body)


async def test_a_long_list_of_ids_is_compressed_too(monkeypatch: pytest.MonkeyPatch, house: House) -> None:
    app = asgi.application(house.plane)
    plain = await asgi.request(app, "GET", "/volumes")
    small = await asgi.request(app, "GET", "/volumes", headers=[("Accept-Encoding", "gzip")])
    assert small == plain
    monkeypatch.setattr(exchange, "LARGE", 100)
    squeezed = await asgi.request(app, "GET", "/volumes", headers=[("Accept-Encoding", "gzip")])
    assert squeezed.headers["content-length"] == str(len(squeezed.body))
    assert gzip.decompress(squeezed.body) == plain.body


async def test_an_answer_that_is_kept_is_compressed_for_one_and_not_for_the_next(house: House) -> None:
    app = asgi.application(house.plane)
    plain = await asgi.request(app, "GET", "/openapi.json")
    assert len(plain.body) > exchange.LARGE
    for _ in range(2):
        squeezed = await asgi.request(app, "GET", "/openapi.json", headers=[("Accept-Encoding", "gzip")])
        assert gzip.decompress(squeezed.body) == plain.body
        assert squeezed.headers["content-length"] == str(len(squeezed.body))
        assert await asgi.request(app, "GET", "/openapi.json") == plain


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("gzipped", False),
    ],
)
def test_who_takes_gzip(header: str, taken: bool) -> None:
    assert exchange.takes_gzip(header) is taken


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    exchange.takes_gzip(header)
    exchange.knows(header, 'W/"1"')


# -- parts -----------------------------------------------------------------------------------------------------


def test_a_large_overview_comes_in_many_parts_that_are_one_document() -> None:
    parts = list(bulk.overview(_large(volumes=3000)))
    assert len(parts) > 20
    assert max(map(len, parts)) < 200_000
    overview = base.parse(wire_topology.Overview, b"".join(parts))
    (cluster,) = overview.clusters
    assert len(cluster.volumes) == 3000
    assert cluster.hosts == ("10.0.0.0", "10.0.0.1", "10.0.0.2")


def _large(volumes: int) -> Topology:
    cluster = Cluster(id=ClusterId("c" * 32), file=True, block=True)
    nodes = [
        Node(id=NodeId(f"{n:032x}"), cluster=cluster.id, zone=1, manage=(f"n{n}",), storage=(f"10.0.0.{n}",))
        for n in range(3)
    ]
    disks = [
        Device(id=DeviceId(f"{n:016x}{number:016x}"), node=nodes[n].id, name=f"/dev/sd{number}", total=10**12)
        for n, number in itertools.product(range(3), range(30))
    ]
    made: list[Entity] = []
    for number in range(volumes):
        id_ = VolumeId(f"{number:032x}")
        bricks = tuple(
            Brick(
                id=BrickId(f"{number:030x}{n:02x}"),
                device=disks[n * 30 + number % 30].id,
                volume=id_,
                size=1024 * 1024,
                pool_size=1024 * 1024,
                metadata_size=8192,
                thin_pool=f"tp_{number}_{n}",
            )
            for n in range(3)
        )
        volume = Volume(
            id=id_,
            name=f"vol_{id_}",
            cluster=cluster.id,
            size_gib=1,
            durability=Replicate(3),
            durability_request=DurabilityRequest(type="replicate", replica=3),
            brick_sets=(tuple(brick.id for brick in bricks),),
        )
        made += [volume, *bricks]
    return Topology([cluster, *nodes, *disks, *made])


async def test_the_time_of_writing_counts(house: House, caplog: pytest.LogCaptureFixture) -> None:
    app = asgi.application(house.plane)

    def slowly(_: Topology) -> Iterator[bytes]:
        time.sleep(0.05)
        yield b"{}"

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.DEBUG, "pyheketi.access"):
        patch.setattr(bulk, "overview", slowly)
        await asgi.request(app, "GET", "/topology")
    (line,) = [record.getMessage() for record in caplog.records if "/topology" in record.getMessage()]
    assert float(line.split()[3]) >= 50
