"""What people are told to do about faults of nodes."""

import pytest

from pyheketi.domain import errors
from pyheketi.engine import advice

SAID = {
    str(errors.Unreachable("n1", "No route to host")): "Start it and try again",
    "volume delete: v: failed: Some of the peers are down": "gluster peer status",
    str(errors.TimedOut("n1", "mkfs.xfs /dev/x", 600)): "dmesg",
    "Connection failed. Please check if gluster daemon is operational.": "systemctl start glusterd",
    "volume create: v: failed: Host 10.0.0.2 is not in 'Peer in Cluster' state": "Peer Rejected",
    "umount: /var/lib/heketi/mounts/vg_1/brick_1: target is busy.": "lsof",
    "Volume v is not started.": "gluster volume start",
    "Gluster on n1 knows no volume v": "heketi-cli volume delete",
    "Snapshot is supported only for thin provisioned LV. Ensure that all": "server state bricks",
    "mkdir: cannot create directory 'x': No space left on device": "lvextend",
    'Volume group "vg_1" has insufficient free space (0 extents): 258 required.': "device resync",
    "Error opening device /dev/sdb for writing at 4096 length 4096.": "read-only or failing",
    'Volume group "vg_1" not found': "lsblk, vgs",
    'Volume group "vg_1" still contains 2 logical volume(s)': "server state orphans",
    "snapshot create: failed: Commit failed on n2. Please check log file for details.": "glusterd.log",
}


@pytest.mark.parametrize(("said", "word"), SAID.items())
def test_the_text_stays_and_a_line_below_tells_what_to_do(said: str, word: str) -> None:
    told = advice.advised(said)
    text, _, line = told.partition("\n")
    assert text == said
    assert word in line
    assert "\n" not in line
    assert advice.advised(told) == told


@pytest.mark.parametrize(
    "said", ["no luck", "", "Cannot replace brick b as only 1 of 2 required peer bricks are online"]
)
def test_what_is_not_understood_stays_as_it_is(said: str) -> None:
    assert advice.advised(said) == said
