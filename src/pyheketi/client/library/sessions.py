"""Connections of ``HeketiClient``: its own for each thread and process, none that was left too long."""

import os
import threading
import time
import weakref
from typing import Self

import requests

from pyheketi.client.library.protocol import IDLE_SECONDS


class _Own(threading.local):
    """What belongs to one thread."""

    session: requests.Session | None = None
    process: int = 0
    """A forked process must not write into its parent's connections."""
    used: float = 0.0


class Sessions:
    """Hands out connections. They end with their thread; copies of this begin without any."""

    def __init__(self) -> None:
        self._own = _Own()
        self._all: weakref.WeakSet[requests.Session] = weakref.WeakSet()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()

    def mine(self) -> requests.Session:
        """Return the connections of the calling thread."""
        own, now = self._own, time.monotonic()
        if own.session is None or own.process != os.getpid():
            own.session, own.process = _session(), os.getpid()
            self._all.add(own.session)
        elif now - own.used > IDLE_SECONDS:
            own.session.close()  # only what it holds: it opens new ones
        own.used = now
        return own.session

    def rest(self) -> None:
        """Note that the calling thread's connections are used no more from now on; the request may have been long."""
        self._own.used = time.monotonic()

    def close(self) -> None:
        """Close the connections of all threads; ``mine`` opens new ones."""
        self._own = _Own()
        while self._all:
            try:
                self._all.pop().close()
            except KeyError:  # its thread has just ended
                return


def _session() -> requests.Session:
    session = requests.Session()
    session.auth = _signed_already
    return session


def _signed_already(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the token: requests would put what ``~/.netrc`` or the address has for the host in its place."""
    return request
