"""Volume options that mean something to us (rest-api.md §9)."""

from collections.abc import Iterable

from pyheketi.domain import errors
from pyheketi.placement import filters

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


def refuse_arbiter(options: Iterable[str]) -> None:
    """Refuse arbiter volumes, which this release cannot place.

    Raises:
        RequestError: the option is true.
    """
    if parse(options).get("user.heketi.arbiter", "") in _TRUE:
        raise errors.RequestError(
            "Arbiter volumes (option user.heketi.arbiter) are not supported by this release: "
            "leave the option out for a plain replica 3 volume"
        )
