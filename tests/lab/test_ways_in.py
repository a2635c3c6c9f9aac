"""Other ways to the nodes, and other clients than ours."""

from pathlib import Path

import pytest
from tests import official_client
from tests.lab.site import KEY, Site, require_books_agree, value

from lab import Lab


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_login_user_with_sudo(pristine_lab: Lab, tmp_path: Path, kind: str) -> None:
    """Host keys are known beforehand, and no others are believed."""
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(pristine_lab.known_hosts())
    sshexec = {"keyfile": str(pristine_lab.key(kind)), "user": "heketi", "sudo": True}
    sshexec |= {"known_hosts": str(known_hosts), "learn_host_keys": False}
    with Site(pristine_lab, tmp_path, sshexec=sshexec) as site:
        site.load(count=3, disks=1)
        made = site.cli("volume", "create", "--size=1")
        owners = site.lab.nodes[0].ssh("ps -o user= -C glusterfsd; stat -c %U /var/lib/heketi/mounts/*/*/brick").stdout
        assert owners.split() == ["root", "root"]
        site.cli("volume", "delete", value(made, "Volume Id"))
        require_books_agree(site)
        known_hosts.write_text("")
        site.stop()
        site.start()
        text = site.refused("volume", "create", "--size=1")
        assert "host key" in text
        assert "ssh-keyscan" in text


def test_the_official_python_client(site: Site, official_python: Path) -> None:
    site.cli("cluster", "create")
    hosts = [f"{node.name}={node.ip}" for node in site.lab.nodes[:3]]
    site.lab.exec(official_client.tell(official_python, site.url, KEY, "/dev/ubdb", hosts), cwd=site.home)
    assert site.cli("volume", "list") == ""
    require_books_agree(site)
