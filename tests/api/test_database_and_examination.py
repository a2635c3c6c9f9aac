"""The database shown, checked and copied, and compared with what nodes have."""

from pathlib import Path
from typing import Any

import pytest
from tests import strays
from tests.api import asgi
from tests.house import House

from pyheketi.domain.topology import Topology
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.limits import Limits
from pyheketi.store.opening import open_store

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def furnished() -> House:
    house = House(limits=Limits(block_hosting_creation=True, block_hosting_size_gib=50))
    await house.start()
    await house.furnish()
    await house.create(2)
    await house.done(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3, auth=True)))
    return house


async def get(house: House, path: str) -> asgi.Reply:
    return await asgi.request(asgi.application(house.plane), "GET", path)


async def test_the_dump_is_indented_and_holds_everything() -> None:
    house = await furnished()
    reply = await get(house, "/db/dump")
    assert reply.text.startswith('{\n    "clusterentries": {\n        "')
    document = reply.json
    assert {section: len(entries) for section, entries in document.items()} == {
        "clusterentries": 1,
        "volumeentries": 2,
        "brickentries": 6,
        "nodeentries": 3,
        "deviceentries": 3,
        "blockvolumeentries": 1,
        "dbattributeentries": 5,
        "pendingoperations": 0,
    }
    (block,) = document["blockvolumeentries"].values()
    assert block["Info"]["auth"]
    assert block["Info"]["blockvolume"]["password"]


async def test_what_belongs_to_nobody_is_listed_and_removed() -> None:
    house = await furnished()
    app = asgi.application(house.plane)
    assert (await get(house, "/internal/state/orphans")).json == {"bricks": [], "known": 6, "silent": []}
    device = strays.device_on(house, "node0")
    await strays.plant(house, strays.place_in(device.volume_group))
    house.nodes.node("node1").power_off()
    found = (await get(house, "/internal/state/orphans")).json
    (silent,) = found["silent"]
    assert (silent["host"], found["known"]) == ("node1", 4)
    (brick,) = found["bricks"]
    commands = brick.pop("commands")
    assert commands[0] == f"umount {brick['mount_point']}"
    assert brick == {
        "cluster": next(house.topology.clusters()).id,
        "node": device.node,
        "host": "node0",
        "device": device.id,
        "volume_group": device.volume_group,
        "brick": strays.ID,
        "state": "orphan",
        "reason": "neither the database nor gluster knows it",
        "size": 1024 * 1024,
        "mount_point": f"/var/lib/heketi/mounts/{device.volume_group}/brick_{strays.ID}",
        "parts": ["mount", "fstab", "lv", "pool"],
    }
    remove = "/internal/state/orphans/remove"
    assert (await asgi.request(app, "POST", remove, {"bricks": []})).status == 400
    unknown = await asgi.request(app, "POST", remove, {"bricks": ["none"]})
    assert (unknown.status, unknown.text) == (400, "Brick none was found on no node that could be asked\n")
    kept = await asgi.request(app, "POST", remove, {"bricks": [house.topology.bricks_on(device.id)[0].id]})
    assert kept.status == 409
    begun = await asgi.request(app, "POST", remove, {"bricks": [strays.ID]})
    assert begun.status == 202
    job = begun.headers["location"].rsplit("/", 1)[-1]
    assert (await asgi.request(app, "GET", f"/operations/pending/{job}")).json["changes"] == [
        {"id": strays.ID, "description": "Delete brick"}
    ]
    await house.done(job)
    assert (await asgi.request(app, "GET", f"/queue/{job}")).status == 204
    assert (await get(house, "/internal/state/orphans")).json["bricks"] == []


async def test_what_does_not_serve_is_listed_and_mended() -> None:
    house = await furnished()
    app = asgi.application(house.plane)
    assert (await get(house, "/internal/state/bricks")).json == {"bricks": [], "looked_at": 6, "silent": []}
    machine = house.nodes.node("node0")
    machine.files["/etc/fstab"].clear()
    machine.power_off()
    machine.power_on()
    house.nodes.node("node1").power_off()
    found = (await get(house, "/internal/state/bricks")).json
    (silent,) = found["silent"]
    assert (silent["host"], found["looked_at"]) == ("node1", 4)
    node = next(each for each in house.topology.nodes() if each.manage_host == "node0")
    (device,) = house.topology.devices_of(node.id)
    bricks = {brick.id: brick for brick in house.topology.bricks_on(device.id)}
    assert {each["brick"] for each in found["bricks"]} == bricks.keys()
    for each in found["bricks"]:
        volume = house.topology.volume(bricks[each["brick"]].volume)
        assert volume
        assert each == {
            "brick": each["brick"],
            "volume": volume.id,
            "volume_name": volume.name,
            "cluster": node.cluster,
            "node": node.id,
            "host": "node0",
            "path": bricks[each["brick"]].path,
            "faults": ["unmounted", "unlisted", "dead"],
            "mendable": True,
        }
    mend = "/internal/state/bricks/mend"
    assert (await asgi.request(app, "POST", mend, {"bricks": []})).status == 400
    unknown = await asgi.request(app, "POST", mend, {"bricks": ["none"]})
    assert (unknown.status, unknown.text) == (400, "Brick none is not among those that need mending\n")
    begun = await asgi.request(app, "POST", mend, {"bricks": sorted(bricks)})
    assert begun.status == 202
    job = begun.headers["location"].rsplit("/", 1)[-1]
    assert (await asgi.request(app, "GET", f"/operations/pending/{job}")).json["type_name"] == "mend-bricks"
    await house.done(job)
    assert (await asgi.request(app, "GET", f"/queue/{job}")).status == 204
    assert (await get(house, "/internal/state/bricks")).json["bricks"] == []


async def test_the_check_finds_nothing_wrong() -> None:
    found = (await get(await furnished(), "/db/check")).json
    assert found["totalinconsistencies"] == 0
    assert found["volumes"] == {"total": 2, "pending": 0, "ok": 2, "notok": 0, "inconsistencies": None}


async def test_operations_at_work_are_in_the_dump_as_heketi_has_them() -> None:
    house = await furnished()
    volume = next(each.id for each in house.topology.volumes() if not each.block)
    house.executor.inner.delay = 0.01  # type: ignore[attr-defined]  # simulated
    operation = await house.plane.volumes.expand(volume, 1)
    document: Any = (await get(house, "/db/dump")).json
    found = document["pendingoperations"][operation]
    assert (found["Type"], [each["Change"] for each in found["Actions"]]) == (3, [1, 1, 1, 5])
    added = [each["Id"] for each in found["Actions"][:3]]
    assert {document["brickentries"][each]["Pending"]["Id"] for each in added} == {operation}
    assert (await get(house, "/db/check")).json["totalinconsistencies"] == 0
    await house.done(operation)


async def test_a_server_can_be_started_on_the_copy(tmp_path: Path) -> None:
    house = await furnished()
    reply = await get(house, "/backup/db")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"] == 'attachment; filename="heketi.db"'
    (tmp_path / "heketi.db").write_bytes(reply.body)
    store = await open_store(tmp_path / "heketi.db")
    loaded = await store.load()
    await store.aclose()
    assert Topology(loaded.entities) == house.topology


async def test_a_copy_of_an_sqlite_database_is_whole(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "one.db")
    house = House(store=store)
    await house.start()
    await house.furnish()
    await house.create()
    (tmp_path / "two.db").write_bytes(await house.plane.backup())
    other = await open_store(tmp_path / "two.db")
    assert await other.load() == await store.load()
    await other.aclose()
    await store.aclose()


async def test_nodes_are_compared_with_the_database() -> None:
    house = await furnished()
    found = (await get(house, "/internal/state/examine/gluster")).json
    assert found["report"] == [
        "OnDemand Examiner invoked while 0 ops are in flight",
        "heketi volume list matches with volume list of all nodes",
    ]
    assert list(found["heketidb"]) == list((await get(house, "/db/dump")).json)
    (cluster,) = found["clusters"]
    assert len(cluster["NodesData"]) == 3
    node = cluster["NodesData"][0]
    volumes = node["VolumeInfo"]["Volumes"]
    assert (volumes["Count"], len(volumes["VolumeList"])) == (2, 2)
    assert len(volumes["VolumeList"][0]["Bricks"]["BrickList"]) == 3
    (lines,) = [each["lv"] for each in node["LVMLVInfo"]["report"]]
    assert len(lines) == 4
    assert all(each["Mounted"] for each in node["BricksMountStatus"]["Statuses"])
    (name,) = node["BlockVolumeNames"]
    hosting = next(volume for volume in house.topology.volumes() if volume.block)
    assert name.startswith(f"{hosting.name}/blockvol_")


async def test_what_differs_and_what_cannot_be_told_is_reported() -> None:
    house = await furnished()
    nodes = list(house.topology.nodes())
    pool = house.nodes.node("node0").pool
    pool.volumes["stranger"] = pool.volumes.pop(next(name for name in pool.volumes if name.startswith("vol_")))
    pool.volumes["stranger"].name = "stranger"
    house.nodes.node("node1").power_off()
    found = (await get(house, "/internal/state/examine/gluster")).json
    by_host = {node.manage_host: node.id for node in nodes}
    lead = "heketi volume list does not match with volume list of node"
    assert sorted(found["report"][1:]) == sorted(
        [
            "could not fetch data from node node1",
            f"{lead} {by_host['node0']}",
            f"{lead} {by_host['node2']}",
            f"heketi volume list could not be compared with volume list of node {by_host['node1']} due to missing info",
        ]
    )
