"""Text layouts shared by several nouns (cli.md §5). Scripts cut these lines up: every blank counts."""

from collections.abc import Iterable, Mapping

KIB_PER_GIB = 1024 * 1024


def gib(kib: int) -> int:
    """Return whole GiB, rounded toward zero."""
    return int(kib / KIB_PER_GIB) if kib < 0 else kib // KIB_PER_GIB


def state(name: str) -> str:
    """Return the state of a node or device as people know it."""
    return "removed" if name == "failed" else name


def boolean(value: bool) -> str:
    """Return ``true`` or ``false``."""
    return "true" if value else "false"


def brackets(items: Iterable[str]) -> str:
    """Return ``[a b]``."""
    return f"[{' '.join(items)}]"


def mount_options(options: Mapping[str, str]) -> str:
    """Return the options one after the other; nothing stands between them."""
    return "".join(f"{key}={options[key]}" for key in sorted(options))


def tag_lines(tags: Mapping[str, str]) -> str:
    """Return tags one a line, under a heading; nothing if there are none."""
    return "Tags:\n" + "".join(f"  {key}: {tags[key]}\n" for key in sorted(tags)) if tags else ""


def tag_words(tags: Mapping[str, str]) -> str:
    """Return tags on one line."""
    return " ".join(f"{key}:{tags[key]}" for key in sorted(tags))


def space(total: int, used: int, free: int) -> str:
    """Return the columns of a device's space, which is in KiB."""
    return f"Size (GiB):{gib(total):<8}Used (GiB):{gib(used):<8}Free (GiB):{gib(free):<8}"
