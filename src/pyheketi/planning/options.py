"""Volume options that mean something to us (rest-api.md §9)."""

from collections.abc import Iterable

from pyheketi.domain import errors
from pyheketi.domain.durability import Durability, Replicate
from pyheketi.placement import filters

_ARBITER_COPIES = 3
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


def parse(options: Iterable[str]) -> dict[str, str]:
    """Return options by key: each is split at its first blank, the last of a key wins, no value means empty."""
    parsed = {}
    for option in options:
        key, _, value = option.strip().partition(" ")
        if key:
            parsed[key] = value.strip()
    return parsed


def placement_filters(options: Iterable[str], zone_checking: str) -> tuple[filters.Filter, ...]:
    """Return the rules that options and the server's zone checking ask for.

    Raises:
        Conflict: a rule cannot be understood.
    """
    wanted = parse(options)
    chosen: list[filters.Filter] = [filters.other_node]
    if (wanted.get("user.heketi.zone-checking") or zone_checking) == "strict":
        chosen.append(filters.other_zone)
    if rule := wanted.get("user.heketi.device-tag-match"):
        chosen.append(filters.TagMatch.parse(rule))
    return tuple(chosen)


def with_arbiter(durability: Durability, options: Iterable[str]) -> Durability:
    """Return the durability of a volume with these options.

    Raises:
        RequestError: an arbiter is wanted where there can be none; Heketi made volumes then that lose data
            (placement.md §10).
    """
    if parse(options).get("user.heketi.arbiter", "") not in _TRUE:
        return durability
    if durability != Replicate(_ARBITER_COPIES):
        raise errors.RequestError(
            f"An arbiter (option user.heketi.arbiter) needs replica {_ARBITER_COPIES}, this is a {durability} volume"
        )
    return Replicate(_ARBITER_COPIES, arbiter=True)


def average_file_size(options: Iterable[str], usual: int) -> int:
    """Return the KiB that files of a volume with these options have on average."""
    said = parse(options).get("user.heketi.average-file-size", "")
    return int(said) if said.isascii() and said.isdigit() and int(said) else usual
