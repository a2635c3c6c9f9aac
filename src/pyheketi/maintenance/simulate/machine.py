"""The answer for programs: CSV and JSON."""

import csv
import io
import json
import statistics
from collections.abc import Mapping

from pyheketi.maintenance.simulate.answer import Answer
from pyheketi.maintenance.simulate.hardware import Invented
from pyheketi.maintenance.simulate.headline import all_wanted
from pyheketi.maintenance.simulate.results import NUMBERS, Result, over_runs
from pyheketi.planning.simulation import Refusal


def comma_separated(answer: Answer) -> str:
    """Return a line of titles and a line for each run; the devices stand at the end, three columns each."""
    devices = answer.results[0].devices if answer.results else ()
    titles = [f"{each.node}:{each.name}:{what}" for each in devices for what in ("total_kib", "used_kib", "percent")]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", "fits", "nodes", "devices", *NUMBERS, "refused_gib", "refused_reason", *titles])
    for run in answer.results:
        refusal = run.refusal
        writer.writerow(
            [
                run.number,
                str(answer.question.fits(run)).lower(),
                answer.nodes,
                answer.devices,
                *(_rounded(number(run)) for number in NUMBERS.values()),
                refusal.wish.size_gib if refusal else "",
                refusal.why.splitlines()[0] if refusal else "",
                *(value for each in run.devices for value in (each.total, each.used, _rounded(each.percent))),
            ]
        )
    return out.getvalue()


def json_text(answer: Answer) -> str:
    """Return everything as JSON."""
    question = answer.question
    document: dict[str, object] = {
        "fits": answer.fits,
        "wanted": {
            "text": all_wanted(answer.question),
            "count": question.wanted.count,
            "target_gib": question.target_gib or None,
        },
        "seed": question.seed,
        "nodes": answer.nodes,
        "devices": answer.devices,
    }
    if answer.found is not None:
        document["found"] = _found_json(answer)
    document["runs"] = [_run_json(answer, run) for run in answer.results]
    if len(answer.results) > 1:
        for title, of in (("mean", statistics.fmean), ("median", statistics.median)):
            document[title] = _all_rounded(over_runs(answer.results, of))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _found_json(answer: Answer) -> dict[str, object]:
    found = answer.found
    if isinstance(found, Invented):
        return {
            "sought": answer.sought,
            "nodes": found.nodes,
            "devices_per_node": found.devices,
            "device_size_gib": found.device_gib,
        }
    return {"sought": answer.sought, "refused": _refusal_json(found)}


def _run_json(answer: Answer, run: Result) -> dict[str, object]:
    return {
        "run": run.number,
        "fits": answer.question.fits(run),
        **_all_rounded({name: number(run) for name, number in NUMBERS.items()}),
        "sizes_gib": list(run.sizes),
        "refused": _refusal_json(run.refusal),
        "devices": [
            {
                "node": each.node,
                "zone": each.zone,
                "name": each.name,
                "online": each.online,
                "total_kib": each.total,
                "used_kib": each.used,
                "used_percent": _rounded(each.percent),
                "bricks": each.bricks,
            }
            for each in run.devices
        ],
    }


def _refusal_json(refusal: Refusal | None) -> dict[str, object] | None:
    return {"size_gib": refusal.wish.size_gib, "reason": refusal.why} if refusal else None


def _all_rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: _rounded(number) for name, number in numbers.items()}


def _rounded(number: float) -> float:
    return number if isinstance(number, int) else round(number, 4)
