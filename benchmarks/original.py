"""A replica 3 volume Heketi's way: the same commands as it sends them (executors.md §6, §7, §11).

A connection for each batch, a session for each command, an option for each ``volume set``. There is no server, client
or database here, so it is shown as faster than it is. Run among the nodes:
``python -m benchmarks.original KEY NAME HOST GROUP BRICK …``.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import asyncssh

from lab import Lab

_ROOT = Path(__file__).resolve().parents[1]
_OPTIONS = "rw,inode64,noatime,nouuid"
GLUSTER = "gluster --mode=script --timeout=600"

Place = tuple[str, str, str]
"""Where a brick lies: host, volume group and the brick's id."""


def make(lab: Lab, name: str, places: Sequence[Place]) -> float:
    """Make a volume from among the nodes; return the seconds."""
    words = [word for place in places for word in place]
    command = [sys.executable, "-m", "benchmarks.original", str(lab.key()), name, *words]
    return float(lab.exec(command, cwd=_ROOT).stdout)


async def _batch(host: str, key: str, commands: Sequence[str]) -> None:
    """Run commands as Heketi's SSH transport does."""
    async with asyncssh.connect(host, username="root", client_keys=[key], known_hosts=None) as connection:
        for command in commands:
            quoted = command.replace("'", "'\\''")
            done = await connection.run(f"/bin/bash -c '{quoted}'")
            if done.exit_status:
                raise RuntimeError(f"{host}: {command}: {done.stderr!s}")


def brick_commands(group: str, brick: str) -> list[str]:
    """Return what Heketi sends for a brick of 1 GiB."""
    point = f"/var/lib/heketi/mounts/{group}/brick_{brick}"
    device = f"/dev/mapper/{group}-brick_{brick}"
    pool = "--poolmetadatasize 8192K --chunksize 256K --size 1048576K"
    thin = f"--thin {group}/tp_{brick} --virtualsize 1048576K --name brick_{brick}"
    return [
        f"mkdir -p {point}",
        f"/usr/sbin/lvm lvcreate -qq --autobackup=n {pool} {thin}",
        f"mkfs.xfs -i size=512 -n size=8192 {device}",
        f'awk "BEGIN {{print \\"{device} {point} xfs {_OPTIONS} 1 2\\" >> \\"/etc/fstab\\"}}"',
        f"mount -o {_OPTIONS} {device} {point}",
        f"mkdir {point}/brick",
    ]


def volume_commands(name: str, places: Sequence[Place]) -> list[str]:
    """Return what Heketi sends for a volume."""
    bricks = " ".join(f"{host}:/var/lib/heketi/mounts/{group}/brick_{brick}/brick" for host, group, brick in places)
    return [
        f"{GLUSTER} volume create {name} replica 3 {bricks} ",
        f"{GLUSTER} volume set {name} user.heketi.id {name[4:]} ",
        f"{GLUSTER} volume start {name} ",
    ]


async def _original(key: str, name: str, places: Sequence[Place]) -> float:
    """Make a volume Heketi's way; return the seconds."""
    began = perf_counter()
    await asyncio.gather(*(_batch(host, key, brick_commands(group, brick)) for host, group, brick in places))
    await _batch(places[0][0], key, volume_commands(name, places))
    return perf_counter() - began


if __name__ == "__main__":
    words = sys.argv[3:]
    where = list(zip(words[::3], words[1::3], words[2::3], strict=True))
    print(asyncio.run(_original(sys.argv[1], sys.argv[2], where)))
