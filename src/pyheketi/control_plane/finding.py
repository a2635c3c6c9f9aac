"""Find what a client names, or tell that it does not exist."""

from typing import TypeVar

from pyheketi.domain import errors
from pyheketi.domain.entities import BlockVolume, Brick, Cluster, Device, Node, Volume, is_hidden

_Entity = TypeVar("_Entity", Cluster, Node, Device, Brick, Volume, BlockVolume)
_Marked = TypeVar("_Marked", Node, Device, Volume, BlockVolume)


def existing(entity: _Entity | None) -> _Entity:
    """Return what was looked for. Raises ``NotFound`` if there is none."""
    if entity is None:
        raise errors.NotFound("Id not found")
    return entity


def shown(entity: _Marked | None) -> _Marked:
    """Return what was looked for, unless it is being made or removed: then it does not exist for clients.

    Raises:
        NotFound: there is none that clients may see.
    """
    entity = existing(entity)
    if is_hidden(entity):
        raise errors.NotFound("Id not found")
    return entity
