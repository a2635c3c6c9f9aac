"""Who may change anything now: the server's mode (rest-api.md §3). It is not kept over a restart."""

from enum import StrEnum

from pyheketi.domain import errors

_READS = frozenset({"GET", "HEAD"})
_LOCAL = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
"""Peer addresses that count as local; the last is the first, on a socket for both kinds of addresses."""

REFUSAL = "Service disabled for maintenance"


class Mode(StrEnum):
    """What is let in besides questions."""

    NORMAL = "normal"
    """Everything."""
    READ_ONLY = "read-only"
    """Nothing, not even a change of the mode: that takes a signal or a restart."""
    LOCAL_CLIENT = "local-client"
    """What comes from this host."""


class Gate:
    """Lets requests in by the mode."""

    def __init__(self, mode: Mode = Mode.NORMAL, *, read_only: bool = False) -> None:
        """``read_only`` keeps it in that mode for good: the database takes no changes."""
        self.mode = Mode.READ_ONLY if read_only else mode
        self._read_only = read_only

    @property
    def refusal(self) -> str:
        """What those hear who are not let in."""
        return str(errors.ReadOnly()) if self._read_only else REFUSAL

    def reset(self) -> bool:
        """Let everything in again, the way out of read-only mode; tell whether that was possible."""
        if not self._read_only:
            self.mode = Mode.NORMAL
        return not self._read_only

    def admits(self, method: str, peer: str) -> bool:
        """Tell whether a request with this method, from this address, may go on."""
        if method in _READS or self.mode is Mode.NORMAL:
            return True
        return self.mode is Mode.LOCAL_CLIENT and peer in _LOCAL
