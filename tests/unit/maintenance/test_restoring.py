"""``heketi db restore``: all of it or none of it, whatever kills it, and never while a server runs."""

import asyncio
import functools
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import dying
from tests.unit.store.test_archive import START, contents, held

from pyheketi import server
from pyheketi.config.load import parse_settings
from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster
from pyheketi.domain.ids import ClusterId
from pyheketi.maintenance import commands, restoring
from pyheketi.store import sqlite
from pyheketi.store.archive import Archive
from pyheketi.store.opening import open_file

OLD, NEW = 5, 2
"""Clusters in the database, and in the backup."""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with a journal, as a killed server leaves it."""
    made = tmp_path / "running" / "heketi.db"
    made.parent.mkdir()
    contents(made, NEW)
    home = tmp_path / "home"
    home.mkdir()

    async def killed() -> None:
        store = await open_file(made)
        try:
            for revision in range(NEW, OLD):
                cluster = Cluster(id=ClusterId(f"c{revision}"), file=True, block=True)
                await store.commit([Put(cluster)], [], expected=revision)
            for ending in ("", "-wal", "-shm"):
                shutil.copyfile(f"{made}{ending}", f"{home / 'heketi.db'}{ending}")
        finally:
            await store.aclose()

    asyncio.run(killed())
    assert (home / "heketi.db-wal").stat().st_size > 0
    return home / "heketi.db"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    made = Archive(folder / "heketi.db").keep(contents(folder / "heketi.db", NEW), START)
    assert made is not None
    return made.path


def run(*words: str) -> int:
    return commands.run(["db", "restore", *words])


def test_it_takes_the_place_of_the_database_which_is_kept(
    database: Path, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"--from={backup}", f"--dbfile={database}") == 0
    said = capsys.readouterr()
    assert f"was restored from {backup}" in said.err + said.out
    (kept,) = database.parent.glob("heketi.db.replaced-*Z")
    assert (held(database), held(kept)) == (NEW, OLD)
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert {each.name for each in database.parent.iterdir()} <= {
        *("heketi.db", "heketi.db.lock", kept.name),
        *(f"{kept.name}{ending}" for ending in ("-wal", "-shm")),
    }


def test_a_database_that_was_lost_is_made_anew(tmp_path: Path, backup: Path) -> None:
    database = tmp_path / "heketi.db"
    assert restoring.restore(backup, database).kept is None
    assert held(database) == NEW


def test_a_damaged_database_can_be_replaced(database: Path, backup: Path) -> None:
    database.write_bytes(b"\xff" * 10000)
    kept = restoring.restore(backup, database).kept
    assert kept is not None
    assert kept.read_bytes() == b"\xff" * 10000
    assert held(database) == NEW


def test_not_while_a_server_runs(database: Path, backup: Path) -> None:
    before = sorted(database.parent.iterdir())

    async def attempt() -> None:
        store = await open_file(database)
        try:
            with pytest.raises(errors.StoreLocked, match=r"in use .* Stop that server first \(systemctl stop heketi\)"):
                await asyncio.to_thread(restoring.restore, backup, database)
        finally:
            await store.aclose()

    asyncio.run(attempt())
    assert {each.name for each in database.parent.iterdir()} <= {*(each.name for each in before), "heketi.db.lock"}
    assert held(database) == OLD


@pytest.mark.parametrize(
    ("name", "made", "said"),
    [
        ("damaged", lambda whole: whole[:4096] + b"\xff" * 4096 + whole[8192:], "damaged|malformed"),
        ("short", lambda whole: whole[:9000], "damaged|malformed"),
        ("other", lambda _: b"no database", "not an SQLite database|not a database"),
    ],
)
def test_a_backup_that_is_none_changes_nothing(
    database: Path, backup: Path, name: str, made: Callable[[bytes], bytes], said: str
) -> None:
    broken = backup.with_name(name)
    broken.write_bytes(made(backup.read_bytes()))
    with pytest.raises(errors.StoreError, match=said):
        restoring.restore(broken, database)
    assert held(database) == OLD
    assert not list(database.parent.glob("*replaced*"))


@pytest.mark.parametrize("words", [(), ("--from=x",), ("--from=/no/such", "--dbfile=x")])
def test_what_is_missing_is_told(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 1
    said = capsys.readouterr()
    assert any(text in said.err + said.out for text in ("Please provide", "There is no backup"))


def test_the_database_is_no_backup_of_itself(database: Path) -> None:
    with pytest.raises(errors.StoreError, match="is the database itself"):
        restoring.restore(database, database)


def test_whatever_kills_it_no_server_starts_on_half_of_it_and_it_can_be_done_again(
    database: Path, backup: Path, tmp_path: Path
) -> None:
    seen = set()
    deed = 0
    dead = True
    while dead:
        home = tmp_path / f"crash{deed}"
        shutil.copytree(database.parent, home)
        there = home / database.name
        dead = dying.dies_at(deed, functools.partial(restoring.restore, backup, there))
        seen.add(what_a_server_finds(home / database.name))
        restoring.restore(backup, there)
        kept = [held(each) for each in home.glob("heketi.db.replaced-*Z")]
        assert held(there) == NEW
        assert OLD in kept
        assert not [each for each in home.iterdir() if "restor" in each.name]
        deed += 1
    assert seen == {OLD, "interrupted", NEW}
    assert deed > 10


def what_a_server_finds(database: Path) -> object:
    """Return how many clusters a server starts with, on a copy; or that it refuses to."""
    folder = database.parent.with_name(f"{database.parent.name}.look")
    shutil.copytree(database.parent, folder)
    if sqlite.restoring(database).exists():
        with pytest.raises(errors.StoreError, match=r"was interrupted. Do it once more:\n  heketi db restore --from="):
            contents_of(folder / database.name)
        return "interrupted"
    return contents_of(folder / database.name)


def contents_of(database: Path) -> int:
    async def opened() -> int:
        store = await open_file(database)
        try:
            return len((await store.load()).entities)
        finally:
            await store.aclose()

    return asyncio.run(opened())


def test_a_server_on_a_damaged_database_names_the_newest_good_backup_and_the_way_back(tmp_path: Path) -> None:
    database = tmp_path / "heketi.db"
    archive = Archive(database)
    good, bad = (archive.keep(contents(database, day), START + day * 86400) for day in (1, 2))
    assert good is not None
    assert bad is not None
    os.truncate(bad.path, 9000)
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    text = json.dumps({"port": 8080, "glusterfs": {"executor": "mock", "db": str(database)}})
    settings = parse_settings(text, "heketi.json", {}, disable_auth=True).settings

    async def start() -> None:
        async with server.opened_store(settings):
            pass

    with pytest.raises(errors.DamagedStore) as refusal:
        asyncio.run(start())

    last = str(refusal.value).splitlines()[-1]
    assert last == f"  heketi db restore --from={good.path} --dbfile={database}"
    assert run(*last.split()[3:]) == 0
    asyncio.run(start())
    assert held(database) == 1
