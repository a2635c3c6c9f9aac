"""How nodes are set up: the settings that shape commands (config.md §1.3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """Settings that apply to all nodes of a server; the defaults are Heketi's."""

    fstab: str = "/etc/fstab"
    """File on the node that gets a line for each brick; absolute."""
    mount_options: str = "rw,inode64,noatime,nouuid"
    """Options of ``mount`` for bricks."""
    backup_lvm_metadata: bool = False
    """Whether LVM keeps a copy of its metadata below /etc/lvm at every change."""
    gluster_cli_timeout: int = 600
    """Seconds that the gluster command line waits for glusterd; 0 means 600."""
    pv_data_alignment: str = "256K"
    vg_physicalextentsize: str = "4M"
    lv_chunksize: str = "256K"
    """Chunk of a thin pool."""
    xfs_sw: int = 0
    """Stripe width for mkfs.xfs; used only together with ``xfs_su``."""
    xfs_su: int = 0
    """Stripe unit for mkfs.xfs, in bytes; 0 leaves the choice to mkfs.xfs."""
    snapshot_limit: int = 0
    """Highest number of snapshots of a volume, set in gluster when a node joins; 0 leaves gluster's own."""
    rebalance_on_expansion: bool = True
    """Whether a volume that got bricks is rebalanced."""
    block_prealloc: str = "full"
    """Whether gluster-block takes all space of a block volume at once: its own word."""
    debug_umount_failures: bool = False
    """Whether the log tells who uses a brick that cannot be unmounted."""

    def __post_init__(self) -> None:
        """Refuse what would break the node's fstab.

        Raises:
            ValueError: names the setting, and what it may be.
        """
        if not self.fstab.startswith("/") or not self.fstab.isprintable():
            raise ValueError(f"fstab must be an absolute path, not {self.fstab!r}")
        if not self.mount_options or not self.mount_options.isprintable() or " " in self.mount_options:
            raise ValueError(f"mountopts must be mount options without blanks, not {self.mount_options!r}")

    @property
    def autobackup(self) -> str:
        """LVM's word for ``backup_lvm_metadata``."""
        return "y" if self.backup_lvm_metadata else "n"

    @property
    def gluster_timeout(self) -> int:
        """Seconds that the gluster command line is told to wait."""
        return self.gluster_cli_timeout or 600

    @property
    def gluster_limit(self) -> float:
        """Seconds after which a gluster command is killed: later than it gives up by itself (executors.md §3.2)."""
        return 60.0 * max(10, 1 + (self.gluster_timeout + 1) // 60)
