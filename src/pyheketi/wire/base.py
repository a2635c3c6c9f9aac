"""How Go's ``encoding/json`` reads and writes, in pydantic: the base of every wire model.

Reading: names match in any case, the last duplicate wins, ``null`` leaves the default, integers are 64 bits and
nothing else becomes one (rest-api.md §1.4). Writing: compact, fields in the order of declaration, some omitted when
empty, lists that nobody gave are ``null``, HTML escaped (rest-api.md §1.3, cli.md §4).
"""

import builtins
import contextlib
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, ClassVar, Never, TypeAlias, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError


class Malformed(ValueError):
    """A document that is no JSON, or not of the shape expected. Its text is fit for users."""


class OmitEmpty:
    """Marks a field that is not written while zero, empty or false (Go's ``omitempty``)."""


OMIT = OmitEmpty()

Int64: TypeAlias = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
"""Go's ``int`` and ``int64``."""

END_OF_FLOAT32 = 3.4028235677973366e38
"""The smallest number that 32 bits round to infinity."""

Float32: TypeAlias = Annotated[float, Field(gt=-END_OF_FLOAT32, lt=END_OF_FLOAT32)]
"""A number that fits 32 bits; written in the fewest digits that tell it from its neighbours."""

_Lax = Strict(strict=False)
Strings: TypeAlias = Annotated[tuple[str, ...], _Lax]
"""A list of strings; its items are strict, only the container may be a JSON array."""

_Item = TypeVar("_Item")
Items: TypeAlias = Annotated[tuple[_Item, ...], _Lax]
"""A list of models."""


class WireModel(BaseModel):
    """A JSON object of the wire. Every field has Go's zero value as default."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, defer_build=True)

    _slots: ClassVar[tuple[tuple[str, bool], ...]] = ()
    """Names of the fields in order, and whether each is omitted when empty."""

    _plain: ClassVar[bool] = False
    """Whether the fields are written as they are: texts, whole numbers and truths, none of them ever omitted."""

    _inner: ClassVar[Mapping[str, Callable[[object], object]]] = {}
    """What matches the names within the fields that hold models."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Learn how to write the fields, and where models lie in them."""
        cls._slots = tuple((name, OMIT in field.metadata) for name, field in cls.model_fields.items())
        plain = all(field.annotation in (str, int, bool) for field in cls.model_fields.values())
        cls._plain = plain and not any(omit for _, omit in cls._slots)
        found = {name: _matching_within(field.annotation) for name, field in cls.model_fields.items()}
        cls._inner = {name: matching for name, matching in found.items() if matching}

    @classmethod
    def matched(cls, value: object) -> object:
        """Return a decoded object with names as the fields have them, and without ``null``; any other value as is."""
        if not isinstance(value, dict):
            return value
        fields, matched = cls.__pydantic_fields__, {}
        for given, item in value.items():
            if item is not None:
                name = given if given in fields else str(given).casefold()
                matching = cls._inner.get(name)
                matched[name] = matching(item) if matching else item
        return matched

    def problem(self) -> str | None:
        """Return why a well-formed request is refused (the body of a 400), or None."""
        return None


def models_in(annotation: object) -> Iterator[type[WireModel]]:
    """Yield the models that a type mentions."""
    if isinstance(annotation, type) and issubclass(annotation, WireModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def _matching_within(annotation: object) -> Callable[[object], object] | None:
    """Return what matches names in values of a type: a model, a list or mapping of them, or a choice with one."""
    if isinstance(annotation, type) and issubclass(annotation, WireModel):
        return annotation.matched
    inner = next(filter(None, map(_matching_within, get_args(annotation))), None)
    if inner is None:
        return None
    match get_origin(annotation):
        case builtins.tuple:
            return lambda value: [*map(inner, value)] if isinstance(value, list) else value
        case builtins.dict:
            return lambda value: {k: inner(v) for k, v in value.items()} if isinstance(value, dict) else value
        case _:
            return inner


Model = TypeVar("Model", bound=WireModel)


def parse(model: type[Model], document: bytes | str) -> Model:
    """Read a JSON document.

    Raises:
        Malformed: if it is no JSON or of another shape; too deep and too long numbers included.
    """
    return validated(model, _decoded(document))


def parse_first(model: type[Model], text: str) -> Model:
    """Read the first JSON value of a text, whatever comes after it.

    Raises:
        Malformed: as ``parse`` does.
    """
    return validated(model, _decoded(text, whole=False))


def validated(model: type[Model], value: object) -> Model:
    """Read a decoded JSON value; ``None`` is a document of zero values.

    Raises:
        Malformed: if it is of another shape.
    """
    value = {} if value is None else value
    with contextlib.suppress(ValidationError):  # nearly always: names as they should be, and no null
        return model.model_validate(value, extra="forbid")
    try:
        return model.model_validate(model.matched(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Malformed(f"{place}: {first['msg']}" if place else first["msg"]) from error


def dump(model: WireModel) -> bytes:
    """Write a JSON document, without a final newline.

    Raises:
        ValueError: if a number is infinite or none.
    """
    return to_json(model).encode()


def plain(model: WireModel) -> dict[str, object]:
    """Return what is written of a model, with nothing but plain values in it."""
    fields: dict[str, object] = json.loads(_encoder.encode(model))
    return fields


def dump_rows(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Write a JSON list of plain objects, without a final newline."""
    return escaped(_encoder.encode(rows)).encode()


def dump_map(values: Mapping[str, str]) -> bytes:
    """Write a JSON object of texts, sorted by name, without a final newline."""
    document = json.dumps(dict(sorted(values.items())), ensure_ascii=False, separators=(",", ":"))
    return escaped(document).encode()


def to_json(model: WireModel) -> str:
    """Write a JSON document as text, without a final newline.

    Raises:
        ValueError: if a number is infinite or none.
    """
    return escaped(_encoder.encode(model))


def escaped(text: str) -> str:
    """Give JSON text as Python writes it the escapes that Go uses."""
    for character, escape in _HTML:
        if character in text:
            text = text.replace(character, escape)
    if "\\b" in text or "\\f" in text:
        text = _CONTROL.sub(lambda match: _LONG.get(match[0], match[0]), text)
    return text if text.isascii() else _SURROGATE.sub(r"\\ufffd", text)


_HTML = tuple((character, f"\\u{ord(character):04x}") for character in "<>&\u2028\u2029")
_CONTROL = re.compile(r"\\.")
_LONG = {"\\b": "\\u0008", "\\f": "\\u000c"}
_SURROGATE = re.compile("[\ud800-\udfff]")


def fields_of(model: object) -> dict[str, object]:
    """Return what is written of a model, in order; JSON encoders ask for it."""
    if not isinstance(model, WireModel):
        raise TypeError(f"{type(model).__name__} is no JSON")
    values = model.__dict__
    if model._plain:  # noqa: SLF001  # of our own class
        return values
    given, written = model.__pydantic_fields_set__, dict[str, object]()
    for name, omit in model._slots:  # noqa: SLF001  # of our own class
        value = values[name]
        if omit and not value:
            continue
        if type(value) is float:
            value = shortest(value)
        elif name not in given and value in ((), {}):
            value = None
        elif type(value) is dict and len(value) > 1:
            value = dict(sorted(value.items()))
        written[name] = value
    return written


@lru_cache(maxsize=256)
def shortest(value: float) -> float:
    """Return the number with the fewest digits that is ``value`` in 32 bits; whole numbers as integers."""
    packed = struct.pack("f", value)
    (narrow,) = struct.unpack("f", packed)
    candidates = (float(f"{narrow:.{digits}g}") for digits in range(1, 10))
    short: float = next(candidate for candidate in candidates if struct.pack("f", candidate) == packed)
    return int(short) if short.is_integer() and abs(short) < 1e21 else short


_encoder = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=fields_of
)


def _decoded(document: bytes | str, *, whole: bool = True) -> object:
    text = document if isinstance(document, str) else document.decode("utf-8", "replace")
    try:
        value: object = _decoder.decode(text) if whole else _decoder.raw_decode(text.lstrip(_BLANKS))[0]
        if "\\ud" in text.lower():  # half a pair stands for nothing; Go reads U+FFFD
            value = _decoder.decode(_SURROGATE.sub("\ufffd", _encoder.encode(value)))
    except json.JSONDecodeError as error:
        raise Malformed(_go_wording(error)) from error
    except RecursionError as error:
        raise Malformed("nested too deep") from error
    except ValueError as error:
        raise Malformed(str(error)) from error
    return value


def _go_wording(error: json.JSONDecodeError) -> str:
    """Say what is wrong with JSON in words that Heketi's users may have met (cli.md §3)."""
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    where = "after top-level value" if error.msg == "Extra data" else "looking for beginning of value"
    return f"invalid character {error.doc[error.pos]!r} {where}"


def _last_wins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object in the order of last mention; a later ``null`` changes nothing."""
    result = dict(pairs)
    if len(result) == len(pairs):  # as documents are, unless somebody plays
        return result
    result = {}
    for name, value in pairs:
        if name in result:
            if value is None:
                continue
            del result[name]
        result[name] = value
    return result


def _no_constant(name: str) -> Never:
    raise ValueError(f"invalid character {name[0]!r} looking for beginning of value")


_BLANKS = " \t\r\n"
_decoder = json.JSONDecoder(object_pairs_hook=_last_wins, parse_constant=_no_constant)
