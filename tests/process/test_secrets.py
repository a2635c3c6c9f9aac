"""Secrets that can be recognised are planted everywhere, and looked for in all that is said and written."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.process.client import Client, Refusal
from tests.process.crowd import REPLICA_3
from tests.served import serving

from pyheketi.client import tokens

ADMIN, USER, WRONG = "hush-admin-key-5f1c", "hush-user-key-77aa", "hush-wrong-key-90b2"
_FAILS = {
    "Cmd": "gluster-block create .*/unlucky",
    "Result": ".*",
    "Reaction": {"Err": "no such luck", "Result": '{"PASSWORD": "hush-chap-failed"}'},
}
SETTINGS: Mapping[str, Any] = {
    "bind_address": "127.0.0.1",
    "jwt": {"admin": {"key": ADMIN}, "user": {"key": USER}},
    "glusterfs": {
        "executor": "inject/mock",
        "loglevel": "debug",
        "auto_create_block_hosting_volume": True,
        "block_hosting_volume_size": 50,
        "injectexec": {"command_injection": {"results": [_FAILS]}},
    },
}
OPEN = (
    "/metrics",
    "/operations",
    "/operations/pending",
    "/operations/history",
    "/db/check",
    "/clusters",
    "/volumes",
    "/nodes",
    "/hello",
)


def ours(module: str, *words: str, **environment: str) -> "subprocess.Popen[str]":
    code = f"from pyheketi.{module} import main; main()"
    variables = {**os.environ, **environment}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code, *words], stdout=pipe, stderr=pipe, text=True, env=variables)


def said(module: str, *words: str, **environment: str) -> str:
    return "".join(ours(module, *words, **environment).communicate(timeout=60))


def require_silence(text: str, *secrets: str) -> None:
    """Nothing planted is in a text, as it is or written otherwise."""
    for secret in secrets:
        raw = secret.encode()
        for form in (secret, raw.hex(), *(base64.b64encode(b" " * pad + raw)[4:-4].decode() for pad in range(3))):
            assert form not in text, text[max(0, text.find(form) - 300) :][:600]
    assert not (found := re.search(r"hush-\w+|eyJ[\w-]+\.[\w-]+\.", text)), text[max(0, found.start() - 300) :][:600]


def ask(port: int, path: str, header: str, method: str = "GET", body: bytes = b"") -> str:
    """Return a whole answer to a request with any header."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nAuthorization: {header}\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def wrong_requests(port: int) -> Iterator[str]:
    good = tokens.bearer("admin", ADMIN, "POST", "/blockvolumes", 2_000_000_000)
    for header in (
        tokens.bearer("admin", WRONG, "GET", "/clusters", 2_000_000_000),
        tokens.bearer(ADMIN, WRONG, "GET", "/clusters", 2_000_000_000),
        tokens.bearer("admin", ADMIN, "GET", "/nodes", 10),
        f"basic {ADMIN}",
        ADMIN,
        f"bearer {ADMIN}.{USER}.{WRONG}",
    ):
        yield ask(port, "/clusters", header)
    yield ask(port, "/blockvolumes", good, "POST", b'{"size": "' + ADMIN.encode() + b'", "auth": "' + USER.encode())
    yield ask(port, f"/clusters?token={ADMIN}", "none")


def furnish(port: int) -> Client:
    client = Client(port, key=ADMIN)
    client.furnish(nodes=3, devices=1)
    client.do("POST", "/volumes", {"size": 1, "durability": REPLICA_3})
    return client


def chap_of(client: Client, block: str) -> str:
    """Return the password of a block volume, which must be there."""
    password: str = client.json(block)["blockvolume"]["password"]
    assert len(password) > 8
    return password


def test_a_whole_story_tells_no_secret(tmp_path: Path) -> None:
    database, heard = tmp_path / "heketi.db", []
    with serving(tmp_path, SETTINGS) as running, furnish(running.port) as client:
        block = client.do("POST", "/blockvolumes", {"size": 3, "auth": True, "name": "lucky"})
        chap = chap_of(client, block)
        place = client.job("POST", "/blockvolumes", {"size": 3, "auth": True, "name": "unlucky"})
        with pytest.raises(Refusal, match="unlucky") as failed:
            client.end(place)
        heard.append(str(failed.value))
        client.do("POST", f"{block}/expand", {"new_size": 5})
        heard += [str(client("GET", path)) for path in OPEN]
        heard += wrong_requests(running.port)
        for words in (["blockvolume", "list"], ["topology", "info"], ["server", "operations", "history"], ["nonsense"]):
            heard.append(
                said("cli.main", *words, HEKETI_CLI_SERVER=running.url, HEKETI_CLI_USER="admin", HEKETI_CLI_KEY=ADMIN)
            )
        heard.append(
            said("cli.main", "cluster", "list", f"--server={running.url}", "--user=admin", f"--secret={WRONG}")
        )
        heard.append(said("cli.main", "cluster", "list", f"--server=http://u:{WRONG}@127.0.0.1:1", "--secret", ADMIN))
        heard.append(Path(f"/proc/{running.process.pid}/cmdline").read_text())
        for path in (database, tmp_path / "heketi.json"):
            heard.append(said("main", "db", "consistency-check", f"--dbfile={path}", "--explain"))
        running.process.kill()
        running.process.wait()
    heard.append((tmp_path / "server.log").read_text())
    assert "gluster-block create" in heard[-1]
    heard += [said("main", "db", "consistency-check", f"--dbfile={database}", how) for how in ("--explain", "--repair")]
    with serving(tmp_path, SETTINGS) as running, Client(running.port, key=ADMIN) as client:
        client.quiet()
        assert chap_of(client, block) == chap
        client.do("DELETE", block)
    heard.append((tmp_path / "server.log").read_text())
    for text in heard:
        require_silence(text, chap, ADMIN, USER, WRONG)


@pytest.mark.parametrize(
    "change",
    [
        {"database_url": "postgresql+psycopg://heketi:hush-pw@127.0.0.1:1/heketi?password=hush-too"},
        {"database_url": "postgresql+psycopg://heketi:hush-pw@[::1:x/heketi"},
        {"database_url": "mysql://heketi:hush-pw@127.0.0.1/heketi"},
        {"database_url": "hush-pw://"},
        {"enable_tls": True, "cert_file": "secret.pem", "key_file": "secret.pem"},
        {"glusterfs": {"executor": "ssh", "sshexec": {"keyfile": "secret.pem"}}},
        {"glusterfs": {"executor": "kubernetes", "kubeexec": {"kubeconfig": "secret.pem"}}},
        {"glusterfs": {"executor": "kubernetes", "kubeexec": {"kubeconfig": "kubeconfig"}}},
        {"jwt": {"admin": "hush-admin", "user": {"key": ["hush-user"]}}},
    ],
    ids=lambda change: str(change)[:60],
)
def test_a_start_that_fails_tells_no_secret(tmp_path: Path, change: dict[str, Any]) -> None:
    pem = tmp_path / "secret.pem"
    pem.write_text("-----BEGIN PRIVATE KEY-----\nhush-hush\n-----END PRIVATE KEY-----\n")
    pem.chmod(0o600)
    kubeconfig = {"users": [{"name": "u", "user": {"token": "hush-token", "password": "hush-pw"}}], "contexts": "x"}
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    config = tmp_path / "heketi.json"
    glusterfs = {"executor": "mock", "db": str(tmp_path / "db"), **change.get("glusterfs", {})}
    text = json.dumps({**SETTINGS, "port": 1, **change, "glusterfs": glusterfs})
    config.write_text(text.replace('"secret.pem"', f'"{pem}"').replace('"kubeconfig"}', f'"{tmp_path}/kubeconfig"}}'))
    server = ours("main", f"--config={config}")
    out = "".join(server.communicate(timeout=60))
    assert server.returncode == 1
    require_silence(out, ADMIN, USER)
    assert "Traceback" not in out


def test_no_core_of_the_client_is_left() -> None:
    code = "from pyheketi.cli.main import main\ntry: main()\nfinally: print(open('/proc/self/limits').read())"
    done = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=False)
    assert re.search(r"Max core file size +0 +0 ", done.stdout)
