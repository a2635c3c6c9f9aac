"""Our server as a process of its own, on simulated nodes and a free port."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SETTINGS: Mapping[str, Any] = {
    "bind_address": "127.0.0.1",
    "use_auth": True,
    "jwt": {"admin": {"key": "adminkey"}, "user": {"key": "userkey"}},
    "glusterfs": {
        "executor": "mock",
        "loglevel": "warning",
        "auto_create_block_hosting_volume": True,
        "block_hosting_volume_size": 100,
        "brick_min_size_gb": 1,
    },
}


@dataclass(frozen=True)
class Running:
    """A server of ours."""

    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


@contextlib.contextmanager
def serving(folder: Path, settings: Mapping[str, Any] = SETTINGS) -> Iterator[Running]:
    """Run our server on a free port with these settings, on simulated nodes, the same way each time."""
    with starting(folder, settings) as running:
        _await(running, folder / "server.log")
        yield running


@contextlib.contextmanager
def starting(folder: Path, settings: Mapping[str, Any] = SETTINGS, log: Path | None = None) -> Iterator[Running]:
    """As ``serving``, but do not wait until it answers; it writes to ``log``, or to ``server.log`` in the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    glusterfs = {**settings["glusterfs"], "db": str(folder / "heketi.db"), "seed": 1}
    config = folder / "heketi.json"
    config.write_text(json.dumps({**settings, "port": str(port), "glusterfs": glusterfs}))
    output = (log or folder / "server.log").open("wb")
    code = "from pyheketi.main import main; main()"
    server = subprocess.Popen([sys.executable, "-c", code, f"--config={config}"], stdout=output, stderr=output)
    url = f"{'https' if settings.get('enable_tls') else 'http'}://127.0.0.1:{port}"
    try:
        yield Running(url, server)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
        output.close()


def answers(url: str) -> bool:
    """Tell whether a server is there. A connection alone may be one to itself, on a port that nobody has."""
    trusting = ssl._create_unverified_context()
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/hello", timeout=5, context=trusting) as answer:
        return bool(answer.status == 200)
    return False


def _await(running: Running, log: Path) -> None:
    for _ in range(300):
        if running.process.poll() is not None:
            pytest.fail(f"the server has ended:\n{log.read_text()}")
        if answers(running.url):
            return
        time.sleep(0.1)
    pytest.fail(f"the server does not answer:\n{log.read_text()}")
