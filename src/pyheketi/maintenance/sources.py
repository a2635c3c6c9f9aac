"""Files that hold a database, whatever wrote them: Heketi's own, its export, and ours."""

import fcntl
import os
from pathlib import Path

from pyheketi.domain import errors
from pyheketi.domain.topology import Topology
from pyheketi.migrate import bolt, document, exporting, importing
from pyheketi.store import looking
from pyheketi.store.base import Store
from pyheketi.store.opening import open_file
from pyheketi.wire import base
from pyheketi.wire.dump import Dump

_SQLITE = b"SQLite format 3\0"


async def read(path: Path) -> Dump:
    """Return what a file holds; it is not changed.

    Raises:
        StoreError: it is none that we know, is damaged, or a server is using it.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(20)
        if head.startswith(_SQLITE):
            return await _ours(path)
        if bolt.is_bolt(head):
            _require_unused(file.fileno(), path)
        data = head + file.read()
    try:
        return document.read_bolt(data) if bolt.is_bolt(head) else base.parse(Dump, data)
    except bolt.DamagedFile as error:
        raise errors.StoreError(f"{path}: {error}") from error
    except base.Malformed as error:
        raise errors.StoreError(f"{path} is neither a database nor an export of one: {error}") from error


def is_heketis_own(path: Path) -> bool:
    """Return whether a file is a database of the original, to be read only."""
    with path.open("rb") as file:
        return bolt.is_bolt(file.read(20))


async def look(path: Path) -> Topology:
    """Return the topology in a file, which is neither changed nor kept from a server that is using it.

    Raises:
        StoreError: it is none that we know, is damaged or contradicts itself, or its server lets nobody read it.
        OSError: it cannot be read.
    """
    if is_ours(path):
        return Topology((await looking.look(path)).entities)
    return importing.imported(await read(path)).topology


def is_ours(path: Path) -> bool:
    """Return whether a file is a database of ours."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _require_unused(descriptor: int, path: Path) -> None:
    """Make sure that no Heketi writes to its file. Raises ``StoreLocked``."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        raise errors.StoreLocked(f"{path} is in use: stop the Heketi that has it open first") from error


async def _ours(path: Path) -> Dump:
    store: Store = await open_file(path, read_only=True)
    try:
        loaded = await store.load()
    finally:
        await store.aclose()
    return exporting.exported(loaded.topology, loaded.unfinished, loaded.generation, at_rest=True)


def in_use(error: errors.StoreLocked, otherwise: str = "") -> errors.StoreLocked:
    """Return the error with what to do for those who want to change a database, not to serve it."""
    return errors.StoreLocked(
        f"{str(error).partition(' Stop that one')[0]} Stop that server first (systemctl stop heketi), and start it"
        f" again afterwards.{otherwise}"
    )


def require_free(path: Path) -> None:
    """Make sure that nothing is overwritten. Raises ``StoreError``."""
    if os.path.lexists(path):
        raise errors.StoreError(f"{path} file already exists")
