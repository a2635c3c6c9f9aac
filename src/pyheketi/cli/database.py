"""``heketi-cli db`` (cli.md §6.6)."""

from pyheketi.cli.connect import connect
from pyheketi.cli.session import Session


def dump(session: Session) -> None:
    """Print the whole database."""
    with connect(session) as client:
        document = client.database_dump()
    session.write(document.decode("utf-8", "replace"))


def check(session: Session) -> None:
    """Print what is wrong in the database."""
    with connect(session) as client:
        document = client.database_check()
    session.write(document.decode("utf-8", "replace"))
