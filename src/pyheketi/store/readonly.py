"""A store that is only read."""

from collections.abc import Sequence

from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.operations.operation import Operation
from pyheketi.store.base import END_OF_TIME, Loaded, Store


class ReadOnlyStore:
    """Another store, without its ways to change anything."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    async def load(self) -> Loaded:
        """Return everything that matters at start-up."""
        return await self._inner.load()

    async def commit(
        self,
        changes: Sequence[Change],  # noqa: ARG002  # the seam's signature, as below
        operations: Sequence[Operation],  # noqa: ARG002
        *,
        expected: int,  # noqa: ARG002
    ) -> int:
        """Refuse. Raises ``ReadOnly``."""
        raise errors.ReadOnly

    async def operation(self, id_: str) -> Operation | None:
        """Return an operation by id, finished ones included."""
        return await self._inner.operation(id_)

    async def history(
        self, *, limit: int, since: float = 0, before: tuple[float, str] = END_OF_TIME
    ) -> Sequence[Operation]:
        """Return operations that have ended; see ``Store.history``."""
        return await self._inner.history(limit=limit, since=since, before=before)

    async def backup(self) -> bytes | None:
        """Return a copy; see ``Store.backup``."""
        return await self._inner.backup()

    async def forget_finished(self, before: float) -> int:  # noqa: ARG002
        """Forget nothing."""
        return 0

    async def forget_history(self, before: float) -> int:  # noqa: ARG002
        """Forget nothing."""
        return 0

    async def aclose(self) -> None:
        """Close the other store."""
        await self._inner.aclose()
