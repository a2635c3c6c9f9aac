"""What a step waits for now: told by those who run its scripts, looked at by whoever wants to see."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyheketi.commands.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A script that is on its way to a node, at work there, or about to be tried again."""

    host: str
    commands: tuple[Command, ...]
    since: float
    """Seconds since the epoch."""
    pause: str = ""
    """Why nothing runs meanwhile: the node was busy; empty while the script runs."""


class Watch:
    """Holds what one step waits for."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []

    @property
    def waits(self) -> tuple[Wait, ...]:
        """What is waited for now, the oldest first; nothing if the step is between two scripts."""
        return tuple(self._waits)

    @contextmanager
    def over(self, host: str, commands: Sequence[Command], pause: str = "") -> Iterator[None]:
        """Tell of a wait as long as it lasts."""
        wait = Wait(host=host, commands=tuple(commands), since=time.time(), pause=pause)
        self._waits.append(wait)
        try:
            yield
        finally:
            self._waits.remove(wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A step that is being done or undone."""

    undoing: bool
    since: float
    """Seconds since the epoch."""
    watch: Watch = field(default_factory=Watch)
