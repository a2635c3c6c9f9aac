"""SIGHUP: the settings are read again while the server runs. All or nothing: one fault, and everything stays as it is.

A server that somebody started at a terminal gets the same signal when that is closed; then it stops, as by SIGTERM.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable

from pyheketi.api.certificate import Certificate, Pair
from pyheketi.config import changes
from pyheketi.config.load import ConfigError, Loaded
from pyheketi.config.settings import Settings
from pyheketi.telemetry import log

_log = logging.getLogger(__name__)

UNCHANGED = "The settings stay as they are"


class Reloading:
    """Reads settings again, and puts in force what can be without a restart."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Loaded],
        apply: Callable[[Settings, Settings], None],
        shown: Certificate | None,
    ) -> None:
        """Know what is in force.

        Args:
            settings: those the server was started with.
            read: reads them again; raises ``ConfigError``.
            apply: puts settings in force; takes those that were and those that are to be. Must not fail.
            shown: what connections are shown; None without TLS.
        """
        self._settings, self._read, self._apply, self._shown = settings, read, apply, shown

    async def again(self) -> None:
        """Read the settings and say in the log what came of it; the server goes on, whatever it is."""
        try:
            loaded, pair = await asyncio.to_thread(self._look)
        except ConfigError as error:
            for fault in error.faults:
                _log.error("%s", fault)
            _log.error("%s: what was read has the faults above. Mend them and send SIGHUP once more", UNCHANGED)
            return
        for warning in loaded.warnings:
            _log.warning("%s", warning)
        found = changes.compare(self._settings, loaded.settings)
        before, self._settings = self._settings, changes.in_force(self._settings, loaded.settings)
        self._apply(before, self._settings)
        renewed = bool(self._shown and pair and self._shown.renew(pair))
        now = (*found.now, *["a renewed certificate"] * renewed)
        _log.info("%s", _told(now, found.later))

    def _look(self) -> tuple[Loaded, Pair | None]:
        """Return the settings, and the certificate if one is shown. Raises ``ConfigError``."""
        loaded = self._read()
        if not self._shown or not loaded.settings.enable_tls:
            return loaded, None
        new = changes.in_force(self._settings, loaded.settings)
        try:
            return loaded, self._shown.look(new.cert_file, new.key_file)
        except ValueError as error:
            raise ConfigError((str(error),)) from error


def _told(now: tuple[str, ...], later: tuple[str, ...]) -> str:
    if not now and not later:
        return "Settings read again: nothing has changed"
    parts = [
        f"now in force: {', '.join(now)}" if now else "nothing new is in force",
        *([f"after a restart: {', '.join(later)}"] if later else []),
    ]
    return f"Settings read again; {'; '.join(parts)}"


class Hangups:
    """Receives SIGHUP from the start on, and answers when there is something to answer with."""

    def __init__(self) -> None:
        """Remember the terminal, if there is one and SIGHUP is not ignored on purpose, as by ``nohup``."""
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._terminal = not ignored and _has_terminal()
        self._outputs = [number for number in (1, 2) if os.isatty(number)]
        self._came = asyncio.Event()

    def receive(self) -> None:
        """Let SIGHUP come, also one that was held back since the program began."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._came.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    async def answer(self, again: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """Read settings again whenever it was asked for, or stop because the terminal is gone."""
        while True:
            await self._came.wait()
            self._came.clear()
            if self._terminal and not _has_terminal():
                self._fall_silent()
                stop.set()
                return
            try:
                await again()
            except Exception:  # a bug must not take the next answer away, let alone the server  # noqa: BLE001
                _log.exception("%s: reading them again failed unexpectedly", UNCHANGED)

    def _fall_silent(self) -> None:
        """Write nothing more to a terminal that is gone: that fails, and there is something to be ended in order."""
        _log.warning("The terminal is gone, the server stops")
        log.silence(*self._outputs)


def _has_terminal() -> bool:
    """Tell whether the process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
