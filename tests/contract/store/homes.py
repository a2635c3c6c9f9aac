"""Where stores live during tests: what is opened again and again."""

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pyheketi.store.base import Store
from pyheketi.store.memory import MemoryDatabase, MemoryStore
from pyheketi.store.opening import open_store


class Home(Protocol):
    """A database that outlives the stores that open it."""

    names_owner: bool
    """Whether whoever is refused hears who the owner is."""

    async def open(self) -> Store: ...


@dataclass
class Memory:
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    names_owner = False

    async def open(self) -> Store:
        return MemoryStore(self.database)


@dataclass
class Sql:
    place: str
    names_owner = True

    async def open(self) -> Store:
        return await open_store(self.place)


@asynccontextmanager
async def opened(home: Home) -> AsyncIterator[Store]:
    store = await home.open()
    try:
        yield store
    finally:
        await store.aclose()


def child(program: str, args: Sequence[str]) -> "subprocess.Popen[str]":
    """Start Python code from ``tests/contract/store`` as a process; it says ``ready`` when it is."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(program)), *args],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
