"""The file system of bricks."""

from pyheketi.commands.command import Command, Program
from pyheketi.commands.options import NodeOptions


def make(device: str, options: NodeOptions, *, arbiter: bool = False, may_fail: bool = False) -> Command:
    """Make an XFS; refused by mkfs.xfs itself if the device holds a file system already.

    That of an ``arbiter`` may be all inodes, for it holds nothing but names.
    """
    if arbiter:
        return Command(Program.MKFS_XFS, ("-i", "maxpct=100", "-n", "size=8192", device), may_fail=may_fail)
    stripes = ("-d", f"su={options.xfs_su},sw={options.xfs_sw}") if options.xfs_su and options.xfs_sw else ()
    args = ("-i", "size=512", *stripes, "-n", "size=8192", device)
    return Command(Program.MKFS_XFS, args, may_fail=may_fail)
