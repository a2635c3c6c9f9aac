"""Databases that are only read: what is answered, what is refused, and that nothing is touched."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.contract.store import homes

from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster
from pyheketi.domain.ids import ClusterId, OperationId
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.store.base import Store
from pyheketi.store.opening import open_store
from pyheketi.store.ownership import Reading

pytestmark = pytest.mark.anyio

CLUSTER = Cluster(id=ClusterId("c1"), file=True, block=True)
FINISHED = Operation(
    id=OperationId("o1"), kind=Kind.ADD_NODE, subject="n1", state=OperationState.DONE, created_at=1, updated_at=2
)


@asynccontextmanager
async def opened(place: str | Path, *, read_only: bool = True) -> AsyncIterator[Store]:
    """Open a database that nobody has any more: PostgreSQL notices only after a while that a connection is closed."""
    while True:
        try:
            store = await open_store(place, read_only=read_only)
        except errors.StoreLocked:
            continue
        break
    try:
        yield store
    finally:
        await store.aclose()


async def filled(place: str) -> None:
    async with homes.opened(homes.Sql(place)) as store:
        await store.commit([Put(CLUSTER)], [FINISHED], expected=0)


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in folder.iterdir()}


async def test_everything_is_read_and_nothing_is_written(sql_place: str) -> None:
    await filled(sql_place)
    async with opened(sql_place) as store:
        loaded = await store.load()
        assert (loaded.entities, loaded.revision) == ((CLUSTER,), 1)
        assert await store.operation("o1") == FINISHED
        with pytest.raises(errors.ReadOnly):
            await store.commit([Put(Cluster(id=ClusterId("c2"), file=True, block=True))], [], expected=1)
        assert await store.forget_finished(1e12) == 0
        assert await store.operation("o1") == FINISHED
        assert await store.load() == loaded
    async with opened(sql_place, read_only=False) as after:
        assert await after.load() == loaded


async def test_readers_share_a_database_that_nobody_writes_to(sql_place: str) -> None:
    await filled(sql_place)
    async with opened(sql_place) as one, opened(sql_place) as other:
        assert await one.load() == await other.load()
        with pytest.raises(errors.StoreLocked, match="in use by another heketi server"):
            await open_store(sql_place)
    async with opened(sql_place, read_only=False):
        with pytest.raises(errors.StoreLocked, match=r"in use by another heketi server \("):
            await open_store(sql_place, read_only=True)


async def test_a_file_and_its_folder_stay_as_they_are(tmp_path: Path) -> None:
    """Also when a server that died has left changes in the journal only."""
    home, left = tmp_path / "home", tmp_path / "left"
    home.mkdir()
    async with homes.opened(homes.Sql(str(home / "heketi.db"))) as store:
        await store.commit([Put(CLUSTER)], [], expected=0)
        shutil.copytree(home, left)
    before = files(left)
    assert before["heketi.db-wal"][0]
    async with opened(left / "heketi.db") as store:
        assert (await store.load()).entities == (CLUSTER,)
        backup = await store.backup()
        assert backup is not None
    assert files(left) == before
    (tmp_path / "copy.db").write_bytes(backup)
    async with homes.opened(homes.Sql(str(tmp_path / "copy.db"))) as store:
        assert (await store.load()).entities == (CLUSTER,)


async def test_postgresql_itself_refuses_to_write(postgresql_place: str) -> None:
    await filled(postgresql_place)
    async with opened(postgresql_place) as store:
        inner = store._inner  # type: ignore[attr-defined]
        with pytest.raises(errors.StoreError, match="it is read-only"):
            await inner.commit([], [], expected=1)


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(errors.StoreError, match="There is no database"):
        await open_store(tmp_path / "heketi.db", read_only=True)
    assert files(tmp_path) == {}


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "heketi.db"
    await filled(str(path))
    contents = path.read_bytes()
    path.write_bytes(contents[:4096] + b"x" * (len(contents) - 4096))
    with pytest.raises(errors.StoreError, match="damaged"):
        await open_store(path, read_only=True)


def test_where_nothing_can_be_written_there_is_nobody_to_lock_out() -> None:
    """In sysfs nobody, root included, can make a file."""
    place = Path("/sys/kernel/heketi.db")
    Reading(place).release()
    assert not place.with_name("heketi.db.lock").exists()
