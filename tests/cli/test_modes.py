"""The server's mode, from the command line to a running server and out of it again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

KEY = "k"


@pytest.fixture
def server(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["subprocess.Popen[bytes]"]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "heketi.json"
    jwt = {"admin": {"key": KEY}, "user": {"key": KEY}}
    glusterfs = {"executor": "mock", "db": str(tmp_path / "heketi.db")}
    config.write_text(json.dumps({"port": port, "jwt": jwt, "default_state": "read-only", "glusterfs": glusterfs}))
    program = [sys.executable, "-c", "from pyheketi.server import main; main()", f"--config={config}"]
    for name, value in {"SERVER": f"http://127.0.0.1:{port}", "USER": "admin", "KEY": KEY}.items():
        monkeypatch.setenv(f"HEKETI_CLI_{name}", value)
    with subprocess.Popen(program, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith(b"Listening"):
            assert process.poll() is None
        yield process
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def test_out_of_read_only_leads_a_signal(server: "subprocess.Popen[bytes]", cli: Cli) -> None:
    refused = cli(["cluster", "create"])
    assert (refused.exit, refused.stderr) == (255, "Error: Service disabled for maintenance\n")
    assert cli(["server", "mode", "set", "normal"]).exit == 255
    assert cli(["server", "mode", "get"]).stdout == "read-only\n"
    server.send_signal(signal.SIGUSR2)
    while cli(["server", "mode", "get"]).stdout == "read-only\n":
        time.sleep(0.05)
    assert cli(["server", "mode", "set", "local-client"]).exit == 0
    assert cli(["cluster", "create"]).exit == 0
    assert cli(["loglevel", "set", "debug"]).stdout == "Server log level updated\n"
    assert cli(["loglevel", "get"]).stdout == "debug\n"
