"""Backups of a database file: copies in a folder, each written whole or not at all, the oldest removed.

A copy is checked before it gets its name, and only then older ones go. Whatever kills the server in between, what has
the name of a backup is one.
"""

import contextlib
import os
import re
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from pyheketi.domain import errors
from pyheketi.store import failures, files

FOLDER = "backups"
"""Where backups are kept, beside the database, unless a setting says otherwise."""

RESERVE = 64 * 1024**2
"""Bytes that a backup leaves free on its disk at least, and as much again as it takes itself."""

_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy of a database."""

    path: Path
    generation: str
    """Id of the database."""
    revision: int
    good_at: float
    """When it was known to be all that is in the database, seconds since the epoch."""


def examine(path: Path) -> Backup:
    """Look at a copy from its first to its last page; nothing is written.

    Raises:
        DamagedStore: it is damaged, or no copy of a database of ours.
        StoreError: it cannot be read.
    """
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with (
        failures.told(str(path)),
        contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None)) as copy,
    ):
        report = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if report != "ok":
            raise errors.DamagedStore(f"Database {path} is damaged ({report.splitlines()[-1]}).")
        revision, generation = copy.execute("SELECT revision, generation FROM meta").fetchone()
        return Backup(path=path, generation=generation, revision=revision, good_at=path.stat().st_mtime)


class Archive:
    """The backups of one database."""

    def __init__(self, database: Path, folder: Path | None = None, *, keep: int = 7) -> None:
        """Name the database, the folder (``backups`` beside it by default), and how many backups stay there."""
        self.database = database.resolve()
        self.folder = folder or self.database.parent / FOLDER
        self._keep = keep
        self._name = re.compile(re.escape(self.database.name) + r"\.\d{8}T\d{6}Z")

    def paths(self) -> list[Path]:
        """Return what has the name of a backup, the latest first."""
        with contextlib.suppress(OSError):
            found = [each for each in self.folder.iterdir() if self._name.fullmatch(each.name)]
            return sorted(found, key=lambda each: each.name, reverse=True)
        return []

    def newest_good(self) -> Backup | None:
        """Return the latest backup that is whole; None if there is none."""
        for path in self.paths():
            with contextlib.suppress(errors.StoreError, OSError):
                return examine(path)
        return None

    def keep(self, contents: bytes, now: float) -> Backup | None:
        """Make a backup of these contents, and remove what is too old.

        If the latest holds the same, it is known to be good again. Of a database that nothing was ever written to there
        is no backup: one that is made where another was lost must not push out those of the other.

        Raises:
            StoreError: it cannot be made; those that there are stay. The text says what to do.
        """
        with failures.told(f"backup in {self.folder}"):
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700)
                files.sync_directory(self.folder.parent)
            part = self.folder / f".{self.database.name}.part"
            part.unlink(missing_ok=True)  # of a server that was killed
            self._require_room(len(contents))
            try:
                files.write(part, contents, self.database.stat() if self.database.exists() else None)
                made = examine(part)
                return self._named(made, contents, now) if made.revision else None
            finally:
                part.unlink(missing_ok=True)

    def _named(self, made: Backup, contents: bytes, now: float) -> Backup:
        latest = self.newest_good()
        if latest and latest.path.read_bytes() == contents:
            path = latest.path  # it still holds all there is
            os.utime(path, (now, now))
        else:
            path = self._free(now)
            os.utime(made.path, (now, now))
            made.path.rename(path)
            files.sync_directory(self.folder)
        self._remove_old(made.generation)
        return examine(path)

    def _free(self, now: float) -> Path:
        """Return a name that no file has."""
        while True:
            path = self.folder / f"{self.database.name}.{time.strftime(_STAMP, time.gmtime(now))}"
            if not os.path.lexists(path):
                return path
            now += 1

    def _remove_old(self, generation: str) -> None:
        """Remove the oldest good backups of this database; those of another, and what is damaged, are a person's."""
        good = []
        for path in self.paths():
            with contextlib.suppress(errors.StoreError):
                good.append(examine(path))
        for old in [each for each in good if each.generation == generation][self._keep :]:
            old.path.unlink()
        files.sync_directory(self.folder)

    def _require_room(self, size: int) -> None:
        told = os.statvfs(self.folder)
        free = told.f_bavail * told.f_frsize
        wanted = 2 * size + RESERVE
        if free < wanted:
            raise errors.StoreError(
                f"There is too little space in {self.folder} for another backup: {free // 2**20} MiB are free,"
                f" {wanted // 2**20 + 1} MiB are needed. Free some space, or set backup_folder to another disk."
            )
