"""Doubles of outside things, shipped nowhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyheketi.commands.command import Command, Result, Script
from pyheketi.domain import errors


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a node answers, once, to the next command that holds ``to``."""

    to: str = ""
    on: str = ""
    """Host that gives it; empty for any."""
    stdout: str = ""
    stderr: str = ""
    status: int = 0
    always: bool = False
    """Whether it is given again and again."""
    unreachable: str = ""
    """Why the node cannot be reached instead of answering; after ``sent`` something may have run."""
    sent: bool = False

    def fits(self, host: str, command: Command) -> bool:
        return self.on in ("", host) and self.to in str(command)


class ScriptedExecutor:
    """Answers commands from a list, everything else with success and silence, and remembers what was sent."""

    name = "scripted"
    simulated = True

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self.unused = list(answers)
        self.sent: list[tuple[str, Script]] = []

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        self.sent.append((host, script))
        results: list[Result] = []
        for command in script.commands:
            answer = self._answer(host, command)
            if answer.unreachable:
                raise errors.Unreachable(host, answer.unreachable, sent=answer.sent)
            results.append(Result(command, answer.status, answer.stdout, answer.stderr))
            if not results[-1].ok and not command.may_fail:
                break
        return results

    async def aclose(self) -> None:
        pass

    def _answer(self, host: str, command: Command) -> Answer:
        found = next((answer for answer in self.unused if answer.fits(host, command)), Answer())
        if not found.always and found in self.unused:
            self.unused.remove(found)
        return found

    @property
    def lines(self) -> list[tuple[str, list[str]]]:
        """What was sent: hosts with their scripts as lines."""
        return [(host, [str(command) for command in script.commands]) for host, script in self.sent]
