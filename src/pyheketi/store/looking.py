"""Look at an SQLite file of ours without owning it, waiting for it or changing it, even while a server runs on it.

``sqlite_copy`` reads a file in another way, because it wants the opposite: that nobody writes to the file as long as
somebody serves from the copy, and no lock of SQLite's, which could not be had in a folder where nothing may be written.
"""

import contextlib
import sqlite3
from pathlib import Path

from pyheketi.domain import errors
from pyheketi.store import failures
from pyheketi.store.base import Loaded
from pyheketi.store.sql import open_database
from pyheketi.store.sqlite import in_memory

_PATIENCE = 1.0
"""Seconds to wait for a lock: servers hold theirs for much less, or until they stop."""


async def look(path: Path) -> Loaded:
    """Return what a file held at one moment. A copy in memory is opened, so it may be of an older schema.

    Raises:
        StoreLocked: a server on a network file system has it for itself.
        StoreError: it cannot be read, or is no database of ours.
    """
    return await read(contents(path), str(path))


async def read(copy: bytes, name: str) -> Loaded:
    """Return what the contents of a file hold; ``name`` is for error texts. It may be of an older schema, too.

    Raises:
        StoreError: it is damaged, or no database of ours.
    """
    store = await open_database(name, lambda: in_memory(copy, name))
    try:
        return await store.load()
    finally:
        await store.aclose()


def contents(path: Path) -> bytes:
    """Return what a file held at one moment, with what was still in its journal, as a file.

    Raises:
        StoreLocked: a server on a network file system has it for itself.
        StoreError: it cannot be read.
    """
    # Without a journal nobody has the file open, and SQLite would make a journal only to read it.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    address = f"{path.absolute().as_uri()}?{how}"
    with (
        failures.told(str(path)),
        contextlib.closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)) as source,
    ):
        try:
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it stands still for us
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise errors.StoreLocked(f"Database {path} is in use by a server that lets nobody else read it") from error
        return bytes(source.serialize())
