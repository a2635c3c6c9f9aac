import os
from pathlib import Path

import pytest

from pyheketi.store import sqlite


@pytest.mark.parametrize(
    ("kind", "shared"),
    [("fuse.glusterfs g1:/gv0", True), ("nfs4 host:/x", True), ("ext4 /dev/vda", False), ("xfs /dev/sda1", False)],
)
def test_file_systems_that_other_hosts_see(tmp_path: Path, kind: str, shared: bool) -> None:
    device = tmp_path.stat().st_dev
    here = f"{os.major(device)}:{os.minor(device)}"
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 999:1 / / rw - nfs4 other:/ rw\n66 44 {here} / /mnt rw,relatime shared:1 - {kind} rw\n")

    assert sqlite.on_shared_file_system(tmp_path, str(mounts)) is shared


def test_a_file_system_that_is_not_listed_counts_as_local(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("1 0 999:1 / / rw - nfs4 other:/ rw\n")

    assert not sqlite.on_shared_file_system(tmp_path, str(mounts))
    assert not sqlite.on_shared_file_system(tmp_path, str(tmp_path / "missing"))
