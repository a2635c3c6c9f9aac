"""``db_read_only``: a whole server that answers and changes nothing."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.served import SETTINGS, serving

READING: Mapping[str, Any] = {**SETTINGS, "glusterfs": {**SETTINGS["glusterfs"], "db_read_only": True}}


@pytest.fixture
def cli(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("HEKETI_CLI_USER", "admin")
    monkeypatch.setenv("HEKETI_CLI_KEY", "adminkey")
    return cli


@pytest.fixture
def furnished(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the topology with one device of a server that has ended."""
    with serving(tmp_path) as server:
        monkeypatch.setenv("HEKETI_CLI_SERVER", server.url)
        cluster = json.loads(cli(["cluster", "create", "--json"]).stdout)["id"]
        node = ["--zone=1", f"--cluster={cluster}", "--management-host-name=n", "--storage-host-name=10.0.0.1"]
        id_ = json.loads(cli(["node", "add", *node, "--json"]).stdout)["id"]
        assert cli(["device", "add", "--name=/dev/sdb", f"--node={id_}"]).exit == 0
        return cli(["topology", "info", "--json"]).stdout


def test_questions_are_answered_and_changes_refused(
    cli: Cli, furnished: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "heketi.db"
    before = database.read_bytes()
    with serving(tmp_path, READING) as server:
        monkeypatch.setenv("HEKETI_CLI_SERVER", server.url)
        assert cli(["topology", "info", "--json"]).stdout == furnished
        refusal = "Error: Service disabled for maintenance\nThe database is open for reading only (db_read_only).\n"
        device = json.loads(furnished)["clusters"][0]["nodes"][0]["devices"][0]["id"]
        for words in (["cluster", "create"], ["device", "resync", device], ["server", "mode", "set", "normal"]):
            refused = cli(words)
            assert (refused.exit, refused.stderr) == (255, refusal), words
        assert cli(["server", "mode", "get"]).stdout == "read-only\n"
        server.process.send_signal(signal.SIGUSR2)
        log = tmp_path / "server.log"
        while "Mode stays read-only" not in log.read_text():
            assert server.process.poll() is None
        assert cli(["server", "mode", "get"]).stdout == "read-only\n"
        assert cli(["cluster", "create"]).stderr == refusal
        assert cli(["db", "dump"]).exit == 0
    assert database.read_bytes() == before
    assert not database.with_name("heketi.db-wal").exists()
