"""Clones of real volumes with data, and block volumes on real hosting volumes."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.site import Site, free_kib, mounted, require_books_agree, traces, value

from lab import Lab


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all: each test leaves everything as it was."""
    lab.pristine()
    home = tmp_path_factory.mktemp("site")
    with Site(lab, home, auto_create_block_hosting_volume=True, block_hosting_volume_size=4) as made:
        made.load(disks=1)
        yield made


def everything(site: Site) -> set[str]:
    """A line for everything that volumes leave on nodes, clones included."""
    left = "ls -d /run/gluster/snaps/*/brick*; grep /run/gluster/snaps /proc/mounts; gluster snapshot list; true"
    return {
        f"{node.name}: {line}"
        for node in site.lab.nodes
        for line in [*traces(node).splitlines(), *map(str, free_kib(node).items()), *node.ssh(left).stdout.splitlines()]
        if "/brick/.glusterfs" not in line  # gluster's own, which come and go
    }


def digest(site: Site, point: Path, name: str) -> str:
    return site.sh(f"sha256sum < {point}/{name}").stdout


def test_a_clone_has_the_data_and_goes_its_own_way(site: Site) -> None:
    """Two brick sets on four nodes, so that some node has two bricks; a power cut in between."""
    before = everything(site)
    made = site.cli("volume", "create", "--size=1")
    source = value(made, "Volume Id")
    site.cli("volume", "expand", f"--volume={source}", "--expand-size=1")
    free = [free_kib(node) for node in site.lab.nodes]
    point = mounted(site, made)
    for name in ("one", "two", "three", "four"):
        site.sh(f"head -c 5M /dev/urandom > {point}/{name}")
    site.sh("sync")
    old = {name: digest(site, point, name) for name in ("one", "two", "three", "four")}

    copy = site.cli("volume", "clone", source, "--name=copy")

    clone = value(copy, "Volume Id")
    assert [free_kib(node) for node in site.lab.nodes] == free  # it lies in the source's thin pools
    assert "No snapshots" in site.lab.nodes[0].ssh("gluster snapshot list").stdout
    theirs = mounted(site, copy)
    assert {name: digest(site, theirs, name) for name in old} == old
    site.sh(f"echo new > {theirs}/one && rm {theirs}/two && sync")
    assert digest(site, point, "one") == old["one"]
    site.sh(f"echo other > {point}/three && sync")
    assert digest(site, theirs, "three") == old["three"]
    require_clone_lives_on_known_volumes(site, clone)

    victim = site.lab.nodes[1]
    victim.power_cut()
    victim.start()
    victim.wait_ready()
    wait_for_bricks(site, "copy")
    assert digest(site, theirs, "four") == old["four"]

    site.lab.umount(point)
    site.cli("volume", "delete", source)
    assert digest(site, theirs, "four") == old["four"]
    site.lab.umount(theirs)
    site.cli("volume", "delete", clone)
    assert everything(site) == before
    require_books_agree(site)


def require_clone_lives_on_known_volumes(site: Site, clone: str) -> None:
    """What the server says of the clone's bricks is what the nodes have mounted."""
    hosts = {
        node["id"]: node["hostnames"]["manage"][0] for node in site.json("topology", "info")["clusters"][0]["nodes"]
    }
    nodes = {node.name: node for node in site.lab.nodes}
    for brick in site.json("volume", "info", clone)["bricks"]:
        mount = nodes[hosts[brick["node"]]].ssh(f"findmnt -no SOURCE {brick['path'].removesuffix('/brick')}").stdout
        assert re.fullmatch(rf"/dev/mapper/vg_{brick['device']}-[0-9a-f]{{32}}_\d\n", mount), mount


def wait_for_bricks(site: Site, volume: str) -> None:
    for _ in range(100):
        found = site.lab.nodes[0].ssh(f"gluster volume status {volume} --xml", check=False).stdout
        if found.count("<path>/run/gluster") == 6 and "<status>0</status>" not in found:
            return
        time.sleep(0.5)
    raise AssertionError(f"not all bricks of {volume} are back:\n{found}")


def test_a_clone_that_the_server_dies_of_leaves_nothing(site: Site) -> None:
    made = site.cli("volume", "create", "--size=1")
    before = everything(site)
    for pause in (1, 6):
        site.sh(f"heketi-cli volume clone {value(made, 'Volume Id')} & sleep {pause}; kill %1; wait", check=False)
        assert site.server is not None
        site.server.kill()
        site.server.wait()
        site.start()
        for _ in range(300):
            if "Total: 0" in site.cli("server", "operations", "info"):
                break
            time.sleep(0.2)
        for clone in site.json("volume", "list")["volumes"]:
            if clone != value(made, "Volume Id"):  # it was just done
                site.cli("volume", "delete", clone)
        assert everything(site) == before
    site.cli("volume", "delete", value(made, "Volume Id"))
    require_books_agree(site)


def test_block_volumes(site: Site) -> None:
    before = everything(site)
    made = site.cli("blockvolume", "create", "--size=1", "--ha=3", "--auth", "--name=disk")
    block = value(made, "Volume Id")
    hosting = site.json("volume", "info", value(made, "Block Hosting Volume"))
    assert re.fullmatch(r"iqn\.2016-12\.org\.gluster-block:[0-9a-f-]{36}", value(made, "IQN"))
    assert value(made, "Hacount") == "3"
    assert hosting["blockinfo"] == {"freesize": 2, "reservedsize": 1, "blockvolume": [block]}
    options = site.lab.nodes[0].ssh(f"gluster volume info {hosting['name']}").stdout
    assert "features.shard: on" in options  # of the group gluster-block
    told = site.lab.nodes[3].ssh(f"gluster-block info {hosting['name']}/disk --json").stdout
    assert value(made, "Password") in told
    assert value(made, "Password") not in site.log.read_text()
    site.cli("blockvolume", "expand", block, "--new-size=2")
    assert '"SIZE": "2.0 GiB"' in site.lab.nodes[0].ssh(f"gluster-block info {hosting['name']}/disk --json").stdout
    assert "containing block volumes" in site.refused("volume", "delete", hosting["id"])
    assert "too small to host" in site.refused("blockvolume", "create", "--size=4")
    site.cli("blockvolume", "delete", block)
    assert site.lab.nodes[0].ssh(f"gluster-block list {hosting['name']} --json").stdout.startswith('{"blocks": []')
    site.cli("volume", "delete", hosting["id"])
    assert everything(site) == before
    require_books_agree(site)
