"""The official Python client from the package index, unmodified, in an environment of its own."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

STORY = """
import hashlib, json, sys

# The client was written for Python 2, where text needs no encoding before it is hashed; nothing else is different.
hash_bytes = hashlib.sha256
hashlib.sha256 = lambda text=b"", **more: hash_bytes(text.encode() if isinstance(text, str) else text, **more)
from heketi import HeketiClient

url, key, device, *hosts = sys.argv[1:]
client = HeketiClient(url, "admin", key)
assert client.hello()
(cluster,) = client.cluster_list()["clusters"]  # its own cluster_create knows no flags: no volume would be allowed
for zone, host in enumerate(hosts, 1):
    manage, storage = host.split("=")
    node = client.node_add({"cluster": cluster, "zone": zone, "hostnames": {"manage": [manage], "storage": [storage]}})
    assert client.device_add({"name": device, "node": node["id"]})
(added,) = client.node_info(node["id"])["devices"]
client.device_state(added["id"], {"state": "offline"})
client.device_state(added["id"], {"state": "online"})
replica = {"type": "replicate", "replicate": {"replica": 3}}
volume = client.volume_create({"size": 2, "durability": replica})
assert volume["size"] == 2 and len(volume["bricks"]) == 3
assert client.volume_list() == {"volumes": [volume["id"]]}
assert client.volume_expand(volume["id"], {"expand_size": 1})["size"] == 3
assert client.volume_info(volume["id"])["size"] == 3
assert client.volume_delete(volume["id"])
assert client.volume_list() == {"volumes": []}
print(json.dumps(client.cluster_list()))
"""
"""Needs a cluster; takes the server's URL, the admin's key, a device, and the nodes as MANAGE=STORAGE."""


def install(home: Path) -> Path:
    """Return Python with the client and an old PyJWT: one that signs with short keys and returns text."""
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / "bin" / "python"
    wanted = ["heketi==3.0.0", "PyJWT~=2.4.0", "requests"]
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"the official client cannot be installed:\n{done.stderr}")
    return python


def tell(python: Path, url: str, key: str, device: str, hosts: Sequence[str]) -> list[str]:
    """Return the command that tells the story."""
    return [str(python), "-c", STORY, url, key, device, *hosts]
