"""What the server did on nodes, read from its log."""

import re
from dataclasses import dataclass

_LINE = re.compile(r"(Will run|Ran|Failed to run)( command|) \[.*?\] on \[([^]]*:\d+)\]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Work on nodes."""

    commands: int
    """Programs that were called and have ended."""
    trips: int
    """Scripts that were sent, each a round trip."""


def remote_work(log: str) -> Remote:
    """Return what a log at level debug tells of work for which no node did two things at the same time.

    All commands of a script are announced before any is reported.
    """
    commands, trips = 0, 0
    announced: set[str] = set()
    for verb, one, where in _LINE.findall(log):
        if verb != "Will run":
            commands += bool(one)
            announced.discard(where)
        elif where not in announced:
            trips += 1
            announced.add(where)
    return Remote(commands=commands, trips=trips)
