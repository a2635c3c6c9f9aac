"""All programs of a simulated node, and how one is called."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from pyheketi.commands.command import Command, Program, Result
from pyheketi.executors.fake import gluster, gluster_block, lvm, shell
from pyheketi.executors.fake.answers import Failed, unknown
from pyheketi.executors.fake.state import FakeNode


def run(node: FakeNode, command: Command) -> Result:
    """Run a command on a node; what is not simulated fails."""
    try:
        return Result(command, 0, _call(node, command.program.value, command.args))
    except Failed as failed:
        return Result(command, failed.status, failed.stdout, failed.stderr)


def _call(node: FakeNode, program: str, args: Sequence[str]) -> str:
    simulated = _PROGRAMS.get(program)
    if simulated is None:
        unknown(program, args)
    return simulated(node, args)


def _flock(node: FakeNode, args: Sequence[str]) -> str:
    """Run another program. One script at a time runs anyway, so that nobody ever waits for the lock."""
    rest = list(args)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in {"-w", "--wait", "--timeout"} and rest:
            rest.pop(0)
        elif option not in {"-x", "-e", "--exclusive", "-n", "--nonblock"}:
            unknown("flock", args)
    if len(rest) < 2:
        unknown("flock", args)
    lock, program, *inner = rest
    if node.directory(lock) is None and node.directory(lock.rpartition("/")[0] or "/") is None:
        raise Failed(66, f"flock: cannot open lock file {lock}: No such file or directory\n")
    return _call(node, program, inner)


_PROGRAMS: Mapping[str, Callable[[FakeNode, Sequence[str]], str]] = MappingProxyType(
    {
        Program.LVM.value: lvm.run,
        Program.WIPEFS.value: lvm.wipefs,
        Program.UDEVADM.value: lvm.udevadm,
        Program.GLUSTER.value: gluster.run,
        Program.GLUSTER_BLOCK.value: gluster_block.run,
        Program.FLOCK.value: _flock,
        **shell.PROGRAMS,
    }
)
