"""A store that tells when something was written to it."""

from collections.abc import Callable, Sequence

from pyheketi.domain.change import Change
from pyheketi.operations.operation import Operation
from pyheketi.store.base import END_OF_TIME, Loaded, Store


class WatchedStore:
    """Another store, and whom to tell."""

    def __init__(self, inner: Store, written: Callable[[], None]) -> None:
        """``written`` is called after every commit."""
        self._inner, self._written = inner, written

    async def load(self) -> Loaded:
        """Return everything that matters at start-up."""
        return await self._inner.load()

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        """Write changes and operations; return the new revision. See ``Store.commit``."""
        revision = await self._inner.commit(changes, operations, expected=expected)
        self._written()
        return revision

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

    async def forget_finished(self, before: float) -> int:
        """Delete old operations; return how many. Nobody is told: what matters is still there."""
        return await self._inner.forget_finished(before)

    async def forget_history(self, before: float) -> int:
        """Delete what is old in the history; return how much. Nobody is told."""
        return await self._inner.forget_history(before)

    async def aclose(self) -> None:
        """Close the other store."""
        await self._inner.aclose()
