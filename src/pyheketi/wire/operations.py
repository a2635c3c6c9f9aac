"""Operations on the wire (rest-api.md §7.8)."""

from typing import Annotated, TypeAlias

from pydantic import Field

from pyheketi.wire import checks
from pyheketi.wire.base import OMIT, Int64, Items, Strings, WireModel

_MOST_IDS = 32

Seconds: TypeAlias = Annotated[float, Field(ge=0)]


class OperationCounts(WireModel):
    """How many operations have not ended."""

    total: Int64 = 0
    in_flight: Int64 = 0
    """At work now."""
    stale: Int64 = 0
    """Left behind by an earlier server; this one takes them up at its start, so there are none."""
    failed: Int64 = 0
    """Stuck: tried again later, or when a cleanup is asked for."""
    new: Int64 = 0
    """All others."""


class PendingOperation(WireModel):
    """An operation that has not ended."""

    id: str = ""
    type_name: str = ""
    """``create-volume`` and the like."""
    status: str = ""
    """``failed`` if it is stuck, otherwise empty."""
    sub_status: str = ""
    """``in-flight`` while it is at work."""


class PendingOperations(WireModel):
    """Operations that have not ended."""

    pendingoperations: Items[PendingOperation] = ()


class OperationChange(WireModel):
    """Something that an operation does."""

    id: str = ""
    """Of the object."""
    description: str = ""


class OperationDetails(PendingOperation):
    """An operation with what it does."""

    changes: Items[OperationChange] = ()


class StepWait(WireModel):
    """Something on a node that a step waits for."""

    node: str = ""
    """Management name."""
    since: str = ""
    """``2026-11-21T09:15:00.123Z``."""
    commands: Strings = ()
    """What runs there, one after the other, or is about to."""
    pause: str = ""
    """Why nothing runs just now; empty while it does."""


class OperationStep(WireModel):
    """A step of an operation."""

    group: Int64 = 0
    """Groups are done one after the other, the steps of a group at the same time. From 1."""
    name: str = ""
    """``CreateBrick`` and the like."""
    does: str = ""
    """The same in words."""
    nodes: Strings = ()
    """Management names of the nodes that may do it: for some steps any one of several."""
    state: str = ""
    """``waiting``, ``running``, ``done``, ``failed``, ``undoing``, ``undone``; ``unknown`` if an earlier server may
    have begun it: the node is asked."""
    since: str = ""
    """Of ``running`` and ``undoing``."""
    waits: Items[StepWait] = ()
    """What it waits for now."""
    error: str = ""


class OperationSteps(WireModel):
    """Answer to ``GET /operations/pending/{id}/steps``. Heketi 10 has no such thing."""

    id: str = ""
    type_name: str = ""
    subject: str = ""
    """Id of the object that it is about."""
    state: str = ""
    """``planned``, ``running``, ``undoing`` or ``stuck``."""
    asked_by: str = ""
    """``admin`` or ``user``; empty if the server needs no token, or if the server itself wished for it."""
    asked_from: str = ""
    """Address of the client; empty if the server itself wished for it."""
    asked_at: str = ""
    since: str = ""
    """When it came into its state."""
    attempt: Int64 = 0
    """Which plan this is, from 1: after a failure it may be planned anew, elsewhere."""
    part: str = ""
    """Id of the operation that is at work for this one, if it is made of others, as removals are of evictions."""
    error: str = ""
    """Why it is being undone, or stuck."""
    steps: Items[OperationStep] = ()


class EndedOperation(WireModel):
    """An operation that has ended. Heketi 10 has no such thing."""

    id: str = ""
    type_name: str = ""
    """``create-volume`` and the like."""
    subject: str = ""
    """Id of the object that it was about; of a change of the mode the mode."""
    asked_by: str = ""
    """``admin`` or ``user``; empty if the server needs no token, or if the server itself wished for it."""
    asked_from: str = ""
    """Address of the client; empty if the server itself wished for it."""
    asked_at: str = ""
    """``2026-11-21T09:15:00.123Z``."""
    ended_at: str = ""
    seconds: Seconds = 0.0
    """From the one to the other."""
    status: str = ""
    """``done``, ``failed`` (nothing is left of it), or ``refused`` (nothing was begun)."""
    error: str = ""
    """Why it failed or was refused."""


class History(WireModel):
    """Answer to ``GET /operations/history``."""

    operations: Items[EndedOperation] = ()
    next: str = ""
    """What ``before`` has to be for those that ended earlier; empty if there are none."""


class OperationsCleanup(WireModel):
    """Body of ``POST /operations/pending/cleanup``."""

    operations: Annotated[Strings, OMIT] = ()
    """Ids of stuck operations; empty for all of them. Others are passed over."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        why = next((fault for each in self.operations if (fault := checks.uuid(each))), None)
        if len(self.operations) > _MOST_IDS:
            why = f"too many ids specified ({len(self.operations)}), up to {_MOST_IDS} supported"
        return checks.refusal({"operations": why})
