"""Speed and size of the server on simulated nodes: ``python benchmarks/server.py``. Medians of one run.

Volumes are created over HTTP as clients do it: POST, poll the job, GET what it made; with tokens, on one connection a
client.
"""

import base64
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
KEY = "bench"
NODES, DEVICES = 6, 4


def token(method: str, path: str) -> str:
    now = int(time.time())
    claims = {
        "iss": "admin",
        "iat": now,
        "exp": now + 300,
        "qsh": hashlib.sha256(f"{method}&{path}".encode()).hexdigest(),
    }
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in ({"alg": "HS256"}, claims)]
    body = b".".join(parts)
    return (body + b"." + base64.urlsafe_b64encode(hmac.digest(KEY.encode(), body, "sha256")).rstrip(b"=")).decode()


class Client:
    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, str, bytes]:
        headers = {"Authorization": f"bearer {token(method, path)}"}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers.get("Location", ""), answer.read()

    def job(self, method: str, path: str, body: object = None) -> str:
        status, place, said = self(method, path, body)
        while status == 429:
            time.sleep(0.002)
            status, place, said = self(method, path, body)
        assert status == 202, said
        while status in (200, 202):
            status, made, said = self("GET", place)
        assert status in (303, 204), said
        return made

    def create(self) -> str:
        wish = {"size": 1, "durability": {"type": "replicate", "replicate": {"replica": 3}}}
        made = self.job("POST", "/volumes", wish)
        assert self("GET", made)[0] == 200
        return made


def work(port: int, count: int, queue: "multiprocessing.Queue[float]") -> None:
    client = Client(port)
    client("GET", "/clusters")
    began = time.perf_counter()
    for _ in range(count):
        client.create()
    queue.put(time.perf_counter() - began)


def rate(port: int, clients: int, count: int) -> float:
    """Volumes created per second."""
    queue: multiprocessing.Queue[float] = multiprocessing.Queue()
    each = count // clients
    workers = [multiprocessing.Process(target=work, args=(port, each, queue)) for _ in range(clients)]
    for worker in workers:
        worker.start()
    spent = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()
    return each * clients / max(spent)


class Server:
    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self.config = home / "heketi.json"
        settings = {
            "port": str(port),
            "jwt": {"admin": {"key": KEY}, "user": {"key": KEY}},
            "glusterfs": {
                "executor": "mock",
                "db": str(home / "heketi.db"),
                "loglevel": "warning",
                "max_volumes_per_cluster": -1,
            },
        }
        self.config.write_text(json.dumps(settings))
        self.start()

    def start(self) -> float:
        """Start and return the seconds until it answered."""
        began = time.perf_counter()
        environment = os.environ | {"HEKETI_MOCK_DEVICE_SIZE_GB": "20000"}
        self.process = subprocess.Popen(
            [BIN / "heketi", f"--config={self.config}"], stdout=subprocess.DEVNULL, env=environment
        )
        while True:
            try:
                assert Client(self.port)("GET", "/hello")[0] == 200
                return time.perf_counter() - began
            except ConnectionRefusedError:
                time.sleep(0.005)

    def memory(self) -> float:
        """MiB of resident memory."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def furnish(port: int) -> None:
    client = Client(port)
    cluster = json.loads(client("POST", "/clusters", {"file": True, "block": True})[2])["id"]
    for number in range(NODES):
        names = {"manage": [f"n{number}"], "storage": [f"10.0.0.{number}"]}
        node = client.job("POST", "/nodes", {"zone": 1 + number % 3, "cluster": cluster, "hostnames": names})
        for device in range(DEVICES):
            client.job("POST", "/devices", {"node": node.rsplit("/", 1)[1], "name": f"/dev/sd{chr(98 + device)}"})


def grow(port: int, to: int) -> list[str]:
    client = Client(port)
    while True:
        found: list[str] = json.loads(client("GET", "/volumes")[2])["volumes"]
        if len(found) >= to:
            return found
        for _ in range(to - len(found)):
            client.create()


def reads(port: int, volume: str, count: int = 3000) -> float:
    """GETs of a volume per second, one client."""
    client = Client(port)
    began = time.perf_counter()
    for _ in range(count):
        assert client("GET", f"/volumes/{volume}")[0] == 200
    return count / (time.perf_counter() - began)


def listing(port: int) -> float:
    """Seconds of ``heketi-cli volume list``."""
    environment = os.environ | {
        "HEKETI_CLI_SERVER": f"http://127.0.0.1:{port}",
        "HEKETI_CLI_USER": "admin",
        "HEKETI_CLI_KEY": KEY,
    }
    began = time.perf_counter()
    subprocess.run([BIN / "heketi-cli", "volume", "list"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), 18080)
        try:
            furnish(server.port)
            for volumes in (100, 3000):
                ids = grow(server.port, volumes)
                ones = statistics.median(rate(server.port, 1, 60) for _ in range(3))
                eights = statistics.median(rate(server.port, 8, 160) for _ in range(3))
                gets = statistics.median(reads(server.port, ids[0]) for _ in range(3))
                lists = statistics.median(listing(server.port) for _ in range(3))
                print(f"at {volumes} volumes:")
                print(f"  created per second: {ones:.0f} (1 client), {eights:.0f} (8 clients)")
                print(f"  GET /volumes/{{id}} per second: {gets:.0f} (1 client)")
                print(f"  heketi-cli volume list: {lists:.2f} s")
            print(f"memory: {server.memory():.0f} MiB")
            starts = []
            for _ in range(3):
                server.stop()
                starts.append(server.start())
            print(f"start with these volumes: {statistics.median(starts):.2f} s, then {server.memory():.0f} MiB")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
