"""The process that owns a lab's namespaces, and ends everything in the lab when its own standard input closes.

``Lab.up`` starts it inside fresh network and mount namespaces. It must need nothing but the standard library. Whoever
made the lab holds the other end of its standard input, so the lab ends with its maker, however the maker ends.
Everything that runs in a lab carries the lab's folder in its environment; leftovers are found by that, never by name
or by a number that something else may have been given since.
"""

import os
import signal
import sys
import time
from pathlib import Path

MARK = "PYHEKETI_LAB"
"""Environment variable that every process of a lab carries; its value is the lab's folder."""


def belongs(pid: int, run_dir: Path) -> bool:
    """Whether a process is alive and part of the lab in this folder."""
    return f"{MARK}={run_dir}".encode() in _environment(Path(f"/proc/{pid}"))


def _environment(process: Path) -> list[bytes]:
    """Return what a process finds in its environment; nothing if it has ended.

    For a moment of every exec(2) the new program is there and its environment is not yet, so a program with an empty
    one is looked at again.
    """
    for _ in range(20):
        try:
            if found := (process / "environ").read_bytes():
                return found.split(b"\0")
            (process / "exe").readlink()  # neither kernel threads nor the dead have one
        except OSError:
            break
        time.sleep(0.002)
    return []


def members(run_dir: Path) -> list[int]:
    """Return the processes of the lab in this folder, without the calling one."""
    pids = [int(process.name) for process in Path("/proc").iterdir() if process.name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and belongs(pid, run_dir)]


def sweep(run_dir: Path, *, patience: float = 20) -> None:
    """End every process of the lab in this folder.

    Raises:
        TimeoutError: some are still there after ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while left := members(run_dir):
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of the lab in {run_dir} do not end: {left}")
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def main(run_dir: Path, *, keep: bool) -> None:
    """Say that the namespaces are there, wait for the end, and end everything."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)
    try:
        if keep:
            signal.pause()
        sys.stdin.read()
    finally:
        sweep(run_dir)


if __name__ == "__main__":
    main(Path(os.environ[MARK]), keep=sys.argv[1:] == ["keep"])
