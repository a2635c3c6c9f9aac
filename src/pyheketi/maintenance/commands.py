"""The sub-commands of ``heketi`` and their flags, messages and statuses (config.md §4)."""

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from pyheketi.config import load
from pyheketi.config.settings import Settings
from pyheketi.domain import errors
from pyheketi.maintenance import database_commands, offline, scrub_commands
from pyheketi.maintenance.arguments import Groups, Stop, command, group, say
from pyheketi.maintenance.simulate import asking, flags
from pyheketi.server import Parser
from pyheketi.telemetry import log

T = TypeVar("T")


def run(argv: Sequence[str]) -> int:
    """Run a sub-command; return the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.act is None:
        options.shown.print_help()
        return 0
    log.set_up("debug" if options.debug else "warning", to_stderr=True)
    try:
        options.act(options)
    except Stop as why:
        say(str(why))
        return 1
    return 0


def _parser() -> Parser:
    parser = Parser(prog="heketi", allow_abbrev=False)
    parser.set_defaults(act=None, shown=parser, debug=False)
    groups = parser.add_subparsers(parser_class=Parser)
    databases = group(groups, "db", "take over databases, give them back, look into them")
    database_commands.add(databases)
    scrub_commands.add(databases)
    _add_offline(group(groups, "offline", "what is done while no server runs"))
    flags.add(command(groups, "simulate", "tell what hardware volumes need, or what fits", asking.act))
    return parser


def _add_offline(groups: Groups) -> None:
    made = command(groups, "cleanup-operations", "bring unfinished operations to an end", _clean_up)
    _add_config(made)
    state = group(groups, "state", "compare what there is with the database")
    examine = group(state, "examine", "look at what nodes have")
    made = command(examine, "gluster", "print the database and what all nodes have, passwords included", _examine)
    _add_config(made)
    made = command(groups, "update-dbvol", "set options of the volume that holds the database", _tune)
    _add_config(made)
    made.add_argument("--force-volume-name", metavar="NAME", default="heketidbstorage", help="another volume")


def _add_config(made: Parser) -> None:
    made.add_argument("--config", metavar="FILE", help="configuration file, usually /etc/heketi/heketi.json")


def _settings(options: argparse.Namespace) -> Settings:
    if not options.config:
        raise Stop("Configuration file is required")
    try:
        loaded = load.load(options.config, os.environ, disable_auth=True, serving=False)
    except load.ConfigError as error:
        lines = "\n".join(f"  {fault}" for fault in error.faults)
        raise Stop(f"ERROR: Unable to parse configuration:\n{lines}") from error
    return loaded.settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (errors.StoreError, OSError, ValueError) as error:
        raise Stop(f"ERROR: Unable to start application: {error}") from error


def _clean_up(options: argparse.Namespace) -> None:
    say("OFFLINE COMMAND: Clean All Pending Operations", sys.stdout)
    left = _run(offline.clean_up(_settings(options), lambda: say("Starting clean now...")))
    if left:
        say(f"{left} operations could not be brought to an end; see above, and try again when all nodes are there")


def _examine(options: argparse.Namespace) -> None:
    say("OFFLINE COMMAND: Examine state of Gluster", sys.stdout)
    settings = _settings(options)
    say("Starting examiner now...", sys.stdout)
    found = _run(offline.examination(settings))
    for line in ("EXAMINER_OUTPUT_STARTS", found, "EXAMINER_OUTPUT_ENDS"):
        say(line, sys.stdout)


def _tune(options: argparse.Namespace) -> None:
    say("OFFLINE COMMAND: update dbvol", sys.stdout)
    try:
        _run(offline.tune_database_volume(_settings(options), options.force_volume_name))
    except errors.Error as error:
        raise Stop(f"Error updating db volume: {error}") from error
