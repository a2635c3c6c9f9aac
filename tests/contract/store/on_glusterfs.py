"""A database on glusterfs, seen from two hosts: ``on_glusterfs.py FOLDER FOLDER``, two mounts of one volume.

To glusterfs each mount is a client like any other host. Fails with an ``AssertionError``.
"""

import asyncio
import sys
from pathlib import Path

import pytest
from tests.contract.store import homes

from pyheketi.domain import errors
from pyheketi.store import sqlite
from pyheketi.store.opening import open_store


async def check(here: Path, there: Path) -> None:
    assert sqlite.on_shared_file_system(here.parent)
    owner = homes.child("committer.py", [str(here)])
    for place in (here, there):
        with pytest.raises(errors.StoreLocked, match=f"process {owner.pid} on host"):
            await open_store(place)
    assert not here.with_name(here.name + "-shm").exists()
    homes.kill(owner)

    async with homes.opened(homes.Sql(str(there))) as store:
        loaded = await store.load()
        assert loaded.revision >= 1
        assert len(loaded.entities) == loaded.revision * 4
        await store.commit([], [], expected=loaded.revision)
    async with homes.opened(homes.Sql(str(here))) as store:
        assert (await store.load()).revision == loaded.revision + 1


asyncio.run(check(*(Path(folder) / "store.db" for folder in sys.argv[1:])))
