"""SIGHUP: new settings are in force without a restart, faulty ones change nothing, and no operation is harmed."""

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.certificates import certificate
from tests.depth import often
from tests.process.client import KEY, Client, Refusal
from tests.process.comparing import require_consistent
from tests.process.crowd import REPLICA_3, Crowd
from tests.process.slow import SLOW, furnished
from tests.served import SETTINGS, Running, answers, serving, starting

VOLUME = {"size": 1, "durability": REPLICA_3}
LOUD = {**SETTINGS, "glusterfs": {**SETTINGS["glusterfs"], "loglevel": "info"}}
ENDS = ("Settings read again", "The settings stay as they are")


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what the file says."""
    file = folder / "heketi.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def of_gluster(**keys: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["glusterfs"].update(keys)

    return change


def told(running: Running, folder: Path, *, times: int = 1) -> str:
    """Send SIGHUP and return what the log says about it."""
    log = folder / "server.log"
    before = len(log.read_text())
    for _ in range(times):
        running.process.send_signal(signal.SIGHUP)
    while not any(each in log.read_text()[before:] for each in ENDS):
        assert running.process.poll() is None, log.read_text()
        time.sleep(0.02)
    return log.read_text()[before:]


def status(port: int, key: str) -> int:
    with Client(port, key=key) as client:
        return client("GET", "/clusters")[0]


def test_keys_of_clients(tmp_path: Path) -> None:
    with serving(tmp_path, LOUD) as running, Client(running.port, key=KEY) as kept:
        assert kept("GET", "/clusters")[0] == 200
        edit(tmp_path, lambda document: document["jwt"]["admin"].update(key="hush-new"))
        edit(tmp_path, of_gluster(zone_cheking="none"))
        said = told(running, tmp_path)
        assert "now in force: jwt.admin.key\n" in said
        assert "unknown setting, did you mean zone_checking?" in said, "warnings are those of a start"
        assert "hush" not in said
        assert [status(running.port, key) for key in ("hush-new", KEY)] == [200, 401]
        assert kept("GET", "/clusters")[0] == 401, "a connection that was open before is no exception"
        assert "nothing has changed" in told(running, tmp_path)


def test_limits(tmp_path: Path) -> None:
    settings = {**LOUD, "glusterfs": {**LOUD["glusterfs"], "max_volumes_per_cluster": 1}}
    with serving(tmp_path, settings) as running, Client(running.port) as client:
        client.furnish(nodes=3, devices=1)
        client.do("POST", "/volumes", VOLUME)
        with pytest.raises(Refusal, match="volumes"):
            client.do("POST", "/volumes", VOLUME)
        edit(tmp_path, of_gluster(max_volumes_per_cluster=2))
        assert "now in force: glusterfs.max_volumes_per_cluster\n" in told(running, tmp_path)
        client.do("POST", "/volumes", VOLUME)
        with pytest.raises(Refusal, match="volumes"):
            client.do("POST", "/volumes", VOLUME)


def test_the_size_of_bodies(tmp_path: Path) -> None:
    with serving(tmp_path, LOUD) as running, Client(running.port) as client:
        body = {"file": True, "block": True, "x": "x" * 2048}
        assert client("POST", "/clusters", body)[0] == 201
        edit(tmp_path, lambda document: document.update(request_body_limit_kb=1))
        told(running, tmp_path)
        assert client("POST", "/clusters", body)[0] == 413


def test_a_level_of_the_log_that_was_set_stays_unless_the_file_says_another(tmp_path: Path) -> None:
    with serving(tmp_path, LOUD) as running, Client(running.port) as client:

        def level() -> object:
            return client.json("/internal/logging")["loglevel"]["glusterfs"]

        client("POST", "/internal/logging", {"loglevel": {"glusterfs": "debug"}})
        edit(tmp_path, of_gluster(brick_min_size_gb=2))
        told(running, tmp_path)
        assert level() == "debug"
        edit(tmp_path, of_gluster(loglevel="warning"))
        running.process.send_signal(signal.SIGHUP)
        while level() != "warning":
            time.sleep(0.02)


def test_what_needs_a_restart_is_named_until_there_was_one(tmp_path: Path) -> None:
    with serving(tmp_path, LOUD) as running:
        edit(tmp_path, lambda document: document.update(port="1", database_url="postgresql+psycopg://h:hush@db/h"))
        edit(tmp_path, of_gluster(brick_min_size_gb=2, sshexec={"fstab": "/hush"}))
        waits = "after a restart: port, database_url, glusterfs.sshexec.fstab\n"
        said = told(running, tmp_path)
        assert f"now in force: glusterfs.brick_min_size_gb; {waits}" in said
        assert "hush" not in said
        assert f"nothing new is in force; {waits}" in told(running, tmp_path)
        assert answers(running.url)


@pytest.mark.parametrize(
    ("spoil", "faults"),
    [
        (lambda text: text[:-20], ["heketi.json:1:"]),
        (lambda _: "", ["the file ends here"]),
        (lambda text: text.replace('"hush-new"', "hush-new"), ["this is no value"]),
        (
            lambda text: text.replace('"brick_min_size_gb": 1', '"brick_min_size_gb": "1", "zone_checking": "some"'),
            ["brick_min_size_gb: expected a whole number", "zone_checking: expected none or strict"],
        ),
        (lambda text: text.replace("hush-new", ""), ["Missing JWT information"]),
    ],
)
def test_a_faulty_file_changes_nothing(tmp_path: Path, spoil: Callable[[str], str], faults: list[str]) -> None:
    with serving(tmp_path, LOUD) as running:
        edit(tmp_path, lambda document: document["jwt"]["admin"].update(key="hush-new"))
        file = tmp_path / "heketi.json"
        good = file.read_text()
        file.write_text(spoil(good))
        said = told(running, tmp_path)
        assert [fault for fault in faults if fault not in said] == []
        assert said.count(" ERROR ") == len(faults) + 1
        assert "The settings stay as they are" in said
        assert "hush" not in said
        assert [status(running.port, key) for key in ("hush-new", KEY)] == [401, 200]
        file.write_text(good)
        assert "now in force: jwt.admin.key\n" in told(running, tmp_path)


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, LOUD) as running:
        (tmp_path / "heketi.json").unlink()
        assert "cannot be read: No such file" in told(running, tmp_path)
        assert status(running.port, KEY) == 200


def pem(folder: Path, name: str) -> tuple[str, str]:
    """Return a new certificate and its key."""
    (folder / name).mkdir(exist_ok=True)
    text = certificate(folder / name, x509.DNSName("heketi.example")).read_text()
    at = text.index("-----BEGIN PRIVATE")
    return text[:at], text[at:]


def shown(port: int) -> set[str]:
    """Return the certificates that the server shows to new connections of any kind."""
    found = set()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for name in ("heketi.example", None):
            context = ssl._create_unverified_context()
            context.minimum_version = context.maximum_version = version
            plain = socket.create_connection(("127.0.0.1", port))
            with context.wrap_socket(plain, server_hostname=name) as connection:
                found.add(ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b""))
    return found


@contextlib.contextmanager
def secure(folder: Path) -> Iterator[tuple[Running, Path, Path]]:
    """Run a server with TLS; yield it, and the files of its certificate and key."""
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    for file, text in zip((cert_file, key_file), pem(folder, "first"), strict=True):
        file.touch(0o600)
        file.write_text(text)
    files = {"cert_file": str(cert_file), "key_file": str(key_file)}
    with serving(folder, {**LOUD, "enable_tls": True, **files}) as running:
        yield running, cert_file, key_file


def test_a_certificate_that_was_renewed_in_its_place(tmp_path: Path) -> None:
    with secure(tmp_path) as (running, cert_file, key_file):
        first, context = cert_file.read_text(), ssl._create_unverified_context()
        kept = http.client.HTTPSConnection("127.0.0.1", running.port, context=context)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        kept.connect()
        session = kept.sock.session
        second, key = pem(tmp_path, "second")
        cert_file.write_text(second)
        key_file.write_text(key)
        assert shown(running.port) == {first}
        said = told(running, tmp_path)
        assert "now in force: a renewed certificate\n" in said
        assert shown(running.port) == {second}
        kept.request("GET", "/hello")
        assert kept.getresponse().status == 200, "open connections go on"
        kept.close()
        plain = socket.create_connection(("127.0.0.1", running.port))
        with context.wrap_socket(plain, session=session) as resumed:
            resumed.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert resumed.recv(4096).startswith(b"HTTP/1.1 200")
        assert "nothing has changed" in told(running, tmp_path)


@pytest.mark.parametrize("spoilt", ["another's key", "no certificate", "gone", "a passphrase"])
def test_a_certificate_that_cannot_be_used(tmp_path: Path, spoilt: str) -> None:
    with secure(tmp_path) as (running, cert_file, key_file):
        first = cert_file.read_text()
        second, right = pem(tmp_path, "second")
        edit(tmp_path, of_gluster(brick_min_size_gb=2))
        cert_file.write_text("hush" if spoilt == "no certificate" else second)
        if spoilt == "gone":
            cert_file.unlink()
        if spoilt == "a passphrase":
            private = serialization.load_pem_private_key(right.encode(), None)
            form, how = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"hush")
            key_file.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, how))
        said = told(running, tmp_path)
        assert "The settings stay as they are" in said
        assert str(cert_file) in said
        assert "hush" not in said
        assert "Traceback" not in said
        assert shown(running.port) == {first}
        cert_file.write_text(second)
        key_file.write_text(right)
        assert "now in force: glusterfs.brick_min_size_gb, a renewed certificate\n" in told(running, tmp_path)
        assert shown(running.port) == {second}


def test_a_certificate_in_other_files(tmp_path: Path) -> None:
    with secure(tmp_path) as (running, _, _):
        second, _ = pem(tmp_path, "second")
        file = tmp_path / "second" / "server.pem"
        edit(tmp_path, lambda document: document.update(cert_file=str(file), key_file=str(file)))
        assert "now in force: cert_file, key_file, a renewed certificate\n" in told(running, tmp_path)
        assert shown(running.port) == {second}


def test_under_load(tmp_path: Path) -> None:
    """Limits, slots, retries and schedules change all the time while many clients make, change and remove volumes."""
    furnished(tmp_path)
    crowd = Crowd(8)
    with serving(tmp_path, {**SLOW, "glusterfs": {**SLOW["glusterfs"], "loglevel": "info"}}) as running:
        crowd.come(running.port)
        for round_ in range(often(30, 600)):
            edit(
                tmp_path,
                of_gluster(
                    max_inflight_operations=(2, 12)[round_ % 2],
                    brick_max_size_gb=(100, 4096)[round_ % 2],
                    operation_retry_limits={"volume_create": 1 + round_ % 4},
                    disable_background_cleaner=bool(round_ % 3),
                    disable_monitor_gluster_nodes=bool(round_ % 3),
                    start_time_monitor_gluster_nodes=0,
                ),
            )
            assert "now in force" in told(running, tmp_path, times=1 + round_ % 3)
        crowd.go()
        crowd.settle(running.port)
    assert crowd.trouble == []
    assert min(crowd.done[verb] for verb in ("create", "delete", "expand", "clone")) > 0
    assert "Traceback" not in (tmp_path / "server.log").read_text()
    require_consistent(tmp_path / "heketi.db")


def held_back(process: int) -> bool:
    """Tell whether SIGHUP would not kill a process: it is held back, or taken."""
    lines = dict(
        line.split(":\t") for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":\t" in line
    )
    return any(int(lines[name], 16) & 1 << signal.SIGHUP - 1 for name in ("SigBlk", "SigCgt"))


def test_during_the_start(tmp_path: Path) -> None:
    """From its first moments on it does not kill, and is answered when there is somebody to answer."""
    with starting(tmp_path, LOUD) as running:
        while not held_back(running.process.pid):
            time.sleep(0.001)
        while b"Settings read again" not in (tmp_path / "server.log").read_bytes():
            running.process.send_signal(signal.SIGHUP)
            time.sleep(0.002)
            assert running.process.poll() is None
        assert answers(running.url)


@contextlib.contextmanager
def at_a_terminal(folder: Path, *, ignored: bool) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run the server of a folder as somebody does at a terminal; yield that and the process."""
    terminal, inside = os.openpty()

    ignoring = "signal.signal(signal.SIGHUP, signal.SIG_IGN); " if ignored else ""
    code = (
        f"import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {ignoring}"
        "from pyheketi.main import main; main()"
    )
    words = [sys.executable, "-c", code, f"--config={folder / 'heketi.json'}"]
    process = subprocess.Popen(words, stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
    os.close(inside)
    try:
        yield terminal, process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("ignored", [False, True], ids=["plainly", "by nohup"])
def test_the_terminal_is_closed(tmp_path: Path, *, ignored: bool) -> None:
    """The server stops in order; one that was told to stay, stays."""
    with serving(tmp_path, LOUD) as running, Client(running.port) as client:
        client.furnish(nodes=3, devices=1)
    with at_a_terminal(tmp_path, ignored=ignored) as (terminal, process):
        said = b""
        while b"Listening" not in said:
            said += os.read(terminal, 4096)
        process.send_signal(signal.SIGHUP)
        while b"nothing has changed" not in said:
            said += os.read(terminal, 4096)
        os.close(terminal)
        if ignored:
            time.sleep(0.5)
            assert answers(running.url)
            process.terminate()
        assert process.wait(30) == 0
    require_consistent(tmp_path / "heketi.db")
    assert not list(tmp_path.glob("heketi.db-wal")), "the database was closed"
