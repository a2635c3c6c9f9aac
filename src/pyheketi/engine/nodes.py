"""Scripts on nodes, with the patience that gluster needs: busy answers are asked again, other hosts are tried."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from pyheketi.commands import command, gluster, mount
from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.engine.watching import Watch
from pyheketi.executors.base import Executor

_log = logging.getLogger(__name__)

T = TypeVar("T")
Deed = Callable[[str], Awaitable[T]]
"""What is to be done on one of several hosts."""

PAUSES = (1.0, 2.0, 3.0)
"""Seconds to wait before a command that met a busy node is tried again."""

HEAL_PAUSES = (2.0,) * 15
"""Seconds to wait before a brick is looked at again from which others are just healing."""


class Elsewhere(Exception):  # never shown
    """A host refused to begin with a deed, which another one may do."""

    def __init__(self, error: errors.NodeError) -> None:
        super().__init__(str(error))
        self.error = error


class Nodes:
    """The nodes, as those who perform steps see them."""

    def __init__(
        self,
        executor: Executor,
        options: NodeOptions,
        pauses: Sequence[float] = PAUSES,
        heal_pauses: Sequence[float] = HEAL_PAUSES,
    ) -> None:
        """``pauses`` are the seconds before each further try, of a command or a look at what heals."""
        self.options, self.heal_pauses = options, tuple(heal_pauses)
        self._executor, self._pauses = executor, tuple(pauses)
        self._watch = Watch()

    def watched(self, watch: Watch) -> "Nodes":
        """Return the same nodes, telling ``watch`` what is waited for."""
        made = Nodes.__new__(Nodes)  # every step asks for one: copy.copy takes five times as long
        made.__dict__.update(self.__dict__, _watch=watch)
        return made

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script; return the result of every command.

        Raises:
            CommandFailed: a command ended with an error, and those after it did not run.
            Unreachable, TimedOut: as the executor tells.
        """
        return command.require(host, await self.ask(host, script))

    async def ask(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script; return the results up to the first failure that counts, which is the last one then."""
        done: list[Result] = []
        for pause in self._pauses:
            results = await self._carry(host, script)
            failed = first_failure(results)
            if failed is None or not _passes(failed):
                return [*done, *results]
            _log.info("Node %s is busy, trying again in %g s: %s", host, pause, failed.output)
            done.extend(results[:-1])
            script = replace(script, commands=script.commands[len(results) - 1 :])
            await self.pause(pause, host, f"the node is busy: {failed.output}", script.commands)
        return [*done, *await self._carry(host, script)]

    async def pause(self, seconds: float, host: str, why: str, commands: Sequence[Command] = ()) -> None:
        """Wait a while before something is looked at or tried again on a node."""
        with self._watch.over(host, commands, why):
            await asyncio.sleep(seconds)

    async def _carry(self, host: str, script: Script) -> Sequence[Result]:
        with self._watch.over(host, script.commands):
            return await self._executor.run(host, script)

    async def on_first(self, hosts: Sequence[str], deed: Deed[T], *, pass_dead_glusterd: bool = False) -> T:
        """Do a deed on the first host that can be reached.

        Raises:
            Unreachable: no host can be reached, or one was lost while it worked.
            NodeError: what the deed raised; with ``pass_dead_glusterd`` a host without glusterd is passed over.
        """
        failures: list[errors.NodeError] = []
        for host in hosts:
            try:
                return await deed(host)
            except Elsewhere as elsewhere:
                failures.append(elsewhere.error)
            except errors.Unreachable as error:
                if error.sent:
                    raise
                failures.append(error)
            except errors.CommandFailed as error:
                if not pass_dead_glusterd or not gluster.is_down(error.output):
                    raise
                failures.append(error)
        raise merged(failures)

    async def on_any(self, hosts: Sequence[str], deed: Deed[T]) -> T:
        """Do a deed on host after host until one does it.

        Raises:
            NodeError: none did; tells of all of them (operations.md §8).
        """
        failures: list[errors.NodeError] = []
        for host in hosts:
            try:
                return await deed(host)
            except errors.NodeError as error:
                failures.append(error)
        raise merged(failures)


def first_failure(results: Sequence[Result]) -> Result | None:
    """Return the result that stopped a script, None if all went well."""
    return next((result for result in results if not result.ok and not result.command.may_fail), None)


def reworded(host: str, result: Result, text: str) -> errors.CommandFailed:
    """Return the error of a failed command with a text of ours about what it said."""
    return errors.CommandFailed(host, str(result.command), result.status, text)


def merged(failures: Sequence[errors.NodeError]) -> errors.NodeError:
    """Return one error for the failures of several hosts (operations.md §8)."""
    if not failures:
        return errors.NodeError("", "no hosts available (0 total)")
    first = failures[0]
    hosts = ", ".join(failure.host for failure in failures)
    if len(failures) == 1:
        return first
    if all(isinstance(failure, errors.Unreachable) for failure in failures) and isinstance(first, errors.Unreachable):
        others = ", ".join(failure.host for failure in failures[1:])
        return errors.Unreachable(first.host, f"{first.reason} (nor could {others} be reached)")
    said = {failure.output for failure in failures if isinstance(failure, errors.CommandFailed)}
    if isinstance(first, errors.CommandFailed) and len(said) == 1 == len({type(failure) for failure in failures}):
        text = f"All {len(failures)} hosts: {first.output}"
        return errors.CommandFailed(hosts, first.command, first.status, text)
    return errors.SeveralFailed(first.host, "\n".join(f"Host {failure.host}: {failure}" for failure in failures))


def _passes(failed: Result) -> bool:
    """Return whether a failure passes by itself."""
    match failed.command.program:
        case Program.GLUSTER:
            return gluster.is_transient(failed.output)
        case Program.UMOUNT:
            return mount.is_busy(failed.output)
        case _:
            return False
