"""Directories on nodes."""

from pyheketi.commands.command import Command, Program


def make_directory(path: str, *, parents: bool = False) -> Command:
    """Make a directory; with ``parents`` one that exists is fine."""
    return Command(Program.MKDIR, ("-p", path) if parents else (path,))


def remove_directory(path: str) -> Command:
    """Remove an empty directory. What is left of it harms nobody, so it may fail."""
    return Command(Program.RMDIR, (path,), may_fail=True)


def sync(path: str) -> Command:
    """Have everything written to disk that the file system of ``path`` holds in memory."""
    return Command(Program.SYNC, ("-f", path))


def has_directory(path: str) -> Command:
    """Ask for a directory: ends well if there is one."""
    return Command(Program.TEST, ("-d", path), may_fail=True, quiet=True)


def give_to_group(path: str, gid: int) -> tuple[Command, Command]:
    """Let a group write to a directory; what is made in it belongs to the group, too."""
    return Command(Program.CHOWN, (f":{gid}", path)), Command(Program.CHMOD, ("2775", path))
