"""Copies of the database, after changes."""

import asyncio
import gzip
import logging
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.builders import id_of

from pyheketi.control_plane.backups import BackupPauses, Backups
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster
from pyheketi.domain.ids import ClusterId
from pyheketi.store.base import Store
from pyheketi.store.opening import open_file
from pyheketi.store.watched import WatchedStore

pytestmark = pytest.mark.anyio
AT_ONCE = BackupPauses(gather=0, retry=0.01, longest=0.01, last=5)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Shelf:
    """Where copies go."""

    def __init__(self) -> None:
        self.copies: list[bytes] = []
        self.failures = 0
        """How many more are refused."""
        self.free = asyncio.Event()
        self.free.set()

    async def put(self, copy: bytes) -> None:
        await self.free.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("the shelf is broken")
        self.copies.append(copy)


async def soon(happened: Callable[[], bool]) -> None:
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def add(store: Store, revision: int) -> None:
    await store.commit(
        [Put(Cluster(id=ClusterId(id_of("cluster", revision)), file=True, block=True))], [], expected=revision
    )


async def restored(copy: bytes, path: Path) -> int:
    """Return how many clusters a copy holds."""
    await asyncio.to_thread(path.write_bytes, gzip.decompress(copy))
    store = await open_file(path)
    try:
        return len((await store.load()).entities)
    finally:
        await store.aclose()


async def with_backups(
    tmp_path: Path,
    work: Callable[[Store, Shelf], Awaitable[None]],
    *,
    limit: int = 1 << 20,
    pauses: BackupPauses = AT_ONCE,
) -> Shelf:
    """Do something with a store that is backed up; return what was kept in the end."""
    shelf = Shelf()
    store = await open_file(tmp_path / "heketi.db")
    backups = Backups(store, shelf.put, limit=limit, pauses=pauses)
    try:
        await work(WatchedStore(store, backups.changed), shelf)
    finally:
        await backups.aclose()
        await store.aclose()
    return shelf


async def test_every_change_is_copied_in_the_end(tmp_path: Path) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        await add(store, 0)
        await soon(lambda: len(shelf.copies) == 1)
        await add(store, 1)
        await soon(lambda: len(shelf.copies) == 2)

    shelf = await with_backups(tmp_path, work)
    assert [await restored(copy, tmp_path / f"{at}.db") for at, copy in enumerate(shelf.copies)] == [1, 2]


async def test_nothing_is_copied_before_a_change(tmp_path: Path) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        await store.load()
        await store.forget_finished(0)

    assert (await with_backups(tmp_path, work)).copies == []


async def test_changes_do_not_wait_and_are_sent_together(tmp_path: Path) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        shelf.free.clear()
        for revision in range(5):
            await add(store, revision)
        shelf.free.set()

    shelf = await with_backups(tmp_path, work)
    assert len(shelf.copies) <= 2
    assert await restored(shelf.copies[-1], tmp_path / "copy.db") == 5


async def test_the_last_state_is_sent_when_the_server_stops(tmp_path: Path) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        await add(store, 0)

    shelf = await with_backups(tmp_path, work, pauses=BackupPauses(gather=3600))
    assert await restored(shelf.copies[-1], tmp_path / "copy.db") == 1


async def test_a_failure_is_told_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        shelf.failures = 3
        await add(store, 0)
        await soon(lambda: len(shelf.copies) == 1)

    await with_backups(tmp_path, work)
    told = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert told == ["Backup failed, it will be tried again: the shelf is broken"] * 3


async def test_a_shelf_that_never_answers_does_not_keep_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        shelf.free.clear()
        await add(store, 0)

    shelf = await with_backups(tmp_path, work, pauses=BackupPauses(gather=0, last=0.1))
    assert shelf.copies == []
    assert "Backup failed: the last copy could not be sent within 0.1 s" in caplog.text


async def test_what_is_too_large_is_not_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        await add(store, 0)
        await soon(lambda: "Backup failed" in caplog.text)

    assert (await with_backups(tmp_path, work, limit=100)).copies == []
    assert "bytes, only 100 can be kept there. Fetch it with GET /backup/db instead" in caplog.text


async def test_what_has_finished_is_left_out_if_it_is_too_much(tmp_path: Path) -> None:
    async def work(store: Store, shelf: Shelf) -> None:
        await add(store, 0)

    whole = (await with_backups(tmp_path, work)).copies[-1]
    assert whole
    random.seed(1)

    class Full:
        """A store whose copy holds much that cannot be packed."""

        def __init__(self, inner: Store) -> None:
            self.load = inner.load

        async def backup(self) -> bytes:
            return random.randbytes(1 << 16)

    shelf = Shelf()
    inner = await open_file(tmp_path / "heketi.db")
    backups = Backups(Full(inner), shelf.put, limit=len(whole) * 2, pauses=AT_ONCE)  # type: ignore[arg-type]  # enough
    backups.changed()
    await backups.aclose()
    await inner.aclose()
    assert await restored(shelf.copies[-1], tmp_path / "copy.db") == 1
