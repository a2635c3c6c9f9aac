"""Mounting, and what is mounted."""

import re
from dataclasses import dataclass

from pyheketi.commands.command import Command, Program

_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A line of the kernel's mount table."""

    source: str
    target: str
    type: str
    options: tuple[str, ...]


def mount(device: str, target: str, options: str) -> Command:
    """Mount a device."""
    return Command(Program.MOUNT, ("-o", options, device, target))


def umount(target: str) -> Command:
    """Unmount whatever is mounted at ``target``, the latest mount only."""
    return Command(Program.UMOUNT, (target,))


def users_of(target: str) -> Command:
    """Ask which programs hold files open on a mount."""
    return Command(Program.LSOF, (target,), may_fail=True)


def table() -> Command:
    """Ask for the kernel's mount table."""
    return Command(Program.CAT, ("/proc/self/mounts",), quiet=True)


def is_busy(output: str) -> bool:
    """Return whether something could not be unmounted because it is used, as bricks are while gluster lets go."""
    return "target is busy" in output.lower()


def parse_table(text: str) -> tuple[Mount, ...]:
    """Return what is mounted, in the order it was.

    Raises:
        ValueError: a line that is none of a mount table.
    """
    return tuple(_parse_line(line) for line in text.splitlines())


def _parse_line(line: str) -> Mount:
    words = line.split(" ")
    if len(words) < 4:
        raise ValueError(f"not a line of a mount table: {line!r}")
    source, target, kind = (_ESCAPED.sub(lambda found: chr(int(found[1], 8)), word) for word in words[:3])
    return Mount(source=source, target=target, type=kind, options=tuple(words[3].split(",")))
