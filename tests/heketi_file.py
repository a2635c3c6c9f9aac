"""Write files as Heketi does, of any age and with any fault: BoltDB with gob values. For tests only."""

import struct
from collections.abc import Mapping
from typing import Any

PAGE = 4096
_BOOL, _INT, _FLOAT, _STRING = 1, 2, 4, 6


class Interface:
    """A value behind a Go interface."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value


class _Gob:
    """Encodes one value; types are defined as they are met."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.types: dict[Any, int] = {}

    def unsigned(self, number: int) -> bytes:
        if number < 128:
            return bytes([number])
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return bytes([256 - len(raw)]) + raw

    def signed(self, number: int) -> bytes:
        return self.unsigned(~number << 1 | 1 if number < 0 else number << 1)

    def text(self, text: str) -> bytes:
        return self.unsigned(len(text.encode())) + text.encode()

    def define(self, key: Any, body: bytes) -> int:
        number = self.types[key] = 64 + len(self.types)
        message = self.signed(-number) + body
        self.messages.append(self.unsigned(len(message)) + message)
        return number

    def common(self, name: str, number: int) -> bytes:
        return b"\1" + (b"\1" + self.text(name) + b"\1" if name else b"\2") + self.signed(number) + b"\0"

    def type_of(self, value: Any) -> int:
        match value:
            case bool():
                return _BOOL
            case int():
                return _INT
            case float():
                return _FLOAT
            case str():
                return _STRING
            case Interface():
                return 8
            case list():
                return self.slice_type(self.type_of(value[0]) if value else _STRING)
            case {"": "map"}:
                return self.map_type()
            case dict():
                return self.struct_type(value)
            case _:
                raise TypeError(value)

    def slice_type(self, item: int) -> int:
        if ("slice", item) in self.types:
            return self.types["slice", item]
        number = 64 + len(self.types)
        body = b"\2" + self.common("", number) + b"\1" + self.signed(item) + b"\0\0"
        return self.define(("slice", item), body)

    def map_type(self) -> int:
        if "map" in self.types:
            return self.types["map"]
        number = 64 + len(self.types)
        body = b"\4" + self.common("", number) + b"\1" + self.signed(_STRING) + b"\1" + self.signed(_STRING) + b"\0\0"
        return self.define("map", body)

    def struct_type(self, value: Mapping[str, Any]) -> int:
        fields = tuple((name, self.type_of(item)) for name, item in value.items())
        if fields in self.types:
            return self.types[fields]
        number = 64 + len(self.types)
        listed = b"".join(b"\1" + self.text(name) + b"\1" + self.signed(kind) + b"\0" for name, kind in fields)
        body = b"\3" + self.common("T", number) + b"\1" + self.unsigned(len(fields)) + listed + b"\0\0"
        return self.define(fields, body)

    def value(self, value: Any) -> bytes:
        match value:
            case bool():
                return self.unsigned(int(value))
            case int():
                return self.signed(value)
            case float():
                return self.unsigned(int.from_bytes(struct.pack("<d", value), "big"))
            case str():
                return self.text(value)
            case Interface():
                kind = self.type_of(value.value)
                plain = kind < 64 or not isinstance(value.value, dict)
                inner = (b"\0" if plain else b"") + self.value(value.value)
                return self.text(value.name) + self.signed(kind) + self.unsigned(len(inner)) + inner
            case list():
                return self.unsigned(len(value)) + b"".join(map(self.value, value))
            case {"": "map", **entries}:
                return self.unsigned(len(entries)) + b"".join(
                    self.text(str(k)) + self.text(str(v)) for k, v in entries.items()
                )
            case _:
                return self.struct(value)

    def struct(self, value: Mapping[str, Any]) -> bytes:
        encoded, skipped = b"", 1
        for item in value.values():
            if item in (0, "", False, [], None):
                skipped += 1
                continue
            encoded += self.unsigned(skipped) + self.value(item)
            skipped = 1
        return encoded + b"\0"


def gob(value: Mapping[str, Any]) -> bytes:
    """Return a stream of one struct. ``{"": "map", …}`` is a map of strings, every other dict a struct."""
    encoder = _Gob()
    number = encoder.type_of(value)
    body = encoder.signed(number) + encoder.value(value)
    return b"".join(encoder.messages) + encoder.unsigned(len(body)) + body


def _fnv1a(data: bytes) -> int:
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 % 2**64
    return found


def _leaf(number: int, items: Mapping[bytes, bytes], flags: int) -> bytes:
    head, body = b"", b""
    width = 16 * len(items)
    for index, (key, value) in enumerate(sorted(items.items())):
        head += struct.pack("<IIII", flags, width - 16 * index + len(body), len(key), len(value))
        body += key + value
    page = struct.pack("<QHHI", number, 2, len(items), 0) + head + body
    overflow = (len(page) - 1) // PAGE
    page = struct.pack("<QHHI", number, 2, len(items), overflow) + page[16:]
    return page.ljust((overflow + 1) * PAGE, b"\0")


def bolt(buckets: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """Return a BoltDB file."""
    pages, roots, number = b"", {}, 3
    for name, items in buckets.items():
        page = _leaf(number, {key.encode(): value for key, value in items.items()}, 0)
        roots[name.encode()] = struct.pack("<QQ", number, 0)
        pages += page
        number += len(page) // PAGE
    root = _leaf(2, roots, 1)
    assert len(root) == PAGE
    meta = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, 2, 0, 0xFFFFFFFFFFFFFFFF, number, 1)
    meta += struct.pack("<Q", _fnv1a(meta))
    heads = [(struct.pack("<QHHI", at, 4, 0, 0) + meta).ljust(PAGE, b"\0") for at in (0, 1)]
    return heads[0] + heads[1] + root + pages
