"""Sends requests as they are written, among the nodes: JSON on standard input, the answers on standard output.

Arguments: port, user, key. A request is ``[method, target, body]``; an answer ``[status, text, end]``, where ``end`` is
the status and text of the job if there is one.
"""

import http.client
import json
import sys
import time
from typing import Any, TypeAlias
from urllib.parse import unquote

from pyheketi.client import tokens

Reply: TypeAlias = tuple[int, str, str]
"""Status, text, and where it points to."""


def main(port: str, user: str, key: str) -> None:
    connection = http.client.HTTPConnection("localhost", int(port), timeout=120)

    def ask(method: str, target: str, body: Any = None) -> Reply:
        path = unquote(target.partition("?")[0], errors="surrogateescape")
        token = tokens.bearer(user, key, method, path, time.time())
        content = b"" if body is None else json.dumps(body).encode()
        connection.request(method, target, content, {"Authorization": token, "Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read().decode(), reply.headers.get("Location", "")

    answers = []
    for request in json.load(sys.stdin):
        status, text, place = ask(*request)
        end = None
        while status == 202 and (end is None or (end[0], end[1]) == (200, "")):
            time.sleep(0.1 if end else 0)
            end = ask("GET", place)[:2]
        answers.append((status, text, end))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
