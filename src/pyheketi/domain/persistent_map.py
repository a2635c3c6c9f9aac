"""An immutable mapping whose changed copies share almost everything with the original.

Topologies are values; with plain dicts each change of three bricks would copy all of them. Here a change copies one
bucket of a few dozen entries and the page it is on, so planning does not slow down as volumes pile up.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeAlias, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_Pages: TypeAlias = list[list[dict[K, V]]]

_FILL = 32
"""Entries a bucket may hold on average before the number of buckets grows."""
_GROWTH = 8
_BITS = 6
_PAGE = 1 << _BITS
"""Buckets on a page. A copy of a list touches everything in it, so there is no long one."""


class PersistentMap(Mapping[K, V], Generic[K, V]):
    """Mapping without mutation: ``with_changes`` returns a new one."""

    __slots__ = ("_mask", "_pages", "_size")

    def __init__(self, items: Iterable[tuple[K, V]] = ()) -> None:
        everything = dict(items)
        count = 1
        while len(everything) > count * _FILL:
            count *= _GROWTH
        self._mask, self._size = count - 1, len(everything)
        self._pages: _Pages[K, V] = [[everything]] if count == 1 else _spread(everything, count)

    def with_changes(self, put: Iterable[tuple[K, V]] = (), remove: Iterable[K] = ()) -> "PersistentMap[K, V]":
        """Return a map with the keys of ``put`` set and then those of ``remove`` gone; unknown keys are no error."""
        made = draft(self)
        for key, value in put:
            made.put(key, value)
        for key in remove:
            made.drop(key)
        return made.finished()

    def __getitem__(self, key: K) -> V:
        index = hash(key) & self._mask
        return self._pages[index >> _BITS][index % _PAGE][key]

    def get(self, key: K, default: V | None = None) -> V | None:  # type: ignore[override]  # the hot path, without exceptions
        """Return the value of ``key``, or ``default``."""
        index = hash(key) & self._mask
        return self._pages[index >> _BITS][index % _PAGE].get(key, default)

    def __contains__(self, key: object) -> bool:
        index = hash(key) & self._mask
        return key in self._pages[index >> _BITS][index % _PAGE]

    def __iter__(self) -> Iterator[K]:
        for page in self._pages:
            for bucket in page:
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


def _spread(everything: dict[K, V], count: int) -> _Pages[K, V]:
    """Return so many buckets on pages; ``count`` is a power of two."""
    buckets: list[dict[K, V]] = [{} for _ in range(count)]
    mask = count - 1
    for key, value in everything.items():
        buckets[hash(key) & mask][key] = value
    return [buckets[at : at + _PAGE] for at in range(0, count, _PAGE)]


class FirstDraft(dict[K, V]):
    """A map that is being made from nothing: a plain dict meanwhile, as fast as those are."""

    __slots__ = ("_before",)

    def __init__(self, before: PersistentMap[K, V]) -> None:
        super().__init__()
        self._before = before

    put = dict.__setitem__

    def drop(self, key: K) -> None:
        """Let a key go, if it is there."""
        self.pop(key, None)

    def finished(self) -> PersistentMap[K, V]:
        """Return the map, the old one if there is nothing in it; the draft must not be touched any more."""
        return PersistentMap(self.items()) if self else self._before


class Draft(Generic[K, V]):
    """A map that is being made from another: each bucket is copied at its first change only.

    It reads as what it will be. Nobody but its maker sees it, so it can be changed in place.
    """

    __slots__ = ("_before", "_made", "_own", "_own_pages")

    def __init__(self, before: PersistentMap[K, V]) -> None:
        self._before = self._made = before
        self._own: set[int] = set()
        """Buckets that are not those of the map before."""
        self._own_pages: set[int] = set()

    def put(self, key: K, value: V) -> None:
        """Set a key."""
        bucket = self._bucket(key)
        made = self._made
        made._size += key not in bucket  # noqa: SLF001  # its kin, here and below
        bucket[key] = value
        if made._size > (made._mask + 1) * _FILL * 2:  # noqa: SLF001
            self._made = grown = PersistentMap(made.items())
            self._own, self._own_pages = set(range(grown._mask + 1)), set(range(len(grown._pages)))  # noqa: SLF001

    def drop(self, key: K) -> None:
        """Let a key go, if it is there."""
        if key in self._made:
            del self._bucket(key)[key]
            self._made._size -= 1  # noqa: SLF001

    def finished(self) -> PersistentMap[K, V]:
        """Return the map, the old one if nothing was changed; the draft must not be touched any more."""
        return self._made

    def _bucket(self, key: K) -> dict[K, V]:
        """Return the bucket of a key; it may be changed."""
        if self._made is self._before:
            self._made = object.__new__(PersistentMap)
            self._made._pages = self._before._pages.copy()  # noqa: SLF001
            self._made._mask, self._made._size = self._before._mask, self._before._size  # noqa: SLF001
        pages, index = self._made._pages, hash(key) & self._made._mask  # noqa: SLF001
        number, place = index >> _BITS, index % _PAGE
        if index not in self._own:
            if number not in self._own_pages:
                pages[number] = pages[number].copy()
                self._own_pages.add(number)
            pages[number][place] = pages[number][place].copy()
            self._own.add(index)
        return pages[number][place]

    def __getitem__(self, key: K) -> V:
        return self._made[key]

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        return self._made.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._made

    def __iter__(self) -> Iterator[K]:
        return iter(self._made)

    def __len__(self) -> int:
        return self._made._size  # noqa: SLF001


AnyDraft: TypeAlias = Draft[K, V] | FirstDraft[K, V]
"""A map that is being made."""


def draft(before: PersistentMap[K, V]) -> AnyDraft[K, V]:
    """Return a map that begins as another one and may be changed."""
    return Draft(before) if before else FirstDraft(before)
