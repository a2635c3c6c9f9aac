"""Databases that cannot be used, at the start and while the server runs: told what to do, and nothing is harmed."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.process.client import Client
from tests.served import serving, starting


def _damage(database: Path) -> None:
    data = bytearray(database.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at : at + 64] = b"\xff" * 64
    database.write_bytes(data)


def _cut(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:5000])


def _replace(database: Path) -> None:
    database.write_text("port: 8080\n")


def _directory(database: Path) -> None:
    database.unlink()
    database.mkdir()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_damage, "is damaged|It is damaged"),
        (_cut, "damaged"),
        (_replace, "is not an SQLite database"),
        (_directory, "is not a file"),
    ],
)
def test_a_start_is_refused(tmp_path: Path, spoil: Callable[[Path], None], told: str) -> None:
    database = tmp_path / "heketi.db"
    with serving(tmp_path) as running, Client(running.port) as client:
        client.furnish(nodes=3, devices=1)
    spoil(database)
    before = database.read_bytes() if database.is_file() else b""
    with starting(tmp_path) as running:
        assert running.process.wait(30) == 1
    said = (tmp_path / "server.log").read_text()
    assert "Traceback" not in said
    assert any(each in said for each in told.split("|")), said
    assert (database.read_bytes() if database.is_file() else b"") == before


def test_a_second_server_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    with serving(tmp_path) as running, Client(running.port) as client:
        (second / "heketi.db").symlink_to(tmp_path / "heketi.db")
        with starting(second) as other:
            assert other.process.wait(30) == 1
        assert f"(process {running.process.pid} on host" in (second / "server.log").read_text()
        client.furnish(nodes=3, devices=1)


def test_another_program_holds_the_database(tmp_path: Path) -> None:
    with serving(tmp_path) as running, Client(running.port) as client:
        with contextlib.closing(sqlite3.connect(tmp_path / "heketi.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            status, _, said = client("POST", "/clusters", {})
            assert (status, b"another program holds it locked" in said) == (500, True)
            assert client("GET", "/clusters")[0] == 200
            other.execute("ROLLBACK")
        assert client("POST", "/clusters", {})[0] == 201
        assert len(client.json("/clusters")["clusters"]) == 1


def test_a_copy_of_a_running_database_is_whole(tmp_path: Path) -> None:
    """Files copied while the server runs, journal included, are what a snapshot of the disk would have."""
    copy = tmp_path / "copy"
    copy.mkdir()
    with serving(tmp_path) as running, Client(running.port) as client:
        client.furnish(nodes=3, devices=1)
        before = client.json("/db/dump")
        for name in ("heketi.db", "heketi.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(tmp_path / name, copy / name)
    with serving(copy) as running, Client(running.port) as client:
        assert client.json("/db/dump") == before
