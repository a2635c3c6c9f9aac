"""Backups of the database file, while the server runs."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.api import asgi
from tests.house import House

from pyheketi.api.metrics import Metrics
from pyheketi.control_plane.archiving import Archiving
from pyheketi.store import looking
from pyheketi.store.archive import Archive
from pyheketi.store.memory import MemoryStore
from pyheketi.store.opening import open_file

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def until(condition: Callable[[], object]) -> None:
    """Wait until it says yes."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_one_is_made_when_it_is_due_and_the_next_after_a_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="pyheketi")
    house = House(store=await open_file(tmp_path / "heketi.db"))
    await house.start()
    await house.furnish()
    archive = Archive(tmp_path / "heketi.db")
    archiving = Archiving(house.store, archive, every=0.02, first=0)
    task = asyncio.create_task(archiving.watch())

    await until(archive.paths)
    first = archive.paths()[0]
    for _ in range(3):  # nothing has changed: the same is good for longer
        archiving.good_at = None
        await until(lambda: archiving.good_at is not None)
    assert len(archive.paths()) <= 2
    volume = await house.create()
    async with asyncio.timeout(20):
        while volume not in {entity.id for entity in (await looking.look(archive.paths()[0])).entities}:
            await asyncio.sleep(0.005)

    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert f"Backup of the database: {first} (" in caplog.text
    await house.plane.stop(1)
    await house.store.aclose()


async def test_after_a_restart_the_next_one_waits_until_it_is_due(tmp_path: Path) -> None:
    house = House(store=await open_file(tmp_path / "heketi.db"))
    await house.start()
    await house.furnish()
    archive, now = Archive(tmp_path / "heketi.db"), 1_800_000_000.0
    assert await Archiving(house.store, archive, every=3600, clock=lambda: now).make()
    await house.create()

    later = Archiving(house.store, archive, every=3600, first=0, clock=lambda: now + 1800)
    task = asyncio.create_task(later.watch())
    await until(lambda: later.good_at is not None)
    assert later.good_at == now
    await asyncio.sleep(0.05)
    assert len(archive.paths()) == 1
    task.cancel()

    due = Archiving(house.store, archive, every=3600, first=0, clock=lambda: now + 3601)
    task = asyncio.create_task(due.watch())
    await until(lambda: len(archive.paths()) == 2)
    task.cancel()
    await house.plane.stop(1)
    await house.store.aclose()


async def test_what_fails_is_told_and_nobody_else_is_hurt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = House(store=await open_file(tmp_path / "heketi.db"))
    await house.start()
    await house.furnish()
    (tmp_path / "backups").write_text("in the way")
    archiving = Archiving(house.store, Archive(tmp_path / "heketi.db"), every=3600)

    assert not await archiving.make()

    assert archiving.good_at is None
    assert "Backup of the database failed, it will be tried again" in caplog.text
    await house.create()
    await house.plane.stop(1)
    await house.store.aclose()


async def test_a_store_that_is_no_file_has_none(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "heketi.db")
    assert await Archiving(MemoryStore(), archive, every=1).make()
    assert archive.paths() == []


async def test_the_age_of_the_last_good_one_is_a_metric() -> None:
    house = House()
    await house.start()
    assert "pyheketi_backup_age_seconds" not in bytes(Metrics(house.plane).answer().body).decode()
    text = bytes(Metrics(house.plane, lambda: 0.0).answer().body).decode()
    (age,) = [line.split()[1] for line in text.splitlines() if line.startswith("pyheketi_backup_age_seconds ")]
    assert float(age) > 1e9
    assert (await asgi.request(asgi.application(house.plane), "GET", "/metrics")).status == 200
