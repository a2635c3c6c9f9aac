"""Clients that wait at ``/queue/{id}``, on connections: the server stops, reads its settings again, or they leave."""

import contextlib
import http.client
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.process.client import KEY, Client
from tests.process.comparing import require_consistent
from tests.process.crowd import REPLICA_3
from tests.served import SETTINGS, Running, serving

from pyheketi.client import tokens

VOLUME = {"size": 1, "durability": REPLICA_3}
CROWD = 100
LEFT = "was not answered: its client left while it waited"


def settings(seconds: float) -> Mapping[str, Any]:
    """Return those of a server whose volumes take so many seconds to start, and which does not wait for that."""
    pause = {"Cmd": "volume start", "Result": ".*", "Reaction": {"Pause": seconds}}
    inject = {"command_injection": {"results": [pause]}}
    glusterfs = {**SETTINGS["glusterfs"], "executor": "inject/mock", "injectexec": inject, "loglevel": "info"}
    return {**SETTINGS, "glusterfs": glusterfs, "shutdown_grace_seconds": 0}


@contextlib.contextmanager
def at_work(folder: Path, seconds: float) -> Iterator[tuple[Running, str]]:
    """Run a server on which a volume is being made; yield it, and the place of the job."""
    with serving(folder, settings(seconds)) as running, Client(running.port) as client:
        client.furnish()
        yield running, client.job("POST", "/volumes", VOLUME)


def question(place: str, wait: int) -> bytes:
    token = tokens.bearer("admin", KEY, "GET", place, time.time())
    return f"GET {place} HTTP/1.1\r\nHost: h\r\nAuthorization: {token}\r\nPrefer: wait={wait}\r\n\r\n".encode()


class Waiting:
    """Clients that have asked, and wait."""

    def __init__(self, running: Running, place: str, count: int) -> None:
        self.sockets = [socket.create_connection(("127.0.0.1", running.port), timeout=60) for _ in range(count)]
        for each in self.sockets:
            each.sendall(question(place, 30))
        with Client(running.port) as client:  # when that is answered, all of the others have come
            for _ in range(3):
                client("GET", "/clusters")

    def hear(self) -> Counter[tuple[int, str | None, str | None]]:
        """Return status, ``X-Pending`` and ``Preference-Applied`` of all answers."""
        heard: Counter[tuple[int, str | None, str | None]] = Counter()
        for each in self.sockets:
            with each:
                answer = http.client.HTTPResponse(each)
                answer.begin()
                heard[answer.status, answer.headers["X-Pending"], answer.headers["Preference-Applied"]] += 1
        return heard


def test_a_server_that_stops_answers_who_waits(tmp_path: Path) -> None:
    """Uvicorn would wait five seconds for them, and then cut them off."""
    with at_work(tmp_path, 3600) as (running, place):
        waiting = Waiting(running, place, CROWD)
        running.process.send_signal(signal.SIGTERM)
        assert waiting.hear() == {(200, "true", None): CROWD}
        assert running.process.wait(60) == 0
    log = (tmp_path / "server.log").read_text()
    assert "Cancel" not in log
    assert "Traceback" not in log
    require_consistent(tmp_path / "heketi.db")


def test_new_settings_do_not_disturb_who_waits(tmp_path: Path) -> None:
    with at_work(tmp_path, 5) as (running, place):
        waiting = Waiting(running, place, CROWD)
        running.process.send_signal(signal.SIGHUP)
        assert waiting.hear() == {(303, None, "wait=30"): CROWD}
    assert "Settings read again" in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize("reset", [False, True])
def test_who_leaves_is_not_waited_for(tmp_path: Path, reset: bool) -> None:
    with at_work(tmp_path, 3600) as (running, place):
        waiting = Waiting(running, place, CROWD)
        for each in waiting.sockets:
            if reset:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            each.close()
        while (log := (tmp_path / "server.log").read_text()).count(LEFT) < CROWD:
            assert running.process.poll() is None
            time.sleep(0.05)
        with Client(running.port) as client:
            assert client("GET", "/clusters")[0] == 200
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
    assert "Traceback" not in log


def test_requests_behind_one_that_waits_have_their_turn(tmp_path: Path) -> None:
    with (
        at_work(tmp_path, 3600) as (running, place),
        socket.create_connection(("127.0.0.1", running.port), timeout=60) as connection,
    ):
        connection.sendall(question(place, 1) * 2 + question("/clusters", 30))
        heard = b""
        while b"clusters" not in heard:
            heard += connection.recv(65536)
    assert [each[:3] for each in heard.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 3
    assert heard.count(b"preference-applied: wait=1\r\n") == 2


def test_others_are_answered_meanwhile(tmp_path: Path) -> None:
    with at_work(tmp_path, 3600) as (running, place):
        waiting = Waiting(running, place, CROWD)
        with Client(running.port) as client:
            assert client("GET", place)[0] == 200
            assert client.json("/operations")["total"] == 1
        running.process.send_signal(signal.SIGTERM)
        assert waiting.hear().total() == CROWD
