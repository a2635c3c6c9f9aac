"""The twin of the databases, for tests: as strict, and as forgetful of whoever did not commit."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.topology import Topology
from pyheketi.operations import codec
from pyheketi.operations.operation import Operation
from pyheketi.store.base import END_OF_TIME, Loaded


@dataclass(slots=True)
class MemoryDatabase:
    """What outlives a server: give it to one ``MemoryStore`` after the other."""

    topology: Topology = field(default_factory=Topology)
    operations: dict[str, Operation] = field(default_factory=dict)
    history: dict[tuple[float, str], Operation] = field(default_factory=dict)
    revision: int = 0
    generation: str = field(default_factory=lambda: secrets.token_hex(16))
    owner: "MemoryStore | None" = None

    def kill_owner(self) -> None:
        """Do what the death of its server does: the store it had opened is dead, the database is free."""
        self.owner = None


class MemoryStore:
    """A store in memory."""

    def __init__(self, database: MemoryDatabase | None = None) -> None:
        """Open a database; a fresh one by default.

        Raises:
            StoreLocked: another store has it open.
        """
        self._database = database or MemoryDatabase()
        if self._database.owner is not None:
            raise errors.StoreLocked("The database in memory is in use by another store. Close that one first.")
        self._database.owner = self

    async def load(self) -> Loaded:
        """Return everything that matters at start-up."""
        database = await self._owned()
        unfinished = (operation for operation in database.operations.values() if not operation.state.finished)
        return Loaded(
            entities=tuple(database.topology.entities()),
            unfinished=tuple(sorted(unfinished, key=lambda each: (each.created_at, each.id))),
            revision=database.revision,
            generation=database.generation,
        )

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        """Write changes and operations; return the new revision. See ``Store.commit``."""
        database = await self._owned()
        if database.revision != expected:
            raise errors.StaleRevision(f"The database in memory is at revision {database.revision}, not {expected}.")
        try:
            topology = database.topology.apply(changes)
        except errors.BrokenInvariant as error:
            raise errors.StoreError(f"The database in memory refused a change: {error}") from error
        # Through the codec and back, so that steps which a database could not keep fail in every test.
        kept: dict[str, Operation] = {operation.id: _through_codec(operation) for operation in operations}
        database.topology, database.revision = topology, expected + 1
        database.operations.update(kept)
        for operation in operations:
            if operation.state.finished:
                key = operation.updated_at, operation.id
                database.history.setdefault(key, replace(operation, groups=(), result=""))
        return database.revision

    async def operation(self, id_: str) -> Operation | None:
        """Return an operation by id, finished ones included."""
        return (await self._owned()).operations.get(id_)

    async def history(
        self, *, limit: int, since: float = 0, before: tuple[float, str] = END_OF_TIME
    ) -> Sequence[Operation]:
        """Return operations that have ended; see ``Store.history``."""
        history = (await self._owned()).history
        wanted = sorted((key for key in history if since <= key[0] and key < before), reverse=True)
        return [history[key] for key in wanted[:limit]]

    async def backup(self) -> bytes | None:
        """Return nothing: it is no file."""
        await self._owned()
        return None

    async def forget_finished(self, before: float) -> int:
        """Delete operations that finished before a time; return how many."""
        database = await self._owned()
        old = [
            id_
            for id_, operation in database.operations.items()
            if operation.state.finished and operation.updated_at < before
        ]
        for id_ in old:
            del database.operations[id_]
        return len(old)

    async def forget_history(self, before: float) -> int:
        """Delete what is old in the history; return how much."""
        database = await self._owned()
        old = [key for key in database.history if key[0] < before]
        for key in old:
            del database.history[key]
        return len(old)

    async def aclose(self) -> None:
        """Give up the database."""
        if self._database.owner is self:
            self._database.owner = None

    async def _owned(self) -> MemoryDatabase:
        await asyncio.sleep(0)  # others run meanwhile, as with a real database
        if self._database.owner is not self:
            raise errors.StoreError("The database in memory is closed.")
        return self._database


def _through_codec(operation: Operation) -> Operation:
    document = json.loads(json.dumps(codec.groups_to_json(operation.groups)))
    return replace(operation, groups=codec.groups_from_json(document))
