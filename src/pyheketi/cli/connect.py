"""The way from a command line to the server: it takes time to load, which mistakes in the command line need not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyheketi.cli.session import Session
from pyheketi.client.errors import ServerError

if TYPE_CHECKING:
    from pyheketi.client.client import Client
    from pyheketi.client.connection import Connection
    from pyheketi.client.upkeep import Upkeep


def connect(session: Session) -> "Client":
    """Return a client for the server that the session names; nothing is sent yet.

    Raises:
        TlsFileError: if a certificate file cannot be used.
    """
    from pyheketi.client.client import Client  # noqa: PLC0415

    return Client(_connection(session))


def look_after(session: Session) -> "Upkeep":
    """Return a client for what that server tells of itself. Raises as ``connect``."""
    from pyheketi.client.upkeep import Upkeep  # noqa: PLC0415

    return Upkeep(_connection(session))


def _connection(session: Session) -> "Connection":
    from pyheketi.client.connection import Account, Connection  # noqa: PLC0415
    from pyheketi.client.tls import Trust  # noqa: PLC0415

    session.connection = Connection(
        session.server,
        Account(user=session.user, key=session.secret),
        Trust(certificates=session.texts("tls-cert"), insecure=session.switch("insecure-tls")),
        progress=session.terminal.progress,
    )
    return session.connection


@contextmanager
def beyond_heketi(said: str = "") -> Iterator[None]:
    """Ask for what a Heketi server does not offer, and say so if it is not found; only with these words if given."""
    try:
        yield
    except ServerError as error:
        if error.status == 404 and said in str(error):
            error.add_note("A Heketi server does not offer this: it takes pyheketi's.")
        raise
