"""Whole files, on the disk when a call returns, and for their owner's eyes only: a database holds passwords."""

import os
import stat
from pathlib import Path


def write(path: Path, contents: bytes, owner: os.stat_result | None = None) -> None:
    """Make a file that must not exist. Its name is on the disk only after ``sync_directory``.

    Args:
        path: of the file.
        contents: all of it.
        owner: whose it is, if root makes it for somebody.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None and os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on the disk. Raises ``OSError``."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
