"""Copy what a store holds into an SQLite file."""

import tempfile
from pathlib import Path

from pyheketi.domain.change import Put
from pyheketi.domain.topology import Topology
from pyheketi.store.base import Loaded
from pyheketi.store.sql import open_database
from pyheketi.store.sqlite import sqlite_database


async def write_file(path: Path, loaded: Loaded) -> None:
    """Make an SQLite file that holds everything; the file must not exist.

    Raises:
        StoreError: it cannot be written.
        BrokenInvariant: the entities contradict each other.
    """
    store = await open_database(str(path), lambda: sqlite_database(path))
    try:
        entities = Topology(loaded.entities).entities()
        await store.commit([Put(entity) for entity in entities], loaded.unfinished, expected=0)
    finally:
        await store.aclose()


async def copied(loaded: Loaded) -> bytes:
    """Return an SQLite file that holds everything."""
    with tempfile.TemporaryDirectory(prefix="heketi-") as folder:
        path = Path(folder) / "heketi.db"
        await write_file(path, loaded)
        return path.read_bytes()
