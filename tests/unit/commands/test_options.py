import pytest

from pyheketi.commands.options import NodeOptions


@pytest.mark.parametrize(
    ("cli_timeout", "told", "limit"),
    [(600, 600, 660), (0, 600, 660), (30, 30, 600), (900, 900, 960), (3599, 3599, 3660)],
)
def test_gluster_gives_up_before_it_is_killed(cli_timeout: int, told: int, limit: float) -> None:
    options = NodeOptions(gluster_cli_timeout=cli_timeout)
    assert (options.gluster_timeout, options.gluster_limit) == (told, limit)


@pytest.mark.parametrize("path", ["", "etc/fstab", "/etc/fs\ntab", "/etc/\0"])
def test_fstab_is_a_path(path: str) -> None:
    with pytest.raises(ValueError, match="fstab must be an absolute path"):
        NodeOptions(fstab=path)


@pytest.mark.parametrize("options", ["", "rw, noatime", "rw\n/dev/sda / ext4"])
def test_mount_options_are_one_word(options: str) -> None:
    with pytest.raises(ValueError, match="mountopts must be mount options without blanks"):
        NodeOptions(mount_options=options)
