"""Real volumes: made, mounted, filled, grown, emptied, and gone without a trace."""

import contextlib
import re
import sqlite3
import time
from pathlib import Path

import pytest
from tests.lab.conftest import Site

from lab import LabNode


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


def test_guide_1(site: Site) -> None:
    said = site.load(count=3, disks=1)
    assert re.search(
        r"^\tCreating node n1 \.\.\. ID: \w{32}\n\t\tAdding device /dev/ubdb \.\.\. OK$", said, re.MULTILINE
    )
    before = {node.name: traces(node) for node in site.lab.nodes}
    cluster = site.sh("heketi-cli cluster list | sed -n 's/^Id:\\([a-f0-9]*\\).*/\\1/p'").stdout.strip()
    made = site.cli("volume", "create", "--size=1", f"--clusters={cluster}")
    assert value(made, "Size") == "1"
    assert value(made, "Replica Count") == "3"
    volume = value(made, "Volume Id")
    listing = site.lab.nodes[0].ssh("lsblk; gluster volume info").stdout
    assert "heketi/mounts/vg_" in listing
    assert f"user.heketi.id: {volume}" in listing
    point = mounted(site, made)
    site.sh(f"echo hello > {point}/file && cat {point}/file")
    site.lab.umount(point)
    assert f"Name:vol_{volume}" in site.cli("volume", "list")
    assert site.cli("volume", "delete", volume) == f"Volume {volume} deleted\n"
    assert {node.name: traces(node) for node in site.lab.nodes} == before
    require_books_agree(site)

    devices = "heketi-cli topology info | grep Size | awk '{print $1}' | cut -d: -f 2 | xargs -i heketi-cli device"
    assert site.sh(f"{devices} disable {{}}").stdout.count("is now offline") == 3
    assert site.sh(f"{devices} remove {{}}").stdout.count("is now removed") == 3
    assert site.sh(f"{devices} delete {{}}").stdout.count("deleted") == 3
    nodes = "heketi-cli node list | awk '{print $1}' | cut -d: -f 2 | xargs -i heketi-cli node delete {}"
    assert site.sh(nodes).stdout.count("deleted") == 3
    clusters = (
        "heketi-cli cluster list | grep Id | awk '{print $1}' | cut -d: -f 2 | xargs -i heketi-cli cluster delete {}"
    )
    assert site.sh(clusters).stdout == f"Cluster {cluster} deleted\n"
    for node in site.lab.nodes:
        assert node.ssh("vgs --noheadings; pvs --noheadings; ls /var/lib/heketi/mounts 2>/dev/null; true").stdout == ""


@pytest.mark.parametrize(
    ("options", "copies"),
    [
        (["--replica=3"], 3),
        (["--replica=2"], 2),
        (["--durability=none"], 1),
        (["--durability=disperse", "--disperse-data=2", "--redundancy=1"], 0),
    ],
    ids=["replica 3", "replica 2", "distribute", "disperse 2+1"],
)
def test_a_volume_is_made_filled_grown_and_gone(four_nodes: Site, options: list[str], copies: int) -> None:
    site = four_nodes
    before = {node.name: (traces(node), free_kib(node)) for node in site.lab.nodes}
    size = 2 if copies == 0 else 1
    made = site.cli("volume", "create", f"--size={size}", *options)
    volume = value(made, "Volume Id")
    point = mounted(site, made)
    site.sh(f"dd if=/dev/urandom of={point}/data bs=1M count=20 status=none && sync")
    digest = site.sh(f"sha256sum < {point}/data").stdout
    room = int(site.sh(f"df -k --output=size {point} | tail -1").stdout)
    if copies:
        digests = [copy for node in site.lab.nodes for copy in brick_digests(node)]
        assert digests == [digest] * copies
    site.cli("volume", "expand", f"--volume={volume}", f"--expand-size={size}")
    grown = int(site.sh(f"df -k --output=size {point} | tail -1").stdout)
    assert grown > room * 1.8
    assert site.sh(f"sha256sum < {point}/data").stdout == digest
    site.lab.umount(point)
    site.cli("volume", "delete", volume)
    assert {node.name: (traces(node), free_kib(node)) for node in site.lab.nodes} == before
    require_books_agree(site)


def brick_digests(node: LabNode) -> list[str]:
    found = node.ssh("for f in /var/lib/heketi/mounts/*/*/brick/data; do [ -f $f ] && sha256sum < $f; done; true")
    return found.stdout.splitlines(keepends=True)


def mended(site: Site) -> None:
    """What failed has left nothing, and the next volume works."""
    made = site.cli("volume", "create", "--size=1")
    site.cli("volume", "delete", value(made, "Volume Id"))
    require_books_agree(site)


def test_no_space_behind_the_server_s_back(four_nodes: Site) -> None:
    site = four_nodes
    before = {node.name: traces(node) for node in site.lab.nodes}
    hogged = site.lab.nodes[:2]
    for node in hogged:
        for group in free_kib(node):
            node.ssh(f"lvcreate -qq -l 100%FREE -n hog {group}")
    text = site.refused("volume", "create", "--size=1", "--replica=3")
    assert re.search(r"insufficient free space.*\(node n[12], command: /usr/sbin/lvm lvcreate", text), text
    for node in hogged:
        node.ssh("for vg in $(vgs --noheadings -o vg_name); do lvremove -f -qq $vg/hog; done")
    assert {node.name: traces(node) for node in site.lab.nodes} == before
    mended(site)


def test_glusterd_is_stopped_on_a_node(three_nodes: Site) -> None:
    site = three_nodes
    node = site.lab.nodes[2]
    before = {each.name: traces(each) for each in site.lab.nodes[:2]}
    node.ssh("systemctl stop glusterd")
    text = site.refused("volume", "create", "--size=1")
    assert "gluster" in text
    assert node.ip in text or node.name in text
    node.ssh("systemctl start glusterd")
    node.wait_ready()
    assert {each.name: traces(each) for each in site.lab.nodes[:2]} == before
    site.lab.exec(["sleep", "16"])  # nodes that are down are looked at again every 15 s
    mended(site)


def test_a_node_without_power(four_nodes: Site) -> None:
    site = four_nodes
    node = site.lab.nodes[3]
    node.power_cut()
    wait_until_peers_know(site.lab.nodes[0])
    made = site.json("volume", "create", "--size=1", "--replica=3")  # made on the others, whoever was tried first
    assert len(made["bricks"]) == 3
    text = site.refused("volume", "create", "--size=4", "--durability=disperse")
    assert text.startswith("Error: Failed to allocate new volume: No space\n")
    assert "on 6 different nodes" in text
    node.start()
    node.wait_ready()
    site.cli("volume", "delete", made["id"])
    require_books_agree(site)


def wait_until_peers_know(witness: LabNode) -> None:
    """Wait until glusterd has noticed that a peer is away: until then every gluster command waits for it."""
    for _ in range(120):
        if "(Disconnected)" in witness.ssh("gluster peer status").stdout:
            return
        time.sleep(1)
    raise AssertionError("glusterd never notices that a peer is away")


def test_the_server_is_killed_in_the_middle(four_nodes: Site) -> None:
    site = four_nodes
    before = {node.name: traces(node) for node in site.lab.nodes}
    for pause in ("1", "4", "7"):
        client = site.lab.popen(["heketi-cli", "volume", "create", "--size=1"], env=site.environment)
        site.lab.exec(["sleep", pause])
        assert site.server is not None
        site.server.kill()
        site.server.wait()
        client.kill()
        client.wait()
        site.start()
        wait_until_quiet(site)
        for volume in site.json("volume", "list")["volumes"]:  # it was quick enough to be done
            site.cli("volume", "delete", volume)
        assert {node.name: traces(node) for node in site.lab.nodes} == before
    mended(site)


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


@pytest.fixture
def four_nodes(site: Site) -> Site:
    site.load()
    return site


@pytest.fixture
def three_nodes(site: Site) -> Site:
    site.load(count=3, disks=1)
    return site
