"""The connection itself: when it is kept, and what may go wrong with it."""

import contextlib
import gzip
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Self

import pytest

from pyheketi.client import address, reasons, transport
from pyheketi.client.transport import Answer, NoAnswer, Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Raw:
    """A server that answers each request on each connection with the bytes of a script, and hangs up at its end."""

    def __init__(self, *connections: Sequence[bytes]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.accepted = 0
        self.ended = threading.Semaphore(0)
        """Released whenever a connection is closed."""
        self._thread = threading.Thread(target=self._serve, args=(connections,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # of a listener that nobody waits on
            self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self.listener.close()

    def _serve(self, connections: Sequence[Sequence[bytes]]) -> None:
        for answers in connections:
            try:
                peer, _ = self.listener.accept()
            except OSError:  # the test is over
                return
            self.accepted += 1
            with peer, peer.makefile("rb") as reader:
                for answer in answers:
                    self.requests.append(_request(reader))
                    peer.sendall(answer)
            self.ended.release()


def _request(reader: BinaryIO) -> bytes:
    head = b"".join(iter(reader.readline, b"\r\n"))
    length = re.search(rb"Content-Length: (\d+)", head)
    return head + b"\r\n" + reader.read(int(length[1]) if length else 0)


@contextlib.contextmanager
def asking(server: str) -> Iterator["Asks"]:
    asks = Asks(server)
    with contextlib.closing(asks.transport):
        yield asks


class Asks:
    def __init__(self, server: str) -> None:
        self.server = address.parse(server, "GET", "/")
        self.transport = Transport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def __call__(self, path: str = "/a", body: bytes = b"") -> Answer:
        return self.transport.ask(self.server, "POST" if body else "GET", path, body, {"Accept-Encoding": "gzip"})

    def refused(self) -> str:
        with pytest.raises(NoAnswer) as caught:
            self()
        return reasons.reason(caught.value, self.server)


def test_a_connection_is_kept() -> None:
    with Raw([OK, OK, OK]) as server, asking(server.url) as ask:
        assert [ask().content for _ in range(3)] == [b"ok"] * 3
    assert server.accepted == 1


def test_a_connection_that_the_server_has_closed_is_not_used() -> None:
    with Raw([OK], [OK]) as server, asking(server.url) as ask:
        assert ask().content == b"ok"
        assert server.ended.acquire(timeout=10)
        assert ask().content == b"ok"
    assert server.accepted == 2


def test_a_server_that_says_that_it_closes_is_believed() -> None:
    closing = b"HTTP/1.0 200 OK\r\n\r\nall there is"
    with Raw([closing], [OK]) as server, asking(server.url) as ask:
        assert ask().content == b"all there is"
        assert ask().content == b"ok"


def test_an_idle_connection_is_not_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Raw([OK, OK], [OK]) as server, asking(server.url) as ask:
        for moment, connections in ((1.0, 1), (3.9, 1), (7.0, 2)):
            now[0] = moment
            assert ask().content == b"ok"
            assert server.accepted == connections


def test_headers_and_bodies() -> None:
    with Raw([OK, b"HTTP/1.1 204 No Content\r\nX-Heketi-Executor: mock\r\n\r\n"]) as server, asking(server.url) as ask:
        ask("/a b/é?x=1&y=%20#z", b"{}")
        answer = ask()
    assert (answer.status, answer.content) == (204, b"")
    assert answer.headers.get("x-heketi-executor") == "mock"
    sent = server.requests[0].decode().split("\r\n")
    assert sent[0] == "POST /a%20b/%C3%A9?x=1&y=%20 HTTP/1.1"
    assert {f"Host: {server.url.removeprefix('http://')}", "Content-Length: 2"} <= set(sent)
    assert sent[-1] == "{}"


ANSWERS = {
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nit\r\n3\r\n is\r\n0\r\n\r\n", b"it is"),
    "compressed": (b"Content-Encoding: GZIP\r\n", b"packed " * 100),
    "empty, though compressed": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", b""),
    "after 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
}


@pytest.mark.parametrize(("raw", "content"), ANSWERS.values(), ids=ANSWERS)
def test_answers(raw: bytes, content: bytes) -> None:
    if not raw.startswith(b"HTTP"):
        packed = gzip.compress(content)
        raw = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (raw, len(packed), packed)
    with Raw([raw, OK]) as server, asking(server.url) as ask:
        assert ask().content == content
        assert ask().content == b"ok"


FAULTS = {
    "nothing": (b"", "EOF"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "unexpected EOF"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "unexpected EOF"),
    "another protocol": (
        b"SSH-2.0-OpenSSH_9.2\r\n",
        'net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH_9.2"',
    ),
    "not what it says": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        "Error -3 while decompressing data: incorrect header check",
    ),
}


@pytest.mark.parametrize(("raw", "text"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_answer_is_none_and_the_next_request_begins_anew(raw: bytes, text: str) -> None:
    with Raw([raw], [OK]) as server, asking(server.url) as ask:
        assert ask.refused() == text
        assert ask().content == b"ok"
    assert server.accepted == 2


def test_a_server_that_falls_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_SILENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute, asking(f"http://127.0.0.1:{mute.getsockname()[1]}") as ask:
        assert ask.refused() == "no answer in time"


def test_a_server_that_takes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def times_out(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", times_out)
    with asking("http://127.0.0.1:1") as ask:
        assert ask.refused() == "dial tcp 127.0.0.1:1: i/o timeout"


def test_a_name_that_nobody_may_have() -> None:
    name = "a" * 70 + ".example"
    with asking(f"http://{name}") as ask:
        assert ask.refused() == f"dial tcp: lookup {name}: no such host"
