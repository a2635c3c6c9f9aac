"""The store in an SQL database, SQLite or PostgreSQL.

One connection, used by one thread: commits have one order, and the event loop never waits for a disk. What differs
between the databases is in ``sqlite`` and ``postgresql``; from here on it is the same SQL.
"""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.domain.entities import Entity
from pyheketi.operations.operation import Operation
from pyheketi.store import failures, migrations, rows, tables
from pyheketi.store.base import END_OF_TIME, Loaded

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database that is ours until it is released."""

    name: str
    """For error texts: path or address, without a password."""
    engine: sa.Engine
    """Its transactions begin by ``begin`` only, and its connections are not pooled."""
    release: Callable[[], None]
    """Gives up the ownership; called after the last connection is closed."""
    upgrade: bool = True
    """Whether its schema may be brought up to date."""


class SqlStore:
    """A store in an SQL database. Made by ``open_database``."""

    def __init__(self, database: Database, connection: sa.Connection, worker: ThreadPoolExecutor) -> None:
        """``worker`` has one thread, and ``connection`` was made by it."""
        self._database, self._connection, self._worker = database, connection, worker
        self._mark = "?" if database.engine.dialect.paramstyle == "qmark" else "%s"
        self._closed = False

    async def load(self) -> Loaded:
        """Return everything that matters at start-up."""
        return await self._run(self._load)

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        """Write changes and operations in one transaction; return the new revision. See ``Store.commit``.

        When the connection breaks during the very commit, nobody can know whether it was written. The error says so
        by being followed by ``StaleRevision`` at the next commit, if it was.
        """
        return await self._run(lambda: self._commit(changes, operations, expected))

    async def operation(self, id_: str) -> Operation | None:
        """Return an operation by id, finished ones included."""
        found = await self._run(lambda: self._query(tables.SELECT_OPERATION, id_))
        with failures.readable(self._database.name):
            return rows.operation_from_row(found[0]) if found else None

    async def history(
        self, *, limit: int, since: float = 0, before: tuple[float, str] = END_OF_TIME
    ) -> Sequence[Operation]:
        """Return operations that have ended; see ``Store.history``."""
        at, id_ = before
        found = await self._run(lambda: self._query(tables.SELECT_HISTORY, since, at, at, id_, limit))
        with failures.readable(self._database.name):
            return [rows.operation_from_history(row) for row in found]

    async def backup(self) -> bytes | None:
        """Return a copy of everything as an SQLite file; None if the database is none."""
        return await self._run(self._serialize) if self._connection.dialect.name == "sqlite" else None

    async def forget_finished(self, before: float) -> int:
        """Delete operations that finished before a time (seconds since the epoch); return how many."""
        return await self._run(lambda: self._forget(before, tables.FORGET_FINISHED))

    async def forget_history(self, before: float) -> int:
        """Delete what is old in the history; return how much."""
        return await self._run(lambda: self._forget(before, tables.FORGET_HISTORY))

    async def aclose(self) -> None:
        """Close the database and give up its ownership. May be called twice."""
        if not self._closed:
            self._closed = True
            try:
                close = functools.partial(_close, [(self._database, self._connection)])
                await _in_thread(self._worker, self._database.name, close)
            finally:
                self._worker.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise errors.StoreError(f"Database {self._database.name} is closed.")
        return await _in_thread(self._worker, self._database.name, work)

    # -- in the worker's thread ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Callable[..., sa.CursorResult[Any]]]:
        """Begin; yield what runs a statement of ``tables`` for a row or for a list of rows; commit, or roll back."""
        connection, mark = self._connection, self._mark
        with connection.begin():
            yield lambda text, values=(): connection.exec_driver_sql(text.replace("?", mark), values)

    def _query(self, text: str, *values: object) -> Sequence[rows.Row]:
        with self._transaction() as run:
            return run(text, values).all()

    def _commit(self, changes: Sequence[Change], operations: Sequence[Operation], expected: int) -> int:
        with self._transaction() as run:
            if run(tables.ADVANCE_REVISION, (expected + 1, expected)).rowcount != 1:
                present = run(tables.SELECT_REVISION).scalar_one()
                raise errors.StaleRevision(
                    f"Database {self._database.name} is at revision {present}, this server is at {expected}: another"
                    " server has written to it. Nothing was written now. Make sure that only one server runs, and start"
                    " it again."
                )
            for text, values in rows.writes(changes, operations):
                run(text, values if len(values) > 1 else values[0])
        return expected + 1

    def _serialize(self) -> bytes:
        connection: Any = self._connection.connection.dbapi_connection
        return bytes(connection.serialize())

    def _forget(self, before: float, statement: str) -> int:
        with self._transaction() as run:
            return run(statement, (before,)).rowcount

    def _load(self) -> Loaded:
        with self._transaction() as run:
            revision = run(tables.SELECT_REVISION).scalar_one()
            generation = run(tables.SELECT_GENERATION).scalar_one()
            with failures.readable(self._database.name):
                entities = tuple(_entities(run))
                unfinished = tuple(map(rows.operation_from_row, run(tables.SELECT_UNFINISHED)))
        return Loaded(entities=entities, unfinished=unfinished, revision=revision, generation=generation)


def _entities(run: Callable[..., sa.CursorResult[Any]]) -> Iterator[Entity]:
    def each(select: str) -> Iterator[rows.Row]:  # by the thousand: one by one, each costs a call
        return itertools.chain.from_iterable(run(select).partitions(1000))

    hosts = rows.hosts_from_rows(each(tables.SELECT_HOSTS))
    yield from map(rows.cluster_from_row, each(tables.CLUSTERS.select))
    yield from (rows.node_from_row(row, hosts) for row in each(tables.NODES.select))
    yield from map(rows.device_from_row, each(tables.DEVICES.select))
    yield from map(rows.volume_from_row, each(tables.VOLUMES.select))
    yield from map(rows.brick_from_row, each(tables.BRICKS.select))
    yield from map(rows.block_volume_from_row, each(tables.BLOCK_VOLUMES.select))


async def open_database(name: str, make: Callable[[], Database]) -> SqlStore:
    """Open a database, bring its schema up to date, and return the store. ``make`` runs in the store's thread.

    Raises:
        StoreLocked: another server owns it.
        StoreError: it cannot be opened, is no database of ours, or was written by a newer version.
    """
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
    opened: list[tuple[Database, sa.Connection]] = []
    try:
        await _in_thread(worker, name, lambda: opened.append(_open(make)))
    except BaseException:
        # If this was cancelled, the thread may be opening still: it closes what it opened as soon as it has.
        worker.submit(_close, opened)
        worker.shutdown(wait=False)
        raise
    return SqlStore(*opened[0], worker)


async def _in_thread(worker: ThreadPoolExecutor, name: str, work: Callable[[], T]) -> T:
    def guarded() -> T:
        with failures.told(name):
            return work()

    return await asyncio.get_running_loop().run_in_executor(worker, guarded)


def _open(make: Callable[[], Database]) -> tuple[Database, sa.Connection]:
    database = make()
    try:
        connection = database.engine.connect()
        try:
            with connection.begin():
                prepare = migrations.migrate if database.upgrade else migrations.require_latest
                prepare(connection, database.name)
        except BaseException:
            connection.close()
            raise
    except BaseException:
        database.release()
        raise
    return database, connection


def _close(opened: Sequence[tuple[Database, sa.Connection]]) -> None:
    for database, connection in opened:
        try:
            connection.close()
        finally:
            database.release()
