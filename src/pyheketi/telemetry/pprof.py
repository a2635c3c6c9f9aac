"""Profiles in the format that ``go tool pprof`` and its kin read: ``profile.proto``, gzip-ed."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the code."""

    function: str
    file: str
    line: int
    first_line: int = 0
    """Of the function; 0 if unknown."""


Stack: TypeAlias = tuple[Frame, ...]
"""Frames, the innermost first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much of something happened where."""

    kinds: tuple[tuple[str, str], ...]
    """What is measured, and in which unit."""
    samples: Mapping[Stack, Sequence[int]]
    """A number of each kind for each stack."""
    began: float
    """Seconds since the epoch."""
    lasted: float
    """Seconds."""
    period: int = 1
    """Of the last kind, from one look to the next."""

    def encoded(self) -> bytes:
        """Return the file."""
        return gzip.compress(_Writer().profile(self), mtime=0)


class _Writer:
    """Numbers the texts, functions and places as they come up; numbers from 1, texts from 0."""

    def __init__(self) -> None:
        self._texts = {"": 0}
        self._functions: dict[tuple[str, str, int], int] = {}
        self._places: dict[Frame, int] = {}

    def profile(self, profile: Profile) -> bytes:
        kinds = [_block(1, self._kind(*kind)) for kind in profile.kinds]
        period = _block(11, self._kind(*profile.kinds[-1]))
        samples = [_block(2, self._sample(*each)) for each in profile.samples.items()]
        places = [_block(4, self._place(*each)) for each in self._places.items()]
        functions = [_block(5, self._function(*each)) for each in self._functions.items()]
        texts = [_block(6, text.encode("utf-8", "replace")) for text in self._texts]
        times = _number(9, int(profile.began * 1e9)) + _number(10, int(profile.lasted * 1e9))
        return b"".join([*kinds, *samples, *places, *functions, *texts, times, period, _number(12, profile.period)])

    def _kind(self, kind: str, unit: str) -> bytes:
        return _number(1, self._text(kind)) + _number(2, self._text(unit))

    def _sample(self, stack: Stack, values: Sequence[int]) -> bytes:
        places = (self._places.setdefault(frame, len(self._places) + 1) for frame in stack)
        return _block(1, _packed(places)) + _block(2, _packed(values))

    def _place(self, frame: Frame, id_: int) -> bytes:
        key = (frame.function, frame.file, frame.first_line)
        function = self._functions.setdefault(key, len(self._functions) + 1)
        return _number(1, id_) + _block(4, _number(1, function) + _number(2, frame.line))

    def _function(self, key: tuple[str, str, int], id_: int) -> bytes:
        name, file, first_line = key
        texts = _number(2, self._text(name)) + _number(4, self._text(file))
        return _number(1, id_) + texts + _number(5, first_line)

    def _text(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))


# -- the wire format of protocol buffers ---------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _block(field: int, contents: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(contents)) + contents


def _packed(numbers: Iterable[int]) -> bytes:
    return b"".join(map(_varint, numbers))
