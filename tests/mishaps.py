"""A house whose server meets a mishap at any deed: at a command on a node, or at a commit."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.doubles import StoreAround
from tests.house import House

from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.control_plane.health import HealthSchedule
from pyheketi.control_plane.rules import Rules
from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.executors.base import Executor
from pyheketi.executors.fake.nodes import FakeNodes
from pyheketi.executors.faults import Crash, Die, Fail, FaultyExecutor, Hang, Late, Lose, Reaction, Rule
from pyheketi.operations.operation import Operation
from pyheketi.store.base import Store


class Mishap(Enum):
    """What can go wrong with a deed."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    ERROR = "error"
    TIMED_OUT = "timed out"
    LATE = "timed out, done then"
    LATER = "timed out, done later"
    """While what was done is undone or finished. Only daemons do so: all else is killed at the limit."""
    ANSWER_LOST = "answer lost"

    def may_meet(self, deed: "Deed") -> bool:
        """Whether this can happen to a deed."""
        match self:
            case Mishap.TIMED_OUT | Mishap.LATE:
                return deed.command is not None
            case Mishap.LATER:
                return deed.command is not None and _is_done_by_daemon(deed.command)
            case _:
                return True

    def reaction(self, lateness: int = 1) -> Reaction:
        """What a command does then."""
        match self:
            case Mishap.CRASH_BEFORE:
                return Die()
            case Mishap.CRASH_AFTER:
                return Die(after=True)
            case Mishap.ERROR:
                return Fail(1, "rehearsed failure")
            case Mishap.TIMED_OUT:
                return Hang()
            case Mishap.LATE:
                return Late()
            case Mishap.LATER:
                return Late(scripts=lateness)
            case Mishap.ANSWER_LOST:
                return Lose(sent=True)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that has an effect outside of the server."""

    command: Command | None = None
    """None for a commit."""

    def __str__(self) -> str:
        if self.command is None:
            return "commit"
        program, words = self.command.program, [word for word in self.command.args if not word.startswith("-")]
        match program:
            case Program.FLOCK:
                return f"flock … {words[1].rpartition('/')[2]}"
            case Program.GLUSTER:
                return " ".join(["gluster", *words[:2]])
            case Program.LVM | Program.SYSTEMCTL | Program.GLUSTER_BLOCK | Program.UDEVADM:
                return f"{program.value.rpartition('/')[2]} {words[0]}"
            case _:
                return str(program.value)


_LOOKS = {("volume", "info"), ("volume", "status"), ("snapshot", "list"), ("peer", "status"), ("pool", "list")}


def _is_done_by_daemon(command: Command) -> bool:
    """Whether a daemon changes something for a command. Peers are left out: they do not take long."""
    words = [word for word in command.args if not word.startswith("-")]
    if command.program is Program.GLUSTER_BLOCK:
        return words[0] in {"create", "delete", "modify"}
    return _is_done_by_glusterd(command) and words[0] != "peer"


def _is_done_by_glusterd(command: Command) -> bool:
    words = [word for word in command.args if not word.startswith("-")]
    return command.program is Program.GLUSTER and (words[0], words[1]) not in _LOOKS and words[-1] != "info"


@dataclass
class Fate:
    """Lets the n-th deed meet a mishap. After a crash every deed fails."""

    at: int = -1
    mishap: Mishap = Mishap.CRASH_BEFORE
    lateness: int = 1
    """Scripts that are run before what is done later."""
    deeds: list[Deed] = field(default_factory=list)
    fulfilled: bool = False
    dead: bool = False

    def meet(self, deed: Deed) -> Mishap | None:
        """Return what a deed meets. Raises ``Crash``: nothing, for the server is dead."""
        self.require_life()
        self.deeds.append(deed)
        if len(self.deeds) - 1 != self.at or not self.mishap.may_meet(deed):
            return None
        self.fulfilled = True
        return self.mishap

    def require_life(self) -> None:
        if self.dead:
            raise Crash("the server is dead")

    def die(self) -> None:
        self.dead = True
        self.require_life()


class MortalExecutor:
    """Runs every command of a script as a deed of its own."""

    name, simulated = "mortal", True

    def __init__(self, inner: FaultyExecutor, fate: Fate) -> None:
        self.inner, self.fate = inner, fate

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        results: list[Result] = []
        for command in script.commands:
            if command.program is Program.GLUSTER_BLOCK:  # each waits for the one before, also if it only looks
                await self.inner.finish()
            if mishap := self.fate.meet(Deed(command)):
                self._arrange(command, mishap.reaction(self.fate.lateness))
            try:
                results += await self.inner.run(host, Script(commands=(command,), limit=script.limit))
            except Crash:
                self.fate.die()
            except errors.Unreachable as error:
                raise errors.Unreachable(host, error.reason, sent=error.sent or bool(results)) from error
            self.fate.require_life()
            if not results[-1].ok and not command.may_fail:
                break
        return results

    def _arrange(self, command: Command, reaction: Reaction) -> None:
        now = Rule(lambda _, other: other is command, reaction, times=1)
        self.inner.rules = (now, *(rule for rule in self.inner.rules if rule.times is None))

    async def aclose(self) -> None:
        await self.inner.aclose()


class MortalStore(StoreAround):
    """Makes every commit a deed."""

    def __init__(self, inner: Store, fate: Fate) -> None:
        super().__init__(inner)
        self.fate = fate

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        match self.fate.meet(Deed()):
            case Mishap.CRASH_BEFORE:
                self.fate.die()
            case Mishap.ERROR:
                raise errors.StoreError("rehearsed failure")
            case mishap:
                revision = await self.inner.commit(changes, operations, expected=expected)
        if mishap is Mishap.CRASH_AFTER:
            self.fate.die()
        self.fate.require_life()
        if mishap is Mishap.ANSWER_LOST:
            raise errors.StoreError("rehearsed loss of the answer")
        return revision


@dataclass
class MortalHouse(House):
    """A house whose server can meet a mishap at any deed, and whose cleaner comes by. Needs a clock that leaps."""

    rules: Rules = field(
        default_factory=lambda: Rules(
            health=HealthSchedule(enabled=False), cleaner_start=60, cleaner_every=300, max_in_flight=100, job_patience=0
        )
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.break_()

    def break_(self, *rules: Rule) -> None:
        """Let commands go wrong; whatever rules there are, glusterd does one thing after the other."""
        busy = Fail(1, "Another transaction is in progress. Please try again after some time.")
        super().break_(*rules, Rule(self._is_locked, busy))

    def _is_locked(self, _: str, command: Command) -> bool:
        return _is_done_by_glusterd(command) and any(map(_is_done_by_glusterd, self.executor.late))

    def doors(self) -> tuple[Executor, Store]:
        asyncio.get_running_loop().set_exception_handler(_unless_dead)
        self.fate = Fate()
        return MortalExecutor(self.executor, self.fate), MortalStore(self.store, self.fate)

    def doom(self, at: int, mishap: Mishap, lateness: int = 1) -> None:
        """Let the n-th deed from now on meet a mishap."""
        self.fate.deeds.clear()
        self.fate.at, self.fate.mishap, self.fate.lateness, self.fate.fulfilled = at, mishap, lateness, False

    @property
    def lost(self) -> bool:
        """Whether the server is dead, or cannot go on because it does not know what is in the database."""
        return self.fate.dead or bool(self.fatal)

    async def survive(self, wish: Callable[[], Awaitable[str]]) -> str | None:
        """Make a wish, let come what may of it, and let time pass; return the job's id if the client got one.

        Raises:
            Error: the wish was refused, and not because of a mishap.
        """
        wishing = asyncio.ensure_future(wish())
        await self._until(wishing.done)
        id_ = None
        if wishing.done() and not wishing.exception():
            id_ = wishing.result()
            await self._until(lambda: id_ not in {each.id for each in self.plane.work.operations})
        wishing.cancel()
        refused = (await asyncio.gather(wishing, return_exceptions=True))[0]
        await self.recover()
        if isinstance(refused, Exception) and not self.fate_was_fulfilled:
            raise refused
        return id_

    async def _until(self, over: Callable[[], bool]) -> None:
        """Wait for something, or for the end of the server: a little at first, then longer."""
        pause = 0.0
        while not (over() or self.lost):
            await asyncio.sleep(pause)
            pause = min(2 * pause + 0.001, 60)

    async def recover(self) -> None:
        """Start a new server if need be, and let time pass until all is at its end that can be."""
        self.fate_was_fulfilled = self.fate.fulfilled
        await self._notice()
        undisturbed = False
        while not undisturbed:
            await self._settle()
            await self.executor.finish()
            await asyncio.sleep(2 * self.rules.cleaner_every)
            await self._notice()
            undisturbed = not self.lost
        await self._settle()

    async def _notice(self) -> None:
        """Let a lost answer of the database come to light: any other commit tells."""
        if self.fate.fulfilled and self.fate.mishap is Mishap.ANSWER_LOST and not self.lost:
            with contextlib.suppress(errors.StoreError):
                await self.plane.work.commit([])

    async def _settle(self) -> None:
        """Wait for the end of all operations at work, with a new server if need be."""
        settled = False
        while not settled:
            await self.go_on()
            settling = asyncio.ensure_future(self.plane.settle())
            await self._until(settling.done)
            settling.cancel()
            settled = not self.lost

    async def go_on(self) -> None:
        """Start a new server in the place of one that is lost."""
        if self.lost:
            await self.crash()
            self.fatal.clear()
            await self.start()

    def require_agreement(self, *, but: Callable[[str], bool] = lambda _: False) -> None:
        """The nodes hold exactly what the topology says, and nothing is at work or marked as such.

        ``but`` tells which lines of an inventory do not count here.
        """
        topology = self.topology
        assert not self.plane.operations, self.plane.operations
        kinds = (topology.nodes(), topology.devices(), topology.volumes(), topology.block_volumes())
        marked = [each for kind in kinds for each in kind if each.pending is not None]
        assert not marked, marked
        expected = FakeNodes.from_topology(
            topology, options=NodeOptions(), disk_gib=self.disk_gib, find_manage=self._manage_host
        ).inventory()
        found, wanted = _peers_aside(self.inventory().lines), _peers_aside(expected.lines)
        pools = [set(line.split(", ")) for line in self.inventory().pools]
        for line in expected.pools:
            assert any(pool.issuperset(line.split(", ")) for pool in pools), f"no pool of {line}, but {pools}"
        beyond, missing = sorted(found - wanted), sorted(wanted - found)
        beyond = [line for line in beyond if not but(line)]
        assert not beyond + missing, "\n".join(["too much:", *beyond, "missing:", *missing])


def _unless_dead(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what nobody waited for, but not the deaths of tasks that were meant to die."""
    if not isinstance(context.get("exception"), Crash):
        loop.default_exception_handler(context)


def _peers_aside(lines: Sequence[str]) -> set[str]:
    """Leave out what stays after an interrupted addition and does no harm.

    That is a peer that is a member of the pool, and LVM's empty label on a disk that is in no volume group: it cannot
    be told from anyone else's, so it is not ours to take away, and it is no obstacle to adding the disk again.
    """
    named = re.compile(r"(gluster_volumes|snapshots|block_volumes): \S+ (.*)")  # by the first peer of their pool
    return {
        f"{found[1]}: {found[2]}" if (found := named.fullmatch(line)) else line
        for line in lines
        if not line.startswith("pools: ") and not line.endswith(" /dev/new")
    }
