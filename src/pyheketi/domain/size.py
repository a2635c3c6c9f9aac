"""Sizes. Everything on a device is counted in KiB, volumes in GiB (placement.md §1)."""

KIB_PER_GIB = 1024 * 1024
"""KiB in one GiB."""

_UNITS = (("PiB", 1024**4), ("TiB", 1024**3), ("GiB", 1024**2), ("MiB", 1024))


def align_up(kib: int, extent: int) -> int:
    """Return the smallest multiple of ``extent`` (KiB) that is not below ``kib``."""
    return -(-kib // extent) * extent


def gib(kib: int) -> int:
    """Return whole GiB in ``kib``, rounded down."""
    return kib // KIB_PER_GIB


def text(kib: int) -> str:
    """Return ``kib`` for a person: ``1.5 GiB``, ``512 MiB``, ``12 KiB``."""
    for unit, factor in _UNITS:
        if abs(kib) >= factor:
            return f"{kib / factor:.2f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{kib} KiB"
