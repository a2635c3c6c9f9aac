"""Settings that planning obeys, as one value (placement.md §1)."""

from dataclasses import dataclass

from pyheketi.domain import size

UNLIMITED = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits and defaults; KiB unless the name says otherwise."""

    brick_min: int = size.KIB_PER_GIB
    brick_max: int = 4096 * size.KIB_PER_GIB
    max_bricks_per_volume: int = 32
    max_volumes_per_cluster: int = 1000
    average_file_size: int = 64
    """Of the files on arbiter volumes: an arbiter brick has room for as many as fit on the others."""
    zone_checking: str = "none"
    """``none`` or ``strict``."""
    pre_options: tuple[str, ...] = ("",)
    """Volume options before those of the request; Heketi's empty setting is one empty string."""
    post_options: tuple[str, ...] = ("",)
    block_hosting_creation: bool = False
    """Whether a volume is made to host a block volume that no other has room for."""
    block_hosting_size_gib: int = 1024
    """GiB of volumes that are made for that."""
    block_hosting_options: tuple[str, ...] = ("group gluster-block",)
    """Added between for block hosting volumes."""
