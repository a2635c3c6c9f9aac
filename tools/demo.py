"""Show pyheketi at work: a server, a topology, a volume, and what to try next. Stays up until Ctrl-C.

``--lab`` does the same on real nodes (User Mode Linux guests; root on Debian), ``--once`` stops by itself at the end.
"""

import argparse
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
KEY = "demo"

Popen = Callable[..., "subprocess.Popen[str]"]


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", action="store_true", help="real nodes instead of simulated ones")
    parser.add_argument("--once", action="store_true", help="stop at the end instead of staying up")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # also where a shell has turned them off for the background
        signal.signal(number, signal.default_int_handler)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream
    with contextlib.suppress(KeyboardInterrupt):
        if options.lab:
            on_real_nodes(once=options.once)
        else:
            on_simulated_nodes(once=options.once)


def on_simulated_nodes(*, once: bool) -> None:
    """Serve simulated nodes on a port of this machine."""
    home = ROOT / "var" / "demo"
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    config = {
        "port": str(port),
        "bind_address": "127.0.0.1",
        "jwt": {"admin": {"key": KEY}, "user": {"key": KEY}},
        "glusterfs": {"executor": "mock", "db": str(home / "heketi.db")},
    }
    say("The nodes of this demonstration are SIMULATED: no real disk is touched, nothing can be mounted.")
    with serve(config, home, subprocess.Popen) as environment:
        cli = _Cli(environment, subprocess.run)
        cli("topology", "load", f"--json={ROOT / 'deploy' / 'topology.json'}")
        volume = cli("volume", "create", "--size=10", "--replica=3")
        cli("topology", "info")
        id_ = _value(volume, "Volume Id")
        say(
            f"""
The server is up at http://127.0.0.1:{port} (its interface: http://127.0.0.1:{port}/docs). In another terminal:

    export HEKETI_CLI_SERVER=http://127.0.0.1:{port} HEKETI_CLI_USER=admin HEKETI_CLI_KEY={KEY}
    export PATH={shlex.quote(str(BIN))}:$PATH
    heketi-cli volume list
    heketi-cli volume expand --volume={id_} --expand-size=5
    heketi-cli volume create --size=5000          # refused, and it says why
    heketi-cli volume delete {id_}
"""
        )
        _stay(once=once)


def on_real_nodes(*, once: bool) -> None:
    """Start a lab of real nodes, serve them, and mount a volume of theirs."""
    sys.path.insert(0, str(ROOT))
    from lab import Lab  # noqa: PLC0415  # root and Debian only

    home = ROOT / "var" / "lab"
    home.mkdir(parents=True, exist_ok=True)
    say("Starting three real GlusterFS nodes in User Mode Linux (the first time their image is built: a minute) ...")
    lab = Lab(home / "run", nodes=3)
    try:
        lab.up()
        config = {
            "port": "8080",
            "jwt": {"admin": {"key": KEY}, "user": {"key": KEY}},
            "glusterfs": {
                "executor": "ssh",
                "db": str(home / "heketi.db"),
                "sshexec": {"keyfile": str(lab.key()), "user": "root"},
            },
        }
        topology = home / "topology.json"
        topology.write_text(json.dumps(lab.topology(), indent=2))
        with serve(config, home, lab.popen) as environment:
            cli = _Cli(environment, lab.exec)
            cli("topology", "load", f"--json={topology}")
            volume = cli("volume", "create", "--size=1", "--replica=3")
            mount = lab.mount(_value(volume, "Mount"), _value(volume, "Mount Options").replace(",", ":"))
            lab.exec(["sh", "-c", f"echo 'a file on three bricks' > {mount}/hello; ls -l {mount}; df -h {mount}"])
            say(
                f"""
The volume is mounted at {mount} inside the lab's network namespace. In another terminal, as root:

    nsenter --target $(cat {home / "run" / "holder.pid"}) --net --mount
    export HEKETI_CLI_SERVER=http://localhost:8080 HEKETI_CLI_USER=admin HEKETI_CLI_KEY={KEY} PATH={BIN}:$PATH
    heketi-cli topology info
    heketi-cli volume expand --volume={_value(volume, "Volume Id")} --expand-size=1; df -h {mount}
    ssh -i {lab.key()} root@{lab.nodes[0].ip} 'lsblk; gluster volume info'
"""
            )
            _stay(once=once)
    finally:
        lab.down()


@contextlib.contextmanager
def serve(config: dict[str, Any], home: Path, popen: Popen) -> Iterator[dict[str, str]]:
    """Run a server on a fresh database; yield the environment of its clients."""
    for old in home.glob("heketi.db*"):
        old.unlink()
    file = home / "heketi.json"
    file.write_text(json.dumps(config, indent=2))
    log = (home / "heketi.log").open("w")
    say(f"$ heketi --config={file}        # its log: {log.name}")
    server = popen([str(BIN / "heketi"), f"--config={file}"], stdout=log, stderr=subprocess.STDOUT, cwd=home)
    try:
        for _ in range(200):
            if "Listening on port" in Path(log.name).read_text():
                break
            if server.poll() is not None:
                raise SystemExit(f"The server did not start:\n{Path(log.name).read_text()}")
            time.sleep(0.1)
        for line in Path(log.name).read_text().splitlines():
            if "WARNING" in line:
                say(line)
        url = f"http://localhost:{config['port']}"
        yield os.environ | {"HEKETI_CLI_SERVER": url, "HEKETI_CLI_USER": "admin", "HEKETI_CLI_KEY": KEY}
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


class _Cli:
    """Runs heketi-cli, showing what is typed and what it answers."""

    def __init__(self, environment: dict[str, str], run: Callable[..., Any]) -> None:
        self._environment, self._run = environment, run

    def __call__(self, *words: str) -> str:
        say(f"\n$ heketi-cli {shlex.join(words)}")
        done = self._run(
            [str(BIN / "heketi-cli"), *words], env=self._environment, text=True, capture_output=True, check=False
        )
        say(done.stdout + done.stderr)
        if done.returncode:
            raise SystemExit("heketi-cli failed, see above")
        return str(done.stdout)


def _value(text: str, label: str) -> str:
    return next(line.split(": ", 1)[1] for line in text.splitlines() if line.startswith(f"{label}: "))


def _free_port() -> int:
    """Return 8080 if nobody listens there, else a port that is free."""
    for port in (8080, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as listener:
            return int(listener.getsockname()[1])
    raise SystemExit("no free port")


def _stay(*, once: bool) -> None:
    if not once:
        say("Press Ctrl-C to stop it.")
        signal.pause()


def say(text: str) -> None:
    """Print."""
    print(text.rstrip("\n"))


if __name__ == "__main__":
    main()
