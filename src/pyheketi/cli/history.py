"""``heketi-cli server operations history``: who asked for what, when, and how it ended. Heketi 10 has none."""

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyheketi.cli.connect import beyond_heketi, look_after
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.wire import base
from pyheketi.wire.operations import EndedOperation, History

if TYPE_CHECKING:
    from pyheketi.client.upkeep import Upkeep

_PAGE = 1000
"""Operations that the server gives at a time."""

_AGO = re.compile(r"([0-9]{1,9})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def run(session: Session) -> None:
    """List operations that have ended, the latest first."""
    limit = session.integer("limit")
    if limit < 1:
        raise Problem("--limit must be at least 1")
    since = _since(session.text("since"), time.time())
    with look_after(session) as client:
        found = _asked(client, limit, since)
    if session.json:
        session.write(base.to_json(found) + "\n")
    else:
        session.write("".join(map(_line, found.operations)))


def _asked(client: "Upkeep", limit: int, since: float) -> History:
    """Return as many as are wanted, asking again where they do not fit one answer."""
    found: list[EndedOperation] = []
    before = ""
    while len(found) < limit:
        with beyond_heketi():
            page = client.history(limit=min(_PAGE, limit - len(found)), since=since, before=before)
        found += page.operations
        before = page.next
        if not before:
            break
    return History(operations=tuple(found), next=before)


def _line(ended: EndedOperation) -> str:
    by = ended.asked_by or ("anybody" if ended.asked_from else "the server")
    whom = f"{by}@{ended.asked_from}" if ended.asked_from else by
    error = " ".join(ended.error.split())
    return (
        f"Id:{ended.id}  Type:{ended.type_name}  Subject:{ended.subject}  By:{whom}  At:{ended.asked_at}"
        f"  Seconds:{ended.seconds:.3f}  Status:{ended.status}{f'  Error:{error}' if error else ''}\n"
    )


def _since(text: str, now: float) -> float:
    """Return a time in seconds since the epoch; times without a zone are UTC, as those that are printed."""
    if not text:
        return 0.0
    if ago := _AGO.fullmatch(text):
        return max(0.0, now - int(ago[1]) * _SECONDS[ago[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(
            f'"{text}" is no time for --since: write 2026-11-21, 2026-11-21T09:15, or 90m, 12h, 7d'
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
