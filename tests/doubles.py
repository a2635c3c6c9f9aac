"""Doubles of outside things, shipped nowhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyheketi.commands.command import Command, Result, Script
from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.operations.operation import Operation
from pyheketi.store.base import END_OF_TIME, Loaded, Store


class StoreAround:
    """A store that passes everything on to another: for those that get in the way of something."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    async def load(self) -> Loaded:
        return await self.inner.load()

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        return await self.inner.commit(changes, operations, expected=expected)

    async def operation(self, id_: str) -> Operation | None:
        return await self.inner.operation(id_)

    async def backup(self) -> bytes | None:
        return await self.inner.backup()

    async def forget_finished(self, before: float) -> int:
        return await self.inner.forget_finished(before)

    async def history(
        self, *, limit: int, since: float = 0, before: tuple[float, str] = END_OF_TIME
    ) -> Sequence[Operation]:
        return await self.inner.history(limit=limit, since=since, before=before)

    async def forget_history(self, before: float) -> int:
        return await self.inner.forget_history(before)

    async def aclose(self) -> None:
        await self.inner.aclose()


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
