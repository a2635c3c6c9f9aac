"""The store alone: what commits, opening and loading cost, on SQLite in a folder of its own.

``PYHEKETI_BENCHMARK_STORE=postgresql+psycopg://…`` names an empty database that is measured instead.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.books import Books
from benchmarks.figure import Figure

SIZES = (1000, 10_000)
"""Volumes."""


def measure(rounds: int = 100, sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Return all figures."""
    if place := os.environ.get("PYHEKETI_BENCHMARK_STORE"):
        return asyncio.run(_measure(place, "PostgreSQL", rounds, sizes))
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(str(Path(folder) / "heketi.db"), "SQLite", rounds, sizes))


async def _measure(place: str, kind: str, rounds: int, sizes: Sequence[int]) -> list[Figure]:
    books = await Books.open(place)
    try:
        return [
            replace(each, name=f"{kind}: {each.name}, {size:,} volumes")
            for size in sizes
            async for each in _at(books, size, rounds)
        ]
    finally:
        await books.store.aclose()


async def _at(books: Books, size: int, rounds: int) -> AsyncIterator[Figure]:
    """Yield what is measured at a number of volumes; those that are made meanwhile are deleted again."""
    await books.grow(size)
    spent: dict[str, list[float]] = {}
    for _ in range(rounds):
        changes, planned = books.plan_creation()
        _note(spent, "commit at the begin of a creation", await books.write(changes, [planned]))
        changes, done = books.end_of_creation(planned)
        _note(spent, "commit at the end of a creation", await books.write(changes, [done]))
        changes, planned = books.plan_deletion(done.subject)
        await books.write(changes, [planned])
        changes, done = books.end_of_deletion(planned)
        _note(spent, "commit at the end of a deletion", await books.write(changes, [done]))
    for _ in range(5):
        await books.store.aclose()
        began = time.perf_counter()
        await books.reopen()
        _note(spent, "open", time.perf_counter() - began)
        began = time.perf_counter()
        await books.store.load()
        _note(spent, "load", time.perf_counter() - began)
    for what, seconds in spent.items():
        yield Figure(name=what, unit="ms", values=[each * 1000 for each in seconds])


def _note(spent: dict[str, list[float]], what: str, seconds: float) -> None:
    spent.setdefault(what, []).append(seconds)
