"""The server runs out of file descriptors: it goes on with what it has, and takes all clients again afterwards."""

import contextlib
import resource
import socket
import time
from pathlib import Path

from tests.process.client import Client
from tests.process.crowd import Crowd
from tests.process.slow import SLOW, furnished
from tests.served import serving

ROOM = 12
"""Descriptors beyond those of a server at rest."""


def open_files(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def test_more_connections_than_descriptors(tmp_path: Path) -> None:
    furnished(tmp_path)
    with serving(tmp_path, SLOW) as running, contextlib.ExitStack() as connections:
        crowd, process = Crowd(6), running.process
        at_rest, hard = open_files(process.pid), resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (at_rest + ROOM, hard))
        crowd.come(running.port)
        idle = [connections.enter_context(socket.create_connection(("127.0.0.1", running.port))) for _ in range(200)]
        time.sleep(1)
        assert process.poll() is None
        assert open_files(process.pid) >= at_rest + ROOM - 2
        for each in idle:
            each.close()
        crowd.go()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        crowd.settle(running.port)
        with Client(running.port) as client:
            assert client("GET", "/clusters")[0] == 200
    assert crowd.trouble == []
    log = (tmp_path / "server.log").read_text()
    assert len(log) < 100_000, "a line for each connection that could not be taken fills the disk"
    assert log.count("Traceback") == 0, log[:3000]
