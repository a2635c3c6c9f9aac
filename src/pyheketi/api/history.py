"""``GET /operations/history``: who asked for what, when, how it ended and how long it took."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from pyheketi.api import parameters
from pyheketi.domain import errors
from pyheketi.operations.operation import Operation, OperationState
from pyheketi.store.base import END_OF_TIME
from pyheketi.wire.operations import EndedOperation, History

DEFAULT, MOST = 100, 1000
"""Operations in one answer."""

PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "limit": f"how many at most, 1 to {MOST}; {DEFAULT} if not given",
        "since": "only those that ended at this time or later, in seconds since the epoch",
        "before": "only those that ended earlier: what stands under next in another answer",
    }
)

_CURSOR = re.compile(r"(?P<at>[0-9]{1,20}(\.[0-9]{1,20})?)-(?P<id>[0-9A-Za-z]{0,64})")


def wanted(query: Mapping[str, str]) -> tuple[int, float, tuple[float, str]]:
    """Return what parameters ask for: how many, since when, and before which end and id.

    Raises:
        RequestError: they cannot be understood.
    """
    return (
        parameters.count(query, "limit", most=MOST) or DEFAULT,
        _since(query.get("since", "")),
        _before(query.get("before", "")),
    )


def _since(text: str) -> float:
    try:
        since = float(text or 0)
    except ValueError:
        since = math.nan
    if math.isfinite(since):
        return since
    raise errors.RequestError("since: must be a time in seconds since the epoch")


def _before(text: str) -> tuple[float, str]:
    if not text:
        return END_OF_TIME
    if found := _CURSOR.fullmatch(text):
        return float(found["at"]), found["id"]
    raise errors.RequestError("before: must be what stands under next in another answer")


def to_wire(ended: Sequence[Operation], *, more: bool) -> History:
    """Return operations that have ended; ``more`` if there may be earlier ones."""
    return History(
        operations=tuple(map(_ended_to_wire, ended)),
        next=f"{ended[-1].updated_at:.9f}-{ended[-1].id}" if more and ended else "",
    )


def _ended_to_wire(operation: Operation) -> EndedOperation:
    return EndedOperation(
        id=operation.id,
        type_name=operation.kind.type_name,
        subject=operation.subject,
        asked_by=operation.asker.role,
        asked_from=operation.asker.address,
        asked_at=moment(operation.created_at),
        ended_at=moment(operation.updated_at),
        seconds=max(0.0, round(operation.updated_at - operation.created_at, 3)),
        status=_status(operation),
        error=operation.error,
    )


def _status(operation: Operation) -> str:
    if operation.state is OperationState.DONE:
        return "done"
    return "refused" if operation.refused else "failed"


def moment(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as people and programs read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{int(seconds % 1 * 1000):03}Z"
