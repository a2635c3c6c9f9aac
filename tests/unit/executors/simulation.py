"""Type at simulated nodes as a person would."""

import asyncio
import shlex
from collections.abc import Sequence

from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.executors.base import Executor
from pyheketi.executors.fake import FakeExecutor, FakeNodes

MOUNT_POINT = "/var/lib/heketi/mounts/vg_d{0}/brick_{1}"
LV = "/dev/mapper/vg_d{0}-brick_{1}"


def command(line: str, *, may_fail: bool = False) -> Command:
    program, *args = shlex.split(line)
    return Command(Program(program), tuple(args), may_fail=may_fail)


def run_on(executor: Executor, host: str, *commands: Command, limit: float = 60.0) -> Sequence[Result]:
    return asyncio.run(_run(executor, host, Script(commands=commands, limit=limit)))


async def _run(executor: Executor, host: str, script: Script) -> Sequence[Result]:
    return await executor.run(host, script)


def tell(nodes: FakeNodes, host: str, line: str) -> Result:
    """Run one command, whatever comes of it."""
    (result,) = run_on(FakeExecutor(nodes), host, command(line))
    return result


def succeed(nodes: FakeNodes, host: str, *lines: str) -> str:
    """Run commands that all succeed, and return what the last one said."""
    results = run_on(FakeExecutor(nodes), host, *map(command, lines))
    assert [result.output for result in results if not result.ok] == []
    assert len(results) == len(lines)
    return results[-1].stdout


def pool_of(count: int, *, charge_spare: bool = False) -> FakeNodes:
    """Return nodes n1, n2, … that are peers, each with the volume group vg_d1, vg_d2, … on /dev/sdb."""
    nodes = FakeNodes(charge_spare=charge_spare)
    for number in range(1, count + 1):
        nodes.alias(f"n{number}", f"10.0.0.{number}")
        if number > 1:
            succeed(nodes, "n1", f"gluster peer probe 10.0.0.{number}")
        succeed(
            nodes,
            f"n{number}",
            "/usr/sbin/lvm pvcreate -qq --metadatasize=128M --dataalignment=256K /dev/sdb",
            f"/usr/sbin/lvm vgcreate -qq --physicalextentsize=4M --autobackup=n vg_d{number} /dev/sdb",
        )
    return nodes


def brick(number: int, name: str) -> str:
    """Return gluster's name of a brick on node ``number``."""
    return f"10.0.0.{number}:{MOUNT_POINT.format(number, name)}/brick"


def make_bricks(nodes: FakeNodes, *names: str, first: int = 1) -> str:
    """Make one brick on each of the nodes from ``first`` on, and return gluster's names of them in one line."""
    for number, name in enumerate(names, first):
        point, device = MOUNT_POINT.format(number, name), LV.format(number, name)
        succeed(
            nodes,
            f"n{number}",
            f"mkdir -p {point}",
            "/usr/sbin/lvm lvcreate -qq --autobackup=n --poolmetadatasize 8192K --chunksize 256K --size 1048576K"
            f" --thin vg_d{number}/tp_{name} --virtualsize 1048576K --name brick_{name}",
            f"mkfs.xfs -i size=512 -n size=8192 {device}",
            f'flock /etc awk "BEGIN {{print \\"{device} {point} xfs rw,nouuid 1 2\\" >> \\"/etc/fstab\\"}}"',
            f"mount -o rw,nouuid {device} {point}",
            f"mkdir {point}/brick",
            f"chown :2000 {point}/brick",
            f"chmod 2775 {point}/brick",
        )
    return " ".join(brick(number, name) for number, name in enumerate(names, first))


def destroy_brick(nodes: FakeNodes, number: int, name: str) -> None:
    point = MOUNT_POINT.format(number, name)
    succeed(
        nodes,
        f"n{number}",
        f"umount {point}",
        f'flock /etc sed -i.save "/brick_{name}/d" /etc/fstab',
        f"/usr/sbin/lvm lvremove --autobackup=n -f vg_d{number}/brick_{name}",
        f"/usr/sbin/lvm lvremove --autobackup=n -f vg_d{number}/tp_{name}",
        f"rmdir {point}",
    )
