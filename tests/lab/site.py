"""A server in the lab and its command line client, and what a test asks the nodes behind the server's back."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from lab import Lab, LabNode

BIN = Path(sys.executable).parent
KEY = "labkey"


class Site:
    """A server in the lab, and its command line client. As a context the server runs within."""

    def __init__(self, lab: Lab, home: Path, *, text: str = "", port: int = 8080, **glusterfs: Any) -> None:
        """``glusterfs`` are settings of that section; ``text`` is a whole heketi.json instead."""
        self.lab, self.home = lab, home
        self.config = home / "heketi.json"
        self.url = f"http://localhost:{port}"
        self.log = home / "heketi.log"
        self.environment = os.environ | {
            "HEKETI_CLI_SERVER": self.url,
            "HEKETI_CLI_USER": "admin",
            "HEKETI_CLI_KEY": KEY,
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }
        self.server: subprocess.Popen[str] | None = None
        section = {
            "executor": "ssh",
            "db": str(home / "heketi.db"),
            "loglevel": "debug",
            "sshexec": {"keyfile": str(lab.key()), "user": "root", "port": "22"},
        }
        jwt = {"admin": {"key": KEY}, "user": {"key": KEY}}
        settings = {"port": str(port), "jwt": jwt, "glusterfs": section | glusterfs}
        self.config.write_text(text or json.dumps(settings, indent=2))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.server and self.server.poll() is None:
            self.stop()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.server = self.lab.popen(
                [BIN / "heketi", f"--config={self.config}"], stdout=log, stderr=subprocess.STDOUT, cwd=self.home
            )
        for _ in range(200):
            if self.server.poll() is not None:
                raise RuntimeError(f"the server has ended:\n{self.log.read_text()}")
            if self.lab.exec(["curl", "-sf", f"{self.url}/hello"], check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("the server does not answer")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.server is not None
        self.server.send_signal(number)
        return self.server.wait(90)

    def sh(self, command: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a shell line as the guides write them."""
        done = self.lab.exec(["bash", "-c", command], check=False, env=self.environment, cwd=self.home, timeout=300)
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done

    def cli(self, *words: str) -> str:
        done = self.lab.exec(["heketi-cli", *words], check=False, env=self.environment, cwd=self.home, timeout=300)
        assert done.returncode == 0, f"heketi-cli {words}\n{done.stdout}{done.stderr}"
        return str(done.stdout)

    def refused(self, *words: str) -> str:
        done = self.lab.exec(["heketi-cli", *words], check=False, env=self.environment, cwd=self.home, timeout=300)
        assert done.returncode == 255, f"heketi-cli {words}\n{done.stdout}{done.stderr}"
        return str(done.stderr)

    def json(self, *words: str) -> Any:
        return json.loads(self.cli(*words, "--json"))

    def load(self, **choice: Any) -> str:
        file = self.home / "topology.json"
        file.write_text(json.dumps(self.lab.topology(**choice)))
        said = self.cli("topology", "load", f"--json={file}")
        assert "Unable" not in said
        return said


def value(text: str, label: str) -> str:
    match = re.search(rf"^{label}: (.*)$", text, re.MULTILINE)
    assert match, f"no {label} in\n{text}"
    return match[1]


def mounted(site: Site, made: str) -> Path:
    """Mount what was printed. Heketi separates the servers by commas, mount(8) wants colons."""
    return site.lab.mount(value(made, "Mount"), value(made, "Mount Options").replace(",", ":"))


def traces(node: LabNode) -> str:
    """Everything that volumes leave on a node; the folder of a volume group goes with its device."""
    return node.ssh(
        "lvs --noheadings -o vg_name,lv_name; grep heketi /etc/fstab /proc/mounts; "
        "find /var/lib/heketi/mounts -mindepth 2 2>/dev/null; gluster volume list 2>&1; true"
    ).stdout


def free_kib(node: LabNode) -> dict[str, int]:
    """KiB that LVM calls free, by volume group."""
    lines = node.ssh("vgs --noheadings --units k --nosuffix -o vg_name,vg_free").stdout.split("\n")
    return {name: int(float(free)) for name, free in (line.split() for line in lines if line.strip())}


def require_books_agree(site: Site) -> None:
    """The server's free space is LVM's, to the KiB."""
    lvm: dict[str, int] = {}
    for node in site.lab.nodes:
        lvm |= free_kib(node)
    devices = [
        device
        for cluster in site.json("topology", "info")["clusters"]
        for node in cluster["nodes"]
        for device in node["devices"]
    ]
    assert {f"vg_{device['id']}": device["storage"]["free"] for device in devices} == lvm


def mended(site: Site) -> None:
    """What failed has left nothing, and the next volume works."""
    made = site.cli("volume", "create", "--size=1")
    site.cli("volume", "delete", value(made, "Volume Id"))
    require_books_agree(site)


def wait_until_quiet(site: Site) -> None:
    """Wait until the server has no unfinished operations."""
    with contextlib.closing(sqlite3.connect(f"file:{site.home / 'heketi.db'}?mode=ro", uri=True)) as database:
        for _ in range(120):
            (left,) = database.execute(
                "SELECT count(*) FROM operations WHERE state NOT IN ('done', 'abandoned')"
            ).fetchone()
            if left == 0:
                return
            time.sleep(0.5)
    raise AssertionError(f"the server never comes to rest:\n{site.log.read_text()[-3000:]}")


def wait_until_peers_are_back(nodes: Sequence[LabNode]) -> None:
    """Wait until all peers know that all are there: before, gluster deletes nothing."""
    for _ in range(60):
        told = [node.ssh("gluster peer status").stdout for node in nodes]
        if all(each.count("(Connected)") == len(nodes) - 1 for each in told):
            return
        time.sleep(1)
    raise AssertionError("\n".join(told))
