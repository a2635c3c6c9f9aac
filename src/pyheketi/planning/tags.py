"""Change the tags of nodes and devices (rest-api.md §7.3, §6.4)."""

from collections.abc import Mapping

from pyheketi.domain.entities import Tags


def changed(present: Tags, change: str, wanted: Mapping[str, str]) -> Tags:
    """Return the tags after a change: ``set`` replaces all, ``update`` some, ``delete`` removes those named."""
    match change:
        case "set":
            tags = dict(wanted)
        case "update":
            tags = dict(present) | dict(wanted)
        case "delete":
            tags = {name: value for name, value in present if name not in wanted}
        case _:
            raise ValueError(f"no change of tags: {change!r}")
    return tuple(sorted(tags.items()))
