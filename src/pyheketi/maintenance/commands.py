"""The sub-commands of ``heketi`` and their flags, messages and statuses (config.md §4)."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias, TypeVar

from pyheketi.config import load
from pyheketi.config.settings import Settings
from pyheketi.domain import errors
from pyheketi.maintenance import database, offline
from pyheketi.maintenance.simulate import asking, flags
from pyheketi.server import Parser
from pyheketi.telemetry import log
from pyheketi.wire.dump import text

T = TypeVar("T")


class Stop(Exception):
    """The command ends badly; the text is for standard error."""


def _say(text: str, to: IO[str] | None = None) -> None:
    """Write a line, to standard error unless told otherwise."""
    (to or sys.stderr).write(f"{text}\n")


_Groups: TypeAlias = "argparse._SubParsersAction[Parser]"  # argparse has no other name for it  # noqa: SLF001


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
        _say(str(why))
        return 1
    return 0


def _parser() -> Parser:
    parser = Parser(prog="heketi", allow_abbrev=False)
    parser.set_defaults(act=None, shown=parser, debug=False)
    groups = parser.add_subparsers(parser_class=Parser)
    _add_database(_group(groups, "db", "take over databases, give them back, look into them"))
    _add_offline(_group(groups, "offline", "what is done while no server runs"))
    flags.add(_command(groups, "simulate", "tell what hardware volumes need, or what fits", asking.act))
    return parser


def _group(groups: _Groups, name: str, help_: str) -> _Groups:
    made = groups.add_parser(name, help=help_, description=f"{help_.capitalize()}.", allow_abbrev=False)
    made.set_defaults(shown=made)
    return made.add_subparsers(parser_class=Parser)


def _command(groups: _Groups, name: str, help_: str, act: Callable[[argparse.Namespace], None]) -> Parser:
    made = groups.add_parser(name, help=help_, description=f"{help_.capitalize()}.", allow_abbrev=False)
    made.set_defaults(act=act)
    made.add_argument("--debug", action="store_true", help="log everything")
    return made


def _add_database(groups: _Groups) -> None:
    made = _command(groups, "import", "make a database of Heketi's own (heketi.db), or of an export of one", _import)
    made.add_argument("--from", dest="source", metavar="FILE", help="heketi.db of Heketi 10 or older, or JSON")
    made.add_argument("--jsonfile", dest="source", metavar="FILE", help="the same, as Heketi has it")
    made.add_argument(
        "--dbfile",
        metavar="FILE",
        help="the database to make; without it, it takes the place of a heketi.db, which is kept beside it",
    )
    made = _command(groups, "export", "write a database as JSON that Heketi can import", _export)
    made.add_argument("--jsonfile", metavar="FILE", help="the file to write, - for standard output")
    made.add_argument("--dbfile", metavar="FILE", help="the database: ours, or a heketi.db of Heketi's")
    made = _command(groups, "consistency-check", "look for contradictions in a database", _check)
    made.add_argument("--dbfile", metavar="FILE", help="the database: ours, a heketi.db of Heketi's, or JSON")
    made.add_argument("--fail", action="store_true", help="end with status 1 if there are any")
    made = _command(groups, "delete-bricks-with-empty-path", "forget bricks that were never made", _delete_bricks)
    made.add_argument("--dbfile", metavar="FILE", help="the database")
    made.add_argument("--all", action="store_true", help="everywhere")
    for kind in ("clusters", "nodes", "devices"):
        made.add_argument(f"--{kind}", metavar="IDS", default="", help=f"only of these {kind}, separated by commas")


def _add_offline(groups: _Groups) -> None:
    made = _command(groups, "cleanup-operations", "bring unfinished operations to an end", _clean_up)
    _add_config(made)
    state = _group(groups, "state", "compare what there is with the database")
    examine = _group(state, "examine", "look at what nodes have")
    made = _command(examine, "gluster", "print the database and what all nodes have, passwords included", _examine)
    _add_config(made)
    made = _command(groups, "update-dbvol", "set options of the volume that holds the database", _tune)
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
    _say("OFFLINE COMMAND: Clean All Pending Operations", sys.stdout)
    left = _run(offline.clean_up(_settings(options), lambda: _say("Starting clean now...")))
    if left:
        _say(f"{left} operations could not be brought to an end; see above, and try again when all nodes are there")


def _examine(options: argparse.Namespace) -> None:
    _say("OFFLINE COMMAND: Examine state of Gluster", sys.stdout)
    settings = _settings(options)
    _say("Starting examiner now...", sys.stdout)
    found = _run(offline.examination(settings))
    for line in ("EXAMINER_OUTPUT_STARTS", found, "EXAMINER_OUTPUT_ENDS"):
        _say(line, sys.stdout)


def _tune(options: argparse.Namespace) -> None:
    _say("OFFLINE COMMAND: update dbvol", sys.stdout)
    try:
        _run(offline.tune_database_volume(_settings(options), options.force_volume_name))
    except errors.Error as error:
        raise Stop(f"Error updating db volume: {error}") from error


def _import(options: argparse.Namespace) -> None:
    if not options.source:
        raise Stop("Please provide file for input")
    source = Path(options.source)
    target = Path(options.dbfile) if options.dbfile else _place_of(source)
    try:
        said = database.import_(source, target)
    except errors.Error as error:
        raise Stop(f"db creation failed: {error}") from error
    except OSError as error:
        raise Stop(f"db creation failed: Could not open input file: {error}") from error
    for line in said:
        _say(line)
    _say(f"DB imported to {target}")


def _place_of(source: Path) -> Path:
    """Return where a database of ours goes if nobody said where: in the place of the original's own."""
    try:
        return database.place_of(source)
    except (errors.Error, OSError) as error:
        raise Stop(f"db creation failed: {error}") from error


def _export(options: argparse.Namespace) -> None:
    if not options.jsonfile:
        raise Stop("Please provide file for input")
    if not options.dbfile:
        raise Stop("Please provide path for db file")
    try:
        database.export(Path(options.dbfile), options.jsonfile)
    except (errors.Error, OSError) as error:
        raise Stop(f"failed to dump db: {error}") from error
    _say(f"DB exported to {options.jsonfile}")


def _check(options: argparse.Namespace) -> None:
    if not options.dbfile:
        raise Stop("Please provide path for db file")
    try:
        found = database.check(Path(options.dbfile))
    except (errors.Error, OSError) as error:
        raise Stop(f"failed to check db: {error}") from error
    _say(text(found), sys.stdout)
    if options.fail and found.totalinconsistencies:
        raise Stop(f"{found.totalinconsistencies} inconsistencies")


def _delete_bricks(options: argparse.Namespace) -> None:
    if not options.dbfile:
        raise Stop("Please provide path for db file")
    chosen = {
        kind: [id_ for id_ in getattr(options, kind).split(",") if id_] for kind in ("clusters", "nodes", "devices")
    }
    if not options.all and not any(chosen.values()):
        raise Stop("neither --all flag nor list of clusters/nodes/devices is given")
    try:
        database.delete_bricks_without_path(Path(options.dbfile), everywhere=options.all, **chosen)
    except (errors.Error, OSError) as error:
        raise Stop(f"failed to delete bricks with empty path: {error}") from error
    _say("bricks with empty path removed ")
