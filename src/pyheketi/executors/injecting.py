"""An executor that lets commands go wrong as the configuration says: ``inject/ssh`` and ``inject/mock``."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from pyheketi.commands.command import Command, Result, Script
from pyheketi.config.injection import Hook, Injection, Reaction
from pyheketi.executors.base import Executor


class Injected(Exception):  # deliberately none of ours: it stands for a fault in the server
    """What a hook said should go wrong in the server itself."""


class InjectingExecutor:
    """Carries scripts through another executor; commands that a hook names go alone, or not at all.

    A script stops at the first command that fails, injected or not. (Heketi went on after an injected failure.)
    """

    def __init__(self, inner: Executor, injection: Injection) -> None:
        self._inner, self._injection = inner, injection
        self.name = f"inject/{inner.name}"
        self.simulated = inner.simulated

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script. Raises as the executor inside, and ``Injected`` for a hook's panic."""
        results: list[Result] = []
        untouched: list[Command] = []
        for command in script.commands:
            if not self._is_named(command):
                untouched.append(command)
                continue
            if not await self._carry(host, untouched, script.limit, results):
                return results
            untouched = []
            results.append(await self._injected(host, command, script.limit))
            if not _goes_on(results):
                return results
        await self._carry(host, untouched, script.limit, results)
        return results

    def _is_named(self, command: Command) -> bool:
        hooks = (*self._injection.commands, *self._injection.results)
        return any(hook.command.search(str(command)) for hook in hooks)

    async def _carry(self, host: str, commands: Sequence[Command], limit: float, results: list[Result]) -> bool:
        """Run commands for real, and tell whether the script goes on."""
        if commands:
            results.extend(await self._inner.run(host, Script(commands=tuple(commands), limit=limit)))
        return not results or _goes_on(results)

    async def _injected(self, host: str, command: Command, limit: float) -> Result:
        text = str(command)
        for hook in self._injection.commands:
            if hook.command.search(text) and _applies(hook):
                return await _react(command, hook.reaction)
        (result,) = await self._inner.run(host, Script(commands=(command,), limit=limit))
        said = result.stdout if result.ok else result.output
        for hook in self._injection.results:
            if hook.command.search(text) and hook.result and hook.result.search(said) and _applies(hook):
                return await _react(command, hook.reaction)
        return result

    async def aclose(self) -> None:
        """Close the executor inside."""
        await self._inner.aclose()


def _goes_on(results: Sequence[Result]) -> bool:
    return results[-1].ok or results[-1].command.may_fail


def _applies(hook: Hook) -> bool:
    return not hook.only_if or Path(hook.only_if).exists()


async def _react(command: Command, reaction: Reaction) -> Result:
    await asyncio.sleep(reaction.pause)
    if reaction.panic:
        raise Injected(reaction.panic)
    if not (reaction.err or reaction.force_err):
        return Result(command, reaction.exit_status, reaction.result, reaction.err_output)
    stderr = reaction.err_output or ("" if reaction.force_err_output else reaction.err)
    return Result(command, reaction.exit_status or 1, reaction.result, stderr)
