"""Backups in a folder: whole or not there, checked, the oldest removed, never filling the disk."""

import asyncio
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests import dying

from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster
from pyheketi.domain.ids import ClusterId
from pyheketi.store import archive, looking
from pyheketi.store.archive import Archive
from pyheketi.store.opening import open_file

DAY = 86400.0
START = 1_800_000_000.0


def contents(path: Path, clusters: int) -> bytes:
    """Return what a database holds in which so many clusters were made, one a commit."""

    async def write() -> bytes:
        store = await open_file(path)
        try:
            revision = (await store.load()).revision
            while revision < clusters:
                cluster = Cluster(id=ClusterId(f"c{revision}"), file=True, block=True)
                revision = await store.commit([Put(cluster)], [], expected=revision)
            return await store.backup() or b""
        finally:
            await store.aclose()

    return asyncio.run(write())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "heketi.db"


def held(path: Path) -> int:
    """Return how many clusters a copy holds."""
    return len(asyncio.run(looking.look(path)).entities)


def test_a_backup_is_a_whole_database_for_its_owner_only(database: Path) -> None:
    made = Archive(database).keep(contents(database, 3), START)
    assert made is not None
    assert made.path == database.parent / "backups" / "heketi.db.20270115T080000Z"
    assert (held(made.path), made.revision, made.good_at) == (3, 3, START)
    told = made.path.stat()
    assert (stat.S_IMODE(told.st_mode), told.st_uid) == (0o600, database.stat().st_uid)
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert list(made.path.parent.iterdir()) == [made.path]


def test_the_oldest_are_removed(database: Path) -> None:
    kept = Archive(database, keep=3)
    made = [kept.keep(contents(database, day), START + day * DAY) for day in range(1, 6)]
    assert kept.paths() == [each.path for each in reversed(made[2:]) if each]
    assert kept.newest_good() == made[-1]


def test_what_has_not_changed_is_not_copied_again_but_known_to_be_good(database: Path) -> None:
    kept = Archive(database)
    held = contents(database, 1)
    first = kept.keep(held, START)
    second = kept.keep(held, START + DAY)
    assert first is not None
    assert second is not None
    assert (second.path, second.good_at) == (first.path, START + DAY)
    assert kept.paths() == [first.path]


def test_an_empty_database_is_no_reason_for_a_backup(database: Path) -> None:
    """It may stand where another was lost; day after day it would push out what is left of that."""
    kept = Archive(database)
    assert kept.keep(contents(database, 0), START) is None
    assert kept.paths() == []


def test_those_of_another_database_and_damaged_ones_are_left_alone(database: Path) -> None:
    kept = Archive(database, keep=1)
    lost = kept.keep(contents(database, 1), START)
    database.unlink()
    kept.keep(contents(database, 1), START + DAY)
    assert lost is not None
    damaged = kept.folder / "heketi.db.20270101T000000Z"
    damaged.write_bytes(b"SQLite format 3\0 and no more")
    notes = kept.folder / "heketi.db.notes"
    notes.write_text("by hand")
    newest = kept.keep(contents(database, 2), START + 2 * DAY)
    assert newest is not None
    assert set(kept.folder.iterdir()) == {newest.path, lost.path, damaged, notes}


def test_a_damaged_one_is_passed_over(database: Path) -> None:
    kept = Archive(database)
    good, bad = (kept.keep(contents(database, day), START + day * DAY) for day in (1, 2))
    assert bad is not None
    with bad.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    assert kept.newest_good() == good


@pytest.mark.parametrize("broken", [b"no database at all", b""], ids=["garbage", "nothing"])
def test_what_is_no_database_gets_no_name_and_removes_nothing(database: Path, broken: bytes) -> None:
    kept = Archive(database, keep=1)
    good = kept.keep(contents(database, 1), START)
    assert good is not None
    with pytest.raises(errors.StoreError):
        kept.keep(broken, START + DAY)
    assert list(kept.folder.iterdir()) == [good.path]


def test_a_full_disk_is_not_filled_further(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Archive(database)
    held = contents(database, 1)
    good = kept.keep(held, START)
    assert good is not None
    blocks = (2 * len(held) + archive.RESERVE) // 4096 - 1
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=blocks, f_frsize=4096))
    with pytest.raises(errors.StoreError, match=r"too little space .* Free some space, or set backup_folder"):
        kept.keep(contents(database, 2), START + DAY)
    assert list(kept.folder.iterdir()) == [good.path]


def test_a_folder_that_cannot_be_made_is_told(database: Path) -> None:
    with pytest.raises(errors.StoreError, match=r"backup in .*nowhere/backups: No such file or directory"):
        Archive(database, database.parent / "nowhere" / "backups").keep(contents(database, 1), START)


def test_whatever_kills_it_what_has_the_name_of_a_backup_is_one(database: Path) -> None:
    kept = Archive(database, keep=2)
    for day in (1, 2):
        kept.keep(contents(database, day), START + day * DAY)
    newer = contents(database, 3)
    deed = 0
    while dying.dies_at(deed, lambda: kept.keep(newer, START + 3 * DAY)):
        good = [archive.examine(path).revision for path in kept.paths()]
        assert good in ([2, 1], [3, 2, 1], [3, 2])
        deed += 1
    assert [held(path) for path in kept.paths()] == [3, 2]
    assert len(list(kept.folder.iterdir())) == 2
    assert deed >= 5
