"""Nodes that fail and servers that die: the answer tells why, nothing is left, and the next volume works."""

import re
import time
from pathlib import Path

from tests.lab.site import (
    Site,
    free_kib,
    mended,
    require_books_agree,
    traces,
    wait_until_peers_are_back,
    wait_until_quiet,
)

from lab import Lab, LabNode


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
    wait_until_peers_are_back(site.lab.nodes)
    site.cli("volume", "delete", made["id"])
    require_books_agree(site)


def wait_until_peers_know(witness: LabNode) -> None:
    """Wait until glusterd has noticed that a peer is away, half a minute at most.

    A gluster command that begins before waits for it, and now and then for the whole of its ten minutes.
    """
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


def test_the_path_of_a_brick_exists(pristine_lab: Lab, tmp_path: Path) -> None:
    """Ids are random: only a seed lets somebody be there before us. Three nodes leave no other place to try."""
    with Site(pristine_lab, tmp_path, seed=1) as site:
        site.load(count=3, disks=1)
        bricks = site.json("volume", "create", "--size=1")["bricks"]
        (brick,) = (each for each in bricks if site.json("node", "info", each["node"])["hostnames"]["manage"] == ["n2"])
    site.home.joinpath("heketi.db").unlink()
    pristine_lab.pristine()
    with site:
        site.load(count=3, disks=1)
        before = {node.name: traces(node) for node in pristine_lab.nodes}
        node = pristine_lab.nodes[1]
        point = brick["path"].removesuffix("/brick")
        node.ssh(f"mkdir -p {point} && echo precious > {point}/file")
        text = site.refused("volume", "create", "--size=1")
        assert f"mkdir: cannot create directory '{point}': File exists. It was left alone" in text
        assert node.ssh(f"cat {point}/file && rm -r {point}").stdout == "precious\n"
        assert {each.name: traces(each) for each in pristine_lab.nodes} == before
        mended(site)
