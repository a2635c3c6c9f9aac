"""The server is killed, a node loses power or its cable, in the middle of everything: nothing leaks, nothing is lost.

The moments are random, the same in each run; ``PYHEKETI_SEED`` names others. What nodes have is compared with the
database by our own commands, and with LVM's books.
"""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.depth import NIGHTLY
from tests.lab.site import (
    Site,
    mounted,
    require_books_agree,
    value,
    wait_until_peers_are_back,
    wait_until_quiet,
)

from lab import Lab, LabNode


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Four nodes with a disk each. Gluster's patience is short: nodes that are cut off keep it waiting."""
    lab.pristine()
    home = tmp_path_factory.mktemp("site")
    ssh = {"keyfile": str(lab.key()), "user": "root", "gluster_cli_timeout": 60}
    with Site(lab, home, sshexec=ssh) as made:
        made.load(disks=1)
        yield made


@pytest.fixture(scope="module")
def moments() -> random.Random:
    return random.Random(int(os.environ.get("PYHEKETI_SEED", "4")))


def make(site: Site) -> str:
    return value(site.cli("volume", "create", "--size=1"), "Volume Id")


def create(site: Site) -> list[str]:
    return ["volume", "create", "--size=1"]


def expand(site: Site) -> list[str]:
    return ["volume", "expand", f"--volume={make(site)}", "--expand-size=1"]


def delete(site: Site) -> list[str]:
    return ["volume", "delete", make(site)]


def clone(site: Site) -> list[str]:
    return ["volume", "clone", make(site)]


def empty_a_device(site: Site) -> list[str]:
    volume = make(site)
    device = site.json("volume", "info", volume)["bricks"][0]["device"]
    site.cli("device", "disable", device)
    return ["device", "remove", device]


def begun(site: Site, words: list[str]) -> "subprocess.Popen[str]":
    return site.lab.popen(
        ["heketi-cli", *words], env=site.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def require_agreement(site: Site) -> None:
    """The database, gluster, and what lies on the nodes are the same."""
    compared = site.sh("heketi-cli server state compare --skip-ok --no-header", check=False)
    assert (compared.returncode, compared.stdout) == (0, ""), compared.stderr
    strays = site.sh("heketi-cli server state orphans", check=False)
    assert (strays.returncode, strays.stdout) == (0, ""), strays.stderr
    assert site.json("db", "check")["totalinconsistencies"] == 0


def tidy(site: Site) -> None:
    """Delete all volumes but the bystander, take emptied devices into use again."""
    for volume in site.json("volume", "list")["volumes"]:
        if site.json("volume", "info", volume)["name"] != "bystander":
            site.cli("volume", "delete", volume)
    for cluster in site.json("topology", "info")["clusters"]:
        for node in cluster["nodes"]:
            for device in node["devices"]:
                if device["state"] == "failed":
                    site.cli("device", "delete", device["id"])
                    site.cli("device", "add", f"--name={device['name']}", f"--node={node['id']}")
                elif device["state"] == "offline":
                    site.cli("device", "enable", device["id"])


@pytest.fixture(scope="module")
def precious(site: Site) -> Iterator[Path]:
    """A file on a volume that nothing is done to; the last test is over when it is looked at."""
    point = mounted(site, site.cli("volume", "create", "--size=1", "--name=bystander"))
    site.lab.exec(["sh", "-c", f"echo precious > {point}/file"])
    yield point / "file"
    site.lab.umount(point)
    (volume,) = site.json("volume", "list")["volumes"]
    site.cli("volume", "delete", volume)
    require_books_agree(site)


@pytest.mark.parametrize("wish", [expand, delete, empty_a_device])
def test_the_server_is_killed(
    site: Site, moments: random.Random, precious: Path, wish: Callable[[Site], list[str]]
) -> None:
    client = begun(site, wish(site))
    time.sleep(moments.uniform(0.3, 8))
    assert site.server is not None
    site.server.kill()
    site.server.wait()
    client.kill()
    client.wait()
    site.start()
    wait_until_quiet(site)
    require_agreement(site)
    assert site.lab.exec(["cat", precious]).stdout == "precious\n"
    tidy(site)


def cut_power(node: LabNode) -> None:
    node.power_cut()


def cut_network(node: LabNode) -> None:
    node.cut_network()


def bring_back(node: LabNode, cut: Callable[[LabNode], None]) -> None:
    if cut is cut_power:
        node.start()
    else:
        node.restore_network()
    node.wait_ready()


@pytest.mark.parametrize(
    ("cut", "wish"),
    [
        (cut_network, expand),
        (cut_power, delete),
        *([(cut_power, create), (cut_network, clone)] if NIGHTLY else []),
    ],
)
def test_a_node_is_cut_off(
    site: Site,
    moments: random.Random,
    precious: Path,
    cut: Callable[[LabNode], None],
    wish: Callable[[Site], list[str]],
) -> None:
    client = begun(site, wish(site))
    time.sleep(moments.uniform(0.3, 5))
    node = site.lab.nodes[moments.randrange(4)]
    cut(node)
    try:
        client.wait(280)
    finally:
        bring_back(node, cut)
    wait_until_peers_are_back(site.lab.nodes)
    site.cli("server", "operations", "cleanup")  # what could not end without the node; it would by itself, later
    wait_until_quiet(site)
    require_agreement(site)
    assert site.lab.exec(["cat", precious]).stdout == "precious\n"
    tidy(site)
