"""The official Python client against our server, on simulated nodes; tests/lab has the same on real ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests import official_client
from tests.served import serving


def test_the_official_client_works(official_python: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        settings = {"HEKETI_CLI_SERVER": server.url, "HEKETI_CLI_USER": "admin", "HEKETI_CLI_KEY": "adminkey"}
        cli = Path(sys.executable).with_name("heketi-cli")
        subprocess.run([cli, "cluster", "create"], env=os.environ | settings, check=True)
        story = official_client.tell(
            official_python, server.url, "adminkey", "/dev/sdb", ["h1=10.0.0.1", "h2=10.0.0.2", "h3=10.0.0.3"]
        )
        done = subprocess.run(story, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["clusters"]) == 1
