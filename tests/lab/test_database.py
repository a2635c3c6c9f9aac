"""The database on a GlusterFS volume, as guides recommend."""

import os
import sys
from pathlib import Path

from tests.lab.site import BIN, Site, mounted, value

ROOT = Path(__file__).resolve().parents[2]
ON_GLUSTERFS = ROOT / "tests/contract/store/on_glusterfs.py"


def test_two_hosts_share_a_database_on_a_volume(three_nodes: Site) -> None:
    """To GlusterFS each mount is a host of its own."""
    lab = three_nodes.lab
    made = three_nodes.cli("volume", "create", "--size=1")
    here, there = mounted(three_nodes, made), mounted(three_nodes, made)
    lab.exec([sys.executable, ON_GLUSTERFS, here, there], env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT)

    homes = three_nodes.home / "first", three_nodes.home / "second"
    for home in homes:
        home.mkdir()
    first = Site(lab, homes[0], port=8081, db=str(here / "heketi.db"))
    second = Site(lab, homes[1], port=8082, db=str(there / "heketi.db"))
    with first:
        assert first.server is not None
        cluster = first.json("cluster", "create")["id"]
        refused = lab.exec([BIN / "heketi", f"--config={second.config}"], check=False)
        assert refused.returncode == 1
        assert f"{there}/heketi.db is in use by another heketi server (process {first.server.pid} on" in refused.stderr
        first.server.kill()
        first.server.wait()
    with second:
        assert second.json("cluster", "list") == {"clusters": [cluster]}
    lab.umount(here)
    lab.umount(there)
    three_nodes.cli("volume", "delete", value(made, "Volume Id"))
