"""Read BoltDB files, the container of Heketi's database (db.md §5.1). Nothing is ever written.

Every number in the file is doubted: a damaged file ends with an error that names the page, never with nonsense.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pyheketi.domain import errors

MAGIC = 0xED0CDAED
_VERSION = 2
_PAGE_SIZES = (4096, 512, 1024, 2048, 8192, 16384, 32768, 65536)
_BRANCH, _LEAF, _META = 0x01, 0x02, 0x04
_IS_BUCKET = 0x01
_HEADER = struct.Struct("<QHHI")
_META_FIELDS = struct.Struct("<IIIIQQQQQQ")
_LEAF_ITEM = struct.Struct("<IIII")
_BRANCH_ITEM = struct.Struct("<IIQ")
_BUCKET = struct.Struct("<QQ")
_DEEPEST = 32

Buckets: TypeAlias = Mapping[str, Mapping[str, bytes]]
"""Values by bucket and key."""


class DamagedFile(errors.StoreError):
    """The file is no BoltDB file, or a damaged one."""


@dataclass(frozen=True, slots=True)
class _Meta:
    page_size: int
    root: int
    pages: int
    transaction: int


def is_bolt(head: bytes) -> bool:
    """Return whether a file that begins with these bytes (at least 20) is a BoltDB file."""
    return len(head) >= 20 and MAGIC in struct.unpack_from("<I", head, 16) + struct.unpack_from(">I", head, 16)


def read(data: bytes) -> Buckets:
    """Return the contents of a BoltDB file.

    Raises:
        DamagedFile: it is none, or something in it contradicts itself; tells where.
    """
    return _Reader(data, _meta(data)).buckets()


def _meta(data: bytes) -> _Meta:
    """Return the newer of the two heads that are whole."""
    found = [meta for size in _PAGE_SIZES for number in (0, 1) if (meta := _meta_at(data, size, number))]
    if not found:
        if not is_bolt(data[:20]):
            raise DamagedFile("This is no BoltDB file")
        if struct.unpack_from(">I", data, 16) == (MAGIC,):
            raise DamagedFile("The file was written on a big-endian machine; export it there: heketi db export")
        raise DamagedFile("Both heads of the BoltDB file (pages 0 and 1) are damaged: their checksums are wrong")
    return max(found, key=lambda meta: meta.transaction)


def _meta_at(data: bytes, size: int, number: int) -> _Meta | None:
    fields = data[number * size + _HEADER.size :][: _META_FIELDS.size]
    if len(fields) < _META_FIELDS.size:
        return None
    magic, version, page_size, _, root, _, _, pages, transaction, checksum = _META_FIELDS.unpack(fields)
    if magic != MAGIC or version != _VERSION or page_size != size or checksum != _fnv1a(fields[:-8]):
        return None
    return _Meta(page_size, root, pages, transaction)


def _fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


class _Reader:
    """Walks pages."""

    def __init__(self, data: bytes, meta: _Meta) -> None:
        self._data, self._meta = memoryview(data), meta
        self._seen: set[int] = set()

    def buckets(self) -> dict[str, dict[str, bytes]]:
        found: dict[str, dict[str, bytes]] = {}
        for flags, name, value in self._tree(self._meta.root):
            if flags & _IS_BUCKET:
                bucket = _text(name, "the name of a bucket")
                found[bucket] = dict(self._items(bucket, value))
        return found

    def _items(self, bucket: str, value: bytes) -> Iterator[tuple[str, bytes]]:
        if len(value) < _BUCKET.size:
            raise DamagedFile(f"Bucket {bucket} is damaged: its head is cut off")
        root, _ = _BUCKET.unpack_from(value)
        inline = memoryview(value)[_BUCKET.size :]
        items = self._tree(root) if root else self._page(inline, f"the inline page of bucket {bucket}", 0)
        for flags, key, item in items:
            if not flags & _IS_BUCKET:
                yield _text(key, f"a key of bucket {bucket}"), item

    def _tree(self, number: int, depth: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        place = f"page {number}"
        if not 2 <= number < self._meta.pages or number in self._seen or depth > _DEEPEST:
            raise DamagedFile(f"The BoltDB file is damaged: {place} is named where it cannot be")
        self._seen.add(number)
        size = self._meta.page_size
        first = self._data[number * size : (number + 1) * size]
        if len(first) < size:
            raise DamagedFile(f"The BoltDB file is cut off: {place} begins at byte {number * size}, beyond its end")
        own, _, _, overflow = _HEADER.unpack_from(first)
        if own != number:
            raise DamagedFile(f"The BoltDB file is damaged: {place} says that it is page {own}")
        yield from self._page(self._data[number * size : (number + 1 + overflow) * size], place, depth)

    def _page(self, page: memoryview, place: str, depth: int) -> Iterator[tuple[int, bytes, bytes]]:
        if len(page) < _HEADER.size:
            raise DamagedFile(f"The BoltDB file is damaged: {place} is cut off")
        _, flags, count, _ = _HEADER.unpack_from(page)
        if flags & _LEAF:
            for index in range(count):
                yield _leaf_item(page, index, place)
        elif flags & _BRANCH:
            for index in range(count):
                yield from self._tree(_child(page, index, place), depth + 1)
        else:
            raise DamagedFile(f"The BoltDB file is damaged: {place} holds no keys (its flags are {flags:#x})")


def _leaf_item(page: memoryview, index: int, place: str) -> tuple[int, bytes, bytes]:
    at = _HEADER.size + index * _LEAF_ITEM.size
    flags, offset, key_size, value_size = _fields(_LEAF_ITEM, page, at, place)
    begin = at + offset
    end = begin + key_size + value_size
    if end > len(page):
        raise DamagedFile(f"The BoltDB file is damaged: item {index} of {place} reaches beyond it")
    return flags, bytes(page[begin : begin + key_size]), bytes(page[begin + key_size : end])


def _child(page: memoryview, index: int, place: str) -> int:
    at = _HEADER.size + index * _BRANCH_ITEM.size
    return int(_fields(_BRANCH_ITEM, page, at, place)[2])


def _fields(form: struct.Struct, page: memoryview, at: int, place: str) -> tuple[int, ...]:
    if at + form.size > len(page):
        raise DamagedFile(f"The BoltDB file is damaged: {place} has fewer items than it says")
    return form.unpack_from(page, at)


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise DamagedFile(f"The BoltDB file is damaged: {what} is no text ({raw[:40]!r})") from None
