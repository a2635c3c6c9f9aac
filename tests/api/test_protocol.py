"""How long a client may take over a request: a real connection, on a clock that leaps."""

import asyncio
import gc
import socket
import ssl
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from starlette.types import Receive, Scope, Send
from tests import leaping
from tests.certificates import certificate
from uvicorn import Config
from uvicorn.server import ServerState

from pyheketi.api.protocol import LimitedProtocol

GET = b"GET /0 HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /0 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"
EXPECTING = b"POST /0 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
CHUNKED = b"POST /0 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADING = b"GET /0 HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
EARLY = POST.replace(b"/0", b"/early")
LIMIT, KEEP_ALIVE = 60, 75


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body; before it has come at ``/early``, else as many seconds later as the path says."""
    body, more = b"", scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    await asyncio.sleep(float(scope["path"][1:].replace("early", "0")))
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Connection:
    """The client's end of a connection, and what is heard on it."""

    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    protocols: "weakref.WeakSet[LimitedProtocol]"
    """The server's end, as long as anything holds it."""
    heard: bytearray = field(default_factory=bytearray)
    ended: float | None = None
    """When the server closed it."""

    async def listen(self) -> None:
        while more := await self.reader.read(65536):
            self.heard += more
        self.ended = asyncio.get_running_loop().time()

    @property
    def statuses(self) -> list[int]:
        return [int(each[:3]) for each in self.heard.split(b"HTTP/1.1 ")[1:]]


Story = Callable[[Connection], Awaitable[None]]


def told(story: Story, until: float = 1000, certificate: Path | None = None) -> Connection:
    """Let a client do something on a new connection, and return what it has heard long after."""

    async def main() -> Connection:
        loop = asyncio.get_running_loop()
        state = ServerState()
        config = Config(app, ws="none", lifespan="off", log_config=None, timeout_keep_alive=KEEP_ALIVE)
        protocols: weakref.WeakSet[LimitedProtocol] = weakref.WeakSet()

        def protocol() -> LimitedProtocol:
            made = LimitedProtocol(config, state, {}, loop)
            protocols.add(made)
            return made

        ours, theirs = socket.socketpair()
        serving, trusting = None, None
        if certificate is not None:
            serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            serving.load_cert_chain(certificate)
            trusting = ssl.create_default_context(cafile=str(certificate))
        name = "heketi" if certificate else None

        async def accept() -> None:
            await loop.connect_accepted_socket(protocol, ours, ssl=serving)

        accepting = asyncio.create_task(accept())
        reader, writer = await asyncio.open_connection(sock=theirs, ssl=trusting, server_hostname=name)
        await accepting
        connection = Connection(writer, reader, protocols)
        listening = asyncio.create_task(connection.listen())
        await story(connection)
        await asyncio.sleep(until)
        listening.cancel()
        writer.close()
        return connection

    return leaping.run(main())


def says(*words: bytes | float) -> Story:
    """Return the story of a client that sends words and, between them, waits for so many seconds."""

    async def story(connection: Connection) -> None:
        for word in words:
            if connection.ended is not None:
                return
            if isinstance(word, bytes):
                connection.writer.write(word)
            else:
                await asyncio.sleep(word)

    return story


def drips(words: bytes, pause: float = 11) -> list[bytes | float]:
    pieces: list[bytes | float] = []
    for byte in words:
        pieces += [bytes([byte]), pause]
    return pieces


STORIES: dict[str, tuple[Story, list[int], float]] = {
    "nothing is said": (says(), [], LIMIT),
    "only line ends are said": (says(*drips(b"\r\n" * 5)), [], LIMIT),
    "a head does not end": (says(GET[:9]), [408], LIMIT),
    "a head drips": (says(*drips(GET)), [408], LIMIT),
    "a head begins late": (says(50.0, GET[:9]), [408], 50 + LIMIT),
    "a request is in time": (says(*drips(GET[:4], 14), GET[4:]), [200], 4 * 14 + KEEP_ALIVE),
    "a body does not come": (says(POST), [408], LIMIT),
    "a body drips": (says(POST.replace(b"4", b"9"), *drips(b"123456789")), [408], LIMIT),
    "a body is in time": (says(POST, 59.0, b"1234"), [200], 59 + KEEP_ALIVE),
    "chunks drip": (says(CHUNKED, *drips(b"1\r\na\r\n" * 9)), [408], LIMIT),
    "trailers drip": (says(CHUNKED, b"0\r\n", *drips(b"X: a\r\n" * 9)), [408], LIMIT),
    "what was asked for does not come": (says(EXPECTING), [100, 408], LIMIT),
    "what was asked for comes": (says(EXPECTING, 59.0, b"1234"), [100, 200], 59 + KEEP_ALIVE),
    "another protocol is wished": (says(UPGRADING), [200], KEEP_ALIVE),
    "a request takes long": (says(GET.replace(b"0", b"500", 1)), [200], 500 + KEEP_ALIVE),
    "requests come one by one": (says(GET, 50.0, GET, 50.0, GET, 50.0, GET), [200] * 4, 3 * 50 + KEEP_ALIVE),
    "requests come together": (says(GET * 3), [200] * 3, KEEP_ALIVE),
    "requests that take long come together": (says(GET.replace(b"0", b"90", 1) * 3), [200] * 3, 270 + KEEP_ALIVE),
    "half a head comes behind a request": (says(GET + GET[:9]), [200, 408], LIMIT),
    "half a head comes behind one that takes long": (
        says(GET.replace(b"0", b"90", 1) + GET[:9]),
        [200, 408],
        90 + LIMIT,
    ),
    "half a body comes behind one that takes long": (says(GET.replace(b"0", b"90", 1) + POST), [200, 408], 90 + LIMIT),
    "half a head comes meanwhile, its rest in time": (
        says(GET.replace(b"0", b"90", 1), 80.0, GET[:9], 65.0, GET[9:]),
        [200, 200],
        145 + KEEP_ALIVE,
    ),
    "a second head does not end": (says(GET, 30.0, GET[:9]), [200, 408], 30 + LIMIT),
    "line ends come between requests": (says(GET, 30.0, b"\r\n", 10.0, b"\r\n"), [200], 30 + LIMIT),
    "a body drips behind its answer": (says(EARLY, *drips(b"123")), [200], LIMIT),
    "a body ends behind its answer": (says(EARLY, 30.0, b"1234"), [200], 30 + LIMIT),
    "a request follows a body behind its answer": (says(EARLY, 30.0, b"1234", 50.0, GET[:9]), [200, 408], 80 + LIMIT),
    "half a request comes with the rest of a body": (says(EARLY, 30.0, b"1234" + GET[:9]), [200, 408], 30 + LIMIT),
    "nonsense comes": (says(b"\x00"), [400], 0),
}


@pytest.mark.parametrize("name", STORIES)
def test_how_long_a_client_may_take(name: str) -> None:
    story, statuses, ended = STORIES[name]
    connection = told(story)
    assert connection.statuses == statuses
    assert connection.ended == pytest.approx(ended)
    gc.collect()
    assert not connection.protocols


def test_too_slow_with_tls(tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.DNSName("heketi"))
    for words, statuses in ((GET[:9], [408]), (POST + b"12", [408]), (b"", [])):
        connection = told(says(words), certificate=file)
        assert connection.statuses == statuses
        assert connection.ended == pytest.approx(LIMIT)


def test_what_the_answer_says() -> None:
    head, _, body = bytes(told(says(GET[:9])).heard).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert {b"connection: close", b"content-length: %d" % len(body)} < set(head.split(b"\r\n"))
    assert body == b"The request did not come whole within 60 seconds"


@pytest.mark.parametrize("words", [b"", GET[:9], POST, GET, GET.replace(b"0", b"500", 1)])
@pytest.mark.parametrize("reset", [False, True])
def test_nothing_is_held_for_a_client_that_has_gone(words: bytes, reset: bool) -> None:
    async def story(connection: Connection) -> None:
        connection.writer.write(words)
        await asyncio.sleep(1)
        if reset:
            connection.writer.transport.abort()
        connection.writer.close()
        await asyncio.sleep(1)
        gc.collect()
        if b"500" not in words:  # that one is at work still
            assert not connection.protocols

    told(story, until=600)
