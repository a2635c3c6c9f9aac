"""A client that shows every answer, and tells a lost one from a refusal."""

import http.client
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from pyheketi.client import tokens

KEY = "adminkey"


class Lost(Exception):
    """No answer came, or only that the server goes."""


class Refusal(Exception):
    """The answer was no."""


@dataclass
class Client:
    """Talks to a server on one connection, which is made anew when it breaks."""

    port: int
    statuses: Counter[int] = field(default_factory=Counter)
    key: str = KEY
    patience: float = 0.02
    """Seconds until a busy server is asked again, at most."""

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, str, bytes]:
        """Return status, Location and body. Raises ``Lost``."""
        headers = {"Authorization": tokens.bearer("admin", self.key, method, path, time.time())}
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            said = answer.status, answer.headers.get("Location", ""), answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Lost(f"{method} {path}: {error!r}") from error
        self.statuses[said[0]] += 1
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def json(self, path: str) -> Any:
        status, _, body = self("GET", path)
        assert status == 200, body
        return json.loads(body)

    def job(self, method: str, path: str, body: object = None) -> str:
        """Begin an operation, after some patience with a busy server; return its place."""
        while True:
            status, place, said = self(method, path, body)
            if status == 202:
                return place
            if status == 503:
                raise Lost(f"{method} {path}: {said.decode()}")
            if status != 429:
                raise Refusal(f"{method} {path}: {status} {said.decode()}")
            time.sleep(random.uniform(0, self.patience))

    def end(self, place: str) -> str:
        """Wait for the end of a job; return the path of what it made."""
        while True:
            status, made, said = self("GET", place)
            if status in {204, 303}:
                return made
            if status != 200:
                raise Refusal(f"{place}: {status} {said.decode()}")

    def do(self, method: str, path: str, body: object = None) -> str:
        return self.end(self.job(method, path, body))

    def furnish(self, nodes: int = 4, devices: int = 2) -> None:
        cluster = json.loads(self("POST", "/clusters", {"file": True, "block": True})[2])["id"]
        for number in range(nodes):
            hosts = {"manage": [f"n{number}"], "storage": [f"10.0.0.{number}"]}
            node = self.do("POST", "/nodes", {"zone": number + 1, "cluster": cluster, "hostnames": hosts})
            for device in range(devices):
                self.do("POST", "/devices", {"node": node.rsplit("/", 1)[1], "name": f"/dev/sd{chr(98 + device)}"})

    def quiet(self) -> None:
        """Wait until no operation is at work or stuck."""
        while self.json("/operations")["total"]:
            time.sleep(0.02)
