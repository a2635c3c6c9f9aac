"""The server: creations, reads, start and memory, from a hundred volumes to ten thousand."""

import contextlib
import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import load
from benchmarks.figure import Figure, per_second
from benchmarks.serving import BIN, KEY, Client, Server, furnish, serving, volumes

SIZES = (100, 1000, 3000, 10_000)
"""Volumes."""


def measure(rounds: int = 5, sizes: tuple[int, ...] = SIZES) -> Iterator[Figure]:
    """Yield all figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with serving(home) as server:
            furnish(server.port)
            for size in sizes:
                yield from _at(server, size, rounds)
            yield _in_turns(server, min(sizes), max(sizes), rounds)
        yield from _starts(home, max(sizes), rounds)
        with serving(home, auth=False) as server:
            path = f"/volumes/{volumes(server.port)[0]}"
            yield _reads(f"GET /volumes/{{id}}, without tokens, {sizes[-1]:,} volumes", server, path, rounds)
            made = list(_made(server.port, 8, 160, rounds, sizes[-1]))
            yield per_second(f"volumes created, 8 clients, without tokens, {sizes[-1]:,} volumes", made)


def _in_turns(large: Server, few: int, many: int, rounds: int) -> Figure:
    """Create on a server with few volumes and on one with many in turns: the machine is the same for both then."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as small:
        furnish(small.port)
        load.grow(small.port, few)
        rates = [_made(port, 8, 160, 2 * rounds, size) for port, size in ((large.port, many), (small.port, few))]
        ratios = [slow / fast for slow, fast in zip(*rates, strict=True)]
    name = f"volumes created a second, 8 clients, {many:,} volumes over {few:,} volumes, in turns"
    return Figure(name=name, unit="times", values=ratios, target=0.8, more_is_better=True)


def _at(server: Server, size: int, rounds: int) -> Iterator[Figure]:
    port, at = server.port, f"{size:,} volumes"
    load.grow(port, size)
    first = size == min(SIZES)
    last = size == max(SIZES)
    made = list(_made(port, 8, 160, rounds, size))
    target = 300 if first else None
    yield per_second(f"volumes created, 8 clients, {at}", made, target)
    yield per_second(f"volumes created, 1 client, {at}", list(_made(port, 1, 60, rounds, size)))
    if first or last:
        made = list(_made(port, 8, 160, rounds, size, fresh=True))
        yield per_second(f"volumes created, 8 clients, fresh connections, {at}", made)
    volume = f"/volumes/{volumes(port)[0]}"
    yield _reads(f"GET /volumes/{{id}}, {at}", server, volume, rounds, 6000)
    if first or last:
        yield _reads(f"GET /volumes/{{id}}, fresh connections, {at}", server, volume, rounds, fresh=True)
    if not last:
        return
    with creating(port):
        during = [load.read(port, volume) for _ in range(rounds)]
    load.shrink(port, size)
    yield per_second(f"GET /volumes/{{id}} beside creations, {at}", [each.per_second for each in during])
    p99 = [each.p99 for each in during]
    yield Figure(name=f"99 % of GET /volumes/{{id}} beside creations, {at}", unit="ms", values=p99, target=5)
    cluster = Client(port)("GET", "/clusters")[2].split(b'"')[3].decode()
    for path in ("/volumes", f"/clusters/{cluster}"):
        yield _reads(f"GET {path.replace(cluster, '{id}')}, {at}", server, path, rounds, 1000)
    client = Client(port)
    spent = [timed(lambda: client("GET", "/topology")) for _ in range(rounds)]
    yield Figure(name=f"GET /topology, {at}", unit="s", values=spent, target=0.5)
    for words, most in ((("volume", "list"), 0.6), (("topology", "info"), 1.5)):
        spent = [_cli(port, *words) for _ in range(rounds)]
        yield Figure(name=f"heketi-cli {' '.join(words)}, {at}", unit="s", values=spent, target=most)
    yield Figure(name=f"memory, {at}", unit="MiB", values=[server.memory()], target=250)


def _made(port: int, clients: int, count: int, rounds: int, size: int, *, fresh: bool = False) -> Iterator[float]:
    """Yield how many volumes were created a second; there are ``size`` at each beginning."""
    for _ in range(rounds):
        yield load.create(port, clients, count, fresh=fresh)
        load.shrink(port, size)


def _reads(
    name: str, server: Server, path: str, rounds: int, target: float | None = None, *, fresh: bool = False
) -> Figure:
    return per_second(name, [load.read(server.port, path, fresh=fresh).per_second for _ in range(rounds)], target)


def _starts(home: Path, size: int, rounds: int) -> Iterator[Figure]:
    spent, memory = [], []
    for _ in range(rounds):
        server = Server(home)
        spent.append(server.start())
        memory.append(server.memory())
        server.stop()
    yield Figure(name=f"start to the first answer, {size:,} volumes", unit="s", values=spent, target=3)
    yield Figure(name=f"memory after the start, {size:,} volumes", unit="MiB", values=memory, target=250)


@contextlib.contextmanager
def creating(port: int) -> Iterator[None]:
    """Let a client create volumes meanwhile."""
    worker = multiprocessing.Process(target=_create_for_ever, args=(port,), daemon=True)
    worker.start()
    time.sleep(1)
    try:
        yield
    finally:
        worker.terminate()
        worker.join()
        time.sleep(1)


def _create_for_ever(port: int) -> None:
    client = Client(port)
    while True:
        client.create()


def _cli(port: int, *words: str) -> float:
    environment = os.environ | {
        "HEKETI_CLI_SERVER": f"http://127.0.0.1:{port}",
        "HEKETI_CLI_USER": "admin",
        "HEKETI_CLI_KEY": KEY,
    }
    return timed(lambda: subprocess.run([BIN / "heketi-cli", *words], env=environment, check=True, capture_output=True))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
