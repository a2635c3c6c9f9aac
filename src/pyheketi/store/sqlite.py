"""SQLite files: which may be opened, and how.

**Journal.** On a local file system: WAL, the usual way, so that ``sqlite3 heketi.db`` can read and ``.backup`` while
the server runs. On a file system that other hosts see (the database may live on a glusterfs volume): WAL too, but in
SQLite's exclusive locking mode. WAL's index lives in memory shared by processes of one host, which over the network is
wrong at worst and an I/O error at best; in exclusive mode the index is private and no memory is shared. A commit then
costs one ``fsync`` of one file; a rollback journal costs several (measured on glusterfs: 0.7 ms against 5.9 ms). The
price: other programs are told "database is locked" until the server stops.
"""

import contextlib
import logging
import os
import shutil
import sqlite3
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from pyheketi.domain import errors
from pyheketi.store import ownership
from pyheketi.store.sql import Database

_log = logging.getLogger(__name__)

T = TypeVar("T")

_MAGIC = b"SQLite format 3\0"
_NO_WAL = b"\x01\x01"
"""At offset 18: versions of the format. In memory there is no WAL, and SQLite opens nothing that asks for it."""
_BOLT_MAGIC = 0xED0CDAED
"""Of BoltDB, in which Heketi kept its database; a word at offset 16 (db.md)."""

_SHARED_FILE_SYSTEMS = (
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse",
    "gfs",
    "lustre",
    "nfs",
    "ocfs",
    "smb",
    "virtiofs",
)
"""Beginnings of the kernel's names for file systems that more than one kernel may write to."""

_REMEMBERED = 2.5
"""Seconds for which a host may answer from memory what another host has changed since: glusterfs keeps attributes and
names for one second, its mounts for another. The last owner may have been elsewhere, and what is remembered of its
files would make SQLite read an old state and write on top of it (seen on glusterfs)."""


_RELEASED = 5.0
"""Seconds that another host's lock may outlive its owner: network file systems hear of a dead process a little later
(seen on glusterfs)."""


def sqlite_database(path: Path, *, shared: bool | None = None) -> Database:
    """Return the database in a file, ours alone until it is released; the file is made if there is none.

    ``shared`` tells whether other hosts may see it; by default the kind of file system decides.

    Raises:
        StoreLocked: another server owns it.
        StoreError: it is no database of ours, or cannot be opened.
        OSError: its directory cannot be read or written.
    """
    path = path.resolve()  # so that a link to the file finds the same lock
    if not path.parent.is_dir():
        raise errors.StoreError(
            f"Database {path}: there is no directory {path.parent}. Make it, writable for the user that heketi runs as,"
            " or correct the path of the database in the configuration."
        )
    if path.exists() and not path.is_file():
        raise errors.StoreError(f"Database {path} is not a file. Correct its path in the configuration.")
    if shared is None:
        shared = on_shared_file_system(path.parent)
    owned = _owned(lambda: ownership.Ownership(path), patience=_RELEASED if shared else 0)
    try:
        if shared:
            time.sleep(_REMEMBERED)
        _require_restored(path)
        _require_ours(path)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite would let everybody read it
        alone = shared or not _shares_memory(path)
        return Database(name=str(path), engine=_engine(path, alone=alone), release=owned.release)
    except BaseException:
        owned.release()
        raise


def sqlite_copy(path: Path) -> Database:
    """Return a copy in memory of the database in a file; the file, its journal and its folder stay as they are.

    Nobody writes to the file until the copy is released. Its schema is brought up to date in memory.

    Raises:
        StoreLocked: a server that writes has it.
        StoreError: there is none, it is none of ours, or it is damaged.
        OSError: it cannot be read.
    """
    path = path.resolve()
    if not path.is_file():
        raise errors.StoreError(f"There is no database {path} that could be read. Correct its path.")
    shared = on_shared_file_system(path.parent)
    reading = _owned(lambda: ownership.Reading(path), patience=_RELEASED if shared else 0)
    try:
        if shared:
            time.sleep(_REMEMBERED)
        _require_restored(path)
        _require_ours(path)
        return in_memory(_contents(path), str(path), release=reading.release)
    except BaseException:
        reading.release()
        raise


def _contents(path: Path) -> bytes:
    """Return a file of SQLite's with all that is still in its journal, by way of a copy: reading may write."""
    with tempfile.TemporaryDirectory(prefix="heketi-") as folder:
        copy = Path(folder) / path.name
        for ending in ("", "-wal", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")  # takes in what is in the journal
            return connection.serialize()


def in_memory(contents: bytes, name: str, release: Callable[[], None] = lambda: None) -> Database:
    """Return a database in memory that begins as a file of these contents; ``name`` is for error texts.

    Whoever connects is told by a ``DamagedStore`` if it is not whole.
    """

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        if contents:
            connection.deserialize(contents[:18] + _NO_WAL + contents[20:])
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    engine = _with_transactions(engine, lambda connection: _require_whole(connection, name))
    return Database(name=name, engine=engine, release=release)


def _owned(take: Callable[[], T], *, patience: float) -> T:
    """Return what ``take`` returns, after ``patience`` seconds at most.

    Raises:
        StoreLocked: another server has it all that time.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return take()
        except errors.StoreLocked:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.25)


def restoring(path: Path) -> Path:
    """Return the file that is there while a backup is put into the place of a database.

    Its first line is the name that the database gets, its second the path of the backup.
    """
    return path.with_name(f"{path.name}.restoring")


def _require_restored(path: Path) -> None:
    """Refuse a database that is neither the old one nor the restored one."""
    with contextlib.suppress(FileNotFoundError):
        backup = restoring(path).read_text().splitlines()[1]
        raise errors.StoreError(
            f"The restoration of database {path} was interrupted. Do it once more:\n"
            f"  heketi db restore --from={backup} --dbfile={path}"
        )


def _require_ours(path: Path) -> None:
    """Refuse files that SQLite should not touch, by their first bytes.

    Only to be called while nobody in this process has the file open: closing it drops the locks of all.
    """
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except FileNotFoundError:
        return
    if len(head) == 20 and _BOLT_MAGIC in struct.unpack_from("<I", head, 16) + struct.unpack_from(">I", head, 16):
        raise errors.StoreError(
            f"Database {path} is one of Heketi 10 or older (BoltDB). To take it over, run:\n"
            f"  heketi db import --from={path}\n"
            f"The original stays beside it as {path}.heketi10. So far it was left untouched."
        )
    if head and not head.startswith(_MAGIC):
        raise errors.DamagedStore(
            f"Database {path} is not an SQLite database. Name another file. It was left untouched."
        )


def _shares_memory(path: Path) -> bool:
    """Tell whether SQLite can share memory next to the file: some file systems that are not in our list cannot."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            _journal(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
                raise
            return False
    return True


def _engine(path: Path, *, alone: bool) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=sa.NullPool,  # one connection, held by the store
        hide_parameters=True,  # no password of a block volume in a traceback
    )

    return _with_transactions(engine, lambda connection: _set_up(connection, path, alone=alone))


def _with_transactions(engine: sa.Engine, prepare: Callable[[sqlite3.Connection], None]) -> sa.Engine:
    """Return the engine, its transactions begun by ``begin`` only, its connections prepared."""

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001  # SQLAlchemy's signature
        # sqlite3 would begin transactions by itself, but not before SELECT and DDL: off, ``begin`` below does it.
        connection.isolation_level = None
        try:
            prepare(connection)
        except BaseException:
            connection.close()  # the pool does not know it yet
            raise

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _set_up(connection: sqlite3.Connection, path: Path, *, alone: bool) -> None:
    connection.execute("PRAGMA busy_timeout = 5000")  # for somebody's sqlite3, which may hold it a moment
    if alone:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # has to come before the journal is first used
    journal = _journal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # what was answered survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")
    _log.debug("Database %s: journal %s, %s locking", path, journal, "exclusive" if alone else "normal")
    _require_whole(connection, str(path))


def _require_whole(connection: sqlite3.Connection, name: str) -> None:
    report = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if report != "ok":
        raise errors.DamagedStore(
            f"Database {name} is damaged ({report.splitlines()[-1]})."
            " Restore a copy, or save what can be read with sqlite3 and .recover."
        )


def _journal(connection: sqlite3.Connection) -> str:
    """Ask for WAL, make it show whether it works, and return the journal that is in use."""
    answer: Any = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return str(answer)


def on_shared_file_system(directory: Path, mounts: str = "/proc/self/mountinfo") -> bool:
    """Tell whether other hosts may see the directory; a file system that is not known counts as local."""
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        for line in Path(mounts).read_text(errors="replace").splitlines():
            mount, _, source = line.partition(" - ")
            if mount.split()[2] == wanted:
                return source.startswith(_SHARED_FILE_SYSTEMS)
    return False
