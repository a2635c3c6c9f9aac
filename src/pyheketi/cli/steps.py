"""``heketi-cli server operations steps``: how far operations are, and what they wait for. Heketi 10 has none."""

from typing import TYPE_CHECKING

from pyheketi.cli.connect import beyond_heketi, look_after
from pyheketi.cli.session import Session
from pyheketi.client.errors import ServerError
from pyheketi.wire import base
from pyheketi.wire.operations import OperationStep, OperationSteps

if TYPE_CHECKING:
    from pyheketi.client.upkeep import Upkeep


def run(session: Session) -> None:
    """Show the operations that are named, or all that have not ended."""
    with look_after(session) as client:
        found = [_asked(client, id_) for id_ in session.arguments] if session.arguments else _all(client)
    if session.json:
        session.write(f"[{','.join(map(base.to_json, found))}]\n")
    else:
        session.write("\n".join(map(_text, found)))


def _asked(client: "Upkeep", id_: str) -> OperationSteps:
    with beyond_heketi("Invalid path"):
        return client.operation_steps(id_)


def _all(client: "Upkeep") -> list[OperationSteps]:
    """Return all operations that have not ended, without those that end while they are asked after."""
    found = []
    for each in client.pending_operations().pendingoperations:
        try:
            found.append(_asked(client, each.id))
        except ServerError as error:
            if error.status != 404 or "Invalid path" in str(error):
                raise
    return found


def _text(operation: OperationSteps) -> str:
    by = operation.asked_by or ("anybody" if operation.asked_from else "the server")
    whom = f"{by}@{operation.asked_from}" if operation.asked_from else by
    lines = [
        f"Id: {operation.id}",
        f"Type: {operation.type_name}",
        f"Subject: {operation.subject}",
        f"State: {operation.state} since {operation.since}",
        f"Asked: by {whom} at {operation.asked_at}",
    ]
    if operation.attempt > 1:
        lines.append(f"Attempt: {operation.attempt}")
    if operation.part:
        lines.append(f"At work for it: operation {operation.part}")
    if operation.error:
        lines.append(f"Error: {operation.error}".replace("\n", "\n    "))
    done = sum(step.state == "done" for step in operation.steps)
    lines.append(f"Steps: {done} of {len(operation.steps)} done")
    lines += [line for step in operation.steps for line in _step_lines(step)]
    return "".join(f"{line}\n" for line in lines)


def _step_lines(step: OperationStep) -> list[str]:
    where = f" on {step.nodes[0]}" if len(step.nodes) == 1 else ""
    since = f" since {step.since}" if step.since else ""
    lines = [f"  {step.group}. {step.state:<8} {step.does}{where}{since}"]
    for wait in step.waits:
        what = f"node {wait.node} since {wait.since}"
        lines.append(f"       waits for {what}{f' ({wait.pause})' if wait.pause else ''}:".replace("\n", " "))
        lines += [f"         {command}" for command in wait.commands]
    if step.error:
        lines.append(f"       {step.error}".replace("\n", "\n       "))
    return lines
