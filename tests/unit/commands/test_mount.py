import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyheketi.commands import mount
from pyheketi.commands.mount import Mount


def test_the_kernels_table() -> None:
    text = (
        "proc /proc proc rw,nosuid 0 0\n"
        "/dev/mapper/vg_d-brick_b /var/lib/heketi/mounts/vg_d/brick_b xfs rw,noatime 0 0\n"
    )
    assert mount.parse_table(text)[1] == Mount(
        source="/dev/mapper/vg_d-brick_b",
        target="/var/lib/heketi/mounts/vg_d/brick_b",
        type="xfs",
        options=("rw", "noatime"),
    )


@given(st.text(st.characters(codec="latin-1", exclude_characters="\0"), min_size=1))
def test_odd_names_come_back_as_they_are(target: str) -> None:
    escaped = "".join(f"\\{ord(sign):03o}" if sign in " \t\n\\" or not sign.isprintable() else sign for sign in target)
    (found,) = mount.parse_table(f"none {escaped} tmpfs rw 0 0")
    assert found.target == target


def test_nonsense_is_no_table() -> None:
    with pytest.raises(ValueError, match="not a line of a mount table: 'cat: /proc'"):
        mount.parse_table("cat: /proc")
