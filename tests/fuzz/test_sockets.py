"""Raw bytes to a real server: an answer or a closed connection, no traceback, no hang, no change, no waste."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.depth import often
from tests.process.client import Client
from tests.served import Running, serving

QUIET = 20.0
"""Seconds after which a server that says nothing hangs."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("sockets")
    with serving(folder) as running:
        with Client(running.port) as client:
            client.furnish(nodes=3, devices=1)
            before = client.json("/db/dump")
        yield running
        with Client(running.port) as client:
            assert client.json("/db/dump") == before
    assert "Traceback" not in (folder / "server.log").read_text()


def say(server: Running, *words: bytes) -> bytes:
    """Send words, end our half of the connection, and return all that is answered until the server closes."""
    heard = b""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=QUIET)
    with connection, contextlib.suppress(ConnectionError):
        for each in words:
            connection.sendall(each)
        connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65536):
            heard += more
    return heard


def memory(server: Running) -> int:
    """MiB in use."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) // 1024


methods = st.sampled_from([b"GET", b"POST", b"PUT", b"get", b"", b"\x00", b"PRI", b"A" * 9000])
targets = st.sampled_from(
    [
        b"/clusters",
        b"/%ff%00",
        b"/\xff\xc3",
        b"*",
        b"http://[",
        b"//",
        b"",
        b"/" + b"a" * 9000,
        b"/?" + b"%" * 99,
        b"/a b",
    ]
)
versions = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"HTTP/2.0", b"", b"X"])
names = st.sampled_from(
    [
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"Upgrade",
        b"Expect",
        b"Authorization",
        b"",
        b"a b",
        b"\x00",
    ]
)
contents = st.sampled_from(
    [
        b"h",
        b"-1",
        b"5",
        b"9" * 40,
        b"chunked",
        b"chunked, chunked",
        b"close",
        b"websocket",
        b"h2c",
        b"100-continue",
        b"\xff",
        b"bearer ..",
        b"a" * 9000,
    ]
)
bodies = st.sampled_from([b"", b"{}", b"5\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"-1\r\n"]) | st.binary(
    max_size=40
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""]))
    head = [b" ".join((draw(methods), draw(targets), draw(versions)))]
    head += [name + b": " + content for name, content in draw(st.lists(st.tuples(names, contents), max_size=5))]
    return end.join([*head, b"", b""]) + draw(bodies)


@settings(max_examples=often(150, 10_000), suppress_health_check=list(HealthCheck))
@given(stream=streams())
@example(stream=b"GET /\xff HTTP/1.1\r\n\r\n")
@example(stream=b"GET /clusters HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
@example(stream=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
def test_any_stream(stream: bytes, server: Running) -> None:
    heard = say(server, stream)
    assert heard == b"" or heard.startswith(b"HTTP/1.")
    assert b"Internal" not in heard
    assert say(server, b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("kind", ["target", "one header", "many headers", "body", "chunks", "trailers"])
def test_floods_take_no_memory(kind: str, server: Running) -> None:
    head = b"POST /clusters HTTP/1.1\r\nHost: h\r\n"
    begin, more = {
        "target": (b"GET /", b"a" * 2**20),
        "one header": (head + b"X: ", b"a" * 2**20),
        "many headers": (head, b"X: aaaaaaaaaaaa\r\n" * 2**16),
        "body": (head + b"Content-Length: 999999999\r\n\r\n", b" " * 2**20),
        "trailers": (head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: aaaaaaaaaaaa\r\n" * 2**16),
        "chunks": (head + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b" " * 2**20 + b"\r\n"),
    }[kind]
    before = memory(server)
    say(server, begin, *[more] * 100)
    assert memory(server) - before < 60
