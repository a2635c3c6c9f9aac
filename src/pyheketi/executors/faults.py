"""Make any executor go wrong on purpose: for tests of failures and crashes, and for people who rehearse them."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pyheketi.commands.command import Command, Result, Script
from pyheketi.domain import errors
from pyheketi.executors.base import Executor


class Crash(BaseException):
    """The server dies here. No handler of errors may catch it; task groups wrap it in a ``BaseExceptionGroup``."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The command ends with an error instead of being run."""

    status: int = 1
    stderr: str = ""
    stdout: str = ""


@dataclass(frozen=True, slots=True)
class Lose:
    """The connection is lost: before anything was sent, or when the command was run and its answer was under way."""

    sent: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """The command is run some seconds later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Die:
    """The server dies before the command is run, or right after."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """The command does nothing until the script's limit has passed."""


@dataclass(frozen=True, slots=True)
class Late:
    """The command is given up when the script's limit has passed, and is done all the same, some time after that.

    So it is with what a daemon does for it, such as glusterd: the daemon is not killed with the command.
    """

    scripts: int = 0
    """How many scripts, of any node, are run first."""


Reaction: TypeAlias = Fail | Lose | Pause | Die | Hang | Late
Predicate: TypeAlias = Callable[[str, Command], bool]
"""Takes the host and the command."""


def matching(pattern: str, host: str | None = None) -> Predicate:
    """Return a predicate: the command's text contains the regular expression, on that host or on any."""
    compiled = re.compile(pattern)
    return lambda where, command: (host is None or host == where) and compiled.search(str(command)) is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """Which commands go wrong, and how."""

    when: Predicate
    reaction: Reaction
    skip: int = field(default=0, kw_only=True)
    """How many matching commands are left alone first."""
    times: int | None = field(default=None, kw_only=True)
    """How many matching commands go wrong after that; ``None`` for all."""


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A command that was given up and will be done yet."""

    host: str
    command: Command
    limit: float
    scripts: int


class FaultyExecutor:
    """Carries scripts through another executor, and lets single commands of them go wrong.

    The first rule that matches a command decides. Commands before it are run, commands after it only if the script
    would go on after its failure.
    """

    def __init__(self, inner: Executor, rules: Sequence[Rule] = ()) -> None:
        self.inner = inner
        self.name = inner.name
        self.simulated = inner.simulated
        self._rules: list[tuple[Rule, int]] = []
        """Rules, and how many commands each has matched."""
        self.rules = rules
        self._late: list[_Unfinished] = []

    @property
    def rules(self) -> Sequence[Rule]:
        """Rules, the first one that matches decides. Setting them starts their counts anew."""
        return tuple(rule for rule, _ in self._rules)

    @rules.setter
    def rules(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule, 0) for rule in rules]

    @property
    def late(self) -> Sequence[Command]:
        """Commands that were given up and will be done yet."""
        return tuple(each.command for each in self._late)

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script, as far as the rules let it.

        Raises:
            Unreachable: as a rule says, or for real.
            TimedOut: as a rule says, or for real.
            Crash: as a rule says.
        """
        results: list[Result] = []
        untouched: list[Command] = []
        await self._go_on()
        for command in script.commands:
            reaction = self._reaction(host, command)
            if reaction is None:
                untouched.append(command)
                continue
            if not await self._carry(host, untouched, script.limit, results):
                return results
            untouched = []
            if not await self._react(host, command, reaction, script.limit, results):
                return results
        await self._carry(host, untouched, script.limit, results)
        return results

    async def finish(self) -> None:
        """Let all the time pass that late commands take."""
        late, self._late = self._late, []
        await self._end(late)

    async def _go_on(self) -> None:
        """Do those late commands whose time has come."""
        due = [each for each in self._late if each.scripts == 0]
        self._late = [replace(each, scripts=each.scripts - 1) for each in self._late if each.scripts]
        await self._end(due)

    async def _end(self, late: Sequence[_Unfinished]) -> None:
        for each in late:
            with contextlib.suppress(errors.Unreachable):  # its node went down meanwhile
                await self._carry(each.host, [each.command], each.limit, [])

    def _reaction(self, host: str, command: Command) -> Reaction | None:
        for at, (rule, seen) in enumerate(self._rules):
            if rule.when(host, command):
                self._rules[at] = (rule, seen + 1)
                if seen >= rule.skip and (rule.times is None or seen < rule.skip + rule.times):
                    return rule.reaction
        return None

    async def _carry(self, host: str, commands: Sequence[Command], limit: float, results: list[Result]) -> bool:
        """Run commands for real, and tell whether the script goes on."""
        if commands:
            results.extend(await self.inner.run(host, Script(commands=tuple(commands), limit=limit)))
        return not results or results[-1].ok or results[-1].command.may_fail

    async def _react(
        self, host: str, command: Command, reaction: Reaction, limit: float, results: list[Result]
    ) -> bool:
        match reaction:
            case Fail():
                results.append(Result(command, reaction.status, reaction.stdout, reaction.stderr))
                return command.may_fail
            case Lose():
                if reaction.sent:
                    await self._carry(host, [command], limit, results)
                raise errors.Unreachable(host, "connection lost", sent=reaction.sent or bool(results))
            case Pause():
                await asyncio.sleep(reaction.seconds)
                return await self._carry(host, [command], limit, results)
            case Die():
                if reaction.after:
                    await self._carry(host, [command], limit, results)
                raise Crash(f"{'after' if reaction.after else 'before'} {command} on {host}")
            case Hang():
                await asyncio.sleep(limit)
                raise errors.TimedOut(host, str(command), limit)
            case Late():
                await asyncio.sleep(limit)
                self._late.append(_Unfinished(host, command, limit, reaction.scripts))
                raise errors.TimedOut(host, str(command), limit)

    async def aclose(self) -> None:
        """Close the executor inside."""
        await self.inner.aclose()
