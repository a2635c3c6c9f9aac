"""What simulated nodes show of broken disks and of peers that went apart."""

import pytest
from tests.unit.executors.simulation import brick, make_bricks, pool_of, succeed, tell

from pyheketi.executors.fake import FakeNodes


def with_volume() -> FakeNodes:
    nodes = pool_of(3)
    bricks = make_bricks(nodes, "a", "b", "c")
    succeed(nodes, "n1", f"gluster volume create v replica 3 {bricks}", "gluster volume start v")
    return nodes


def test_a_renamed_group_takes_its_volumes_along_and_mounts_stay() -> None:
    nodes = with_volume()
    before = nodes.inventory().mounts
    succeed(nodes, "n1", "/usr/sbin/lvm vgrename vg_d1 old")
    assert "not found" in tell(nodes, "n1", "/usr/sbin/lvm lvs vg_d1").stderr
    assert "brick_a" in succeed(nodes, "n1", "/usr/sbin/lvm lvs old")
    assert nodes.inventory().mounts == before
    succeed(nodes, "n1", "/usr/sbin/lvm vgrename old vg_d1", "/usr/sbin/lvm lvs vg_d1")


def test_a_pulled_disk_is_gone_and_comes_back_whole() -> None:
    nodes = with_volume()
    before = nodes.inventory()
    nodes.node("n1").pull_disk("/dev/sdb")
    assert "not found" in tell(nodes, "n1", "/usr/sbin/lvm vgs vg_d1").stderr
    assert "Failed to find device" in tell(nodes, "n1", "/usr/sbin/lvm pvs /dev/sdb").stderr
    assert not tell(nodes, "n1", f"test -d {brick(1, 'a').partition(':')[2]}").ok
    nodes.node("n1").push_disk("/dev/sdb")
    assert nodes.inventory() == before


@pytest.mark.parametrize(
    "line",
    [
        "lvcreate --size 4M --name x vg_d1",
        "lvremove -f vg_d1/brick_a",
        "vgrename vg_d1 x",
        "vgremove -f vg_d1",
        "pvcreate /dev/sdc",
    ],
)
def test_nothing_is_written_to_a_read_only_disk(line: str) -> None:
    nodes = with_volume()
    succeed(nodes, "n1", "umount -l /var/lib/heketi/mounts/vg_d1/brick_a")
    for path in ("/dev/sdb", "/dev/sdc"):
        disk = nodes.node("n1").disk(path)
        assert disk is not None
        disk.read_only = True
    before = nodes.inventory()
    assert "for writing" in tell(nodes, "n1", f"/usr/sbin/lvm {line}").stderr
    assert nodes.inventory() == before


def test_a_full_pool_takes_neither_files_nor_snapshots() -> None:
    nodes = with_volume()
    nodes.node("n2").groups["vg_d2"].volumes["tp_b"].full = True
    point = brick(2, "b").partition(":")[2]
    assert "No space left on device" in tell(nodes, "n2", f"mkdir {point}/x").stderr
    assert "threshold" in tell(nodes, "n2", "/usr/sbin/lvm lvcreate -s --name x vg_d2/brick_b").stderr
    assert "Commit failed on n2" in tell(nodes, "n1", "gluster snapshot create s v no-timestamp").stderr


def test_a_rejected_peer_goes_its_own_way_until_it_is_accepted() -> None:
    nodes = with_volume()
    before = nodes.inventory()
    nodes.node("n3").reject()
    assert "Peer Rejected (Connected)" in succeed(nodes, "n1", "gluster peer status")
    assert succeed(nodes, "n3", "gluster peer status").count("Peer Rejected (Connected)") == 2
    for host, other in (("n1", 3), ("n3", 1)):
        line = f"gluster volume create w 10.0.0.{other}:/mnt/w force"
        assert f"Host 10.0.0.{other} is not in 'Peer in Cluster' state" in tell(nodes, host, line).stderr
    succeed(nodes, "n1", "gluster volume stop v", "gluster volume set v user.x y")
    assert "Started" in succeed(nodes, "n3", "gluster volume info v")
    assert "busy" in tell(nodes, "n3", "umount /var/lib/heketi/mounts/vg_d3/brick_c").stderr
    succeed(nodes, "n1", "gluster volume reset v user.x", "gluster volume start v")
    nodes.node("n3").accept()
    assert nodes.inventory() == before
