"""What a check found, and what could be done about it: for a person and for a program."""

from collections.abc import Iterable, Iterator
from typing import Any

from pyheketi.migrate.findings import EXPLANATIONS, Finding, Rule
from pyheketi.migrate.repairing import Import, Repair, RepairPlan

_BY_SCRUB = frozenset({Rule.MARK_UNKNOWN})
"""What ``heketi db scrub`` repairs in a database of ours."""
_IMPORTS = {
    Import.MENDS: "mends it",
    Import.LEAVES_OUT: "leaves the object out, and keeps space that it takes in use",
    Import.KEEPS: "takes it over as it is",
    Import.REFUSES: "refuses the file",
}


def findings_json(found: Iterable[Finding]) -> dict[str, Any]:
    """Return findings as plain values."""
    listed = [_finding_json(each) for each in found]
    return {"findings": listed, "total": len(listed)}


def _finding_json(finding: Finding) -> dict[str, str]:
    explained = EXPLANATIONS[finding.rule]
    return {
        "rule": finding.rule.value,
        "kind": finding.kind,
        "object": finding.object,
        "other_kind": finding.other_kind,
        "other": finding.other,
        "text": finding.text,
        "means": explained.means,
        "do": explained.do,
    }


def repairs_json(plan: RepairPlan, *, ours: bool) -> dict[str, Any]:
    """Return a plan as plain values; ``ours`` if it is about a database of ours, which is not imported."""
    listed = [
        _finding_json(each.finding)
        | {"repair": each.change}
        | ({"scrub": _by_scrub(each)} if ours else {"import": each.by_import.value})
        for each in plan.repairs
    ]
    told = {"findings": listed, "total": len(listed), "safe": sum(bool(each.change) for each in plan.repairs)}
    return told if ours else told | {"import_refuses": plan.refusal}


def _by_scrub(repair: Repair) -> bool:
    return repair.finding.rule in _BY_SCRUB


def findings_text(found: Iterable[Finding]) -> Iterator[str]:
    """Yield findings by rule, each rule with what it means and what to do."""
    by_rule: dict[Rule, list[Finding]] = {}
    for finding in found:
        by_rule.setdefault(finding.rule, []).append(finding)
    if not by_rule:
        yield "No contradictions were found"
    for rule, same in by_rule.items():
        explained = EXPLANATIONS[rule]
        yield f"{rule}: {explained.means}"
        yield f"  What to do: {explained.do}"
        yield from (f"  {finding.text}" for finding in same)


def repairs_text(plan: RepairPlan, *, ours: bool) -> Iterator[str]:
    """Yield what would be repaired, and how it can be."""
    if not plan.repairs:
        yield "No contradictions were found"
        return
    safe = sum(bool(each.change) for each in plan.repairs)
    yield f"{len(plan.repairs)} contradictions, {safe} of them can be repaired safely. Nothing was written."
    if plan.refusal and not ours:
        yield f"heketi db import refuses this file: {plan.refusal}"
    for each in plan.repairs:
        yield f"{each.finding.rule}: {each.finding.text}"
        yield f"  repair: {each.change or 'none is surely right. ' + EXPLANATIONS[each.finding.rule].do}"
        if not ours and not plan.refusal:
            yield f"  heketi db import {_IMPORTS[each.by_import]}"
        elif ours and _by_scrub(each):
            yield "  heketi db scrub --all does it"
