"""A server that gives canned answers, one after the other, and remembers what it was asked."""

import contextlib
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Canned:
    """One answer."""

    status: int = 200
    body: Any = ""
    """Text, bytes, or anything else for JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection instead."""
    chunked: bool = False
    takes: float = 0
    """Seconds by the server's own clock; nobody really waits for it."""

    @property
    def raw(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body, separators=(",", ":"))).encode()


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: str
    headers: Mapping[str, str]


Script: TypeAlias = Mapping[tuple[str, str], Sequence[Canned]]
"""Answers by method and path; the last one is given for ever. ``*`` as path answers everything else."""

UNKNOWN = Canned(404, "Invalid path or request\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body go out together
    disable_nagle_algorithm = True
    server: "ScriptedServer"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        self.server.asked.append(Asked(self.command, self.path, body, dict(self.headers.items())))
        canned = self.server.next_answer(self.command, self.path)
        self.server.seconds += canned.takes
        if canned.hang_up:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(canned.status)
        for name, value in canned.headers.items():
            self.send_header(name, value)
        raw = b"" if canned.status == 204 else canned.raw
        if canned.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            raw = b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw), raw)
        elif canned.status != 204:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815  # http.server looks for these names


class ScriptedServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Asked] = []
        self.seconds = 0.0
        """The server's own clock."""
        self._script, self._given = script, dict.fromkeys(script, 0)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next_answer(self, method: str, path: str) -> Canned:
        """Return what the script has for a path, for the path without its query, or for everything else."""
        keys = (method, path), (method, path.partition("?")[0]), (method, "*")
        key = next((key for key in keys if key in self._script), keys[-1])
        answers = self._script.get(key)
        if not answers:
            return UNKNOWN
        place = self._given[key]
        self._given[key] += 1
        return answers[min(place, len(answers) - 1)]

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that hang up are part of the tests


@contextlib.contextmanager
def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    with ScriptedServer(script) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
