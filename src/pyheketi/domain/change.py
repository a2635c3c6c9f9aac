"""The only vocabulary of change: put an entity, or remove one."""

from dataclasses import dataclass
from typing import TypeAlias

from pyheketi.domain.entities import Entity


@dataclass(frozen=True, slots=True)
class Put:
    """Add the entity, or replace the one of the same kind and id."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the entity away, whatever its present value."""

    entity: Entity


Change: TypeAlias = Put | Remove
