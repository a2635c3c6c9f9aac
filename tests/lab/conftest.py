"""Real nodes for tests, and a server and client among them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab

BIN = Path(sys.executable).parent
KEY = "labkey"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.lab)


def _why_not() -> str:
    if os.geteuid() != 0:
        return "the lab needs root"
    if not Path("/etc/debian_version").exists():
        return "the lab needs Debian's packages"
    for device in ("/dev/net/tun", "/dev/fuse"):
        if not Path(device).exists():
            return f"the lab needs {device}"
    return ""


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Four nodes with two disks each."""
    if why := _why_not():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    made = Lab(tmp_path_factory.mktemp("lab") / "run", nodes=4, disks=2)
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture
def clean_lab(lab: Lab) -> Lab:
    """The lab, every node as new."""
    for node in lab.nodes:
        if node.ssh("true", check=False, timeout=10).returncode:
            node.power_cut()
            node.start()
            node.wait_ready()
    lab.pristine()
    return lab


class Site:
    """A server in the lab, and its command line client."""

    def __init__(self, lab: Lab, home: Path, **sshexec: Any) -> None:
        self.lab, self.home = lab, home
        self.config = home / "heketi.json"
        settings = {
            "port": "8080",
            "jwt": {"admin": {"key": KEY}, "user": {"key": KEY}},
            "glusterfs": {
                "executor": "ssh",
                "db": str(home / "heketi.db"),
                "loglevel": "debug",
                "sshexec": {"keyfile": str(lab.key()), "user": "root", "port": "22"} | sshexec,
            },
        }
        self.config.write_text(json.dumps(settings, indent=2))
        self.log = home / "heketi.log"
        self.environment = os.environ | {
            "HEKETI_CLI_SERVER": "http://localhost:8080",
            "HEKETI_CLI_USER": "admin",
            "HEKETI_CLI_KEY": KEY,
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }
        self.server: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self.log.open("a") as log:
            self.server = self.lab.popen(
                [BIN / "heketi", f"--config={self.config}"], stdout=log, stderr=subprocess.STDOUT, cwd=self.home
            )
        for _ in range(200):
            if self.server.poll() is not None:
                raise RuntimeError(f"the server has ended:\n{self.log.read_text()}")
            if self.lab.exec(["curl", "-sf", "http://localhost:8080/hello"], check=False).returncode == 0:
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


@pytest.fixture
def site(clean_lab: Lab, tmp_path: Path) -> Iterator[Site]:
    made = Site(clean_lab, tmp_path)
    made.start()
    try:
        yield made
    finally:
        if made.server and made.server.poll() is None:
            made.stop()
