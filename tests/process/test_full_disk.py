"""The disk of the database is full for a while: changes are refused with the reason, and afterwards all is well."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.depth import often
from tests.process.client import Client
from tests.process.crowd import Crowd
from tests.process.slow import SLOW
from tests.served import serving

TIDY = {
    **SLOW,
    "glusterfs": {
        **SLOW["glusterfs"],
        "loglevel": "info",
        "start_time_background_cleaner": 1,
        "refresh_time_background_cleaner": 1,
    },
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("file systems can only be mounted by root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_full_disk_under_load(tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "heketi.db").symlink_to(small_disk / "heketi.db")
    crowd = Crowd(8)
    with serving(tmp_path, TIDY) as running, Client(running.port) as client:
        client.furnish()
        for _ in range(often(3, 30)):
            crowd.come(running.port)
            time.sleep(0.2)
            ballast = fill(small_disk)
            crowd.wait()
            assert client("GET", "/clusters")[0] == 200
            status, _, said = client("POST", "/clusters", {})
            assert (status, b"the disk is full" in said) == (500, True)
            ballast.unlink()
            crowd.settle(running.port)
    assert all("the disk is full" in each for each in crowd.trouble)
    assert crowd.trouble
    assert "Traceback" not in (tmp_path / "server.log").read_text()
