"""The flags of ``heketi db``, and what it says (config.md §4)."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pyheketi.domain import errors
from pyheketi.maintenance import check_report, database, restoring, sources
from pyheketi.maintenance.arguments import Groups, Stop, command, say
from pyheketi.wire.dump import text


def add(groups: Groups) -> None:
    """Add the sub-commands."""
    made = command(groups, "import", "make a database of Heketi's own (heketi.db), or of an export of one", _import)
    made.add_argument("--from", dest="source", metavar="FILE", help="heketi.db of Heketi 10 or older, or JSON")
    made.add_argument("--jsonfile", dest="source", metavar="FILE", help="the same, as Heketi has it")
    made.add_argument(
        "--dbfile",
        metavar="FILE",
        help="the database to make; without it, it takes the place of a heketi.db, which is kept beside it",
    )
    made = command(groups, "export", "write a database as JSON that Heketi can import", _export)
    made.add_argument("--jsonfile", metavar="FILE", help="the file to write, - for standard output")
    made.add_argument("--dbfile", metavar="FILE", help="the database: ours, or a heketi.db of Heketi's")
    made = command(groups, "consistency-check", "look for contradictions in a database", _check)
    made.add_argument("--dbfile", metavar="FILE", help="the database: ours, a heketi.db of Heketi's, or JSON")
    made.add_argument("--fail", action="store_true", help="end with status 1 if there are any")
    made.add_argument("--explain", action="store_true", help="say what each means and what to do, as text")
    made.add_argument("--findings", action="store_true", help="JSON with the rule and the object of each")
    made.add_argument("--repair", action="store_true", help="plan repairs, and tell what heketi db import does")
    made = command(groups, "restore", "put a backup in the place of a database, which is kept beside it", _restore)
    made.add_argument("--from", dest="source", metavar="BACKUP", help="the backup, or any copy of a database of ours")
    made.add_argument("--dbfile", metavar="FILE", help="the database; its server must be stopped")
    made = command(groups, "delete-bricks-with-empty-path", "forget bricks that were never made", _delete_bricks)
    made.add_argument("--dbfile", metavar="FILE", help="the database")
    made.add_argument("--all", action="store_true", help="everywhere")
    for kind in ("clusters", "nodes", "devices"):
        made.add_argument(f"--{kind}", metavar="IDS", default="", help=f"only of these {kind}, separated by commas")


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
        say(line)
    say(f"DB imported to {target}")


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
    say(f"DB exported to {options.jsonfile}")


def _restore(options: argparse.Namespace) -> None:
    if not options.source:
        raise Stop("Please provide the backup: --from=BACKUP")
    if not options.dbfile:
        raise Stop("Please provide path for db file")
    database = Path(options.dbfile)
    try:
        done = restoring.restore(Path(options.source), database)
    except (errors.Error, OSError) as error:
        raise Stop(f"failed to restore db: {error}") from error
    say(f"{database} was restored from {options.source}; there are {done.topology}")
    if done.kept:
        say(f"What was there before was kept as {done.kept}")
    say("After the start of the server, see what has changed on the nodes since: heketi-cli server state compare")


def _check(options: argparse.Namespace) -> None:
    if not options.dbfile:
        raise Stop("Please provide path for db file")
    source = Path(options.dbfile)
    try:
        total = _tell_repairs(options, source) if options.repair else _tell_findings(options, source)
    except (errors.Error, OSError) as error:
        raise Stop(f"failed to check db: {error}") from error
    if options.fail and total:
        raise Stop(f"{total} inconsistencies")


def _tell_findings(options: argparse.Namespace, source: Path) -> int:
    """Print what is wrong; return how much is."""
    if not options.findings and not options.explain:
        check = database.check(source)
        say(text(check), sys.stdout)
        return check.totalinconsistencies
    found = database.findings(source)
    if options.findings:
        _say_json(check_report.findings_json(found))
    else:
        say("\n".join(check_report.findings_text(found)), sys.stdout)
    return len(found)


def _tell_repairs(options: argparse.Namespace, source: Path) -> int:
    """Print what could be repaired; return how much is wrong."""
    plan, ours = database.repairs(source), sources.is_ours(source)
    if options.findings:
        _say_json(check_report.repairs_json(plan, ours=ours))
    else:
        say("\n".join(check_report.repairs_text(plan, ours=ours)), sys.stdout)
    return len(plan.repairs)


def _say_json(told: dict[str, Any]) -> None:
    say(json.dumps(told, ensure_ascii=False, indent=4), sys.stdout)


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
    say("bricks with empty path removed ")
