"""Values of flags, read as Go reads them (cli.md §2)."""

import json
import math
import re
from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

Value: TypeAlias = str | bool | int | float | tuple[str, ...]

_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_INTEGER = re.compile(r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO]?(_?[0-7])+|[1-9](_?[0-9])*|0)", re.ASCII)
_OLD_OCTAL = re.compile(r"([+-]?)0_?([0-7][0-7_]*)", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE)
_HEX_FLOAT = re.compile(r"[+-]?0x[0-9a-f]*\.?[0-9a-f]*p[+-]?\d+", re.ASCII | re.IGNORECASE)


class Invalid(ValueError):
    """A text is no value of its kind; the text says why in Go's words."""


def boolean(text: str) -> bool:
    """Read a bool: 1 t T TRUE true True and their opposites.

    Raises:
        Invalid: if it is none.
    """
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise Invalid(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")


def integer(text: str) -> int:
    """Read an integer of 64 bits; ``0x10``, ``0b1``, ``0o17``, ``1_0`` and octal ``010`` are known.

    Raises:
        Invalid: if it is none, or out of range.
    """
    if not _INTEGER.fullmatch(text):
        raise Invalid(f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax")
    octal = _OLD_OCTAL.fullmatch(text)
    try:
        number = int(octal[1] + octal[2], 8) if octal else int(text, 0)
    except ValueError:  # more digits than Python reads
        number = 2**64
    if not -(2**63) <= number < 2**63:
        raise Invalid(f"strconv.ParseInt: parsing {quoted(text)}: value out of range")
    return number


def number(text: str) -> float:
    """Read a floating point number; ``inf`` and ``nan`` are known.

    Raises:
        Invalid: if it is none, or out of range.
    """
    if _HEX_FLOAT.fullmatch(text):
        return float.fromhex(text)
    if not _FLOAT.fullmatch(text):
        raise Invalid(f"strconv.ParseFloat: parsing {quoted(text)}: invalid syntax")
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise Invalid(f"strconv.ParseFloat: parsing {quoted(text)}: value out of range")
    return value


def texts(text: str) -> tuple[str, ...]:
    """Read a list of texts, one line of comma-separated values.

    Raises:
        Invalid: if quotes do not match.
    """
    found: list[str] = []
    rest, column = text, 1
    while rest:
        field, used = _quoted_field(rest, column) if rest.startswith('"') else _plain_field(rest, column)
        found.append(field)
        if used == len(rest):
            return tuple(found)
        rest, column = rest[used + 1 :], column + used + 1
        if not rest:
            found.append("")
    return tuple(found)


def _plain_field(text: str, column: int) -> tuple[str, int]:
    field = text.partition(",")[0]
    if '"' in field:
        raise Invalid(f'parse error on line 1, column {column + field.index(chr(34))}: bare " in non-quoted-field')
    return field, len(field)


def _quoted_field(text: str, column: int) -> tuple[str, int]:
    match = re.match(r'"((?:[^"]|"")*)"(?=,|$)', text)
    if match is None:
        raise Invalid(f'parse error on line 1, column {column + len(text)}: extraneous or missing " in quoted-field')
    return match[1].replace('""', '"'), match.end()


def quoted(text: str) -> str:
    """Return a text in quotation marks, as Go's ``%q``."""
    return json.dumps(text, ensure_ascii=False)


class Kind(Enum):
    """What a flag holds."""

    SWITCH = "bool"
    """Needs no value: ``--flag`` is true."""
    TEXT = "string"
    INTEGER = "int"
    NUMBER = "float32"
    TEXTS = "strings"
    """Every occurrence adds."""


READERS: dict[Kind, Callable[[str], Value]] = {
    Kind.SWITCH: boolean,
    Kind.TEXT: str,
    Kind.INTEGER: integer,
    Kind.NUMBER: number,
    Kind.TEXTS: texts,
}
"""How each kind is read."""
