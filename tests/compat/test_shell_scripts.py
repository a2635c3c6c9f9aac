"""What installers do with our command line, step by step (shared/research/clients-in-the-wild.md §B, §C).

The sites here begin empty, as theirs do; test_shell_lines.py has single lines.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.compat.test_shell_lines import TOPOLOGY, Site
from tests.served import serving

LOAD = "heketi-cli -s $HEKETI_CLI_SERVER --user admin --secret 'adminkey' topology load --json=topology.json 2>&1"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path) as running:
        (tmp_path / "topology.json").write_text(json.dumps(TOPOLOGY))
        yield Site(tmp_path, running.url)


def write(site: Site, device: str) -> None:
    """Have the topology name another device on the last node."""
    changed = json.loads(json.dumps(TOPOLOGY))
    changed["clusters"][0]["nodes"][2]["devices"] = [device]
    (site.home / "topology.json").write_text(json.dumps(changed))


def test_gk_deploy(fresh: Site) -> None:
    assert (
        fresh.sh('hello=$(curl -s $HEKETI_CLI_SERVER/hello); [[ "${hello}" == "Hello from Heketi" ]]; echo $?') == "0"
    )
    write(fresh, "no-device")
    assert fresh.sh(f"{LOAD} | tee said >/dev/null; grep -q Unable said; echo $?") == "0"
    write(fresh, "/dev/sdb")
    assert fresh.sh(f"{LOAD} | tee said >/dev/null; grep -q Unable said; echo $?") == "1"
    assert fresh.sh("heketi-cli volume list | grep -q heketidbstorage; echo $?") == "1"
    assert fresh.sh("heketi-cli setup-openshift-heketi-storage --help >/dev/null 2>&1; echo $?") == "0"
    fresh.sh("heketi-cli setup-openshift-heketi-storage --listfile=list.json --durability=none 2>&1")
    assert fresh.sh("heketi-cli volume list | grep -q heketidbstorage; echo $?") == "0"
    assert fresh.sh("heketi-cli volume list | grep heketidbstorage | awk '{print $1}' | cut -d: -f2 | wc -c") == "33"
    listed = json.loads((fresh.home / "list.json").read_text())
    assert (listed["kind"], [item["kind"] for item in listed["items"]][-1]) == ("List", "Job")
    assert listed["items"][-1]["metadata"]["name"] == "heketi-storage-copy-job"


def test_openshift_ansible(fresh: Site) -> None:
    load = "heketi-cli topology load --json=topology.json '2>&1'"  # it has no shell there
    first, again = fresh.sh(f"{load}; echo $?"), fresh.sh(f"{load}; echo $?")
    for said in (first, again):
        assert "Unable" not in said
        assert said.endswith("\n0")
    assert re.findall(
        r"^(?:Creating cluster|\tCreating node|\t\tAdding device) .*?\.\.\. (ID|OK)", first, re.MULTILINE
    ) == [
        "ID",
        *["ID", "OK"] * 3,
    ]
    assert len(re.findall(r"Found (node|device)", again)) == 6
    assert fresh.sh("heketi-cli cluster list >/dev/null; echo $?") == "0"
    created = fresh.sh("heketi-cli volume create --size=2 --name=registry")
    assert "\nVolume Id: " in created
    assert fresh.sh("heketi-cli volume list | grep -c registry") == "1"
    assert fresh.sh("heketi-cli server operations info | grep -c 'In-Flight: 0'") == "1"
    assert re.fullmatch(r"v?[0-9][\w.+-]*", fresh.sh("heketi --version | cut -d' ' -f 2"))
    fresh.sh("heketi-cli server mode set read-only")
    assert fresh.sh("heketi-cli volume create --size=1 2>&1; echo $?") == "Error: Service disabled for maintenance\n255"


def test_kubespray(fresh: Site) -> None:
    fresh.sh(LOAD)
    fresh.sh("heketi-cli setup-openshift-heketi-storage 2>&1")
    assert (fresh.home / "heketi-storage.json").is_file()
    (volume,) = json.loads(fresh.sh("heketi-cli volume list --json"))["volumes"]
    for line in (f"volume info {volume} --json", f"--json volume info {volume}", f"volume --json info {volume}"):
        assert json.loads(fresh.sh(f"heketi-cli {line}"))["name"] == "heketidbstorage"
    (cluster,) = json.loads(fresh.sh("heketi-cli topology info --json"))["clusters"]
    devices = [device for node in cluster["nodes"] for device in node["devices"]]
    assert {device["state"] for device in devices} == {"online"}
    for device in devices[:1]:
        assert fresh.sh(f"heketi-cli device disable {device['id']}") == f"Device {device['id']} is now offline"


def test_an_empty_storage_is_taken_apart_by_lines(fresh: Site) -> None:
    fresh.sh(LOAD)
    ids = "heketi-cli topology info | grep Size | awk '{print $1}' | cut -d: -f2"
    devices = fresh.sh(ids).splitlines()
    assert len(devices) == 3
    for verb, told in (("disable", "is now offline"), ("remove", "is now removed"), ("delete", "deleted")):
        # the same ids three times: what is failed is listed, what is deleted is not
        said = fresh.sh(f"{ids} | xargs -i heketi-cli device {verb} {{}}")
        assert said.splitlines() == [f"Device {device} {told}" for device in devices]
    nodes = "heketi-cli node list | awk '{print $1}' | cut -d: -f2 | xargs -i heketi-cli node delete {} | sort"
    assert re.fullmatch(r"(Node [0-9a-f]{32} deleted\n?){3}", fresh.sh(nodes))
    cluster = fresh.sh("heketi-cli cluster list | tail -1 | cut -d: -f2 | cut -d' ' -f1")
    assert fresh.sh(f"heketi-cli cluster delete {cluster}") == f"Cluster {cluster} deleted"


def test_a_volume_s_id_is_cut_out_of_what_its_creation_says(fresh: Site) -> None:
    fresh.sh(LOAD)
    id_ = fresh.sh("heketi-cli volume create --size=1 | tee said | grep 'Volume Id' | awk '{print $3}'")
    assert re.fullmatch("[0-9a-f]{32}", id_)
    assert fresh.sh("grep ^Size said | cut -d: -f2") == " 1"
    assert fresh.sh("grep ^Name: said | awk '{print $2}'") == f"vol_{id_}"
    assert fresh.sh(f"heketi-cli volume delete {id_}") == f"Volume {id_} deleted"


LONG_NAME = "/dev/disk/by-id/a-very-long-name"


def test_long_names_run_into_the_next_column_as_ever(fresh: Site) -> None:
    write(fresh, LONG_NAME)
    fresh.sh(LOAD)
    node = fresh.sh("heketi-cli topology info | grep 10.1.0.3 -B5 | grep 'Node Id' | awk '{print $3}'")
    assert fresh.sh(f"heketi-cli node info {node} | grep ^Id: | awk '{{print $2}}'") == f"Name:{LONG_NAME}State:online"


# -- Heketi's quality engineering (glusterfs-containers-tests): patterns and messages ------------------------------

PATTERNS = {
    "volume list": r"Id:(\S+)\s+Cluster:(\S+)\s+Name:(\S+)\s\[block\]",
    "node list": r"Id:(\S+)\s+Cluster:(\S+)",
    "blockvolume list": r"Id:(\S+)\s+Cluster:(\S+)\s+Name:(\S+)",
}


def test_quality_engineering(fresh: Site) -> None:
    fresh.sh(LOAD)
    fresh.sh("heketi-cli volume create --size=20 --name=blocks --block")
    fresh.sh("heketi-cli blockvolume create --size=1 --name=bv")
    for command, pattern in PATTERNS.items():
        assert len(re.findall(pattern, fresh.sh(f"heketi-cli {command}"))) == (3 if command == "node list" else 1)
    refusals = {
        "heketi-cli volume create --size=20 --name=blocks": "Volume name 'blocks' already in use",
        "heketi-cli volume create --size=100000": "No space",
        "heketi-cli --secret=wrong volume list": "Invalid JWT token: signature is invalid",
        "env -u HEKETI_CLI_USER -u HEKETI_CLI_KEY heketi-cli volume list": "Invalid JWT token: Token missing iss claim",
    }
    for line, message in refusals.items():
        assert message in fresh.sh(f"{line} 2>&1").splitlines()[0]
    device = fresh.sh("heketi-cli topology info | grep State: | grep Size | head -1 | awk '{print $1}' | cut -d: -f2")
    fresh.sh(f"heketi-cli device disable {device}")
    said = fresh.sh(f"timeout 120 heketi-cli device remove {device} 2>&1")
    assert "No Replacement was found" in said
