"""Who is asking now: told once for a request, and written down with every operation that the request begins.

What a request sets in motion knows it, too, evictions of a removal for one. Chores of the server have no asker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pyheketi.operations.operation import NOBODY, Asker

_ASKER: ContextVar[Asker] = ContextVar("asker", default=NOBODY)


@contextmanager
def asked_by(asker: Asker) -> Iterator[None]:
    """Do what a client asks for."""
    token = _ASKER.set(asker)
    try:
        yield
    finally:
        _ASKER.reset(token)


def asker() -> Asker:
    """Return who asks for what is done now."""
    return _ASKER.get()
