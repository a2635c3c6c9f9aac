"""Real exceptions in, sentences out."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pyheketi.domain import errors
from pyheketi.store import failures


def read_only(folder: Path) -> None:
    (folder / "x.db").touch()
    run(f"file:{folder}/x.db?mode=ro", "CREATE TABLE t (a)")


def missing(folder: Path) -> None:
    run(f"file:{folder}/missing/x.db", "SELECT 1")


def not_a_database(folder: Path) -> None:
    (folder / "x.db").write_bytes(b"x" * 4096)
    run(f"file:{folder}/x.db", "CREATE TABLE t (a)")


def constraint(folder: Path) -> None:
    run(f"file:{folder}/x.db", "CREATE TABLE t (a UNIQUE)", "INSERT INTO t VALUES (1), (1)")


def unknown_table(folder: Path) -> None:
    run(f"file:{folder}/x.db", "SELECT * FROM missing")


def run(address: str, *statements: str) -> None:
    engine = sa.create_engine(f"sqlite:///{address}{'&' if '?' in address else '?'}uri=true", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("fail", "text"),
    [
        (read_only, "it cannot be written: the file or its file system is read-only. Make it writable (attempt"),
        (missing, "it cannot be opened. Let the user that heketi runs as write the file and its directory (unable"),
        (not_a_database, "it is not a database. Name another file (file is not a database)"),
        (constraint, "it refused what contradicts its rules. This is a bug of heketi, please report it (UNIQUE"),
        (unknown_table, "no such table: missing"),
    ],
)
def test_what_sqlite_raises(tmp_path: Path, fail: Callable[[Path], None], text: str) -> None:
    with pytest.raises(errors.StoreError) as failure, failures.told("x.db"):
        fail(tmp_path)
    assert str(failure.value).startswith(f"Database x.db: {text}")


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (sqlite3.OperationalError("from the bare driver"), "Database x: from the bare driver"),
        (OSError(errno.ENOLCK, "No locks available"), "Database x: No locks available"),
        (PermissionError(errno.EACCES, "Permission denied"), "Database x: Permission denied. Let the user"),
        (OverflowError("too large"), "Database x: a value cannot be stored: too large"),
        (sa.exc.NoResultFound("No row"), "Database x: No row"),
    ],
)
def test_other_exceptions_become_errors_of_ours(raised: Exception, text: str) -> None:
    with pytest.raises(errors.StoreError) as failure, failures.told("x"):
        raise raised
    assert str(failure.value).startswith(text)
    assert failure.value.__cause__ is raised


def test_errors_of_ours_pass() -> None:
    raised = errors.StaleRevision("stale")
    with pytest.raises(errors.StaleRevision) as failure, failures.told("x"):
        raise raised
    assert failure.value is raised
