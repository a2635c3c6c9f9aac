"""A database on a glusterfs mount, seen from two hosts: ``on_glusterfs.py FOLDER``, as root in namespaces of its own.

One brick, served on loopback and mounted twice: to glusterfs each mount is a client like any other host. Fails with
an ``AssertionError``; when the program ends, the namespaces take servers and mounts with them.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.contract.store import homes

from pyheketi.domain import errors
from pyheketi.store import sqlite
from pyheketi.store.opening import open_store

_SERVER = """
volume posix
  type storage/posix
  option directory {folder}/brick
end-volume
volume locks
  type features/locks
  subvolumes posix
end-volume
volume brick
  type performance/io-threads
  subvolumes locks
end-volume
volume server
  type protocol/server
  option transport-type tcp
  option transport.socket.listen-port 24007
  option transport.socket.bind-address 127.0.0.1
  option auth.addr.brick.allow *
  subvolumes brick
end-volume
"""
_CLIENT = """
volume client
  type protocol/client
  option transport-type tcp
  option remote-host 127.0.0.1
  option remote-port 24007
  option remote-subvolume brick
end-volume
volume write-behind
  type performance/write-behind
  subvolumes client
end-volume
"""


def mounted_twice(folder: Path) -> tuple[Path, Path]:
    """Serve ``folder/brick`` and mount it; return the two mount points."""
    (folder / "brick").mkdir()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (folder / "server.vol").write_text(_SERVER.format(folder=folder))
    (folder / "client.vol").write_text(_CLIENT)
    subprocess.run(
        ["glusterfsd", f"--volfile={folder}/server.vol", f"--log-file={folder}/server.log", f"--pid-file={folder}/pid"],
        check=True,
    )
    hosts = folder / "host1", folder / "host2"
    (folder / "brick" / "served").touch()
    for host in hosts:
        host.mkdir()
        subprocess.run(
            ["glusterfs", f"--volfile={folder}/client.vol", f"--log-file={host}.log", str(host)],
            check=True,
        )
        while not _served(host):
            time.sleep(0.05)
    return hosts


def _served(mount: Path) -> bool:
    try:
        return (mount / "served").exists()
    except OSError:
        return False


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


first, second = mounted_twice(Path(sys.argv[1]))
asyncio.run(check(first / "heketi.db", second / "heketi.db"))
