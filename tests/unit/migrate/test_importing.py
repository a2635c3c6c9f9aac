"""Databases of Heketi taken over: nothing is lost, what is odd is told, and the way back stays open."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from tests.house import House
from tests.shared import golden

from pyheketi.domain import invariants
from pyheketi.domain.durability import Disperse, Distribute, Replicate
from pyheketi.domain.ids import VolumeId
from pyheketi.executors.fake import gluster
from pyheketi.executors.fake.executor import FakeExecutor
from pyheketi.executors.fake.nodes import FakeNodes
from pyheketi.migrate import checking, exporting, importing
from pyheketi.migrate.importing import Imported, Unusable
from pyheketi.operations.operation import Kind, OperationState
from pyheketi.planning import volumes
from pyheketi.store import copying
from pyheketi.store.base import Loaded
from pyheketi.store.memory import MemoryDatabase, MemoryStore
from pyheketi.wire import base
from pyheketi.wire.dump import Dump

C, V, K = "c" * 32, "5" * 32, "6" * 32
GIB = 1024 * 1024


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Story:
    """A small database of Heketi's as its export: three nodes with a device each, and what a test adds."""

    def __init__(self, nodes: int = 3) -> None:
        self.document: dict[str, dict[str, Any]] = {section: {} for section in Dump.model_fields}
        ids = [f"{number:032x}" for number in range(1, nodes + 1)]
        contents = {"id": C, "nodes": ids, "volumes": [], "block": True, "file": True, "blockvolumes": []}
        self.document["clusterentries"][C] = {"Info": contents}
        self.document["dbattributeentries"]["DB_CLUSTER_HAS_FILE_BLOCK_FLAG"] = {
            "Key": "DB_CLUSTER_HAS_FILE_BLOCK_FLAG",
            "Value": "yes",
        }
        for number, id_ in enumerate(ids):
            hosts = {"manage": [f"node{number}"], "storage": [f"10.0.0.{number}"]}
            self.document["nodeentries"][id_] = {
                "State": "online",
                "Info": {"zone": number + 1, "hostnames": hosts, "cluster": C, "id": id_},
                "Devices": ["d" + id_[1:]],
            }
            self.document["deviceentries"]["d" + id_[1:]] = {
                "State": "online",
                "Info": {
                    "name": "/dev/sdb",
                    "storage": {"total": 500 * GIB, "free": 500 * GIB, "used": 0},
                    "id": "d" + id_[1:],
                },
                "Bricks": [],
                "NodeId": id_,
                "ExtentSize": 4096,
            }

    def volume(self, durability: dict[str, Any], bricks: int, id_: str = V, **contents: Any) -> list[str]:
        """Add a volume with bricks on all nodes in turn; return their ids."""
        ids = [f"b{id_[0]}{number:030x}" for number in range(bricks)]
        self.document["volumeentries"][id_] = {
            "Info": {
                "size": 10,
                "name": f"vol_{id_}",
                "durability": durability,
                "snapshot": {"enable": False, "factor": 1},
                "id": id_,
                "cluster": C,
                "mount": {"glusterfs": {"hosts": ["10.0.0.0", "10.0.0.1", "10.0.0.2"], "device": "", "options": {}}},
                "blockinfo": {},
            }
            | contents,
            "Bricks": ids,
            "GlusterVolumeOptions": [""],
            "Pending": {"Id": ""},
        }
        self.document["clusterentries"][C]["Info"]["volumes"].append(id_)
        for number, brick in enumerate(ids):
            self.brick(brick, number % len(self.document["nodeentries"]), id_)
        return ids

    def brick(self, id_: str, node: int, volume: str, **more: Any) -> None:
        node_id = list(self.document["nodeentries"])[node]
        device = self.document["deviceentries"]["d" + node_id[1:]]
        device["Bricks"].append(id_)
        device["Info"]["storage"]["free"] -= 10 * GIB + 53248
        device["Info"]["storage"]["used"] += 10 * GIB + 53248
        path = f"/var/lib/heketi/mounts/vg_{device['Info']['id']}/brick_{id_}/brick"
        contents = {"id": id_, "path": path, "device": device["Info"]["id"], "node": node_id, "volume": volume}
        self.document["brickentries"][id_] = {
            "Info": contents | {"size": 10 * GIB},
            "TpSize": 10 * GIB,
            "PoolMetadataSize": 53248,
            "Pending": {"Id": ""},
            "LvmThinPool": f"tp_{id_}",
            "LvmLv": "",
            "SubType": 1,
        } | more

    def operation(self, kind: int, *actions: tuple[int, str, float | None], id_: str = "0" * 32) -> None:
        self.document["pendingoperations"][id_] = {
            "Id": id_,
            "Timestamp": 1700000000,
            "Type": kind,
            "Actions": [{"Change": change, "Id": about, "Delta": delta} for change, about, delta in actions],
            "Status": "",
        }

    def block_volume(self, size: int = 3, **contents: Any) -> None:
        self.document["blockvolumeentries"][K] = {
            "Info": {
                "size": size,
                "name": "disk",
                "hacount": 2,
                "id": K,
                "blockvolume": {"hosts": ["10.0.0.0"], "iqn": "iqn.x:G", "lun": 0, "username": "", "password": ""},
                "cluster": C,
                "blockhostingvolume": V,
                "usablesize": size,
            }
            | contents,
            "Pending": {"Id": ""},
        }
        self.document["clusterentries"][C]["Info"]["blockvolumes"].append(K)
        self.document["volumeentries"][V]["Info"]["blockinfo"]["blockvolume"] = [K]

    def imported(self) -> Imported:
        return importing.imported(base.validated(Dump, self.document))


REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}, "disperse": {}}
DISPERSE = {"type": "disperse", "replicate": {}, "disperse": {"data": 2, "redundancy": 1}}
NONE = {"type": "none", "replicate": {}, "disperse": {}}


def there_and_back(found: Imported) -> dict[str, Any]:
    document = exporting.exported(found.topology, found.operations, "g")
    return base.parse(Dump, base.to_json(document)).model_dump()


def test_a_real_database_goes_there_and_back() -> None:
    exported = base.validated(Dump, golden("heketi-v10.json"))
    found = importing.imported(exported)
    assert invariants.check(found.topology) == []
    back, expected = there_and_back(found), exported.model_dump()
    for document in (back, expected):
        document["dbattributeentries"]["DB_GENERATION_ID"]["Value"] = ""
        for operation in document["pendingoperations"].values():
            operation["Actions"] = sorted(operation["Actions"], key=str)
            operation["Status"] = ""
    assert back == expected


@pytest.mark.parametrize(
    ("asked", "bricks", "durability", "sets"),
    [
        (REPLICA_3, 3, Replicate(3), 1),
        (REPLICA_3, 9, Replicate(3), 3),
        ({"type": "replicate", "replicate": {}, "disperse": {}}, 2, Replicate(2), 1),
        (DISPERSE, 6, Disperse(2, 1), 2),
        (NONE, 5, Distribute(), 5),
        ({}, 1, Distribute(), 1),
    ],
)
def test_likely_sets_are_guessed_and_said_to_be(
    asked: dict[str, Any], bricks: int, durability: object, sets: int
) -> None:
    story = Story()
    ids = story.volume(asked, bricks)
    found = story.imported()
    volume = found.topology.volume(V)
    assert volume is not None
    assert (volume.durability, len(volume.brick_sets), volume.sets_guessed) == (durability, sets, bricks > 1)
    assert sorted(volume.bricks) == ids
    assert invariants.check(found.topology) == []
    assert found.notes == ()


def test_arbiters_are_told_by_their_kind_and_stand_last() -> None:
    story = Story()
    ids = story.volume(REPLICA_3, 6)
    for id_ in (ids[1], ids[5]):
        story.document["brickentries"][id_]["SubType"] = 2
    volume = story.imported().topology.volume(V)
    assert volume is not None
    assert volume.durability == Replicate(3, arbiter=True)
    assert {each[2] for each in volume.brick_sets} == {ids[1], ids[5]}
    assert invariants.check(story.imported().topology) == []


def test_a_clone_that_was_being_made_goes_with_its_own_bricks_only() -> None:
    story = Story()
    ids, clone = story.volume(NONE, 1), story.volume(NONE, 2, "7" * 32)
    story.operation(7, (9, V, None), (11, "7" * 32, None), (1, clone[0], None), (1, ids[0], None))
    found = story.imported()
    assert [volume.id for volume in found.topology.volumes()] == [V]
    assert [brick.id for brick in found.topology.bricks()] == ids
    assert found.operations == ()


def test_a_clone_that_holds_block_volumes_is_refused() -> None:
    story = Story()
    story.volume(REPLICA_3, 3, block=True, size=100, blockinfo={"freesize": 95, "reservedsize": 2})
    story.block_volume(3)
    story.operation(7, (11, V, None))
    with pytest.raises(Unusable, match=r"contradicts itself: volume .* still holds block volume"):
        story.imported()


def test_an_arbiter_alone_is_no_end_of_guessing() -> None:
    story = Story()
    ids = story.volume({"type": "replicate", "replicate": {"replica": 1}, "disperse": {}}, 2)
    story.document["brickentries"][ids[1]]["SubType"] = 2
    found = story.imported()
    volume = found.topology.volume(V)
    assert volume is not None
    assert sorted(volume.bricks) == ids
    assert any("do not make whole sets" in note for note in found.notes)


def test_bricks_of_clones_keep_their_names_and_share_their_pool() -> None:
    story = Story()
    ids = story.volume(NONE, 1)
    clone = story.volume(NONE, 1, "7" * 32)
    entry = story.document["brickentries"][clone[0]]
    entry["LvmThinPool"], entry["LvmLv"] = f"tp_{ids[0]}", "a" * 32 + "_0"
    entry["Info"]["path"] = "/run/gluster/snaps/aaaa/brick1/brick"
    device = story.document["deviceentries"][entry["Info"]["device"]]["Info"]["storage"]
    device["free"] += 10 * GIB + 53248
    device["used"] -= 10 * GIB + 53248
    found = story.imported()
    brick = found.topology.brick(clone[0])
    assert brick is not None
    assert (brick.logical_volume, brick.mount_point) == ("a" * 32 + "_0", "/run/gluster/snaps/aaaa/brick1")
    assert [each.foreign for each in found.topology.devices()] == [0, 0, 0]
    assert checking.check(exporting.exported(found.topology, (), "g")).totalinconsistencies == 0


def test_what_is_older_gets_what_it_lacks() -> None:
    story = Story()
    ids = story.volume(REPLICA_3, 3)
    story.document["dbattributeentries"].clear()
    contents = story.document["clusterentries"][C]["Info"]
    contents["block"] = contents["file"] = False
    for id_ in ids:
        entry = story.document["brickentries"][id_]
        entry["Info"]["volume"] = entry["LvmThinPool"] = ""
        entry["SubType"] = 0
    found = story.imported()
    cluster = next(found.topology.clusters())
    assert (cluster.file, cluster.block) == (True, True)
    assert [brick.thin_pool for brick in found.topology.bricks_of(next(found.topology.volumes()).id)] == [
        f"tp_{id_}" for id_ in ids
    ]
    assert any("older than Heketi 6" in note for note in found.notes)


def test_what_belongs_to_nothing_is_left_out_and_told_and_its_space_kept() -> None:
    story = Story()
    story.volume(NONE, 1)
    story.brick("e" * 32, 0, "f" * 32)
    found = story.imported()
    assert [brick.id[0] for brick in found.topology.bricks()] == ["b"]
    assert [device.foreign for device in found.topology.devices()] == [10 * GIB + 53248, 0, 0]
    assert any(f"brick {'e' * 32}, it belongs to volume {'f' * 32}, which is not there" in each for each in found.notes)


def test_names_that_clash_are_refused() -> None:
    story = Story()
    for node in story.document["nodeentries"].values():
        node["Info"]["hostnames"]["manage"] = ["same"]
    with pytest.raises(Unusable, match="same management host name same"):
        story.imported()


def test_a_newer_database_is_refused() -> None:
    story = Story()
    story.document["dbattributeentries"]["DB_NEW"] = {"Key": "DB_NEW", "Value": "yes"}
    with pytest.raises(Unusable, match="newer Heketi than 10: it has attributes DB_NEW"):
        story.imported()


@pytest.mark.parametrize(
    ("free", "reserved", "expected"),
    [
        (95, 2, (2, "")),
        (97, 0, (2, "")),
        (90, 2, (2, "locked-by-update")),
        (1, 0, (0, "locked-by-update")),
    ],
)
def test_hosting_volumes_are_mended_as_heketi_does_at_its_start(
    free: int, reserved: int, expected: tuple[int, str]
) -> None:
    story = Story()
    used = 99 if free == 1 else 3
    blockinfo = {"freesize": free, "reservedsize": reserved}
    story.volume(REPLICA_3, 3, block=True, size=100, blockinfo=blockinfo)
    story.block_volume(used)
    volume = story.imported().topology.volume(V)
    assert volume is not None
    assert (volume.reserved_gib, volume.restriction) == expected


Actions: TypeAlias = list[tuple[int, str, float | None]]
PENDING: dict[str, tuple[int, Callable[[list[str]], Actions], Kind | None, str]] = {
    "create": (1, lambda ids: [*((1, id_, None) for id_ in ids), (2, V, None)], Kind.CREATE_VOLUME, "gone"),
    "delete": (2, lambda ids: [*((3, id_, None) for id_ in ids), (4, V, None)], Kind.DELETE_VOLUME, "gone"),
    "expand": (3, lambda ids: [*((1, id_, None) for id_ in ids[3:]), (5, V, 10.0)], Kind.EXPAND_VOLUME, "there"),
    "expand, done": (3, lambda ids: [*((1, id_, None) for id_ in ids[3:]), (5, V, 10.0)], Kind.EXPAND_VOLUME, "grown"),
    "evict": (8, lambda ids: [(3, ids[0], None), (1, ids[3], None)], Kind.EVICT_BRICK, "there"),
    "evict, done": (8, lambda ids: [(3, ids[0], None), (1, ids[3], None)], Kind.EVICT_BRICK, "moved"),
    "evict, nothing done yet": (8, lambda ids: [(3, ids[0], None)], None, "there"),
    "remove device": (6, lambda _: [(8, "d" + "0" * 30 + "1", None)], None, "there"),
    "clone": (7, lambda _: [(9, V, None), (11, "8" * 32, None)], None, "there"),
}


def house_of(found: Imported) -> House:
    """Return a house on simulated nodes that hold what was imported."""
    database = MemoryDatabase(topology=found.topology, operations={each.id: each for each in found.operations})
    house = House(store=MemoryStore(database))
    house.nodes = FakeNodes.from_topology(found.topology)
    house.executor.inner = FakeExecutor(house.nodes)
    return house


def _do_in_gluster(house: House, found: Imported, ids: list[str]) -> None:
    """Do with gluster what the operation was about when Heketi died."""
    names = [volumes.locate(found.topology, brick).gluster_name for id_ in ids if (brick := found.topology.brick(id_))]
    if found.operations[0].kind is Kind.EXPAND_VOLUME:
        words = ["volume", "add-brick", f"vol_{V}", *names[3:]]
    else:
        words = ["volume", "replace-brick", f"vol_{V}", names[0], names[3], "commit", "force"]
    gluster.run(house.nodes.node("node0"), words)


@pytest.mark.anyio
@pytest.mark.parametrize("what", PENDING)
async def test_operations_that_heketi_left_unfinished_come_to_an_end(what: str) -> None:
    number, actions, kind, end = PENDING[what]
    story = Story(4)
    bricks = 4 if kind is Kind.EVICT_BRICK else 6 if kind is Kind.EXPAND_VOLUME else 3
    ids = story.volume(REPLICA_3, bricks)
    if kind is Kind.EVICT_BRICK:
        story.document["volumeentries"][V]["Bricks"] = ids[:3]
    story.operation(number, *actions(ids))

    found = story.imported()

    assert [(each.kind, each.state) for each in found.operations] == ([(kind, OperationState.STUCK)] if kind else [])
    assert len(found.notes) >= 1
    document = exporting.exported(found.topology, found.operations, "g")
    assert checking.check(document).totalinconsistencies == 0
    house = house_of(found)
    if what.endswith("done"):
        _do_in_gluster(house, found, ids)
    await house.start()
    await house.job(await house.plane.clean_up(()))
    assert house.plane.operations == []
    volume = house.topology.volume(V)
    assert (volume is None) == (end == "gone")
    if volume is not None:
        assert volume.pending is None
        assert volume.size_gib == (20 if end == "grown" else 10)
        assert (ids[0] in volume.bricks) == (end != "moved")


@pytest.mark.anyio
async def test_sets_are_learned_from_gluster() -> None:
    story = Story()
    story.volume(REPLICA_3, 9)
    found = story.imported()
    house = house_of(found)
    there = house.nodes.node("node0").pool.volumes[f"vol_{V}"]
    there.bricks = there.bricks[::-1]
    await house.start()
    await house.plane.brick_sets.learn(VolumeId(V))
    volume = house.topology.volume(V)
    assert volume is not None
    assert not volume.sets_guessed
    names = [f"{house.topology.node(_node(house, id_)).storage_host}:" for id_ in volume.bricks]  # type: ignore[union-attr]  # it is there
    assert [name.partition(":")[0] + ":" for name in there.bricks] == names


def _node(house: House, brick: str) -> str:
    found = house.topology.brick(brick)
    assert found is not None
    device = house.topology.device(found.device)
    assert device is not None
    return device.node


@pytest.mark.anyio
async def test_what_was_taken_over_can_be_written_to_a_file() -> None:
    story = Story()
    story.volume(REPLICA_3, 3, block=True, size=100, blockinfo={"freesize": 95, "reservedsize": 2})
    story.block_volume(3)
    story.operation(5, (7, K, None))
    found = story.imported()
    loaded = Loaded(entities=tuple(found.topology.entities()), unfinished=found.operations, revision=0)
    assert (await copying.copied(loaded)).startswith(b"SQLite format 3\0")
