"""What the guides tell their readers to type, typed."""

import re
from pathlib import Path

from tests.lab.site import KEY, Site, mounted, require_books_agree, traces, value
from tests.shared import shared_dir

from lab import Lab


def test_guide_1(site: Site) -> None:
    said = site.load(count=3, disks=1)
    assert re.search(
        r"^\tCreating node n1 \.\.\. ID: \w{32}\n\t\tAdding device /dev/ubdb \.\.\. OK$", said, re.MULTILINE
    )
    before = {node.name: traces(node) for node in site.lab.nodes}
    cluster = site.sh("heketi-cli cluster list | sed -n 's/^Id:\\([a-f0-9]*\\).*/\\1/p'").stdout.strip()
    made = site.cli("volume", "create", "--size=1", f"--clusters={cluster}")
    assert value(made, "Size") == "1"
    assert value(made, "Replica Count") == "3"
    volume = value(made, "Volume Id")
    listing = site.lab.nodes[0].ssh("lsblk; gluster volume info").stdout
    assert "heketi/mounts/vg_" in listing
    assert f"user.heketi.id: {volume}" in listing
    point = mounted(site, made)
    site.sh(f"echo hello > {point}/file && cat {point}/file")
    site.lab.umount(point)
    assert f"Name:vol_{volume}" in site.cli("volume", "list")
    assert site.cli("volume", "delete", volume) == f"Volume {volume} deleted\n"
    assert {node.name: traces(node) for node in site.lab.nodes} == before
    require_books_agree(site)

    devices = "heketi-cli topology info | grep Size | awk '{print $1}' | cut -d: -f 2 | xargs -i heketi-cli device"
    assert site.sh(f"{devices} disable {{}}").stdout.count("is now offline") == 3
    assert site.sh(f"{devices} remove {{}}").stdout.count("is now removed") == 3
    assert site.sh(f"{devices} delete {{}}").stdout.count("deleted") == 3
    nodes = "heketi-cli node list | awk '{print $1}' | cut -d: -f 2 | xargs -i heketi-cli node delete {}"
    assert site.sh(nodes).stdout.count("deleted") == 3
    clusters = (
        "heketi-cli cluster list | grep Id | awk '{print $1}' | cut -d: -f 2 | xargs -i heketi-cli cluster delete {}"
    )
    assert site.sh(clusters).stdout == f"Cluster {cluster} deleted\n"
    for node in site.lab.nodes:
        assert node.ssh("vgs --noheadings; pvs --noheadings; ls /var/lib/heketi/mounts 2>/dev/null; true").stdout == ""


def test_guide_4(pristine_lab: Lab, tmp_path: Path) -> None:
    guide = (shared_dir() / "seeds" / "04-dynamic-provisioning-ubuntu.md").read_text(errors="replace")
    config = written_to("heketi.json", guide)
    for theirs, ours in {
        "/etc/heketi/heketi_key": str(pristine_lab.key("rsa")),
        "/var/lib/heketi/heketi.db": str(tmp_path / "heketi.db"),
    }.items():
        assert theirs in config
        config = config.replace(theirs, ours)
    topology = written_to("topology.json", guide).replace("gluster0", "n").replace("/dev/sdb", "/dev/ubdb")
    (tmp_path / "topology.json").write_text(topology)
    before = {node.name: traces(node) for node in pristine_lab.nodes}

    with Site(pristine_lab, tmp_path, text=config) as site:
        site.environment |= {"HEKETI_CLI_KEY": "keypassword"}
        assert site.sh("curl -s localhost:8080/hello").stdout == "Hello from Heketi"
        loaded = site.sh("heketi-cli topology load --json=topology.json")
        assert loaded.stdout.count("Adding device /dev/ubdb ... OK") == 2
        assert "Unable" not in loaded.stdout + loaded.stderr
        assert loaded.stderr.count("is not an IP address") == 2
        cluster = re.findall(r"^Id:(\w{32}) \[file\]\[block\]$", site.cli("cluster", "list"), re.MULTILINE)
        nodes = re.findall(rf"^Id:(\w{{32}})\tCluster:{cluster[0]}$", site.cli("node", "list"), re.MULTILINE)
        for node in nodes:
            said = site.cli("node", "info", node)
            assert re.search(r"^Management Hostname: n[12]\nStorage Hostname: n[12]\nDevices:$", said, re.MULTILINE)
            assert re.search(r"Name:/dev/ubdb +State:online +Size \(GiB\):19 +Used \(GiB\):0 +Free", said)
        made = site.cli("volume", "create", "--size", "1", "--replica", "2")
        volume = value(made, "Volume Id")
        assert {value(made, "Mount"), value(made, "Mount Options")} in (
            {f"n1:vol_{volume}", "backup-volfile-servers=n2"},
            {f"n2:vol_{volume}", "backup-volfile-servers=n1"},
        )
        assert value(made, "Replica Count") == "2"
        assert site.cli("volume", "list") == f"Id:{volume}    Cluster:{cluster[0]}    Name:vol_{volume}\n"
        assert f"Volumes:\n{volume}\nBlock: true\n\nFile: true\n" in site.cli("cluster", "info", *cluster)
        assert site.cli("volume", "info", volume) == made
        point = mounted(site, made)
        site.sh(f"echo kept >{point}/file && grep -q kept {point}/file")
        site.lab.umount(point)
        site.cli("volume", "delete", volume)
        require_books_agree(site)
    assert {node.name: traces(node) for node in pristine_lab.nodes} == before


def test_guide_5(site: Site) -> None:
    guide = (shared_dir() / "seeds" / "05-heketi-for-kubernetes-cluster.md").read_text(errors="replace")
    topology = written_to("topology.json", guide)
    for theirs, node in zip(("113", "48", "49", "50"), site.lab.nodes, strict=True):
        topology = topology.replace(f"192.168.1.{theirs}", node.ip)
    (site.home / "topology.json").write_text(topology.replace("/dev/sdf", "/dev/ubdb").replace("/dev/sdg", "/dev/ubdc"))
    who = f"heketi-cli --server http://localhost:8080 --user admin --secret {KEY}"
    loaded = site.sh(f"env -u HEKETI_CLI_SERVER {who} topology load --json=topology.json")
    assert loaded.stdout.count(" ... OK\n") == 8
    assert "Unable" not in loaded.stdout + loaded.stderr

    told = site.sh(f"heketi-cli --user admin --secret {KEY} topology info --server http://localhost:8080").stdout
    (cluster,) = re.findall(r"^Cluster Id: (\w{32})$", told, re.MULTILINE)
    nodes = re.findall(r"^\tNode Id: (\w{32})$", told, re.MULTILINE)
    devices = re.findall(r"^\t\tId:(\w{32}) +State:online", told, re.MULTILINE)
    assert (len(nodes), len(devices)) == (4, 8)
    assert all(node in site.sh(f"{who} cluster info {cluster}").stdout for node in nodes)
    assert all(f"Device Id: {device}" in site.sh(f"{who} device info {device}").stdout for device in devices)
    made = site.cli("volume", "create", "--size=2")
    assert value(made, "Replica Count") == "3"
    busy = site.json("volume", "info", value(made, "Volume Id"))["bricks"][0]["device"]
    site.cli("device", "disable", busy)
    site.cli("device", "remove", busy)
    site.cli("device", "delete", busy)
    site.cli("volume", "delete", value(made, "Volume Id"))
    require_books_agree(site)


def written_to(name: str, guide: str) -> str:
    """Return the file that a guide tells to write."""
    found = re.search(rf"{name}\s*(?:<< EOF)?\n(\{{.*?^\}})", guide, re.DOTALL | re.MULTILINE)
    assert found, f"no {name} in the guide"
    return found[1]
