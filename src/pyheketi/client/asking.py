"""What all clients of the server's API are made of: a connection, and models in place of JSON."""

from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from pyheketi.client.connection import NO_CONTENT, Connection
from pyheketi.client.errors import BadAnswer
from pyheketi.wire import base

_Model = TypeVar("_Model", bound=base.WireModel)


class Asking:
    """A server and how to reach it.

    All methods raise ``ClientError``: ``ServerError`` with the server's text, ``TransportError`` if there was no
    answer, ``BadAnswer`` if it makes no sense.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def executor(self) -> str:
        """What the server's nodes are made of, as far as it has said; ``mock`` are simulated ones."""
        return self._connection.executor

    def _get(self, model: type[_Model], path: str) -> _Model:
        return decoded(model, self._connection.call("GET", path))

    def _finish(self, method: str, path: str, body: base.WireModel | None = None) -> None:
        document = b"" if body is None else base.dump(body)
        self._connection.job(method, path, document, expect=NO_CONTENT)


def path(*segments: str) -> str:
    """Return a path; ids are whatever the user typed, so they are quoted."""
    return "".join(f"/{quote(segment, safe='', errors='surrogateescape')}" for segment in segments)


def decoded(model: type[_Model], document: bytes) -> _Model:
    """Read an answer. Raises ``BadAnswer``."""
    try:
        return base.parse(model, document)
    except base.Malformed as error:
        raise BadAnswer(str(error)) from error
