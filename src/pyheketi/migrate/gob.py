"""Decode Go's gob encoding, the form of the values in Heketi's database (db.md §5.3).

A stream carries the definitions of its types, so that any version of Heketi can be read. Structs become dictionaries by
field name, without the fields that are zero.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""Bool, int, float, bytes, str, list, dict, ``Named`` for what an interface held, or None."""

_DEEPEST = 64
_INTERFACE = 8
"""The last of the types that need no definition: bool, int, uint, float, bytes, string, complex, interface."""


@dataclass(frozen=True, slots=True)
class Named:
    """What an interface held: the name of its type, and the value."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class _Type:
    """A definition: of a struct its fields, of others the types of what they hold."""

    kind: str
    fields: tuple[tuple[str, int], ...] = ()
    key: int = 0
    item: int = 0


def decode(stream: bytes) -> Value:
    """Return the one value of a stream.

    Raises:
        ValueError: the stream is damaged; tells at which byte.
    """
    decoder = _Decoder(stream)
    try:
        return decoder.top()
    except (IndexError, struct.error, OverflowError, UnicodeDecodeError, KeyError) as error:
        raise ValueError(f"value damaged at byte {decoder.at} of {len(stream)}: {error!r}") from error


class _Decoder:
    """Reads from the front."""

    def __init__(self, stream: bytes) -> None:
        self._stream = stream
        self.at = 0
        self._types: dict[int, _Type] = {}
        self._depth = 0

    def top(self) -> Value:
        """Read messages up to the one that holds the value."""
        while True:
            self._uint()  # the length of the message
            number = self._int()
            if number >= 0:
                return self._whole(number)
            self._define(-number)

    # -- numbers and bytes ---------------------------------------------------------------------------------------

    def _take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self._stream):
            raise ValueError(f"value cut off: {count} bytes wanted at byte {self.at} of {len(self._stream)}")
        taken = self._stream[self.at : self.at + count]
        self.at += count
        return taken

    def _uint(self) -> int:
        first = self._take(1)[0]
        if first < 128:
            return first
        width = 256 - first
        if width > 8:
            raise ValueError(f"value damaged at byte {self.at}: a number of {width} bytes")
        return int.from_bytes(self._take(width), "big")

    def _int(self) -> int:
        raw = self._uint()
        return ~(raw >> 1) if raw & 1 else raw >> 1

    def _count(self) -> int:
        """Read a length; nothing is longer than what is left, as every item takes a byte at least."""
        count = self._uint()
        if count > len(self._stream) - self.at:
            raise ValueError(f"value damaged at byte {self.at}: {count} items in {len(self._stream) - self.at} bytes")
        return count

    def _text(self) -> str:
        return self._take(self._count()).decode("utf-8", "replace")

    # -- types ---------------------------------------------------------------------------------------------------

    def _define(self, number: int) -> None:
        """Read the definition of a type."""
        kinds: dict[int, Callable[[], _Type]] = {
            0: lambda: self._of_kind("array"),
            1: lambda: self._of_kind("slice"),
            2: lambda: self._of_kind("struct"),
            3: lambda: self._of_kind("map"),
        }
        made = list(self._fields(kinds).values())
        if len(made) != 1:
            raise ValueError(f"value damaged at byte {self.at}: type {number} is defined {len(made)} times")
        self._types[number] = made[0]

    def _of_kind(self, kind: str) -> _Type:
        rest: dict[int, Callable[[], Any]] = {1: self._int, 2: self._int}
        if kind == "struct":
            rest = {1: self._field_list}
        found = self._fields({0: lambda: self._fields({0: self._text, 1: self._int})} | rest)
        if kind == "struct":
            return _Type(kind, fields=tuple(found.get(1, ())))
        if kind == "map":
            return _Type(kind, key=found[1], item=found[2])
        return _Type(kind, item=found[1])

    def _field_list(self) -> list[tuple[str, int]]:
        read = (self._fields({0: self._text, 1: self._int}) for _ in range(self._count()))
        return [(field[0], field[1]) for field in read]

    def _fields(self, readers: Mapping[int, Callable[[], Any]]) -> dict[int, Any]:
        """Read a struct whose fields are known by number."""
        found: dict[int, Any] = {}
        number = -1
        while step := self._uint():
            number += step
            found[number] = readers[number]()
        return found

    # -- values --------------------------------------------------------------------------------------------------

    def _whole(self, number: int) -> Value:
        """Read a value that stands alone: what is no struct has a zero byte before it."""
        known = self._types.get(number)
        if (known is None or known.kind != "struct") and self._uint() != 0:
            raise ValueError(f"value damaged at byte {self.at}: a zero is missing")
        return self._value(number)

    def _value(self, number: int) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"value damaged at byte {self.at}: nested too deep")
        try:
            return self._builtin(number) if number <= _INTERFACE else self._defined(self._types[number])
        finally:
            self._depth -= 1

    def _builtin(self, number: int) -> Value:
        match number:
            case 1:
                return bool(self._uint())
            case 2:
                return self._int()
            case 3:
                return self._uint()
            case 4:
                return struct.unpack("<d", self._uint().to_bytes(8, "big"))[0]
            case 5:
                return self._take(self._count())
            case 6:
                return self._text()
            case 8:
                return self._interface()
            case _:
                raise ValueError(f"value damaged at byte {self.at}: type {number} is not expected")

    def _defined(self, known: _Type) -> Value:
        if known.kind == "struct":
            return self._struct(known.fields)
        if known.kind == "map":
            return {self._value(known.key): self._value(known.item) for _ in range(self._count())}
        return [self._value(known.item) for _ in range(self._count())]

    def _struct(self, fields: tuple[tuple[str, int], ...]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        number = -1
        while step := self._uint():
            number += step
            name, kind = fields[number]
            found[name] = self._value(kind)
        return found

    def _interface(self) -> Named | None:
        name = self._text()
        if not name:
            return None
        number = self._int()
        while number < 0:  # a type that is defined where it is used first
            self._define(-number)
            self._uint()
            number = self._int()
        self._uint()  # the length of the value
        return Named(name, self._whole(number))
