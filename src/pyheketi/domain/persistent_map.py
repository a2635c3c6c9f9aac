"""An immutable mapping whose changed copies share almost everything with the original.

Topologies are values; with plain dicts each change of three bricks would copy all of them. Here a change copies one
bucket of a few dozen entries, so planning does not slow down as volumes pile up.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_FILL = 32
"""Entries a bucket may hold on average before the number of buckets grows."""
_GROWTH = 8


class PersistentMap(Mapping[K, V], Generic[K, V]):
    """Mapping without mutation: ``with_changes`` returns a new one."""

    __slots__ = ("_buckets", "_mask", "_size")

    def __init__(self, items: Iterable[tuple[K, V]] = ()) -> None:
        everything = dict(items)
        self._fill(everything)

    def _fill(self, everything: dict[K, V]) -> None:
        count = 1
        while len(everything) > count * _FILL:
            count *= _GROWTH
        buckets: list[dict[K, V]] = [{} for _ in range(count)]
        mask = count - 1
        for key, value in everything.items():
            buckets[hash(key) & mask][key] = value
        self._buckets, self._mask, self._size = buckets, mask, len(everything)

    def with_changes(self, put: Iterable[tuple[K, V]] = (), remove: Iterable[K] = ()) -> "PersistentMap[K, V]":
        """Return a map with the keys of ``put`` set and then those of ``remove`` gone; unknown keys are no error."""
        buckets, mask, size = self._buckets.copy(), self._mask, self._size
        copied: set[int] = set()

        def own(index: int) -> dict[K, V]:
            if index not in copied:
                buckets[index] = buckets[index].copy()
                copied.add(index)
            return buckets[index]

        for key, value in put:
            bucket = own(hash(key) & mask)
            size += key not in bucket
            bucket[key] = value
        for key in remove:
            index = hash(key) & mask
            if key in buckets[index]:
                del own(index)[key]
                size -= 1
        made: PersistentMap[K, V] = object.__new__(PersistentMap)
        made._buckets, made._mask, made._size = buckets, mask, size
        if size > len(buckets) * _FILL * 2:
            made._fill(dict(made.items()))
        return made

    def __getitem__(self, key: K) -> V:
        return self._buckets[hash(key) & self._mask][key]

    def get(self, key: K, default: V | None = None) -> V | None:  # type: ignore[override]  # the hot path, without exceptions
        """Return the value of ``key``, or ``default``."""
        return self._buckets[hash(key) & self._mask].get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._buckets[hash(key) & self._mask]

    def __iter__(self) -> Iterator[K]:
        for bucket in self._buckets:
            yield from bucket

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PersistentMap):
            return NotImplemented
        return self._size == other._size and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]  # equal by content, and contents may be unhashable

    def __repr__(self) -> str:
        return f"PersistentMap({dict(self.items())!r})"
