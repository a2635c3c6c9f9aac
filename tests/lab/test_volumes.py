"""Real volumes: made, mounted, filled, grown, emptied, and gone without a trace."""

from collections.abc import Iterator

import pytest
from tests.lab.site import Site, free_kib, mounted, require_books_agree, traces, value

from lab import Lab, LabNode


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all kinds of volumes: each leaves everything as it was."""
    lab.pristine()
    with Site(lab, tmp_path_factory.mktemp("site")) as made:
        made.load()
        yield made


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
def test_a_volume_is_made_filled_grown_and_gone(site: Site, options: list[str], copies: int) -> None:
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


def test_an_arbiter_volume(site: Site) -> None:
    """Data on two bricks, names only on the third."""
    before = {node.name: (traces(node), free_kib(node)) for node in site.lab.nodes}
    made = site.cli("volume", "create", "--size=1", "--gluster-volume-options=user.heketi.arbiter true")
    volume = value(made, "Volume Id")
    point = mounted(site, made)
    site.sh(f"head -c 20M /dev/urandom > {point}/data && sync")
    digest = site.sh(f"sha256sum < {point}/data").stdout
    empty = site.sh("sha256sum < /dev/null").stdout
    assert sorted(copy for node in site.lab.nodes for copy in brick_digests(node)) == sorted([digest, digest, empty])
    assert "Number of Bricks: 1 x (2 + 1) = 3" in site.lab.nodes[0].ssh("gluster volume info").stdout
    sizes = sorted(brick["size"] for brick in site.json("volume", "info", volume)["bricks"])
    assert sizes == [307200, 1048576, 1048576]
    site.cli("volume", "expand", f"--volume={volume}", "--expand-size=1")
    assert site.sh(f"sha256sum < {point}/data").stdout == digest
    site.lab.umount(point)
    site.cli("volume", "delete", volume)
    assert {node.name: (traces(node), free_kib(node)) for node in site.lab.nodes} == before
    require_books_agree(site)


def brick_digests(node: LabNode) -> list[str]:
    found = node.ssh("for f in /var/lib/heketi/mounts/*/*/brick/data; do [ -f $f ] && sha256sum < $f; done; true")
    return found.stdout.splitlines(keepends=True)
