"""How a simulated program ends, and how it reads its arguments. A program returns its stdout or raises ``Failed``."""

from collections.abc import Sequence
from typing import NoReturn


class Failed(Exception):
    """A simulated program ended with an error."""

    def __init__(self, status: int, stderr: str, stdout: str = "") -> None:
        super().__init__(stderr)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr


def unknown(program: str, args: Sequence[str]) -> NoReturn:
    """Refuse a call that is not simulated. Nothing ever succeeds by not being understood."""
    raise Failed(1, f"simulated nodes do not know: {' '.join([program, *args])}\n")


class Options:
    """Options and plain words of a command line."""

    __slots__ = ("values", "words")

    def __init__(self, program: str, args: Sequence[str], *, flags: frozenset[str], valued: frozenset[str]) -> None:
        """Read ``args``: ``flags`` stand alone, ``valued`` options take ``--option=value`` or the next word.

        Raises:
            Failed: an option is in neither.
        """
        self.values: dict[str, str] = {}
        self.words: list[str] = []
        rest = iter(args)
        for arg in rest:
            if not arg.startswith("-") or arg == "-":
                self.words.append(arg)
                continue
            name, equals, value = arg.partition("=")
            if name in valued:
                self.values[name] = value if equals else next(rest, "")
            elif arg in flags:
                self.values[arg] = ""
            else:
                unknown(program, args)

    def get(self, *names: str) -> str | None:
        """Return the value of the first of these options that was given."""
        for name in names:
            if name in self.values:
                return self.values[name]
        return None
