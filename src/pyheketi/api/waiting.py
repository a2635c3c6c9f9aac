"""``Prefer: wait=…`` (RFC 7240): clients that would rather wait for an answer than ask for it again and again."""

import asyncio
import re
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

from starlette.types import Receive

MOST = 30
"""Seconds that a client may wait; proxies usually give up after 60."""

_MEMBER = re.compile(rb'((?:[^",]|"(?:[^"\\]|\\.)*+")*+)(?:,|$)', re.DOTALL)
"""A preference with its parameters: up to a comma that is not within quotes."""
_NAME = re.compile(rb"[ \t]*wait[ \t]*(?:[=;]|$)", re.IGNORECASE)
_WAIT = re.compile(rb'[ \t]*wait[ \t]*=[ \t]*("?)([0-9]+)\1[ \t]*(?:;.*)?', re.IGNORECASE | re.DOTALL)


class Left(Exception):  # nobody is there to hear it
    """The client went away in the middle of its request; the text goes on after the request's name."""


def wished(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return how many seconds a client that sent these headers may wait; None if it does not wish to.

    As RFC 7240 says, the first preference of that name counts, and one that makes no sense is as none. A quote that
    does not end hides what comes behind it.
    """
    for name, value in headers:
        if name == b"prefer":
            for member in _members(value):
                if _NAME.match(member):
                    wait = _WAIT.fullmatch(member)
                    return int(min(MOST, float(wait[2]))) if wait else None
    return None


def _members(value: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(value) and (member := _MEMBER.match(value, place)):
        yield member[1]
        place = member.end()


async def while_there(waiting: Coroutine[Any, Any, bool], receive: Receive) -> bool:
    """Return what comes of waiting. Raises ``Left`` as soon as the client has left; nothing goes on for it then."""
    tasks = asyncio.create_task(waiting), asyncio.create_task(_departure(receive))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise Left("was not answered: its client left while it waited")
        return tasks[0].result()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
