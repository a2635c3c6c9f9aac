"""A command is a value: a program from an allow-list and its arguments. This module is the only one that quotes.

Commands travel in scripts: one round trip to a node, stopping at the first command that fails.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from pyheketi.domain import errors


class Program(Enum):
    """Every program that may run on a node (executors.md §3.1)."""

    LVM = "/usr/sbin/lvm"
    UDEVADM = "/usr/bin/udevadm"
    GLUSTER = "gluster"
    GLUSTER_BLOCK = "gluster-block"
    SYSTEMCTL = "systemctl"
    MKFS_XFS = "mkfs.xfs"
    MOUNT = "mount"
    UMOUNT = "umount"
    MKDIR = "mkdir"
    RMDIR = "rmdir"
    AWK = "awk"
    SED = "sed"
    CAT = "cat"
    CHOWN = "chown"
    CHMOD = "chmod"
    FLOCK = "flock"
    WIPEFS = "wipefs"
    LSOF = "lsof"
    TEST = "test"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Command:
    """One program call."""

    program: Program
    args: tuple[str, ...] = ()
    may_fail: bool = field(default=False, kw_only=True)
    """Whether the script goes on after a failure of this command."""
    quiet: bool = field(default=False, kw_only=True)
    """Whether its output stays out of the log."""

    def __str__(self) -> str:
        """Return what a person would type at a shell."""
        return shlex.join([self.program.value, *self.args])


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Commands for one node, run in order in one round trip."""

    commands: tuple[Command, ...]
    limit: float = 600.0
    """Seconds after which everything that the script started is killed on the node (executors.md §3.2)."""

    def __str__(self) -> str:
        return "; ".join(map(str, self.commands))


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    command: Command
    status: int
    stdout: str = ""
    stderr: str = ""

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.status == 0

    @property
    def output(self) -> str:
        """What it said about itself: stderr, or stdout when stderr is empty."""
        return self.stderr.strip() or self.stdout.strip()

    def failure(self, host: str) -> errors.CommandFailed:
        """Return the error that tells of this result."""
        return errors.CommandFailed(host, str(self.command), self.status, self.output)


def script(*commands: Command, limit: float = 600.0) -> Script:
    """Return a script of ``commands`` with a limit in seconds."""
    return Script(commands=commands, limit=limit)


def require(host: str, results: Sequence[Result]) -> Sequence[Result]:
    """Return ``results`` if every command that had to end well did.

    Raises:
        CommandFailed: with the first one that did not.
    """
    for result in results:
        if not result.ok and not result.command.may_fail:
            raise result.failure(host)
    return results
