"""One server at a time owns a database file: a lock on a file beside it, which also says who the owner is.

Those that only read share it among each other, and have it without leaving a trace where nothing may be written.
The lock is the kernel's and dies with its owner, however that ends; what is written in the file only names the owner.
"""

import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

from pyheketi.domain import errors

_NO_WRITING = (errno.EACCES, errno.EPERM, errno.EROFS)


def _whole_file(kind: int) -> bytes:
    """Return a ``struct flock``: a lock of that kind from byte 0 to the end."""
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)


class Ownership:
    """The lock on ``<database>.lock``, held from making this object to ``release``."""

    def __init__(self, database: Path) -> None:
        """Take the lock of the file ``database``.

        Raises:
            StoreLocked: another server has it; the text names that server.
            OSError: the lock file cannot be written.
        """
        self._file: int | None = _take(database, os.open(lock_file(database), _WRITE, 0o600), fcntl.F_WRLCK)
        _give_to_owner_of(database, self._file)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)

    def release(self) -> None:
        """Give up the database. May be called twice."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            # The file stays: if it were removed, somebody could hold the lock of the removed one, and somebody else
            # that of a new one. On a network file system, which remembers names for a while, nobody would notice.
            os.close(self._file)
            self._file = None


class Reading:
    """A share of the lock, held from making this object to ``release``: nobody writes meanwhile."""

    def __init__(self, database: Path) -> None:
        """Take a share of the lock of the file ``database``.

        Raises:
            StoreLocked: a server that writes has the lock; the text names it.
            OSError: the lock file cannot be read.
        """
        file = _open_to_read(database)
        self._file = None if file is None else _take(database, file, fcntl.F_RDLCK)

    def release(self) -> None:
        """Give up the share. May be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


_WRITE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


def lock_file(database: Path) -> Path:
    """Return the file that carries the lock of a database."""
    return database.with_name(database.name + ".lock")


def _open_to_read(database: Path) -> int | None:
    """Return a descriptor of the lock file; None if there is none and none can be made, so that no server has it."""
    path = lock_file(database)
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        try:
            made = os.open(path, _WRITE, 0o600)
        except OSError as error:
            if error.errno in _NO_WRITING:
                return None
            raise
        _give_to_owner_of(database, made)
        return made


def _take(database: Path, file: int, kind: int) -> int:
    """Return the descriptor with the lock on it.

    Raises:
        StoreLocked: another has the lock.
    """
    try:
        # A lock of this open file, not of this process: it holds against a second store in the same process too, and
        # unlike flock it is the kind that network file systems carry to other hosts (seen on glusterfs).
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _whole_file(kind))
    except OSError as error:
        os.close(file)
        if isinstance(error, BlockingIOError):
            raise errors.StoreLocked(
                f"Database {database} is in use by another heketi server{_owner(lock_file(database))}."
                " Stop that one first, or give this one a database of its own."
            ) from error
        raise
    return file


def _give_to_owner_of(database: Path, lock: int) -> None:
    """Let the server's own user take the lock again after root has looked at its database."""
    if os.geteuid() == 0 and database.exists():
        owner = database.stat()
        os.fchown(lock, owner.st_uid, owner.st_gid)


def _owner(path: Path) -> str:
    try:
        pid, host = path.read_text().split()
    except (OSError, ValueError):
        return ""
    return f" (process {pid} on host {host})"
