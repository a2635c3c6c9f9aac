"""``heketi-cli`` as a user calls it, inside this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from pyheketi.cli.main import run


@dataclass(frozen=True)
class Outcome:
    """What came of a command line."""

    exit: int
    stdout: str
    stderr: str

    @property
    def errors(self) -> str:
        """Standard error without what we tell beyond the original."""
        ours = ("Hint: ", "Warning: ", "Note: this server", "Note: mount it")
        return "".join(line for line in self.stderr.splitlines(keepends=True) if not line.startswith(ours))


Cli: TypeAlias = Callable[[Sequence[str]], Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    for variable in ("HEKETI_CLI_SERVER", "HEKETI_CLI_USER", "HEKETI_CLI_KEY"):
        monkeypatch.delenv(variable, raising=False)

    def call(words: Sequence[str]) -> Outcome:
        status = run(words)
        written = capsys.readouterr()
        return Outcome(status, written.out, written.err)

    return call
