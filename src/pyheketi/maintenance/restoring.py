"""``heketi db restore``: put a backup in the place of a database, which is kept beside it.

Before the first name changes, a file ``<database>.restoring`` says so; as long as it is there, no server starts on what
may be half of the one and half of the other. Whatever interrupts the restoration, it can be done once more.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pyheketi.domain import errors
from pyheketi.domain.topology import Topology
from pyheketi.maintenance import sources
from pyheketi.store import files, looking, ownership
from pyheketi.store.base import Loaded
from pyheketi.store.sqlite import restoring

_JOURNALS = ("-wal", "-journal")
"""Endings of files that belong to a database: with another one they would ruin it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done."""

    topology: Topology
    """What the database holds now."""
    kept: Path | None
    """Where the replaced database is now; None if there was none."""


def restore(backup: Path, database: Path) -> Restored:
    """Put a backup in the place of a database.

    Raises:
        StoreLocked: a server is using the database; nothing was changed.
        StoreError: the backup is no whole database of ours; nothing was changed.
        OSError: a file cannot be read or written; nothing was changed, or the restoration has to be done once more.
    """
    database = database.resolve()
    if not backup.is_file():
        raise errors.StoreError(f"There is no backup {backup}. Correct its path.")
    if not database.parent.is_dir():
        raise errors.StoreError(f"There is no directory {database.parent}. Make it, for the user that heketi runs as.")
    if database.exists() and database.samefile(backup):
        raise errors.StoreError(f"{backup} is the database itself. Name the backup.")
    contents = looking.contents(backup)
    topology = _topology(asyncio.run(looking.read(contents, str(backup))), backup)
    owned = _owned(database)
    try:
        return Restored(topology=topology, kept=_put(contents, backup, database))
    finally:
        owned.release()


def _topology(loaded: Loaded, backup: Path) -> Topology:
    try:
        return Topology(loaded.entities)
    except errors.BrokenInvariant as why:
        raise errors.StoreError(f"{backup} contradicts itself: {why}. Take another backup.") from why


def _owned(database: Path) -> ownership.Ownership:
    try:
        return ownership.Ownership(database)
    except errors.StoreLocked as error:
        raise sources.in_use(error) from error


def _put(contents: bytes, backup: Path, database: Path) -> Path | None:
    """Change the names, in an order that can be interrupted and repeated; return where the old one is."""
    owner = next(each for each in (database, restoring(database), database.parent) if each.exists()).stat()
    fresh = database.with_name(f".{database.name}.restored")
    fresh.unlink(missing_ok=True)
    files.write(fresh, contents, owner)
    kept = _announce(database, backup, owner)
    if not kept.exists():  # otherwise an interrupted restoration has come as far as that
        for ending in (*_JOURNALS, ""):
            if (old := Path(f"{database}{ending}")).exists():
                old.rename(f"{kept}{ending}")
        files.sync_directory(database.parent)
    for ending in (*_JOURNALS, "-shm"):
        Path(f"{database}{ending}").unlink(missing_ok=True)
    fresh.rename(database)
    files.sync_directory(database.parent)
    _give_lock(database, owner)
    restoring(database).unlink()
    files.sync_directory(database.parent)
    return kept if kept.exists() else None


def _announce(database: Path, backup: Path, owner: os.stat_result) -> Path:
    """Let no server start from here on; return the name that the old database gets, now or since the first try."""
    mark = restoring(database)
    if not mark.exists():
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = database.with_name(f"{database.name}.replaced-{moment}")
        draft = mark.with_name(f".{mark.name}")
        draft.unlink(missing_ok=True)
        files.write(draft, f"{kept.name}\n{backup.absolute()}\n".encode(), owner)
        draft.rename(mark)
        files.sync_directory(database.parent)
    return database.with_name(mark.read_text().splitlines()[0])


def _give_lock(database: Path, owner: os.stat_result) -> None:
    """Let the server's own user take the lock that root has made."""
    if os.geteuid() == 0:
        os.chown(ownership.lock_file(database), owner.st_uid, owner.st_gid)
