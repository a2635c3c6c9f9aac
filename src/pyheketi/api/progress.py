"""``GET /operations/pending/{id}/steps``: what an operation has done, and what each step waits for."""

from pyheketi.api.history import moment
from pyheketi.engine.runner import Run
from pyheketi.engine.watching import Wait
from pyheketi.operations import describing
from pyheketi.operations.steps import Step
from pyheketi.wire.operations import OperationStep, OperationSteps, StepWait


def to_wire(run: Run) -> OperationSteps:
    """Return an operation with its steps as they stand now."""
    operation = run.operation
    return OperationSteps(
        id=operation.id,
        type_name=operation.kind.type_name,
        subject=operation.subject,
        state=operation.state.value,
        asked_by=operation.asker.role,
        asked_from=operation.asker.address,
        asked_at=moment(operation.created_at),
        since=moment(operation.updated_at),
        attempt=run.attempt,
        part=run.part,
        error=operation.error,
        steps=tuple(
            _step_to_wire(run, number, step) for number, group in enumerate(operation.groups, 1) for step in group
        ),
    )


def _step_to_wire(run: Run, number: int, step: Step) -> OperationStep:
    at_work = run.at_work.get(step)
    return OperationStep(
        group=number,
        name=type(step).__name__,
        does=describing.words(step),
        nodes=describing.hosts(step),
        state=_state(run, step),
        since=moment(at_work.since) if at_work else "",
        waits=tuple(map(_wait_to_wire, at_work.watch.waits)) if at_work else (),
        error=run.failed.get(step, ""),
    )


def _state(run: Run, step: Step) -> str:
    if at_work := run.at_work.get(step):
        return "undoing" if at_work.undoing else "running"
    for state, those in (("failed", run.failed), ("done", run.outcomes), ("undone", run.undone)):
        if step in those:
            return state
    return "unknown" if step in run.touched else "waiting"


def _wait_to_wire(wait: Wait) -> StepWait:
    return StepWait(node=wait.host, since=moment(wait.since), commands=tuple(map(str, wait.commands)), pause=wait.pause)
