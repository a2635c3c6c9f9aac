"""The official Python client from the package index, unmodified, in an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.test_golden_cli import serving

_STORY = """
import hashlib, json, sys

# The client was written for Python 2, where text needs no encoding before it is hashed; nothing else is different.
hash_bytes = hashlib.sha256
hashlib.sha256 = lambda text=b"", **more: hash_bytes(text.encode() if isinstance(text, str) else text, **more)
from heketi import HeketiClient

client = HeketiClient(sys.argv[1], "admin", "adminkey")
assert client.hello()
(cluster,) = client.cluster_list()["clusters"]  # its own cluster_create knows no flags: no volume would be allowed
for number in range(3):
    names = {"manage": [f"h{number}"], "storage": [f"10.0.0.{number}"]}
    node = client.node_add({"cluster": cluster, "zone": number + 1, "hostnames": names})
    assert client.device_add({"name": "/dev/sdb", "node": node["id"]})
device = client.node_info(node["id"])["devices"][0]
client.device_state(device["id"], {"state": "offline"})
client.device_state(device["id"], {"state": "online"})
replica = {"type": "replicate", "replicate": {"replica": 3}}
volume = client.volume_create({"size": 10, "durability": replica})
assert volume["size"] == 10 and len(volume["bricks"]) == 3
assert client.volume_list() == {"volumes": [volume["id"]]}
assert client.volume_expand(volume["id"], {"expand_size": 5})["size"] == 15
assert client.volume_info(volume["id"])["size"] == 15
assert client.volume_delete(volume["id"])
assert client.volume_list() == {"volumes": []}
print(json.dumps(client.cluster_list()))
"""


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python with the official client and an old PyJWT: one that signs with short keys and returns text."""
    home = tmp_path_factory.mktemp("official")
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / "bin" / "python"
    wanted = ["heketi==3.0.0", "PyJWT~=2.4.0", "requests"]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"the official client cannot be installed:\n{done.stderr}")
    return python


def test_the_official_client_works(official: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        settings = {"HEKETI_CLI_SERVER": url, "HEKETI_CLI_USER": "admin", "HEKETI_CLI_KEY": "adminkey"}
        cli = Path(sys.executable).with_name("heketi-cli")
        subprocess.run([cli, "cluster", "create"], env=os.environ | settings, check=True)
        done = subprocess.run([official, "-c", _STORY, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["clusters"]) == 1
