"""Load on a server: creations by clients in processes of their own, reads by wrk."""

import contextlib
import multiprocessing
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.serving import Client, token, volumes


def _create(port: int, count: int, queue: "multiprocessing.Queue[float]", fresh: bool) -> None:
    client = Client(port, fresh=fresh)
    client("GET", "/clusters")
    began = time.perf_counter()
    for _ in range(count):
        client.create()
    queue.put(time.perf_counter() - began)


def create(port: int, clients: int, count: int, *, fresh: bool = False) -> float:
    """Create volumes, on connections that are kept or on fresh ones; return how many a second."""
    queue: multiprocessing.Queue[float] = multiprocessing.Queue()
    each = count // clients
    with _working(_create, [(port, each, queue, fresh)] * clients):
        spent = [queue.get() for _ in range(clients)]
    return each * clients / max(spent)


def grow(port: int, to: int, *, clients: int = 4) -> None:
    """Create volumes until there are so many."""
    while (missing := to - len(volumes(port))) > 0:
        create(port, clients, max(clients, missing // clients * clients))


def _delete(port: int, ids: Sequence[str]) -> None:
    client = Client(port)
    for id_ in ids:
        client.job("DELETE", f"/volumes/{id_}")


def shrink(port: int, to: int, *, clients: int = 4) -> None:
    """Delete volumes until there are so many."""
    surplus = volumes(port)[to:]
    with _working(_delete, [(port, surplus[number::clients]) for number in range(clients)]):
        pass


@contextlib.contextmanager
def _working(work: Callable[..., None], wishes: Sequence[tuple[object, ...]]) -> Iterator[None]:
    """Have processes work, one for each wish; wait for their end."""
    workers = [multiprocessing.Process(target=work, args=wish) for wish in wishes]
    for worker in workers:
        worker.start()
    yield
    for worker in workers:
        worker.join()


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
