"""Reads a command line by the rules of pflag and cobra (cli.md §2, §10).

Flags may stand anywhere, even before the command they belong to. That works since the command is searched for first,
with every word left out that looks like a flag or its value; only then are the flags read, by that command's rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyheketi.cli.errors import Problem
from pyheketi.cli.values import READERS, Invalid, Kind, Value, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag of a command."""

    name: str
    """Without dashes."""
    kind: Kind
    default: Value
    help: str
    short: str = ""
    """One letter."""

    @property
    def shown(self) -> str:
        """How error texts name it."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, or a group of commands."""

    name: str
    help: str
    arguments: str = ""
    """Arguments for the usage line."""
    action: str = ""
    """``module.function`` in this package; groups have none."""
    flags: tuple[Flag, ...] = ()
    """Only for this command."""
    inherited: tuple[Flag, ...] = ()
    """For this command and all below it."""
    commands: tuple["Command", ...] = ()
    example: str = ""
    aliases: tuple[str, ...] = ()
    """Other names, which help does not show."""
    failure: int = 255
    """Exit status of errors."""

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Path:
    """A command and its parents."""

    commands: tuple[Command, ...]
    """From the root down."""

    @property
    def command(self) -> Command:
        """The last one."""
        return self.commands[-1]

    @property
    def inherited(self) -> Mapping[str, Flag]:
        """Flags for all commands that this one does not redefine."""
        own = {flag.name for flag in self.command.flags}
        return {flag.name: flag for command in self.commands for flag in command.inherited if flag.name not in own}

    @property
    def flags(self) -> Mapping[str, Flag]:
        """All flags that may be given."""
        return {flag.name: flag for flag in (*self.command.flags, HELP)} | dict(self.inherited)

    def __str__(self) -> str:
        return " ".join(command.name for command in self.commands)


HELP = Flag(name="help", short="h", kind=Kind.SWITCH, default=False, help="show this help")
"""Every command has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a command line says."""

    path: Path
    values: Mapping[str, Value]
    """Of all flags that were given."""
    arguments: tuple[str, ...] = field(default=())
    """All that is no flag."""


def find(root: Command, words: Sequence[str]) -> tuple[Path, list[str]]:
    """Return the command that is meant, and the words without the names of commands.

    Raises:
        Problem: if the first name is no command. Below the root any word may be an argument.
    """
    path, words = Path((root,)), list(words)
    while plain := _without_flags(path, words):
        command = next((command for command in path.command.commands if plain[0] in command.names), None)
        if command is None:
            break
        words.remove(plain[0])
        path = Path((*path.commands, command))
    if plain and path.command is root:
        raise Problem(_unknown(root, plain[0]))
    return path, words


def parse(root: Command, words: Sequence[str]) -> Parsed:
    """Read a command line.

    Raises:
        Problem: if there is no such command or flag, or a value is missing or invalid.
    """
    path, rest = find(root, words)
    flags = path.flags
    short = {flag.short: flag for flag in flags.values() if flag.short}
    values: dict[str, Value] = {}
    arguments: list[str] = []
    waiting = iter(rest)
    for word in waiting:
        if word == "--":
            arguments.extend(waiting)
        elif word.startswith("--"):
            _read_long(word, waiting, flags, values)
        elif word.startswith("-") and word != "-":
            _read_short(word, waiting, short, values)
        else:
            arguments.append(word)
    return Parsed(path=path, values=values, arguments=tuple(arguments))


def _read_long(word: str, waiting: Iterator[str], flags: Mapping[str, Flag], values: dict[str, Value]) -> None:
    name, equals, text = word[2:].partition("=")
    if not name or name.startswith("-"):
        raise Problem(f"bad flag syntax: {word}")
    flag = flags.get(name)
    if flag is None:
        raise Problem(f"unknown flag: --{name}")
    if not equals:
        text = _implied(flag, waiting, word)
    _set(values, flag, text)


def _read_short(word: str, waiting: Iterator[str], flags: Mapping[str, Flag], values: dict[str, Value]) -> None:
    """Read ``-I``, ``-s value``, ``-svalue``, ``-s=value`` and several in one word."""
    letters = word[1:]
    while letters:
        flag = flags.get(letters[0])
        if flag is None:
            raise Problem(f"unknown shorthand flag: {letters[0]!r} in -{letters}")
        rest = letters[1:]
        if len(rest) > 1 and rest[0] == "=":
            text, rest = rest[1:], ""
        elif flag.kind is Kind.SWITCH:
            text = "true"
        elif rest:
            text, rest = rest, ""
        else:
            text = _implied(flag, waiting, f"{letters[0]!r} in -{letters}")
        _set(values, flag, text)
        letters = rest


def _implied(flag: Flag, waiting: Iterator[str], shown: str) -> str:
    """Return the value of a flag that has none in its word."""
    if flag.kind is Kind.SWITCH:
        return "true"
    text = next(waiting, None)
    if text is None:
        raise Problem(f"flag needs an argument: {shown}")
    return text


def _set(values: dict[str, Value], flag: Flag, text: str) -> None:
    try:
        value = READERS[flag.kind](text)
    except Invalid as error:
        raise Problem(f"invalid argument {quoted(text)} for {quoted(flag.shown)} flag: {error}") from error
    former = values.get(flag.name)
    values[flag.name] = former + value if isinstance(former, tuple) and isinstance(value, tuple) else value


def _without_flags(path: Path, words: Sequence[str]) -> list[str]:
    """Return the words that are neither flags nor, as far as is known here, values of flags.

    Unknown flags count as flags with a value: it is not yet known whose they are.
    """
    flags = path.flags
    switches = {f"--{flag.name}" for flag in flags.values() if flag.kind is Kind.SWITCH}
    switches |= {f"-{flag.short}" for flag in flags.values() if flag.kind is Kind.SWITCH and flag.short}
    plain: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if word == "--":
            break
        takes_value = word.startswith("--") or (word.startswith("-") and len(word) == 2)
        if takes_value and "=" not in word and word not in switches:
            if len(words) - place <= 1:
                break
            place += 1
        elif word and not word.startswith("-"):
            plain.append(word)
    return plain


def _unknown(root: Command, name: str) -> str:
    near = [command.name for command in root.commands if _near(name, command.name)]
    meant = "".join(f"\t{command}\n" for command in near)
    suggestions = f"\nDid you mean this?\n{meant}\n" if near else ""
    return f'unknown command "{name}" for "{root.name}"\n{suggestions}Run \'{root.name} --help\' for usage.'


def _near(typed: str, name: str) -> bool:
    return name != "help" and (name.lower().startswith(typed.lower()) or _distance(typed.lower(), name.lower()) <= 2)


def _distance(one: str, other: str) -> int:
    """Return how many letters must be added, removed or replaced (Levenshtein)."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], place
        for column, wanted in enumerate(other, 1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (letter != wanted)),
            )
    return row[-1]
