"""A server of ours on simulated nodes, and a client that is quick enough to be no part of what is measured."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

BIN = Path(sys.executable).parent
KEY = "bench"
NODES, DEVICES = 100, 10


def token(method: str, path: str, *, life: int = 300) -> str:
    """Return a token for one request, good for ``life`` seconds."""
    now = int(time.time())
    qsh = hashlib.sha256(f"{method}&{path}".encode()).hexdigest()
    claims = {"iss": "admin", "iat": now, "exp": now + life, "qsh": qsh}
    header = {"alg": "HS256", "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    body = b".".join(parts)
    return (body + b"." + base64.urlsafe_b64encode(hmac.digest(KEY.encode(), body, "sha256")).rstrip(b"=")).decode()


class Client:
    """One connection, kept, or a fresh one for each request."""

    def __init__(self, port: int, *, fresh: bool = False) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.fresh = fresh

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, str, bytes]:
        """Ask; return status, place and body."""
        headers = {"Authorization": f"bearer {token(method, path)}"}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        said = answer.status, answer.headers.get("Location", ""), answer.read()
        if self.fresh:
            self.connection.close()
        return said

    def job(self, method: str, path: str, body: object = None) -> str:
        """Ask for a job, wait for its end as clients do, and return what it made."""
        status, place, said = self(method, path, body)
        while status == 429:
            time.sleep(0.002)
            status, place, said = self(method, path, body)
        if status != 202:
            raise RuntimeError(f"{method} {path}: {status} {said!r}")
        while status in (200, 202):
            status, made, said = self("GET", place)
        if status not in (303, 204):
            raise RuntimeError(f"{method} {path}: {status} {said!r}")
        return made

    def create(self) -> str:
        """Make a replica 3 volume of 1 GiB and read it, the whole dance."""
        wish = {"size": 1, "durability": {"type": "replicate", "replicate": {"replica": 3}}}
        made = self.job("POST", "/volumes", wish)
        self("GET", made)
        return made


class Server:
    """Our server as a process of its own; durable commits, tokens."""

    def __init__(self, home: Path, *, auth: bool = True) -> None:
        self.home, self.port, self.auth = home, _free_port(), auth
        settings = {
            "port": str(self.port),
            "jwt": {"admin": {"key": KEY}, "user": {"key": KEY}},
            "glusterfs": {
                "executor": "mock",
                "db": str(home / "heketi.db"),
                "loglevel": "warning",
                "max_volumes_per_cluster": -1,
            },
        }
        home.joinpath("heketi.json").write_text(json.dumps(settings))

    def start(self) -> float:
        """Start; return the seconds until it answered."""
        began = time.perf_counter()
        words: list[str | Path] = [
            BIN / "heketi",
            f"--config={self.home / 'heketi.json'}",
            *([] if self.auth else ["--disable-auth"]),
        ]
        environment = os.environ | {"HEKETI_MOCK_DEVICE_SIZE_GB": "4000"}
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                if Client(self.port)("GET", "/hello")[0] == 200:
                    return time.perf_counter() - began
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended by itself, with status {self.process.returncode}")
            time.sleep(0.005)

    def memory(self) -> float:
        """Return MiB of resident memory."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self) -> None:
        """Stop in order."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def serving(home: Path, *, auth: bool = True) -> Iterator[Server]:
    """Run a server meanwhile."""
    server = Server(home, auth=auth)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def furnish(port: int) -> None:
    """Make a cluster of a hundred nodes with ten devices each."""
    client = Client(port)
    cluster = json.loads(client("POST", "/clusters", {"file": True, "block": True})[2])["id"]
    for number in range(NODES):
        names = {"manage": [f"n{number}"], "storage": [f"10.0.{number // 250}.{number % 250 + 1}"]}
        node = client.job("POST", "/nodes", {"zone": 1 + number % 3, "cluster": cluster, "hostnames": names})
        for device in range(DEVICES):
            client.job("POST", "/devices", {"node": node.rsplit("/", 1)[1], "name": f"/dev/sd{chr(98 + device)}"})


def volumes(port: int) -> list[str]:
    """Return the ids of all volumes."""
    found: list[str] = json.loads(Client(port)("GET", "/volumes")[2])["volumes"]
    return found
