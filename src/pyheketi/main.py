"""The command ``heketi``: serve, or one of the sub-commands."""

import signal
import sys
from collections.abc import Sequence

NAMES = ("db", "offline", "simulate")
"""First words of the sub-commands."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command ``heketi``."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if words and words[0] in NAMES:
        from pyheketi.maintenance import commands  # noqa: PLC0415  # the server has no use for it

        raise SystemExit(commands.run(words))
    # it asks for the settings to be read again: until there is somebody to answer, that waits and does not kill
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from pyheketi import server  # noqa: PLC0415  # nor has a sub-command for all of it

    server.main(words)
