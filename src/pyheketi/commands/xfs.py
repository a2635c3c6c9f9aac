"""The file system of bricks."""

from pyheketi.commands.command import Command, Program
from pyheketi.commands.options import NodeOptions


def make(device: str, options: NodeOptions, *, may_fail: bool = False) -> Command:
    """Make an XFS; refused by mkfs.xfs itself if the device holds a file system already."""
    stripes = ("-d", f"su={options.xfs_su},sw={options.xfs_sw}") if options.xfs_su and options.xfs_sw else ()
    args = ("-i", "size=512", *stripes, "-n", "size=8192", device)
    return Command(Program.MKFS_XFS, args, may_fail=may_fail)
