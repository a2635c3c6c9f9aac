"""The database may live on a GlusterFS volume, as guides recommend: one server owns it there too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("on_glusterfs.py")
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.skipif(shutil.which("glusterfsd") is None, reason="no glusterfsd (Debian: glusterfs-server)")
@pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="this kernel has no FUSE")
def test_two_hosts_share_a_database_on_glusterfs(tmp_path: Path) -> None:
    done = subprocess.run(
        [*NAMESPACES, sys.executable, str(PROGRAM), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
