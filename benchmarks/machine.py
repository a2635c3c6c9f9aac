"""The machine that a run takes place on."""

import hashlib
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("uvicorn", "uvloop", "httptools", "pydantic", "sqlalchemy", "asyncssh")


def describe() -> str:
    """Return machine and versions in words."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": unknown")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    hardware = f"{os.cpu_count()} cores ({cpu.partition(': ')[2]}), {memory} GiB, Linux {platform.release()}"
    return f"{hardware}; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}{_wrk()}"


def pace() -> float:
    """Return how often this machine does something that never changes, a second."""
    return max(_pace() for _ in range(5))


def _pace() -> float:
    document = {"volumes": [f"{number:032x}" for number in range(50)], "size": 10}
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 0.2:
        hashlib.sha256(json.dumps(json.loads(json.dumps(document)), sort_keys=True).encode()).hexdigest()
        count += 1
    return count / (time.perf_counter() - began)


def _wrk() -> str:
    if shutil.which("wrk") is None:
        return ""
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout.split()
    return f", wrk {said[1]}"
