"""From the ``db`` setting to an open store."""

from pathlib import Path

import sqlalchemy as sa

from pyheketi.domain import errors
from pyheketi.store.base import Store
from pyheketi.store.postgresql import postgresql_database
from pyheketi.store.readonly import ReadOnlyStore
from pyheketi.store.sql import open_database
from pyheketi.store.sqlite import sqlite_copy, sqlite_database


async def open_store(place: str | Path, *, read_only: bool = False) -> Store:
    """Open the database at ``place`` and own it until the store is closed.

    Args:
        place: the path of an SQLite file, ``sqlite:///path``, or ``postgresql+psycopg://user:password@host/database``.
        read_only: change nothing, and share it with others that only read; it has to be there.

    Raises:
        StoreLocked: another server owns it; the text names it.
        StoreError: it cannot be opened; the text says why and what to do.
    """
    if isinstance(place, Path) or "://" not in place:
        return await open_file(Path(place), read_only=read_only)
    try:
        url = sa.make_url(place)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise errors.StoreError(
            "The address of the database cannot be understood. Write a path, or"
            " postgresql+psycopg://user:password@host/database with %xx for special characters."
        ) from error
    match url.drivername:
        case "sqlite":
            return await open_file(Path(url.database or ""), read_only=read_only)
        case "postgresql" | "postgresql+psycopg":
            url = url.set(drivername="postgresql+psycopg")
            name = url.set(query={}).render_as_string(hide_password=True)
            store = await open_database(name, lambda: postgresql_database(url, read_only=read_only))
            return ReadOnlyStore(store) if read_only else store
        case other:
            raise errors.StoreError(f"Databases of kind {other} are not known, only SQLite files and PostgreSQL.")


async def open_file(path: Path, *, read_only: bool = False) -> Store:
    """Open the SQLite file at ``path``, or make it unless it is only to be read.

    Raises:
        StoreError: as ``open_store``.
    """
    if not path.name:
        raise errors.StoreError("No database is named. Write the path of a file, such as /var/lib/heketi/heketi.db.")
    if read_only:
        return ReadOnlyStore(await open_database(str(path), lambda: sqlite_copy(path)))
    return await open_database(str(path), lambda: sqlite_database(path))
