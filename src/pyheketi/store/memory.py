"""A store that forgets everything at the end: the twin of the real ones, for tests."""

from collections.abc import Sequence

from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation
from pyheketi.store.base import Loaded


class MemoryStore:
    """Keeps values in memory; survives its server, so that tests can start another one on it."""

    def __init__(self) -> None:
        self._topology = Topology()
        self._operations: dict[str, Operation] = {}
        self._revision = 0

    async def load(self) -> Loaded:
        """See ``Store.load``."""
        unfinished = [operation for operation in self._operations.values() if not operation.state.finished]
        return Loaded(
            entities=tuple(self._topology.entities()),
            unfinished=tuple(sorted(unfinished, key=lambda operation: operation.created_at)),
            revision=self._revision,
        )

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        """See ``Store.commit``."""
        if expected != self._revision:
            raise errors.StaleRevision(f"The database is at revision {self._revision}, not {expected}")
        try:
            self._topology = self._topology.apply(changes)
        except errors.BrokenInvariant as error:
            raise errors.StoreError(str(error)) from error
        self._operations.update({operation.id: operation for operation in operations})
        self._revision += 1
        return self._revision

    async def operation(self, id_: str) -> Operation | None:
        """See ``Store.operation``."""
        return self._operations.get(id_)

    async def forget_finished(self, before: float) -> int:
        """See ``Store.forget_finished``."""
        old = [id_ for id_, each in self._operations.items() if each.state.finished and each.updated_at < before]
        for id_ in old:
            del self._operations[id_]
        return len(old)

    async def aclose(self) -> None:
        """See ``Store.aclose``."""
