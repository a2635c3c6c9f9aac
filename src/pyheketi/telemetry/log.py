"""Log lines as Heketi's readers know them: ``[component] LEVEL date time message`` (config.md §6).

Everything goes to standard output, where the journal and container runtimes collect it; errors go to standard error.
"""

import logging
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

LEVELS: Mapping[str, int] = MappingProxyType(
    {
        "none": logging.CRITICAL + 10,
        "critical": logging.CRITICAL,
        "error": logging.ERROR,
        "warning": logging.WARNING,
        "info": logging.INFO,
        "debug": logging.DEBUG,
    }
)
"""Heketi's words for levels."""


class _Format(logging.Formatter):
    """One line an event; a traceback follows below."""

    def __init__(self) -> None:
        super().__init__("[%(component)s] %(levelname)s %(asctime)s %(message)s", "%Y/%m/%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        name = record.name.removeprefix("pyheketi.").split(".", 1)[0]
        record.component = "heketi" if record.name.startswith("pyheketi") and name == "server" else name
        return super().format(record)


def set_up(level: str, *, to_stderr: bool = False) -> None:
    """Log from ``level`` on; an unknown word means ``info``.

    What is no error goes to standard output, unless that is for something else.
    """
    ordinary = logging.StreamHandler(sys.stderr if to_stderr else sys.stdout)
    ordinary.addFilter(lambda record: record.levelno < logging.ERROR)
    bad = logging.StreamHandler(sys.stderr)
    bad.setLevel(logging.ERROR)
    for handler in (ordinary, bad):
        handler.setFormatter(_Format())
    root = logging.getLogger()
    root.handlers[:] = [ordinary, bad]
    root.setLevel(logging.WARNING)
    set_level(level)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)


def silence(*descriptors: int) -> None:
    """Send what is written there nowhere from now on: nobody is there to read it, and writing fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def level() -> str:
    """Return Heketi's word for the present level."""
    present = logging.getLogger("pyheketi").level
    return next((word for word, number in LEVELS.items() if number == present), "info")


def set_level(word: str) -> None:
    """Log from a level on; an unknown word means ``info``."""
    logging.getLogger("pyheketi").setLevel(LEVELS.get(word, logging.INFO))
