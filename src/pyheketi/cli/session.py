"""What an action gets to work with: the command line's values, the server, and somewhere to write."""

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyheketi.cli.errors import Problem
from pyheketi.cli.parser import Parsed
from pyheketi.cli.terminal import Terminal
from pyheketi.cli.values import Value

if TYPE_CHECKING:
    from pyheketi.client.connection import Connection

DEFAULT_SERVER = "http://localhost:8080"


@dataclass(slots=True)
class Session:
    """One run of one command."""

    parsed: Parsed
    terminal: Terminal
    connection: "Connection | None" = field(default=None, init=False)
    """To the server, once the action has needed it."""
    status: int = field(default=0, init=False)
    """Exit status if nothing goes wrong: those that look for something tell by it whether they found it."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Words that are no flags."""
        return self.parsed.arguments

    def argument(self, missing: str) -> str:
        """Return the first argument; further ones do not count.

        Raises:
            Problem: with the text ``missing`` if there is none, or if it is empty.
        """
        first = next(iter(self.arguments), "")
        if not first:
            raise Problem(missing)
        return first

    def only_argument(self, missing: str) -> str:
        """Return the one argument there must be; it may be empty.

        Raises:
            Problem: with the text ``missing`` if there is none, or if there are more.
        """
        if not self.arguments:
            raise Problem(missing)
        if len(self.arguments) > 1:
            raise Problem("too many arguments")
        return self.arguments[0]

    def text(self, flag: str) -> str:
        """Return the value of a flag."""
        value = self._value(flag)
        assert isinstance(value, str)  # noqa: S101  # the tree says so
        return value

    def integer(self, flag: str) -> int:
        """Return the value of a flag."""
        value = self._value(flag)
        assert isinstance(value, int)  # noqa: S101  # the tree says so
        return value

    def number(self, flag: str) -> float:
        """Return the value of a flag."""
        value = self._value(flag)
        assert isinstance(value, float)  # noqa: S101  # the tree says so
        return value

    def switch(self, flag: str) -> bool:
        """Return the value of a flag."""
        return self._value(flag) is True

    def texts(self, flag: str) -> tuple[str, ...]:
        """Return the values of a flag."""
        value = self._value(flag)
        assert isinstance(value, tuple)  # noqa: S101  # the tree says so
        return value

    @property
    def json(self) -> bool:
        """Whether JSON is wanted instead of text."""
        return self.switch("json")

    @property
    def server(self) -> str:
        """Address of the server."""
        return self._setting("server", "HEKETI_CLI_SERVER") or DEFAULT_SERVER

    @property
    def user(self) -> str:
        """Who asks."""
        return self._setting("user", "HEKETI_CLI_USER")

    @property
    def secret(self) -> str:
        """Key of the user."""
        return self._setting("secret", "HEKETI_CLI_KEY")

    @property
    def simulated(self) -> bool:
        """Whether the server said that its nodes are simulated."""
        return self.connection is not None and self.connection.executor == "mock"

    def write(self, text: str) -> None:
        """Write to standard output, as it is."""
        self.terminal.write(text)

    def _value(self, flag: str) -> Value:
        return self.parsed.values.get(flag, self.parsed.path.flags[flag].default)

    def _setting(self, flag: str, variable: str) -> str:
        """Return a setting; an empty flag does not count."""
        return self.text(flag) or os.environ.get(variable, "")
