"""Load on a server: creations by clients in processes of their own, reads by wrk."""

import multiprocessing
import re
import shutil
import subprocess
import time
from dataclasses import dataclass

from benchmarks.serving import Client, token, volumes


def _create(port: int, count: int, queue: "multiprocessing.Queue[float]") -> None:
    client = Client(port)
    client("GET", "/clusters")
    began = time.perf_counter()
    for _ in range(count):
        client.create()
    queue.put(time.perf_counter() - began)


def create(port: int, clients: int, count: int) -> float:
    """Create volumes; return how many a second."""
    queue: multiprocessing.Queue[float] = multiprocessing.Queue()
    each = count // clients
    workers = [multiprocessing.Process(target=_create, args=(port, each, queue)) for _ in range(clients)]
    for worker in workers:
        worker.start()
    spent = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()
    return each * clients / max(spent)


def grow(port: int, to: int, *, clients: int = 4) -> None:
    """Create volumes until there are so many."""
    while (missing := to - len(volumes(port))) > 0:
        create(port, clients, max(clients, missing // clients * clients))


@dataclass(frozen=True, slots=True)
class Reads:
    """What wrk found."""

    per_second: float
    p99: float
    """Milliseconds."""


def read(port: int, path: str, *, connections: int = 8, seconds: float = 3, fresh: bool = False) -> Reads:
    """Ask for a path again and again, on connections that are kept or on fresh ones."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is needed: apt-get install wrk")
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency"]
    words += ["-H", f"Authorization: bearer {token('GET', path)}", *(["-H", "Connection: close"] if fresh else [])]
    said = subprocess.run([*words, f"http://127.0.0.1:{port}{path}"], check=True, capture_output=True, text=True).stdout
    if bad := re.search(r"Non-2xx.*", said):
        raise RuntimeError(bad[0])
    rate, p99 = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if rate is None or p99 is None:
        raise RuntimeError(said)
    return Reads(float(rate[1]), float(p99[1]) * {"us": 1e-3, "ms": 1, "s": 1e3}[p99[2]])
