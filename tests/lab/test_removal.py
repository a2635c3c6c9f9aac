"""Bricks moved off disks and nodes, under the hands of those who use them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.site import Site, mounted, require_books_agree, traces, value
from tests.lab.test_failures import wait_until_peers_know

from lab import LabNode

WRITER = """
number=0
while [ -e {flag} ]; do
    head -c 300000 /dev/urandom > {point}/$number && (cd {point} && sha256sum $number) >> {sums} ||
        echo $number >> {sums}.failed
    number=$((number + 1))
    sleep 0.2
done
"""


@contextmanager
def writing(site: Site, point: Path) -> Iterator[Path]:
    """Write file after file; yield the list of their sums. Every write has to succeed."""
    flag, sums = site.home / "writing", site.home / "sums"
    flag.touch()
    writer = site.lab.popen(["bash", "-c", WRITER.format(flag=flag, point=point, sums=sums)])
    try:
        yield sums
    finally:
        flag.unlink()
        writer.wait(60)
    failed = sums.with_suffix(".failed")
    assert not failed.exists(), failed.read_text()


def require_healed(witness: LabNode, volume: str) -> None:
    """Wait until no brick lacks anything."""
    for _ in range(60):
        told = witness.ssh(f"gluster volume heal {volume} info").stdout
        entries = [line for line in told.splitlines() if line.startswith("Number of entries:")]
        if entries and set(entries) == {"Number of entries: 0"}:
            return
        time.sleep(2)
    raise AssertionError(f"the volume does not heal:\n{told}")


def home_of(site: Site, node: str) -> LabNode:
    (name,) = site.json("node", "info", node)["hostnames"]["manage"]
    return next(each for each in site.lab.nodes if each.name == name)


def test_a_device_is_emptied_while_its_volume_is_written_to(four_nodes: Site) -> None:
    site = four_nodes
    made = site.cli("volume", "create", "--size=2")
    volume, name = value(made, "Volume Id"), value(made, "Name")
    point = mounted(site, made)
    brick = site.json("volume", "info", volume)["bricks"][0]
    with writing(site, point) as sums:
        time.sleep(3)
        site.cli("device", "disable", brick["device"])
        assert site.cli("device", "remove", brick["device"]) == f"Device {brick['device']} is now removed\n"
        require_healed(site.lab.nodes[0], name)
        time.sleep(3)
    assert len(sums.read_text().splitlines()) > 10
    site.sh(f"cd {point} && sha256sum --quiet --check {sums}")
    now = site.json("volume", "info", volume)["bricks"]
    assert brick["device"] not in {each["device"] for each in now}
    for each in now:  # every brick has every file by itself
        on_brick = home_of(site, each["node"]).ssh(f"cd {each['path']} && sha256sum [0-9]*").stdout
        assert sorted(on_brick.splitlines()) == sorted(sums.read_text().splitlines())

    site.cli("device", "delete", brick["device"])
    site.cli("device", "add", "--name=/dev/ubdb", f"--node={brick['node']}")
    site.lab.umount(point)
    site.cli("volume", "delete", volume)
    require_books_agree(site)
    assert "brick_" not in "".join(traces(node) for node in site.lab.nodes)


def test_a_brick_of_a_dispersed_volume_is_evicted(four_nodes: Site) -> None:
    site = four_nodes
    made = site.cli("volume", "create", "--size=2", "--durability=disperse", "--disperse-data=2", "--redundancy=1")
    volume, name = value(made, "Volume Id"), value(made, "Name")
    point = mounted(site, made)
    site.sh(f"head -c 20M /dev/urandom > {point}/file")
    digest = site.sh(f"sha256sum < {point}/file").stdout
    old = site.json("volume", "info", volume)["bricks"][0]["id"]
    assert site.cli("brick", "evict", old) == f"Brick {old} evicted\n"
    require_healed(site.lab.nodes[0], name)
    bricks = [brick["id"] for brick in site.json("volume", "info", volume)["bricks"]]
    assert old not in bricks
    site.cli("brick", "evict", bricks[1])  # the new one has to do its part
    require_healed(site.lab.nodes[0], name)
    assert site.sh(f"sha256sum < {point}/file").stdout == digest
    site.lab.umount(point)
    site.cli("volume", "delete", volume)
    require_books_agree(site)


def test_a_node_without_power_is_removed(four_nodes: Site) -> None:
    site = four_nodes
    made = site.cli("volume", "create", "--size=1")
    volume, name = value(made, "Volume Id"), value(made, "Name")
    point = mounted(site, made)
    site.sh(f"head -c 20M /dev/urandom > {point}/file")
    digest = site.sh(f"sha256sum < {point}/file").stdout
    dead = site.json("volume", "info", volume)["bricks"][-1]["node"]
    node = home_of(site, dead)
    witness = next(each for each in site.lab.nodes if each is not node)
    node.power_cut()
    wait_until_peers_know(witness)
    site.cli("node", "disable", dead)
    assert site.cli("node", "remove", dead) == f"Node {dead} is now removed\n"
    (device,) = site.json("node", "info", dead)["devices"]
    site.cli("device", "delete", "--force-forget", device["id"])
    site.cli("node", "delete", dead)
    require_healed(witness, name)
    assert site.sh(f"sha256sum < {point}/file").stdout == digest
    site.lab.umount(point)
    site.cli("volume", "delete", volume)
    assert node.name not in site.cli("topology", "info")
