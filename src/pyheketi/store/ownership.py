"""One server at a time owns a database file: a lock on a file beside it, which also says who the owner is.

The lock is the kernel's and dies with its owner, however that ends; what is written in the file only names the owner.
"""

import fcntl
import os
import socket
import struct
from pathlib import Path

from pyheketi.domain import errors

_WHOLE_FILE = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
"""``struct flock``: a write lock from byte 0 to the end."""


class Ownership:
    """The lock on ``<database>.lock``, held from making this object to ``release``."""

    def __init__(self, database: Path) -> None:
        """Take the lock of the file ``database``.

        Raises:
            StoreLocked: another server has it; the text names that server.
            OSError: the lock file cannot be written.
        """
        self._path = database.with_name(database.name + ".lock")
        self._file = _locked(self._path)
        if self._file is None:
            raise errors.StoreLocked(
                f"Database {database} is in use by another heketi server{_owner(self._path)}."
                " Stop that one first, or give this one a database of its own."
            )
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


def _locked(path: Path) -> int | None:
    """Return a descriptor of the file with the lock on it; ``None`` if another has the lock."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # A lock of this open file, not of this process: it holds against a second store in the same process too, and
        # unlike flock it is the kind that network file systems carry to other hosts (seen on glusterfs).
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except OSError as error:
        os.close(file)
        if isinstance(error, BlockingIOError):
            return None
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
