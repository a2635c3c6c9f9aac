"""How the sub-commands of ``heketi`` are parsed and answered: faults, statuses and groups as Heketi has them."""

import argparse
import sys
from collections.abc import Callable
from typing import IO, TypeAlias

from pyheketi.server import Parser


class Stop(Exception):
    """The command ends badly; the text is for standard error."""


def say(text: str, to: IO[str] | None = None) -> None:
    """Write a line, to standard error unless told otherwise."""
    (to or sys.stderr).write(f"{text}\n")


Groups: TypeAlias = "argparse._SubParsersAction[Parser]"  # argparse has no other name for it  # noqa: SLF001


def group(groups: Groups, name: str, help_: str) -> Groups:
    """Add a group of sub-commands."""
    made = groups.add_parser(name, help=help_, description=f"{help_.capitalize()}.", allow_abbrev=False)
    made.set_defaults(shown=made)
    return made.add_subparsers(parser_class=Parser)


def command(groups: Groups, name: str, help_: str, act: Callable[[argparse.Namespace], None]) -> Parser:
    """Add a sub-command; ``act`` does it."""
    made = groups.add_parser(name, help=help_, description=f"{help_.capitalize()}.", allow_abbrev=False)
    made.set_defaults(act=act)
    made.add_argument("--debug", action="store_true", help="log everything")
    return made
