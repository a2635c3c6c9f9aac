"""Whether a server, its database and its simulated nodes agree."""

import contextlib
import io
from pathlib import Path

from tests.process.client import KEY, Client

from pyheketi.cli import main as heketi_cli
from pyheketi.maintenance import commands as heketi


def require_consistent(database: Path) -> None:
    """``heketi db consistency-check`` finds nothing in a database that no server has open."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = heketi.run(["db", "consistency-check", f"--dbfile={database}", "--fail", "--explain"])
    assert status == 0, said.getvalue()


def require_agreement(client: Client) -> None:
    """A running server that is quiet finds no contradiction, and on its nodes what the database says and no more."""
    assert client.json("/db/check")["totalinconsistencies"] == 0
    assert client.json("/internal/state/orphans")["bricks"] == []
    how = [f"--server=http://127.0.0.1:{client.port}", "--user=admin", f"--secret={KEY}"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = heketi_cli.run(["server", "state", "compare", "--bricks", *how])
    assert status == 0, said.getvalue()
