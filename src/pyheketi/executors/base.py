"""The seam: what an executor is."""

from collections.abc import Sequence
from typing import Protocol

from pyheketi.commands.command import Result, Script


class Executor(Protocol):
    """Carries scripts to nodes."""

    name: str
    """Word for the log and for clients: ``ssh``, ``mock``."""

    simulated: bool
    """Whether no real node is touched."""

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script on the node ``host`` (a management name).

        Returns a result for every command that ran; the last one is a failure if the script stopped early.
        Scripts for different nodes, and a few for the same node, run at the same time. Cancelling ends what runs.

        Raises:
            Unreachable: no connection, or it broke; ``sent`` tells whether something may have run.
            TimedOut: the limit passed; everything that the script started on the node was killed.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections. Running scripts end with ``Unreachable``."""
        ...
