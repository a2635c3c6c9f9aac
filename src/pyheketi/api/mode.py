"""Who may change anything now: the server's mode (rest-api.md §3). It is not kept over a restart."""

from enum import StrEnum

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

    def __init__(self, mode: Mode = Mode.NORMAL) -> None:
        self.mode = mode

    def admits(self, method: str, peer: str) -> bool:
        """Tell whether a request with this method, from this address, may go on."""
        if method in _READS or self.mode is Mode.NORMAL:
            return True
        return self.mode is Mode.LOCAL_CLIENT and peer in _LOCAL
