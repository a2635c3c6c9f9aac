"""What is special about SQLite files: which are opened, how they are kept, what a crash leaves."""

import hashlib
import os
import sqlite3
import stat
import struct
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.contract.store import homes, worlds
from tests.shared import shared_dir

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import BlockVolume, Cluster, Node
from pyheketi.domain.ids import BlockVolumeId, ClusterId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.store.opening import open_store
from pyheketi.store.sql import SqlStore, open_database
from pyheketi.store.sqlite import sqlite_database

pytestmark = pytest.mark.anyio

CLUSTER = Cluster(id=ClusterId("c1"), file=True, block=True)
ORPHAN = BlockVolume(
    id=BlockVolumeId("b1"),
    name="b",
    cluster=CLUSTER.id,
    hosting=VolumeId("v1"),
    size_gib=1,
    ha_count=1,
    auth=True,
    password="hush",
)
"""A block volume on nothing, which the database refuses."""


def modes(folder: Path) -> dict[str, int]:
    """Return the access modes of the files in a folder by name."""
    return {found.name: stat.S_IMODE(found.stat().st_mode) for found in folder.iterdir()}


async def pragma(store: SqlStore, text: str) -> object:
    """Ask or tell the store's own connection."""
    return await store._run(lambda: store._query(f"PRAGMA {text}")[0][0])


def overwrite(path: Path, at: int, with_: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(with_)


def digest(path: Path) -> tuple[str, int]:
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


async def test_the_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "heketi.db"
    async with homes.opened(homes.Sql(str(path))) as store:
        await store.commit([Put(CLUSTER)], [], expected=0)
        present = modes(tmp_path)

    assert present == dict.fromkeys(("heketi.db", "heketi.db-wal", "heketi.db-shm", "heketi.db.lock"), 0o600)
    assert modes(tmp_path).keys() == {"heketi.db", "heketi.db.lock"}


async def test_other_programs_read_while_the_server_runs(tmp_path: Path) -> None:
    path = tmp_path / "heketi.db"
    async with homes.opened(homes.Sql(str(path))) as store:
        await store.commit([Put(CLUSTER)], [], expected=0)
        reader = sqlite3.connect(path)
        rows = reader.execute("SELECT id FROM clusters").fetchall()
        journal = reader.execute("PRAGMA journal_mode").fetchone()
        reader.close()

    assert (rows, journal) == ([("c1",)], ("wal",))


async def test_a_commit_is_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    async with homes.opened(homes.Sql(str(tmp_path / "heketi.db"))) as store:
        assert isinstance(store, SqlStore)
        pragmas = [await pragma(store, name) for name in ("synchronous", "foreign_keys", "journal_mode")]

    assert pragmas == [2, 1, "wal"]


@pytest.mark.parametrize(
    ("place", "opened"),
    [("{}/a.db", "a.db"), ("sqlite:///{}/b.db", "b.db"), ("{}/link.db", "target.db")],
    ids=["path", "address", "link"],
)
async def test_ways_to_name_a_file(tmp_path: Path, place: str, opened: str) -> None:
    (tmp_path / "link.db").symlink_to("target.db")
    async with homes.opened(homes.Sql(place.format(tmp_path))):
        with pytest.raises(errors.StoreLocked):
            await open_store(tmp_path / opened)


def _bolt(word_order: str) -> bytes:
    return struct.pack(f"{word_order}QHHIII", 0, 4, 0, 0, 0xED0CDAED, 2) + bytes(4064)


def _of_another_program(path: Path) -> None:
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE recipes (id INTEGER)")
    made.close()


STRANGERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "Heketi 10": (
        lambda path: path.write_bytes(_bolt("<")),
        r"(?s)BoltDB.*heketi db import --from=.*untouched",
    ),
    "Heketi 10, big-endian": (lambda path: path.write_bytes(_bolt(">")), r"(?s)Heketi 10 .*BoltDB.*untouched"),
    "a text": (lambda path: path.write_text("x" * 5000), r"is not an SQLite database.*untouched"),
    "a few bytes": (lambda path: path.write_bytes(b"SQLi"), r"is not an SQLite database.*untouched"),
    "another program's": (_of_another_program, r"belongs to another program.*recipes"),
}


@pytest.mark.parametrize(("make", "reason"), STRANGERS.values(), ids=STRANGERS)
async def test_a_file_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "heketi.db"
    make(path)
    rows_before = _dump(path)

    with pytest.raises(errors.StoreError, match=reason):
        await open_store(path)

    assert _dump(path) == rows_before
    assert modes(tmp_path).keys() == {"heketi.db", "heketi.db.lock"}


def _dump(path: Path) -> object:
    """What the file holds: SQLite may change the journal's mark in the header of a file that is one of its own."""
    if not path.read_bytes().startswith(b"SQLite format 3\0"):
        return digest(path)
    connection = sqlite3.connect(path)
    rows = list(connection.iterdump())
    connection.close()
    return rows


async def test_the_recorded_database_of_heketi_10_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "heketi.db"
    path.write_bytes((shared_dir() / "golden" / "heketi-v10.db").read_bytes())
    before = digest(path)

    with pytest.raises(errors.StoreError, match="one of Heketi 10 or older"):
        await open_store(path)

    assert digest(path) == before


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("{}/missing/heketi.db", r"there is no directory .*/missing\. Make it"),
        ("{}", "is not a file"),
        ("", "No database is named"),
        ("sqlite://", "No database is named"),
        ("mysql://host/heketi", "kind mysql are not known"),
        ("postgresql://[::1/heketi", "cannot be understood"),
    ],
)
async def test_places_that_cannot_be_opened(tmp_path: Path, place: str, reason: str) -> None:
    with pytest.raises(errors.StoreError, match=reason):
        await open_store(place.format(tmp_path))
    assert modes(tmp_path) == {}


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "heketi.db"
    path.touch()
    async with homes.opened(homes.Sql(str(path))) as store:
        assert (await store.load()).revision == 0


async def test_damage_is_reported(sqlite_place: str) -> None:
    await _fill(sqlite_place)
    overwrite(Path(sqlite_place), 4096, b"\x5a" * 4096 * 6)

    with pytest.raises(errors.StoreError, match=r"damaged.*Restore a copy"):
        await open_store(sqlite_place)


async def _fill(place: str) -> None:
    async with homes.opened(homes.Sql(place)) as store:
        await store.commit([Put(CLUSTER)], [worlds.an_operation(f"o{n}") for n in range(100)], expected=0)


async def test_steps_of_a_newer_version_are_reported(sqlite_place: str) -> None:
    await _fill(sqlite_place)
    writer = sqlite3.connect(sqlite_place)
    with writer:
        writer.execute("UPDATE operations SET steps = replace(steps, 'CheckGlusterd', 'BrewCoffee')")
    writer.close()

    async with homes.opened(homes.Sql(sqlite_place)) as store:
        for read in (store.load, lambda: store.operation("o1")):
            with pytest.raises(errors.StoreError, match="cannot read: unknown step or value 'BrewCoffee'"):
                await read()


async def test_a_full_disk_refuses_and_recovers(sqlite_place: str) -> None:
    big = worlds.an_operation(error="x" * 100_000)
    async with homes.opened(homes.Sql(sqlite_place)) as store:
        assert isinstance(store, SqlStore)
        await pragma(store, f"max_page_count = {await pragma(store, 'page_count')}")
        with pytest.raises(errors.StoreError, match=r"the disk is full\. Free some space"):
            await store.commit([Put(CLUSTER)], [big], expected=0)
        assert (await store.load()).entities == ()

        await pragma(store, "max_page_count = 100000")
        assert await store.commit([Put(CLUSTER)], [big], expected=0) == 1


async def test_somebody_who_holds_the_file_locked(sqlite_place: str) -> None:
    async with homes.opened(homes.Sql(sqlite_place)) as store:
        assert isinstance(store, SqlStore)
        await pragma(store, "busy_timeout = 1")
        other = sqlite3.connect(sqlite_place, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.StoreError, match="another program holds it locked"):
            await store.commit([], [], expected=0)
        other.close()
        assert await store.commit([], [], expected=0) == 1


async def test_without_shared_memory_nobody_else_gets_in(sqlite_place: str) -> None:
    store = await open_database(sqlite_place, lambda: sqlite_database(Path(sqlite_place), shared=True))
    try:
        await store.commit([Put(CLUSTER)], [], expected=0)
        reader = sqlite3.connect(sqlite_place, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            reader.execute("SELECT * FROM clusters")
        reader.close()
        names = modes(Path(sqlite_place).parent).keys()
    finally:
        await store.aclose()

    assert names == {"heketi.db", "heketi.db-wal", "heketi.db.lock"}
    async with homes.opened(homes.Sql(sqlite_place)) as again:
        assert (await again.load()).entities == (CLUSTER,)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
async def test_killed_in_the_middle_whole_commits_remain(sqlite_place: str, delay: float) -> None:
    server = homes.child("committer.py", [sqlite_place])
    with pytest.raises(errors.StoreLocked, match=f"process {server.pid} on host "):
        await open_store(sqlite_place)
    await anyio.sleep(delay)
    homes.kill(server)

    async with homes.opened(homes.Sql(sqlite_place)) as store:
        loaded = await store.load()
        kinds = [type(entity) for entity in loaded.entities]
        next_revision = await store.commit([Put(CLUSTER)], [], expected=loaded.revision)

    assert loaded.revision >= 1
    assert (kinds.count(Cluster), kinds.count(Node)) == (loaded.revision, loaded.revision * 3)
    assert next_revision == loaded.revision + 1
    checker = sqlite3.connect(sqlite_place)
    checks = [checker.execute(f"PRAGMA {check}").fetchall() for check in ("integrity_check", "foreign_key_check")]
    checker.close()
    assert checks == [[("ok",)], []]


async def test_a_cancelled_commit_keeps_the_order(sqlite_place: str) -> None:
    other: list[Change] = [Put(replace(CLUSTER, id=ClusterId("c2")))]
    async with homes.opened(homes.Sql(sqlite_place)) as store:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: store.commit([Put(CLUSTER)], [], expected=0))
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        loaded = await store.load()
        await store.commit(other, [], expected=loaded.revision)
        assert Topology((await store.load()).entities) == Topology(loaded.entities).apply(other)


@pytest.fixture
def unwritable() -> Iterator[Path]:
    """A directory that whoever runs the test may not write; root is somebody else meanwhile."""
    me = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        os.seteuid(me or 65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(me)


async def test_opening_without_rights(unwritable: Path) -> None:
    with pytest.raises(errors.StoreError, match=r"Permission denied\. Let the user that heketi runs as write"):
        await open_store(unwritable / "heketi.db")


async def test_a_password_is_in_no_traceback(tmp_path: Path) -> None:
    async with homes.opened(homes.Sql(str(tmp_path / "heketi.db"))) as store:
        with pytest.raises(errors.StoreError) as refused:
            await store.commit([Put(ORPHAN)], [], expected=0)
    assert "INSERT INTO block_volumes" in "".join(traceback.format_exception(refused.value))
    assert "hush" not in "".join(traceback.format_exception(refused.value))
