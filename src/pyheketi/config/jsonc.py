"""JSON as people write it: with comments, and with a place for every fault.

``#`` and ``//`` begin a comment up to the end of the line, ``/* … */`` stands anywhere. A comma after the last item is
tolerated, what follows the first value is ignored, of a key given twice the last counts; each earns a warning.
No message repeats a value: it may be a secret whose quotes were forgotten.
"""

import bisect
import json
import re
from dataclasses import dataclass, field
from typing import TypeAlias

Path: TypeAlias = tuple[str, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column, from 1."""

_SPACE = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_WORD = re.compile(r"\w+")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_DEEPEST = 100
_LONGEST = 400
"""Characters of a number; Python refuses to read very long ones."""


class Fault(Exception):  # part of a larger error
    """The text is no JSON at some place."""

    def __init__(self, position: Position, text: str) -> None:
        super().__init__(text)
        self.position, self.text = position, text


@dataclass(slots=True)
class Document:
    """A value, and where its parts stand."""

    value: object = None
    positions: dict[Path, Position] = field(default_factory=dict)
    """Of each key; the path ends with the key."""
    warnings: list[tuple[Position, str]] = field(default_factory=list)


def parse(text: str) -> Document:
    """Read a document.

    Raises:
        Fault: at the first place that makes no sense.
    """
    return _Reader(text.removeprefix("\ufeff")).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._found = Document()

    def document(self) -> Document:
        self._skip()
        self._found.value = self._value(())
        self._skip()
        if self._at < len(self._text):
            self._warn("what follows here is ignored")
        return self._found

    def _value(self, path: Path) -> object:
        if len(path) > _DEEPEST:
            raise self._fault("too deeply nested")
        self._found.positions.setdefault(path, self._position())
        match self._peek():
            case "{":
                return self._object(path)
            case "[":
                return self._array(path)
            case '"':
                return self._string()
            case "'":
                raise self._fault('text stands in double quotes: "…"')
            case "":
                raise self._fault("the file ends here, a value is missing")
            case _:
                return self._number_or_word()

    def _object(self, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        self._at += 1
        while self._more("}", first=not found):
            if self._peek() != '"':
                raise self._fault('a key in double quotes is expected here: "key": value')
            begin = self._position()
            key = self._string()
            if key in found:
                self._found.warnings.append((begin, f'"{key}" is given twice, the last one counts'))
            self._skip()
            if self._peek() != ":":
                raise self._fault(f'a colon is expected here, after the key "{key}"')
            self._at += 1
            self._skip()
            self._found.positions[(*path, key)] = begin
            found[key] = self._value((*path, key))
        return found

    def _array(self, path: Path) -> list[object]:
        found: list[object] = []
        self._at += 1
        while self._more("]", first=not found):
            found.append(self._value((*path, str(len(found)))))
        return found

    def _more(self, end: str, *, first: bool) -> bool:
        """Step to the next item, past its comma; tell whether there is one."""
        self._skip()
        comma = self._peek() == ","
        if comma and first:
            raise self._fault("there is nothing before this comma")
        if comma:
            self._at += 1
            self._skip()
        if self._peek() == end:
            if comma:
                self._warn("a comma before the end is not needed")
            self._at += 1
            return False
        if self._peek() == "":
            raise self._fault(f"the file ends here, a {end} is missing")
        if not comma and not first:
            raise self._fault("a comma is missing before this")
        return True

    def _string(self) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            raise self._fault("this text has no closing double quote on its line")
        try:
            value = json.loads(match[0], strict=False)
        except ValueError as error:
            raise self._fault("this text has a backslash that means nothing; a plain one is written twice") from error
        self._at = match.end()
        return str(value)

    def _number_or_word(self) -> object:
        if match := _NUMBER.match(self._text, self._at):
            if len(match[0]) > _LONGEST:
                raise self._fault("this number is too long")
            self._at = match.end()
            return json.loads(match[0])
        match = _WORD.match(self._text, self._at)
        if match and match[0] in _WORDS:
            self._at = match.end()
            return _WORDS[match[0]]
        raise self._fault("this is no value (text stands in double quotes)")

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        if self._text.startswith("/*", self._at):
            raise self._fault("this comment has no end")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _position(self) -> Position:
        line = bisect.bisect_left(self._ends, self._at)
        return line + 1, self._at - (self._ends[line - 1] if line else -1)

    def _fault(self, text: str) -> Fault:
        return Fault(self._position(), text)

    def _warn(self, text: str) -> None:
        self._found.warnings.append((self._position(), text))
