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
        draft = Draft(self)
        for key, value in put:
            draft.put(key, value)
        for key in remove:
            draft.drop(key)
        return draft.finished()

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


class Draft(Generic[K, V]):
    """A map that is being made from another: each bucket is copied at its first change only.

    It reads as what it will be. Nobody but its maker sees it, so it can be changed in place.
    """

    __slots__ = ("_before", "_buckets", "_mask", "_own", "_size")

    def __init__(self, before: PersistentMap[K, V]) -> None:
        self._before = before
        self._buckets, self._mask, self._size = before._buckets, before._mask, before._size  # noqa: SLF001  # its kin
        self._own: set[int] | None = None
        """Which buckets are its own; None as long as not even the list of them is."""

    def put(self, key: K, value: V) -> None:
        """Set a key."""
        bucket = self._bucket(hash(key) & self._mask)
        self._size += key not in bucket
        bucket[key] = value
        if self._size > len(self._buckets) * _FILL * 2:
            grown = PersistentMap(self._items())
            self._buckets, self._mask = grown._buckets, grown._mask  # noqa: SLF001  # its kin, and seen by nobody else
            self._own = set(range(len(self._buckets)))

    def drop(self, key: K) -> None:
        """Let a key go, if it is there."""
        index = hash(key) & self._mask
        if key in self._buckets[index]:
            del self._bucket(index)[key]
            self._size -= 1

    def finished(self) -> PersistentMap[K, V]:
        """Return the map, the old one if nothing was changed; the draft must not be touched any more."""
        if self._own is None:
            return self._before
        made: PersistentMap[K, V] = object.__new__(PersistentMap)
        made._buckets, made._mask, made._size = self._buckets, self._mask, self._size  # noqa: SLF001  # its kin
        return made

    def _bucket(self, index: int) -> dict[K, V]:
        """Return a bucket that may be changed."""
        if self._own is None:
            self._buckets, self._own = self._buckets.copy(), set()
        if index not in self._own:
            self._buckets[index] = self._buckets[index].copy()
            self._own.add(index)
        return self._buckets[index]

    def _items(self) -> Iterator[tuple[K, V]]:
        for bucket in self._buckets:
            yield from bucket.items()

    def __getitem__(self, key: K) -> V:
        return self._buckets[hash(key) & self._mask][key]

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        return self._buckets[hash(key) & self._mask].get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._buckets[hash(key) & self._mask]

    def __iter__(self) -> Iterator[K]:
        for bucket in self._buckets:
            yield from bucket

    def __len__(self) -> int:
        return self._size
