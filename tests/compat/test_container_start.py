"""``deploy/heketi-start.sh``, what the image starts (config.md §8), with our programs and simulated nodes."""

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.served import SETTINGS, answers
from tests.shared import shared_dir

SCRIPT = Path(__file__).parents[2] / "deploy" / "heketi-start.sh"
TOPOLOGY = {
    "clusters": [
        {
            "nodes": [
                {
                    "node": {"zone": 1, "hostnames": {"manage": ["n1"], "storage": ["10.0.0.1"]}},
                    "devices": ["/dev/sdb"],
                }
            ]
        }
    ]
}


@dataclass
class Container:
    """A folder with what the image finds: settings, programs, a place for the database."""

    home: Path
    port: int

    @property
    def path(self) -> Path:
        return self.home / "heketi"

    @property
    def database(self) -> Path:
        return self.path / "heketi.db"

    @property
    def archives(self) -> list[Path]:
        return sorted((self.path / "archive").glob("heketi.db-archive-*.gz"))

    def environment(self, **more: str) -> dict[str, str]:
        return os.environ | {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "HEKETI_PATH": str(self.path),
            "HEKETI_CONFIG": str(self.home / "heketi.json"),
            "BACKUPDB_PATH": str(self.home / "backupdb"),
            "HEKETI_ADMIN_KEY": "adminkey",
            "HEKETI_HTTP_PORT": str(self.port),
            **more,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cli(self, *words: str) -> str:
        environment = self.environment(HEKETI_CLI_SERVER=self.url, HEKETI_CLI_USER="admin", HEKETI_CLI_KEY="adminkey")
        return subprocess.run(
            ["heketi-cli", *words], env=environment, check=True, capture_output=True, text=True
        ).stdout

    @contextlib.contextmanager
    def started(self, **more: str) -> Iterator[None]:
        """Run the script until its server answers, and stop that in the end."""
        log = self.home / "log"
        with log.open("ab") as output:
            process = subprocess.Popen([SCRIPT], env=self.environment(**more), stdout=output, stderr=output)
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                if answers(self.url):
                    break
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0

    def refused(self, **more: str) -> str:
        done = subprocess.run(
            [SCRIPT], env=self.environment(**more), check=False, capture_output=True, text=True, timeout=100
        )
        assert done.returncode == 1
        return done.stderr

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()


@pytest.fixture
def container(tmp_path: Path) -> Container:
    for folder in ("heketi", "backupdb", "bin"):
        (tmp_path / folder).mkdir()
    for name, module in (("heketi", "pyheketi.main"), ("heketi-cli", "pyheketi.cli.main")):
        program = tmp_path / "bin" / name
        program.write_text(f"#!{sys.executable}\nfrom {module} import main\n\nmain()\n")
        program.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        made = Container(tmp_path, free.getsockname()[1])
    glusterfs = SETTINGS["glusterfs"] | {"db": str(made.database)}
    settings = {**SETTINGS, "port": str(made.port), "glusterfs": glusterfs}
    (tmp_path / "heketi.json").write_text(json.dumps(settings))
    (tmp_path / "topology.json").write_text(json.dumps(TOPOLOGY))
    return made


def wait_for(container: Container, text: str) -> None:
    for _ in range(300):
        if text in container.log:
            return
        time.sleep(0.1)
    raise AssertionError(container.log)


def test_a_topology_is_loaded_once_and_each_start_keeps_a_copy_of_what_changed(container: Container) -> None:
    topology = str(container.home / "topology.json")
    with container.started(HEKETI_TOPOLOGY_FILE=topology):
        wait_for(container, "Adding device /dev/sdb ... OK")
        assert len(container.cli("cluster", "list").split("\n")) == 3
    assert container.archives == []
    with container.started(HEKETI_TOPOLOGY_FILE=topology):
        wait_for(container, "was not loaded: there are clusters already")
        container.cli("volume", "create", "--size=1", "--durability=none")
    (first,) = container.archives
    contents = gzip.decompress(first.read_bytes())
    assert contents.startswith(b"SQLite format 3\0")
    assert first.with_name(f"{first.name}.sha256").read_text().strip() == hashlib.sha256(contents).hexdigest()
    assert first.stat().st_mode & 0o077 == 0
    with container.started(HEKETI_DB_ARCHIVE_COUNT="1"):
        assert "vol_" in container.cli("volume", "list")
    (second,) = container.archives
    assert second != first
    assert [each.suffix for each in sorted((container.path / "archive").iterdir())] == [".gz", ".sha256"]


def test_a_database_of_heketi_is_taken_over(container: Container) -> None:
    shutil.copy(shared_dir() / "golden" / "heketi-v10.db", container.database)
    with container.started():
        assert "vol_" in container.cli("volume", "list")
    assert "taking it over, the original is kept beside it" in container.log
    assert container.database.with_name("heketi.db.heketi10").exists()


def test_a_backup_is_begun_with_only_where_there_is_no_database(container: Container) -> None:
    with container.started():
        container.cli("cluster", "create")
    backup = container.home / "backupdb" / "heketi.db.gz"
    backup.write_bytes(gzip.compress(container.database.read_bytes()))
    with container.started():
        container.cli("cluster", "create")
        assert container.cli("cluster", "list").count("Id:") == 2
    container.database.unlink()
    with container.started(HEKETI_DB_ARCHIVE_PATH="-"):
        assert container.cli("cluster", "list").count("Id:") == 1
    assert "began with the database of" in container.log


def test_what_cannot_be_used_is_refused_with_the_reason(container: Container) -> None:
    (container.home / "backupdb" / "heketi.db.gz").write_bytes(b"no gzip")
    assert "cannot be unpacked" in container.refused()
    assert not container.database.exists()
    (container.home / "backupdb" / "heketi.db.gz").unlink()
    container.database.write_bytes(b"something else")
    assert "something else" not in container.refused()
    assert container.database.read_bytes() == b"something else"
    assert "cannot be written to" in container.refused(HEKETI_PATH=str(container.home / "nowhere"))


def test_a_server_that_is_still_there_is_waited_for(container: Container) -> None:
    with container.started():
        pass
    with container.started():
        second = container.home / "second.log"
        with second.open("wb") as output:
            waiting = subprocess.Popen([SCRIPT], env=container.environment(), stdout=output, stderr=output)
        time.sleep(1)
        assert waiting.poll() is None, second.read_text()
    try:
        for _ in range(300):
            if answers(container.url):
                break
            time.sleep(0.1)
        assert waiting.poll() is None
    finally:
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(60) == 0, second.read_text()
