"""What went wrong in the database, said to a person. Exceptions of drivers and of SQLAlchemy end here."""

import contextlib
import errno
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from pyheketi.domain import errors

_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space",
    sqlite3.SQLITE_READONLY: "it cannot be written: the file or its file system is read-only. Make it writable",
    sqlite3.SQLITE_PERM: "access is denied. Let the user that heketi runs as write the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Let the user that heketi runs as write the file and its directory",
    sqlite3.SQLITE_BUSY: "another program holds it locked. Close whatever else has it open",
    sqlite3.SQLITE_LOCKED: "another program holds it locked. Close whatever else has it open",
    sqlite3.SQLITE_CORRUPT: "it is damaged. Restore a copy, or save what can be read with sqlite3 and .recover",
    sqlite3.SQLITE_NOTADB: "it is not a database. Name another file",
    sqlite3.SQLITE_IOERR: "reading or writing failed. Look for disk errors in the system's log",
    sqlite3.SQLITE_CONSTRAINT: "it refused what contradicts its rules. This is a bug of heketi, please report it",
}
"""By SQLite's primary result code."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)

_POSTGRESQL = (
    ("53100", "the disk is full. Free some space"),
    ("53300", "it takes no more connections. Raise max_connections, or close some"),
    ("25006", "it is read-only: a standby, or set so. Connect to the primary"),
    ("42501", "access is denied. Grant the user that heketi connects as its tables and its schema"),
    ("55P03", "another program holds it locked. Close whatever else has it open"),
    ("XX00", "it is damaged. Look into the log of PostgreSQL"),
    ("23", "it refused what contradicts its rules. This is a bug of heketi, please report it"),
)
"""By the start of the SQLSTATE. Failures to connect carry none, but their texts are plain enough."""


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """Turn everything that goes wrong with the database ``name`` into a ``StoreError``."""
    try:
        yield
    except errors.Error:
        raise
    except sa.exc.DBAPIError as error:
        lost = error.connection_invalidated
        raise _kind(error.orig)(f"Database {name}: {_reason(error.orig, lost=lost)}") from error
    except sqlite3.Error as error:
        raise _kind(error)(f"Database {name}: {_reason(error, lost=False)}") from error
    except OSError as error:
        cure = ". Let the user that heketi runs as write it and its directory" if error.errno in _DENIED else ""
        raise errors.StoreError(f"Database {name}: {error.strerror or error}{cure}") from error
    except (OverflowError, UnicodeError) as error:
        raise errors.StoreError(f"Database {name}: a value cannot be stored: {error}") from error
    except sa.exc.SQLAlchemyError as error:
        raise errors.StoreError(f"Database {name}: {error}") from error


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn what goes wrong while values are made from rows of the database ``name`` into a ``StoreError``."""
    try:
        yield
    except (ValueError, LookupError, TypeError) as error:
        raise errors.StoreError(
            f"Database {name} holds something that this heketi cannot read: {error}."
            " Start the version that wrote it or a later one, or restore a copy."
        ) from error


def _kind(error: BaseException | None) -> type[errors.StoreError]:
    damaged = isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
    return errors.DamagedStore if damaged else errors.StoreError


def _reason(error: BaseException | None, *, lost: bool) -> str:
    said = next(iter(str(error).splitlines()), "no reason was given")
    if lost:
        return f"the connection was lost ({said}). It is made again at the next try"
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return f"{_SQLITE[code]} ({said})" if code in _SQLITE else said
    state = getattr(error, "sqlstate", None) or ""
    cure = next((text for start, text in _POSTGRESQL if state.startswith(start)), "")
    return f"{cure} ({said})" if cure else said
