"""The flags of ``heketi db scrub`` and ``heketi db forget-volume``, and what they say."""

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from pyheketi.domain import errors
from pyheketi.maintenance import clean_up_list, scrub
from pyheketi.maintenance.arguments import Groups, Stop, command, say
from pyheketi.server import Parser

_ADVICE = """\
No node was asked: what is listed may be there or not. Remove it from the nodes that are left, in this order: block
volume, gluster volume, mount, line of fstab, LV, thin pool if nothing else is in it. Then heketi-cli device resync
DEVICE reads what is free."""


def add(groups: Groups) -> None:
    """Add the sub-commands."""
    made = command(
        groups,
        "scrub",
        "end operations without asking nodes that are gone for ever; else: heketi offline cleanup-operations",
        _scrub,
    )
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--op", metavar="ID", nargs="+", action="extend", help="the operations to end")
    which.add_argument("--all", action="store_true", help="all of them, and marks of operations that do not exist")
    _add_place(made)
    made = command(
        groups, "forget-volume", "forget volumes without asking nodes, when these are gone for ever", _forget
    )
    made.add_argument("--volume", metavar="ID", nargs="+", action="extend", required=True, help="the volumes to forget")
    _add_place(made)


def _add_place(made: Parser) -> None:
    made.add_argument("--dbfile", metavar="DB", required=True, help="the database: a file, or postgresql+psycopg://…")
    made.add_argument("--out", metavar="FILE", help="write the result to a new file, leave the database alone")
    made.add_argument("--dry-run", action="store_true", help="write nothing, only tell")
    made.add_argument("--no-subtract", action="store_true", help="leave the space of forgotten bricks in use")
    made.add_argument("--json", action="store_true", help="tell what may be left on nodes as JSON")


def _place(options: argparse.Namespace) -> scrub.Place:
    return scrub.Place(database=options.dbfile, out=Path(options.out) if options.out else None, dry_run=options.dry_run)


def _scrub(options: argparse.Namespace) -> None:
    ids = () if options.all else tuple(options.op)
    work = scrub.scrub(_place(options), ids=ids, keep_space=options.no_subtract)
    _tell(options, _done(work, "scrub"), "no operation is unfinished")


def _forget(options: argparse.Namespace) -> None:
    work = scrub.forget_volumes(_place(options), ids=options.volume, keep_space=options.no_subtract)
    _tell(options, _done(work, "forget volumes"), "no volume was named")


def _done(work: Coroutine[Any, Any, scrub.Report], what: str) -> scrub.Report:
    try:
        return asyncio.run(work)
    except (errors.Error, OSError) as error:
        raise Stop(f"failed to {what}: {error}") from error


def _tell(options: argparse.Namespace, report: scrub.Report, nothing: str) -> None:
    if options.json:
        told = {
            "dry_run": options.dry_run,
            "backup": str(report.backup or ""),
            "written": report.written,
            "items": clean_up_list.as_json(report.left),
        }
        say(json.dumps(told, ensure_ascii=False, indent=4), sys.stdout)
        return
    if not report.left:
        say(f"There is nothing to do: {nothing}")
        return
    for line in clean_up_list.as_text(report.left):
        say(line, sys.stdout)
    if any(each.leaves_something for each in report.left):
        say(_ADVICE)
    if options.dry_run:
        say("Nothing was written: this is what would be done")
    if report.backup:
        say(f"The database as it was is kept as {report.backup}")
    if report.written:
        say(f"Written to {report.written}")
