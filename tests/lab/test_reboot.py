"""A node boots: what should serve does, and what does not is seen, told and mended."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.site import Site, mounted, require_books_agree, traces, value, wait_until_peers_are_back

from lab import Lab, LabNode


@pytest.fixture
def site(pristine_lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """Three nodes with a disk each, which are looked at all the time."""
    with Site(pristine_lab, tmp_path, refresh_time_monitor_gluster_nodes=5) as made:
        made.load(count=3, disks=1)
        yield made


def boot(site: Site, node: LabNode) -> None:
    node.start()
    node.wait_ready()
    wait_until_peers_are_back(site.lab.nodes[:3])


def wait_until_told(site: Site, text: str) -> None:
    for _ in range(120):
        if text in site.log.read_text():
            return
        time.sleep(0.5)
    raise AssertionError(f"the server never tells {text!r}:\n{site.log.read_text()[-3000:]}")


def wait_until_all_serve(site: Site) -> None:
    """Bricks of a node that boots sign in one after the other."""
    for _ in range(60):
        told = site.sh("heketi-cli server state bricks", check=False)
        if told.returncode == 0:
            return
        time.sleep(0.5)
    raise AssertionError(told.stdout + told.stderr)


def test_a_brick_that_a_reboot_left_unmounted_is_mended(site: Site) -> None:
    before = {node.name: traces(node) for node in site.lab.nodes}
    made = site.cli("volume", "create", "--size=1")
    point = mounted(site, made)
    wait_until_all_serve(site)
    node = site.lab.nodes[1]
    line = node.ssh("grep /brick_ /etc/fstab").stdout
    node.ssh("sed -i /brick_/d /etc/fstab && sync")
    assert "State:unlisted " in site.sh("heketi-cli server state bricks", check=False).stdout

    node.power_cut()
    boot(site, node)

    wait_until_told(site, "is not mounted on n2: heketi-cli server state bricks --mend ")
    told = site.sh("heketi-cli server state bricks", check=False)
    assert told.returncode == 1
    assert told.stdout.count("State:unmounted,unlisted,dead Node:n2") == 1 == len(told.stdout.splitlines())
    assert 'hostname="n2"} 1.0' in site.sh(f"curl -s {site.url}/metrics | grep bricks_unmounted").stdout
    site.sh(f"echo precious > {point}/file && sync")

    site.cli("server", "state", "bricks", "--mend", "--all")

    wait_until_told(site, "All bricks of node ")
    wait_until_all_serve(site)
    assert node.ssh("grep /brick_ /etc/fstab").stdout == line
    assert node.ssh("pgrep -c glusterfsd").stdout == "1\n"

    node.poweroff()
    boot(site, node)

    wait_until_all_serve(site)
    assert site.sh(f"cat {point}/file").stdout == "precious\n"
    site.lab.umount(point)
    site.cli("volume", "delete", value(made, "Volume Id"))
    assert {each.name: traces(each) for each in site.lab.nodes} == before
    require_books_agree(site)
