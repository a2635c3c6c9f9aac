"""The lines of bricks in a node's fstab: written and removed in the very form of Heketi (executors.md §6)."""

import posixpath

from pyheketi.commands.command import Command, Program
from pyheketi.commands.options import NodeOptions


def add(device: str, target: str, options: NodeOptions) -> Command:
    """Append the line of a brick."""
    line = f"{device} {target} xfs {options.mount_options} 1 2"
    program = f'BEGIN {{print "{_awk_text(line)}" >> "{_awk_text(options.fstab)}"}}'
    return _alone(options, Program.AWK, program)


def remove(brick: str, options: NodeOptions) -> Command:
    """Remove every line that names a brick, keeping the file as it was beside it, with the ending ``.save``."""
    return _alone(options, Program.SED, "-i.save", f"/brick_{brick}/d", options.fstab)


def show(options: NodeOptions) -> Command:
    """Ask for the whole file."""
    return Command(Program.CAT, (options.fstab,), may_fail=True, quiet=True)


def names(text: str, brick: str) -> bool:
    """Return whether some line names a brick: whether ``remove`` would do anything."""
    return f"brick_{brick}" in text


def _alone(options: NodeOptions, program: Program, *args: str) -> Command:
    """Run one edit after the other: bricks of a node are made in parallel, and sed replaces the file.

    The lock is on the directory, because the file itself is replaced, and a lock file would be left behind.
    """
    return Command(Program.FLOCK, (posixpath.dirname(options.fstab), program.value, *args))


def _awk_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
