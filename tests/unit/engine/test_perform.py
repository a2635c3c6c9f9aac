"""What each kind of step sends to nodes: one JSON file for each case, readable without Python.

A file holds a step, how it is performed (``do``, ``again``, ``undo``, ``effect``), what nodes answer (everything else
succeeds in silence), the scripts that must be sent, and the outcome or the error. ``PYHEKETI_WRITE_GOLDEN=1`` writes
what is sent now: read the difference before you keep it.
"""

import asyncio
import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.doubles import Answer, ScriptedExecutor

from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.engine.perform import Performer
from pyheketi.operations import codec, steps
from pyheketi.operations.steps import Outcome, Step

GOLDEN = Path(__file__).parents[2] / "golden" / "commands"
CASES = sorted(GOLDEN.glob("*/*.json"))


def parse_step(document: Mapping[str, Any]) -> Step:
    ((step,),) = codec.groups_from_json({"version": codec.VERSION, "groups": [[document]]})
    return step


async def perform(performer: Performer, call: str, step: Step, outcome: Outcome) -> Outcome | bool:
    match call:
        case "do":
            return await performer.do(step, sure=True)
        case "again":
            return await performer.do(step, sure=False)
        case "undo":
            return await performer.undo(step, outcome)
        case "effect":
            return await performer.has_effect(step)
        case _:
            raise ValueError(call)


def show(outcome: Outcome | bool) -> Any:
    if outcome is None or isinstance(outcome, bool):
        return outcome
    return {type(outcome).__name__: json.loads(json.dumps(dataclasses.asdict(outcome)))}


def observe(case: Mapping[str, Any]) -> dict[str, Any]:
    """Perform the step of a case; return what was sent and what came of it."""
    executor = ScriptedExecutor(Answer(**answer) for answer in case.get("answers", ()))
    options = NodeOptions(**case.get("options", {}))
    performer = Performer(executor, options, pauses=(0, 0), heal_pauses=(0,))
    before = steps.Probed(**case["outcome_before"]) if "outcome_before" in case else None
    seen: dict[str, Any] = {}
    try:
        seen["outcome"] = show(asyncio.run(perform(performer, case["call"], parse_step(case["step"]), before)))
    except errors.Error as error:
        seen["error"] = f"{type(error).__name__}: {error}"
    seen["scripts"] = [{host: lines} for host, lines in executor.lines]
    seen["unused answers"] = [answer.to for answer in executor.unused if not answer.always]
    return seen


def without_expectations(case: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in case.items() if key not in ("scripts", "outcome", "error")}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_step(path: Path) -> None:
    case = json.loads(path.read_text())
    seen = observe(case)
    assert seen.pop("unused answers") == []
    if os.environ.get("PYHEKETI_WRITE_GOLDEN"):
        path.write_text(json.dumps(without_expectations(case) | seen, indent=2) + "\n")
    else:
        assert seen == {key: case[key] for key in ("scripts", "outcome", "error") if key in case}


def test_every_kind_of_step_has_cases() -> None:
    assert {path.parent.name for path in CASES} == {kind.__name__ for kind in steps.Step.__args__}
