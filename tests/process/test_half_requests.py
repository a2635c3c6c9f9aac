"""Clients that leave in the middle of a body: what they began to ask for is not done, even if it needs no body."""

import contextlib
import json
import socket
import struct
import time
from pathlib import Path

from tests.process.client import KEY, Client
from tests.process.crowd import REPLICA_3
from tests.served import Running, serving

from pyheketi.client import tokens


def half(running: Running, method: str, path: str, body: bytes, *, reset: bool) -> bytes:
    """Announce 100 bytes, send a body of fewer, leave, and return what was heard."""
    token = tokens.bearer("admin", KEY, method, path, time.time())
    head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nAuthorization: {token}\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        if reset:
            time.sleep(0.05)  # a reset overtakes what the server has not read
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return b""
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            return connection.recv(65536)
        return b""


def furnish(client: Client) -> list[tuple[str, str, bytes]]:
    """Make objects, and return requests that all succeed if they are whole, in this order."""
    client.furnish(nodes=4, devices=2)
    spare = json.loads(client("POST", "/clusters", {"file": True, "block": True})[2])["id"]
    hosts = {"manage": ["spare"], "storage": ["10.0.0.99"]}
    bare = client.do("POST", "/nodes", {"zone": 1, "cluster": spare, "hostnames": hosts})
    volume = client.do("POST", "/volumes", {"size": 10, "durability": REPLICA_3})
    block = client.do("POST", "/blockvolumes", {"size": 1})
    devices = [each for node in client.json("/clusters")["clusters"] if node != spare for each in of(client, node)]
    empty = next(each["id"] for each in devices if not each["bricks"])
    for state in ("offline", "failed"):
        client.do("POST", f"/devices/{empty}/state", {"state": state})
    brick = client.json(volume)["bricks"][0]["id"]
    return [
        ("DELETE", f"/devices/{empty}", b"{}"),
        ("POST", f"/bricks/to-evict/{brick}", b"{}"),
        ("POST", f"{volume}/expand", b'{"expand_size": 1}'),
        ("POST", "/volumes", b'{"size":1}'),
        ("POST", "/clusters", b"{}"),
        ("DELETE", volume, b"{}"),
        ("DELETE", block, b"{}"),
        ("DELETE", bare, b"{}"),
        ("DELETE", f"/clusters/{spare}", b"{}"),
    ]


def of(client: Client, cluster: str) -> list[dict[str, object]]:
    """Return the devices of a cluster."""
    nodes = client.json(f"/clusters/{cluster}")["nodes"]
    return [device for node in nodes for device in client.json(f"/nodes/{node}")["devices"]]


def test_half_a_body_does_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as running, Client(running.port) as client:
        for method, path, body in furnish(client):
            before = client.json("/db/dump")
            for reset in (False, True):
                assert half(running, method, path, body, reset=reset) == b""
                client.quiet()
                assert client.json("/db/dump") == before, (method, path)
            status, place, said = client(method, path, json.loads(body))
            assert status in (200, 201, 202), said
            if status == 202:
                client.end(place)
            assert client.json("/db/dump") != before, (method, path)
    assert "Traceback" not in (tmp_path / "server.log").read_text()
