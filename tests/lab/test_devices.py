"""Devices that somebody else uses too: read again, given back, and taken once more."""

from collections.abc import Iterator

import pytest
from tests.lab.site import Site, free_kib, require_books_agree, value

from lab import Lab, LabNode

GIB = 1024 * 1024


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One node with one device for all: each test leaves it with that device, empty."""
    lab.pristine()
    with Site(lab, tmp_path_factory.mktemp("site")) as made:
        made.load(count=1, disks=1)
        yield made


@pytest.fixture
def node(site: Site) -> LabNode:
    return site.lab.nodes[0]


def device_of(site: Site) -> str:
    """Return the only device of the only node."""
    ((device,),) = [[each["id"] for each in site.json("node", "info", node)["devices"]] for node in nodes(site)]
    return str(device)


def nodes(site: Site) -> list[str]:
    return [node["id"] for node in site.json("topology", "info")["clusters"][0]["nodes"]]


def storage(site: Site, device: str) -> tuple[int, int]:
    """Return used and free KiB; what is neither does not exist."""
    told = site.json("device", "info", device)["storage"]
    assert told["used"] + told["free"] == told["total"]
    return told["used"], told["free"]


def groups(node: LabNode) -> list[str]:
    return node.ssh("vgs --noheadings -o vg_name").stdout.split()


def test_a_resync_follows_what_somebody_else_put_into_a_volume_group(site: Site, node: LabNode) -> None:
    device = device_of(site)
    volume = value(site.cli("volume", "create", "--size=1", "--durability=none"), "Volume Id")
    site.cli("device", "resync", device)  # LVM keeps a spare for the metadata of pools, which nobody ordered
    used, free = storage(site, device)
    node.ssh(f"lvcreate -qq -y -L 12G -n theirs vg_{device}")
    assert storage(site, device) == (used, free)  # nobody has looked yet

    assert site.cli("device", "resync", device) == f"Device {device} updated\n"
    assert storage(site, device) == (used + 12 * GIB, free - 12 * GIB)
    require_books_agree(site)
    assert "No space" in site.refused("volume", "create", "--size=10", "--durability=none")
    site.cli("volume", "delete", volume)
    site.cli("device", "resync", device)
    assert storage(site, device)[0] == 12 * GIB

    node.ssh(f"lvremove -f -qq vg_{device}/theirs")
    site.cli("device", "resync", device)
    assert storage(site, device)[0] == 0
    require_books_agree(site)
    large = value(site.cli("volume", "create", "--size=10", "--durability=none"), "Volume Id")
    site.cli("volume", "delete", large)
    require_books_agree(site)


def test_a_deleted_device_can_be_added_again(site: Site, node: LabNode) -> None:
    device = device_of(site)
    site.cli("volume", "delete", value(site.cli("volume", "create", "--size=1", "--durability=none"), "Volume Id"))
    retire(site, device)
    assert site.cli("device", "delete", device) == f"Device {device} deleted\n"
    left = node.ssh("vgs --noheadings; pvs --noheadings; ls /var/lib/heketi/mounts; blkid -p /dev/ubdb", check=False)
    assert left.stdout == ""

    site.cli("device", "add", "--name=/dev/ubdb", f"--node={nodes(site)[0]}")
    again = device_of(site)
    assert again != device
    assert groups(node) == [f"vg_{again}"]
    site.cli("volume", "delete", value(site.cli("volume", "create", "--size=1", "--durability=none"), "Volume Id"))
    require_books_agree(site)


def retire(site: Site, device: str) -> None:
    site.cli("device", "disable", device)
    site.cli("device", "remove", device)


def test_a_stale_volume_group_goes_only_when_that_is_wished_and_nobody_uses_it(site: Site, node: LabNode) -> None:
    """The group is of a device that was forgotten, with somebody's data in it."""
    device, home = device_of(site), nodes(site)[0]
    add = ["device", "add", "--name=/dev/ubdb", f"--node={home}"]
    node.ssh(f"lvcreate -qq -y -L 1G -n theirs vg_{device} && echo precious > /dev/vg_{device}/theirs")
    retire(site, device)
    refusal = site.refused("device", "delete", device)
    assert f"Failed to delete device /dev/ubdb with id {device} on host n1: " in refusal
    site.cli("device", "delete", "--force-forget", device)
    assert groups(node) == [f"vg_{device}"]

    assert "aleady contains Physical Volume" in site.refused(*add)
    assert "/dev/ubdb" in site.refused(*add, "--destroy-existing-data")  # the logical volume is open to its users
    assert node.ssh(f"head -1 /dev/vg_{device}/theirs").stdout == "precious\n"
    assert site.json("node", "info", home)["devices"] == []

    node.ssh(f"vgchange -qq -an vg_{device}")
    site.cli(*add, "--destroy-existing-data")
    again = device_of(site)
    assert groups(node) == [f"vg_{again}"]
    assert node.ssh("lvs --noheadings").stdout == ""
    site.cli("volume", "delete", value(site.cli("volume", "create", "--size=1", "--durability=none"), "Volume Id"))
    require_books_agree(site)


STRAY = "0123456789abcdef0123456789abcdef"


def plant(node: LabNode, device: str) -> None:
    """Make by hand what a dead server could have left: a brick beside those of a volume."""
    group, mount = f"vg_{device}", f"/var/lib/heketi/mounts/vg_{device}/brick_{STRAY}"
    source = f"/dev/mapper/{group}-brick_{STRAY}"
    node.ssh(
        f"lvcreate -qq --poolmetadatasize 8M --chunksize 256K --size 1G --thin {group}/tp_{STRAY} --virtualsize 1G"
        f" --name brick_{STRAY} && mkfs.xfs -q {source} && mkdir -p {mount} && mount {source} {mount} &&"
        f" echo '{source} {mount} xfs rw,inode64,noatime,nouuid 1 2' >> /etc/fstab && mkdir {mount}/brick"
    )


def held(node: LabNode) -> str:
    return node.ssh("lvs --noheadings -o vg_name,lv_name,pool_lv; grep heketi /etc/fstab /proc/mounts").stdout


def test_a_brick_that_belongs_to_nobody_is_found_and_removed(site: Site, node: LabNode) -> None:
    device = device_of(site)
    volume = value(site.cli("volume", "create", "--size=1", "--durability=none"), "Volume Id")
    orphans, brick = ["server", "state", "orphans"], f"/var/lib/heketi/mounts/vg_{device}/brick_{STRAY}/brick"
    assert site.cli(*orphans) == site.cli("server", "state", "compare", "--no-header", "--skip-ok") == ""
    before, free_before = held(node), free_kib(node)
    plant(node, device)

    # gluster takes it for a volume of its own: it is somebody's
    (host,) = site.json("node", "info", nodes(site)[0])["hostnames"]["storage"]
    node.ssh(f"gluster --mode=script volume create theirs {host}:{brick} && gluster volume start theirs")
    listed = site.sh("heketi-cli server state orphans")
    assert f"Brick:{STRAY} State:gluster" in listed.stdout
    compared = site.sh("heketi-cli server state compare --skip-ok --no-header", check=False)
    assert (compared.returncode, compared.stdout) == (1, "theirs gluster\n")
    refused = site.sh(f"heketi-cli server state orphans --delete --yes {STRAY}", check=False)
    assert (refused.returncode, "gluster's volume theirs uses it" in refused.stderr) == (2, True)
    node.ssh("gluster --mode=script volume stop theirs && gluster --mode=script volume delete theirs")

    # glusterd cannot be asked: nothing can be said
    node.ssh("systemctl stop glusterd")
    unknown = site.sh("heketi-cli server state orphans", check=False)
    assert (unknown.returncode, f"Brick:{STRAY} State:unknown" in unknown.stdout) == (2, True)
    node.ssh("systemctl start glusterd")

    found = site.sh("heketi-cli server state orphans", check=False)
    assert (found.returncode, f"Brick:{STRAY} State:orphan" in found.stdout) == (1, True)
    preview = site.cli(*orphans, "--delete", STRAY)
    assert f"lvremove --autobackup=n -f vg_{device}/brick_{STRAY}" in preview
    assert STRAY in held(node)
    assert site.cli(*orphans, "--delete", "--yes", STRAY) == f"Brick {STRAY} removed from n1\n"
    assert (held(node), free_kib(node)) == (before, free_before)
    assert STRAY not in node.ssh("ls /var/lib/heketi/mounts/*").stdout
    require_books_agree(site)
    site.cli("volume", "delete", volume)
    site.cli("device", "resync", device)  # LVM's spare went with the last pool
    require_books_agree(site)
