"""Look on all nodes for what belongs to nobody, and remove it (tools.md §4)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyheketi.control_plane import examiner
from pyheketi.control_plane.work import Work
from pyheketi.domain import errors
from pyheketi.domain.entities import is_hidden
from pyheketi.domain.ids import IdSource, OperationId
from pyheketi.engine.runner import Performs
from pyheketi.planning import orphans
from pyheketi.planning.orphans import Found


@dataclass(frozen=True, slots=True)
class Search:
    """What was found."""

    bricks: tuple[Found, ...]
    """All, also those that are somebody's."""
    silent: Mapping[str, str]
    """Nodes that could not tell, by id, and why."""


class Orphans:
    """Finds and removes bricks that the database does not know."""

    def __init__(self, work: Work, performer: Performs, ids: IdSource) -> None:
        self._work, self._performer, self._ids = work, performer, ids

    async def search(self) -> Search:
        """Ask all nodes, at the same time."""
        nodes = [node for node in self._work.tip.nodes() if not is_hidden(node)]
        told = await asyncio.gather(*(examiner.ask(self._performer, node) for node in nodes))
        bricks: list[Found] = []
        silent: dict[str, str] = {}
        for node, picture in zip(nodes, told, strict=True):
            if isinstance(picture, errors.NodeError):
                silent[node.id] = str(picture)
            elif picture.lvm[-1] is None:
                silent[node.id] = f"LVM cannot tell what it has: {picture.failures[-1] or 'its answer makes no sense'}"
            else:
                bricks += orphans.on_node(self._work.tip, node, picture)
        return Search(tuple(bricks), silent)

    def preview(self, found: Found) -> tuple[str, ...]:
        """Return the commands that would remove what was found, as a person would type them."""
        return self._performer.preview(found.place, found.facts)

    async def remove(self, wanted: Sequence[str]) -> OperationId:
        """Begin to remove orphans, by their ids, after a fresh look.

        Raises:
            RequestError: nothing of a name was found.
            Conflict: something is no orphan, or an operation is at work on its device.
            TooManyOperations: the limit is reached.
        """
        found = (await self.search()).bricks
        operation = OperationId(self._ids.new())
        with self._work.slot(operation):
            plan = orphans.plan_removal(self._work.tip, found, wanted, operation=operation)
            return await self._work.begin(operation, plan)
