"""What a run found, as a table, beside the run that is kept."""

import hashlib
import json
import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "benchmarks" / "kept.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where a run took place."""

    text: str
    """In words."""
    pace: float
    """How often it did something that never changes, a second: what makes figures of different runs comparable."""


def machine() -> Machine:
    """Look at this machine."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": unknown")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    libraries = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "pydantic"))
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}"
    text = f"{os.cpu_count()} cores ({cpu.partition(': ')[2]}), {memory} GiB; {python}"
    return Machine(text=text, pace=max(_pace() for _ in range(5)))


def _pace() -> float:
    document = {"volumes": [f"{number:032x}" for number in range(50)], "size": 10}
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 0.2:
        hashlib.sha256(json.dumps(json.loads(json.dumps(document)), sort_keys=True).encode()).hexdigest()
        count += 1
    return count / (time.perf_counter() - began)


def kept() -> Mapping[str, Any]:
    """Return the run that is kept in the repository; nothing if there is none."""
    found: Mapping[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return found


def keep(figures: Sequence[Figure], where: Machine) -> None:
    """Keep a run in the repository, the figures that it has no values for as they were."""
    before = kept().get("figures", {})
    now = {
        each.name: {"unit": each.unit, "values": [round(value, 4) for value in each.values], "pace": round(where.pace)}
        for each in figures
    }
    document = {"commit": _commit(), "day": time.strftime("%Y-%m-%d"), "machine": where.text, "figures": before | now}
    KEPT.write_text(json.dumps(document, indent=1) + "\n")


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def table(figures: Sequence[Figure], where: Machine, before: Mapping[str, Any]) -> str:
    """Return a Markdown table."""
    rows = ["| what | median | spread | target | over the kept run |", "|---|---:|---:|---:|---:|"]
    for each in figures:
        old = before.get("figures", {}).get(each.name)
        spread = f"{_number(min(each.values))} to {_number(max(each.values))}"
        ratio = _ratio(each, old, where) if old else ""
        rows.append(f"| {each.name} | {_number(each.median)} {each.unit} | {spread} | {_target(each)} | {ratio} |")
    return "\n".join(rows)


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    sign = "≥" if figure.more_is_better else "≤"
    return f"{sign} {figure.target:g} {figure.unit} {'✓' if figure.met else '✗'}"


def _ratio(figure: Figure, old: Mapping[str, Any], where: Machine) -> str:
    """Return this run over the kept one, had the machine been equally fast."""
    values = sorted(old["values"])
    change = figure.median / values[len(values) // 2]
    if figure.unit == "MiB":
        return f"{change:.2f}"
    pace = where.pace / old["pace"]
    return f"{change / pace if figure.more_is_better else change * pace:.2f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
