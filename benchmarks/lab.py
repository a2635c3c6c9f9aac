"""A replica 3 volume on real nodes, ours and Heketi's way in turns: ``python -m benchmarks.lab [ROUNDS]``, as root.

Heketi's way is the same commands as it sends them (executors.md §6, §7, §11): a connection for each batch, a session
for each command, an option for each ``volume set``. It has no server, client or database here, so it is shown as
faster than it is. The same commands typed into shells on the nodes take what nobody can save. Medians of one run.
"""

import asyncio
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
from tests.lab.site import Site, value

from lab import Lab

ROOT = Path(__file__).resolve().parents[1]
_GLUSTER = "gluster --mode=script --timeout=600"
_OPTIONS = "rw,inode64,noatime,nouuid"


async def batch(host: str, key: str, commands: Sequence[str]) -> None:
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


def volume_commands(name: str, places: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return what Heketi sends for a volume; ``places`` are host, volume group and brick."""
    bricks = " ".join(f"{host}:/var/lib/heketi/mounts/{group}/brick_{brick}/brick" for host, group, brick in places)
    return [
        f"{_GLUSTER} volume create {name} replica 3 {bricks} ",
        f"{_GLUSTER} volume set {name} user.heketi.id {name[4:]} ",
        f"{_GLUSTER} volume start {name} ",
    ]


async def original(key: str, name: str, places: Sequence[tuple[str, str, str]]) -> float:
    """Make a volume Heketi's way; return the seconds."""
    began = time.perf_counter()
    await asyncio.gather(*(batch(host, key, brick_commands(group, brick)) for host, group, brick in places))
    await batch(places[0][0], key, volume_commands(name, places))
    return time.perf_counter() - began


def theirs(lab: Lab, name: str, places: Sequence[tuple[str, str, str]]) -> float:
    """Make a volume Heketi's way among the nodes."""
    words = [word for place in places for word in place]
    command = [sys.executable, "-m", "benchmarks.lab", "original", str(lab.key()), name, *words]
    return float(lab.exec(command, cwd=ROOT).stdout)


def bare(lab: Lab, name: str, places: Sequence[tuple[str, str, str]]) -> float:
    """Make a volume with one shell on each node; return the seconds."""
    scripts = [" && ".join(brick_commands(group, brick)) for _, group, brick in places]
    with ThreadPoolExecutor(len(places)) as pool:
        began = time.perf_counter()
        list(pool.map(lambda node, script: node.ssh(script), lab.nodes, scripts))
        lab.nodes[0].ssh(" && ".join(volume_commands(name, places)))
        return time.perf_counter() - began


def remove(lab: Lab, name: str, places: Sequence[tuple[str, str, str]]) -> None:
    """Remove what ``theirs`` or ``bare`` made."""
    lab.nodes[0].ssh(f"{_GLUSTER} volume stop {name} force && {_GLUSTER} volume delete {name}")
    for node, (_, group, brick) in zip(lab.nodes, places, strict=True):
        point = f"/var/lib/heketi/mounts/{group}/brick_{brick}"
        node.ssh(f"umount {point} && sed -i.save /brick_{brick}/d /etc/fstab && rmdir {point}")
        node.ssh(f"lvremove -qq -f {group}/tp_{brick} && udevadm settle")


def ours(site: Site) -> tuple[float, int, int]:
    """Make a volume; return the seconds, and how many commands in how many round trips it took; remove it."""
    mark = len(site.log.read_text())
    began = time.perf_counter()
    made = site.cli("volume", "create", "--size=1")
    spent = time.perf_counter() - began
    said = site.log.read_text()[mark:]
    commands, trips = 0, 0
    running: set[str] = set()
    for verb, host in re.findall(r"(Will run|Ran) command \[.*?\] on \[(.*?)\]", said):
        commands += verb == "Ran"
        trips += verb == "Will run" and host not in running
        (running.add if verb == "Will run" else running.discard)(host)
    site.cli("volume", "delete", value(made, "Volume Id"))
    return spent, commands, trips


def main(rounds: int) -> None:
    spent: dict[Callable[[Lab, str, Sequence[tuple[str, str, str]]], float], list[float]] = {theirs: [], bare: []}
    mine = []
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "run", nodes=3, disks=1)
        try:
            lab.up()
            with Site(lab, Path(folder)) as site:
                site.load()
                groups = [node.ssh("vgs --noheadings -o vg_name").stdout.strip() for node in lab.nodes]
                for _ in range(rounds):
                    for way, seconds in spent.items():
                        name = f"vol_{uuid.uuid4().hex}"
                        nodes = zip(lab.nodes, groups, strict=True)
                        places = [(node.ip, group, uuid.uuid4().hex) for node, group in nodes]
                        seconds.append(way(lab, name, places))
                        remove(lab, name, places)
                    mine.append(ours(site))
        finally:
            lab.down()
    own, commands, trips = (statistics.median(each) for each in zip(*mine, strict=True))
    print(f"replica 3 volume of 1 GiB on three real nodes, median of {rounds}:")
    print(f"  Heketi's commands, sent its way:   {statistics.median(spent[theirs]):.1f} s, 21 commands, 4 connections")
    print(f"  Heketi's commands, typed on nodes: {statistics.median(spent[bare]):.1f} s")
    print(f"  heketi-cli volume create:          {own:.1f} s, {commands:.0f} commands, {trips:.0f} round trips")


if __name__ == "__main__":
    if sys.argv[1:2] == ["original"]:
        words = sys.argv[4:]
        where = list(zip(words[::3], words[1::3], words[2::3], strict=True))
        print(asyncio.run(original(sys.argv[2], sys.argv[3], where)))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 5)
