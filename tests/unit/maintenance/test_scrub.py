"""``heketi db scrub`` and ``heketi db forget-volume`` as a person types them."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.unit.maintenance.test_commands import Shell, contents_of, files_in, ours
from tests.unit.migrate.test_importing import GIB, NONE, REPLICA_3, K, Story, V

from pyheketi.domain import errors, invariants
from pyheketi.domain.change import Change
from pyheketi.maintenance import scrub
from pyheketi.operations.operation import Operation, OperationState
from pyheketi.planning import scrubbing
from pyheketi.store.base import Loaded
from pyheketi.store.opening import open_store
from pyheketi.store.sql import SqlStore

OP = "0" * 32


@pytest.fixture
def heketi(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    return Shell(capsys, tmp_path)


def stuck_creation() -> Story:
    story = Story()
    ids = story.volume(REPLICA_3, 3)
    story.operation(1, *((1, id_, None) for id_ in ids), (2, V, None))
    return story


def stuck_deletion() -> Story:
    story = Story()
    ids = story.volume(NONE, 1)
    story.operation(2, *((3, id_, None) for id_ in ids), (4, V, None))
    return story


def hosting() -> Story:
    story = Story()
    story.volume(REPLICA_3, 3, block=True, size=100, blockinfo={"freesize": 95, "reservedsize": 2})
    story.block_volume(3)
    return story


def loaded(path: Path) -> Loaded:
    async def read() -> Loaded:
        store = await open_store(path)
        try:
            return await store.load()
        finally:
            await store.aclose()

    return asyncio.run(read())


def operation(path: Path, id_: str) -> Operation | None:
    async def read() -> Operation | None:
        store = await open_store(path)
        try:
            return await store.operation(id_)
        finally:
            await store.aclose()

    return asyncio.run(read())


def backup_in(folder: Path) -> Path:
    (found,) = (path for path in folder.iterdir() if ".before-" in path.name)
    return found


def test_a_stuck_creation_is_forgotten_and_told(heketi: Shell) -> None:
    place = ours(heketi.home / "heketi.db", stuck_creation())
    before = loaded(place)
    status, out, err = heketi("db", "scrub", f"--dbfile={place}", "--all")
    assert status == 0
    assert out.splitlines()[:5] == [
        f"Operation {OP}: Create volume vol_{V} ({V}): forgotten, with 3 bricks",
        f"  gluster volume vol_{V}  (ask node0, node1, node2)",
        f"  on node node0: brick 10.0.0.0:/var/lib/heketi/mounts/vg_d{1:031x}/brick_b5{0:030x}/brick",
        f"    LV vg_d{1:031x}/brick_b5{0:030x} in thin pool vg_d{1:031x}/tp_b5{0:030x}",
        f"    fstab /dev/mapper/vg_d{1:031x}-brick_b5{0:030x} /var/lib/heketi/mounts/vg_d{1:031x}/brick_b5{0:030x} …",
    ]
    after = contents_of(place)
    assert ([*after.volumes()], [*after.bricks()], invariants.check(after)) == ([], [], [])
    assert [after.used(device) for device in after.devices()] == [0, 0, 0]
    assert loaded(place).unfinished == ()
    ended = operation(place, OP)
    assert ended is not None
    assert (ended.state, ended.error) == (OperationState.ABANDONED, scrubbing.ENDED)
    kept = backup_in(heketi.home)
    assert kept.name.startswith("heketi.db.before-scrub-")
    assert f"The database as it was is kept as {kept}\n" in err
    assert loaded(kept) == before
    assert heketi("db", "consistency-check", f"--dbfile={place}", "--fail")[0] == 0
    assert heketi("db", "scrub", f"--dbfile={place}", "--all") == (
        0,
        "",
        "There is nothing to do: no operation is unfinished\n",
    )


def test_a_stuck_deletion_is_booked_as_done(heketi: Shell) -> None:
    place = ours(heketi.home / "heketi.db", stuck_deletion())
    status, out, _ = heketi("db", "scrub", f"--dbfile={place}", "--op", OP, "--json")
    told = json.loads(out)
    assert (status, told["dry_run"], told["written"], told["backup"]) == (
        0,
        False,
        str(place),
        str(backup_in(heketi.home)),
    )
    (item,) = told["items"]
    assert (item["id"], item["kind"]) == (OP, "delete-volume")
    assert item["left"]["volumes"] == [{"name": f"vol_{V}", "hosts": ["node0", "node1", "node2"]}]
    (brick,) = item["left"]["bricks"]
    group, lv = f"vg_d{1:031x}", f"brick_b5{0:030x}"
    assert brick == {
        "id": f"b5{0:030x}",
        "volume": f"vol_{V}",
        "node": "node0",
        "brick": f"10.0.0.0:/var/lib/heketi/mounts/{group}/{lv}/brick",
        "volume_group": group,
        "logical_volume": lv,
        "thin_pool": f"tp_b5{0:030x}",
        "pool_also_holds": [],
        "mount_point": f"/var/lib/heketi/mounts/{group}/{lv}",
        "fstab": f"/dev/mapper/{group}-{lv} /var/lib/heketi/mounts/{group}/{lv} ",
    }
    assert [*contents_of(place).volumes()] == []


def test_a_dry_run_writes_nothing(heketi: Shell) -> None:
    place = ours(heketi.home / "heketi.db", stuck_creation())
    before = place.read_bytes()
    status, out, err = heketi("db", "scrub", f"--dbfile={place}", "--all", "--dry-run")
    assert (status, "forgotten, with 3 bricks" in out, "Nothing was written" in err) == (0, True, True)
    assert (files_in(heketi.home), place.read_bytes()) == (["heketi.db", "heketi.db.lock"], before)


def test_the_result_can_go_elsewhere(heketi: Shell) -> None:
    place, out = ours(heketi.home / "heketi.db", stuck_creation()), heketi.home / "new.db"
    before = place.read_bytes()
    assert heketi("db", "scrub", f"--dbfile={place}", "--all", f"--out={out}")[0] == 0
    assert place.read_bytes() == before
    assert files_in(heketi.home) == ["heketi.db", "heketi.db.lock", "new.db"]
    assert (out.stat().st_mode & 0o777, loaded(out).unfinished) == (0o600, ())
    status, _, err = heketi("db", "scrub", f"--dbfile={place}", "--all", f"--out={out}")
    assert (status, err) == (1, f"failed to scrub: {out} file already exists\n")


def test_space_can_stay_in_use(heketi: Shell) -> None:
    place = ours(heketi.home / "heketi.db", stuck_creation())
    before = contents_of(place)
    used = [before.used(device) for device in before.devices()]
    assert heketi("db", "scrub", f"--dbfile={place}", "--all", "--no-subtract")[0] == 0
    after = contents_of(place)
    assert [after.used(device) for device in after.devices()] == used == [10 * GIB + 53248] * 3
    assert [device.foreign for device in after.devices()] == used


def test_only_the_operations_that_were_named_are_ended(heketi: Shell) -> None:
    story = stuck_creation()
    other = "1" * 32
    ids = story.volume(NONE, 1, "7" * 32)
    story.operation(2, (3, ids[0], None), (4, "7" * 32, None), id_=other)
    place = ours(heketi.home / "heketi.db", story)
    assert heketi("db", "scrub", f"--dbfile={place}", "--op", other)[0] == 0
    assert [each.id for each in loaded(place).unfinished] == [OP]
    status, _, err = heketi("db", "scrub", f"--dbfile={place}", "--op", OP, other)
    assert (status, err) == (
        1,
        f"failed to scrub: Operation {other} has ended already. Unfinished are:\n  {OP}  create-volume\n",
    )
    status, _, err = heketi("db", "scrub", f"--dbfile={place}", "--op", "nope")
    assert (status, "There is no operation with the id nope. Unfinished are:" in err) == (1, True)


def test_a_crash_between_the_copy_and_the_change_loses_nothing(heketi: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    place = ours(heketi.home / "heketi.db", stuck_creation())
    before = loaded(place)

    async def power_cut(
        self: SqlStore, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int
    ) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SqlStore, "commit", power_cut)
        with pytest.raises(KeyboardInterrupt):
            heketi("db", "scrub", f"--dbfile={place}", "--all")
    assert loaded(place) == before
    assert loaded(backup_in(heketi.home)) == before
    assert heketi("db", "scrub", f"--dbfile={place}", "--all")[0] == 0


def test_copies_are_never_overwritten(heketi: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub.time, "strftime", lambda *_: "now")  # type: ignore[attr-defined]  # two in one second
    story = hosting()
    story.volume(NONE, 1, "7" * 32)
    story.volume(NONE, 1, "8" * 32)
    place = ours(heketi.home / "heketi.db", story)
    for id_ in ("7" * 32, "8" * 32):
        assert heketi("db", "forget-volume", f"--dbfile={place}", "--volume", id_)[0] == 0
    first, second = (heketi.home / f"heketi.db.before-forget-volume-now{end}" for end in ("", ".1"))
    assert [len([*contents_of(each).volumes()]) for each in (first, second, place)] == [3, 2, 1]
    assert first.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_leaves_the_files_to_the_server_s_user(heketi: Shell) -> None:
    place = ours(heketi.home / "heketi.db", stuck_creation())
    os.chown(place, 1234, 2345)
    (heketi.home / "heketi.db.lock").unlink(missing_ok=True)
    assert heketi("db", "scrub", f"--dbfile={place}", "--all")[0] == 0
    owners = {path.name.partition("-")[0]: path.stat() for path in heketi.home.iterdir()}
    assert set(owners) == {"heketi.db", "heketi.db.lock", "heketi.db.before"}
    assert {(each.st_uid, each.st_gid, each.st_mode & 0o777) for each in owners.values()} == {(1234, 2345, 0o600)}


def test_a_database_in_use_is_refused(heketi: Shell) -> None:
    place = ours(heketi.home / "heketi.db", stuck_creation())

    async def meanwhile() -> tuple[int, str, str]:
        store = await open_store(place)
        try:
            return await asyncio.to_thread(heketi, "db", "scrub", f"--dbfile={place}", "--all")
        finally:
            await store.aclose()

    status, _, err = asyncio.run(meanwhile())
    assert status == 1
    assert "is in use by another heketi server (process " in err
    assert "Stop that server first (systemctl stop heketi)" in err
    assert "heketi-cli server operations cleanup" in err


def test_other_files_are_refused(heketi: Shell) -> None:
    bolt, text = heketi.home / "heketi.db", heketi.home / "dump.json"
    bolt.write_bytes(bytes(16) + (0xED0CDAED).to_bytes(4, "little") + bytes(4076))
    text.write_text("{}")
    for path, kind in ((bolt, "a database of Heketi 10 or older"), (text, "no database of pyheketi")):
        status, _, err = heketi("db", "scrub", f"--dbfile={path}", "--all")
        refused = f"{path} is {kind}, which is not written to. Import it first: heketi db import --from={path}"
        assert (status, err) == (1, f"failed to scrub: {refused}\n")
    nowhere = heketi.home / "nowhere.db"
    status, _, err = heketi("db", "forget-volume", f"--dbfile={nowhere}", "--volume", V)
    assert (status, "There is no database" in err) == (1, True)
    assert files_in(heketi.home) == ["dump.json", "heketi.db"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("db", "scrub", "--all"), "the following arguments are required: --dbfile"),
        (("db", "scrub", "--dbfile=x"), "one of the arguments --op --all is required"),
        (("db", "scrub", "--dbfile=x", "--all", "--op", "y"), "not allowed with argument --all"),
        (("db", "forget-volume", "--dbfile=x"), "the following arguments are required: --volume"),
        (("db", "scrub", "--dbfile=x", "--all", "--nope"), "unknown flag: --nope"),
    ],
)
def test_faults_of_use_end_with_255(heketi: Shell, words: tuple[str, ...], said: str) -> None:
    status, out, err = heketi(*words)
    assert (status, said in out, said in err) == (255, True, True)


def test_volumes_are_forgotten(heketi: Shell) -> None:
    story = Story()
    story.volume(REPLICA_3, 3)
    story.volume(NONE, 1, "7" * 32)
    place = ours(heketi.home / "heketi.db", story)
    status, out, _ = heketi("db", "forget-volume", f"--dbfile={place}", "--volume", V, "--volume", V)
    assert (status, out.splitlines()[0]) == (0, f"Volume vol_{V} ({V}): forgotten, with 3 bricks")
    after = contents_of(place)
    assert [volume.id for volume in after.volumes()] == ["7" * 32]
    assert invariants.check(after) == []
    assert heketi("db", "consistency-check", f"--dbfile={place}", "--fail")[0] == 0


def test_a_pool_that_others_lie_in_is_left(heketi: Shell) -> None:
    story = Story()
    ids = story.volume(NONE, 1)
    clone = story.volume(NONE, 1, "7" * 32, name="copy")
    entry = story.document["brickentries"][clone[0]]
    entry["LvmThinPool"], entry["LvmLv"] = f"tp_{ids[0]}", "a" * 32 + "_0"
    entry["Info"]["path"] = "/run/gluster/snaps/aaaa/brick1/brick"
    place = ours(heketi.home / "heketi.db", story)
    before = contents_of(place)
    used = [before.used(device) for device in before.devices()]
    status, out, _ = heketi("db", "forget-volume", f"--dbfile={place}", "--volume", V)
    assert (status, "(leave the pool: volume copy is in it)" in out) == (0, True)
    after = contents_of(place)
    assert [after.used(device) for device in after.devices()] == used
    status, out, _ = heketi("db", "forget-volume", f"--dbfile={place}", "--volume", "7" * 32)
    assert (status, "leave the pool" in out, "fstab" in out) == (0, False, False)


@pytest.mark.parametrize(
    ("story", "id_", "said"),
    [
        (Story(), V, f"There is no volume with the id {V}"),
        (stuck_creation(), V, f"Operation {OP} is at work on volume {V}. End it first: heketi db scrub --op {OP}"),
        (hosting(), V, f"Volume {V} hosts block volumes: disk ({K})."),
        (hosting(), f"vol_{V}", f"There is no volume with the id vol_{V}: vol_{V} is the name of volume {V}"),
    ],
    ids=["unknown", "pending", "hosting", "name"],
)
def test_volumes_that_cannot_be_forgotten_are_refused(heketi: Shell, story: Story, id_: str, said: str) -> None:
    place = ours(heketi.home / "heketi.db", story)
    before = place.read_bytes()
    status, out, err = heketi("db", "forget-volume", f"--dbfile={place}", "--volume", id_)
    assert (status, out, err.startswith(f"failed to forget volumes: {said}")) == (1, "", True)
    assert (files_in(heketi.home), place.read_bytes()) == (["heketi.db", "heketi.db.lock"], before)


def test_marks_of_operations_that_do_not_exist_are_dropped(heketi: Shell) -> None:
    import sqlite3  # noqa: PLC0415  # only here

    story = hosting()
    place = ours(heketi.home / "heketi.db", story)
    with sqlite3.connect(place) as connection:
        connection.execute("UPDATE volumes SET pending_operation = 'gone', pending_hidden = 1")
    connection.close()
    status, out, _ = heketi("db", "consistency-check", f"--dbfile={place}")
    assert json.loads(out)["volumes"]["inconsistencies"] == [f"Volume {V} marked pending but no pending op gone"]
    status, out, _ = heketi("db", "scrub", f"--dbfile={place}", "--all")
    assert (status, out) == (0, f"Operation gone: its mark on volume {V}: dropped, there is no such operation\n")
    assert [volume.pending for volume in contents_of(place).volumes()] == [None]
    assert heketi("db", "consistency-check", f"--dbfile={place}", "--fail")[0] == 0


def test_what_would_contradict_itself_is_not_written(heketi: Shell) -> None:
    story, evict, expand = Story(4), "1" * 32, "2" * 32
    ids = story.volume(REPLICA_3, 5)
    story.document["volumeentries"][V]["Bricks"] = ids[:3]
    story.operation(8, (3, ids[0], None), (1, ids[3], None), id_=evict)
    story.operation(3, (1, ids[4], None), (5, V, 10), id_=expand)  # on the same volume, which no server would do
    place = ours(heketi.home / "heketi.db", story)
    before = loaded(place)
    status, out, err = heketi("db", "scrub", f"--dbfile={place}", "--op", evict)
    assert (status, out) == (1, "")
    assert err == (
        "failed to scrub: Nothing was written, the result would contradict itself:\n"
        f"  volume {V}: brick {ids[4]} is in no set, and no operation is at work\n"
    )
    assert loaded(place) == before
    assert files_in(heketi.home) == ["heketi.db", "heketi.db.lock"]
    assert heketi("db", "scrub", f"--dbfile={place}", "--all")[0] == 0
    assert invariants.check(contents_of(place)) == []


def test_an_address_is_shown_without_its_password() -> None:
    assert scrub._shown("postgresql+psycopg://heketi:secret@db/heketi") == "postgresql+psycopg://heketi:***@db/heketi"
    with pytest.raises(errors.StoreError):
        asyncio.run(scrub.scrub(scrub.Place(database="mysql://x:secret@y/z"), ids=(), keep_space=False))
