"""Copies of the database, sent away soon after changes and never in the way of a request (executors.md §13).

Changes that come together are sent together. What could not be sent is tried again; when the server stops, the last
state is sent before the database is closed.
"""

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pyheketi.store import copying
from pyheketi.store.base import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPauses:
    """Seconds between one thing and another."""

    gather: float = 1.0
    """From a change to the copy, in which others join it."""
    retry: float = 5.0
    """From a failure to the next try; doubled each time."""
    longest: float = 300.0
    """Between tries at most."""
    last: float = 10.0
    """For the last copy when the server stops."""


class Backups:
    """Keeps a copy elsewhere in step with the database."""

    def __init__(
        self,
        store: Store,
        put: Callable[[bytes], Awaitable[None]],
        *,
        limit: int,
        pauses: BackupPauses = BackupPauses(),
    ) -> None:
        """Begin at the first change, not now: an empty database, after a loss, must not replace a good copy.

        Args:
            store: the database.
            put: takes a gzip-ed SQLite file, and replaces the copy.
            limit: bytes that ``put`` can take.
            pauses: between changes and copies.
        """
        self._store, self._put, self._limit, self._pauses = store, put, limit, pauses
        self._due = asyncio.Event()
        self._sending = asyncio.Lock()
        self._task = asyncio.create_task(self._follow())

    def changed(self) -> None:
        """Tell that the database has changed."""
        self._due.set()

    async def aclose(self) -> None:
        """Send what has not been sent, in a bounded time, and stop."""
        try:
            async with asyncio.timeout(self._pauses.last):
                async with self._sending:  # one under way ends first
                    self._task.cancel()
                if self._due.is_set():
                    await self._send()
        except TimeoutError:
            _log.error("Backup failed: the last copy could not be sent within %g s", self._pauses.last)
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        pause = self._pauses.gather
        while True:
            await self._due.wait()
            await asyncio.sleep(pause)
            async with self._sending:
                sent = await self._send()
            worse = max(self._pauses.retry, pause * 2)
            pause = self._pauses.gather if sent else min(worse, self._pauses.longest)

    async def _send(self) -> bool:
        """Send a copy; return whether it need not be tried again."""
        self._due.clear()  # what changes from here on is for the next one
        try:
            copy = await self._copy()
            if len(copy) > self._limit:
                _log.error(
                    "Backup failed: the copy has %d bytes, only %d can be kept there. Fetch it with GET /backup/db"
                    " instead, and turn backup_db_to_kube_secret off",
                    len(copy),
                    self._limit,
                )
                return True
            await self._put(copy)
        except Exception as error:  # whatever it is, the server goes on without  # noqa: BLE001
            _log.error("Backup failed, it will be tried again: %s", error)
            self._due.set()
            return False
        _log.info("Backup successful")
        return True

    async def _copy(self) -> bytes:
        """Return everything; without what is finished if that would be too much."""
        whole = await self._store.backup()
        packed = await _pack(whole) if whole else b""
        if packed and len(packed) <= self._limit:
            return packed
        return await _pack(await copying.copied(await self._store.load()))


async def _pack(copy: bytes) -> bytes:
    return await asyncio.to_thread(gzip.compress, copy, mtime=0)
