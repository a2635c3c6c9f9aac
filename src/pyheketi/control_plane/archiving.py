"""Backups of the database file, now and then and never in the way of a request."""

import asyncio
import logging
import time
from collections.abc import Callable

from pyheketi.domain import errors
from pyheketi.store.archive import Archive
from pyheketi.store.base import Store

_log = logging.getLogger(__name__)


class Archiving:
    """Keeps an archive up to date."""

    def __init__(
        self,
        store: Store,
        archive: Archive,
        *,
        every: float,
        first: float = 60.0,
        retry: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Wait for ``watch``.

        Args:
            store: the database.
            archive: its backups.
            every: seconds from one backup to the next.
            first: seconds from the start to the first one, if it is due by then.
            retry: seconds from a failure to the next try, at most.
            clock: seconds since the epoch.
        """
        self._store, self._archive, self._clock = store, archive, clock
        self._every, self._first, self._retry = every, first, min(retry, every)
        self.good_at: float | None = None
        """When there was last a good backup of all there is, seconds since the epoch; None if there is none."""

    async def watch(self) -> None:
        """Make a backup when one is due, for ever."""
        latest = await asyncio.to_thread(self._archive.newest_good)
        self.good_at = latest.good_at if latest else None
        pause = max(self._first, self._due())
        while True:
            await asyncio.sleep(pause)
            made = await self.make()
            pause = self._every if made else self._retry

    def _due(self) -> float:
        """Return the seconds until the next backup; none if a clock that jumped back says that there is no hurry."""
        if self.good_at is None or self.good_at > self._clock():
            return 0
        return self.good_at + self._every - self._clock()

    async def make(self) -> bool:
        """Make a backup, unless the latest holds the same; tell whether all is well. Nothing is raised."""
        try:
            contents = await self._store.backup()
            if contents is None:
                return True  # it is no file, and has backups of its own
            backup = await asyncio.to_thread(self._kept, contents)
        except errors.Error as error:
            _log.error("Backup of the database failed, it will be tried again: %s", error)
            return False
        if backup is not None:
            self.good_at = backup
        return True

    def _kept(self, contents: bytes) -> float | None:
        before = set(self._archive.paths())
        backup = self._archive.keep(contents, self._clock())
        if backup is None:
            return None
        if backup.path not in before:
            _log.info("Backup of the database: %s (%d KiB)", backup.path, len(contents) // 1024)
        return backup.good_at
