"""A store that tells when something was written to it."""

from collections.abc import Callable, Sequence

from pyheketi.domain.change import Change
from pyheketi.operations.operation import Operation
from pyheketi.store.base import Loaded, Store


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

    async def backup(self) -> bytes | None:
        """Return a copy; see ``Store.backup``."""
        return await self._inner.backup()

    async def forget_finished(self, before: float) -> int:
        """Delete old operations; return how many. Nobody is told: what matters is still there."""
        return await self._inner.forget_finished(before)

    async def aclose(self) -> None:
        """Close the other store."""
        await self._inner.aclose()
