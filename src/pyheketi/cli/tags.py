"""``settags`` and ``rmtags`` of nodes and devices (cli.md §6.2)."""

from collections.abc import Callable, Sequence

from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.client.client import Client
from pyheketi.wire.nodes import TagsChange

Change = Callable[[Client, str, TagsChange], None]


def set_of_node(session: Session) -> None:
    """Give a node tags."""
    _set(session, Client.change_node_tags)


def set_of_device(session: Session) -> None:
    """Give a device tags."""
    _set(session, Client.change_device_tags)


def remove_from_node(session: Session) -> None:
    """Take tags off a node."""
    _remove(session, Client.change_node_tags)


def remove_from_device(session: Session) -> None:
    """Take tags off a device."""
    _remove(session, Client.change_device_tags)


def _set(session: Session, change: Change) -> None:
    with connect(session) as client:
        name, words = _arguments(session)
        if not words:
            raise Problem("at least one tag:value pair expected")
        how = "set" if session.switch("exact") else "update"
        change(client, name, TagsChange(tags=dict(map(_pair, words)), change_type=how))


def _remove(session: Session, change: Change) -> None:
    with connect(session) as client:
        name, words = _arguments(session)
        if session.switch("all"):
            if words:
                raise Problem("--all may not be combined with named tags")
            change(client, name, TagsChange(tags={}, change_type="set"))
            return
        if not words:
            raise Problem("at least one tag expected")
        change(client, name, TagsChange(tags=dict.fromkeys(words, ""), change_type="delete"))


def _arguments(session: Session) -> tuple[str, Sequence[str]]:
    if not session.arguments:
        raise Problem("id required")
    return session.arguments[0], session.arguments[1:]


def _pair(word: str) -> tuple[str, str]:
    name, colon, value = word.partition(":")
    if not colon:
        raise Problem(f"expected colon (:) between tag name and value, got: {word}")
    return name, value
