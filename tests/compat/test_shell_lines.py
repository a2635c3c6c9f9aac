"""What scripts in the wild cut out of our text, line by line (shared/research/clients-in-the-wild.md §B, §C)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.served import serving

BIN = Path(sys.executable).parent
HOSTS = [("node1.example", "10.1.0.1"), ("node2.example", "10.1.0.2"), ("node3.example", "10.1.0.3")]
TOPOLOGY = {
    "clusters": [
        {
            "nodes": [
                {
                    "node": {"hostnames": {"manage": [manage], "storage": [storage]}, "zone": zone},
                    "devices": ["/dev/sdb"],
                }
                for zone, (manage, storage) in enumerate(HOSTS, 1)
            ]
        }
    ]
}


@dataclass
class Site:
    """A server with three nodes, a file volume and a block hosting volume."""

    home: Path
    url: str
    ids: dict[str, str] = field(default_factory=dict)

    def sh(self, line: str) -> str:
        """Run a shell line; return what it prints, without the last line break."""
        settings = {"HEKETI_CLI_SERVER": self.url, "HEKETI_CLI_USER": "admin", "HEKETI_CLI_KEY": "adminkey"}
        settings["PATH"] = f"{BIN}:{os.environ['PATH']}"
        for name, id_ in self.ids.items():
            line = line.replace(f"<{name}>", id_)
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=self.home, env=os.environ | settings
        )
        assert not done.stderr, f"{line}\n{done.stderr}"
        return done.stdout.removesuffix("\n")

    def json(self, line: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.sh(f"heketi-cli {line} --json"))
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("shell")
    with serving(home) as running:
        made = Site(home, running.url)
        (home / "topology.json").write_text(json.dumps(TOPOLOGY))
        made.sh("heketi-cli topology load --json=topology.json")
        (cluster,) = json.loads(made.sh("heketi-cli topology info --json"))["clusters"]
        made.ids["cluster"] = cluster["id"]
        for node in cluster["nodes"]:
            number = node["hostnames"]["manage"][0][4]
            made.ids |= {f"node{number}": node["id"], f"device{number}": node["devices"][0]["id"]}
        made.ids["volume"] = str(made.json("volume create --size=2 --name=data")["id"])
        made.ids["hosting"] = str(made.json("volume create --size=20 --name=blocks --block")["id"])
        yield made


LINES = [
    # cluster list
    ("heketi-cli cluster list | tail -1 | cut -d: -f2 | cut -d' ' -f1", "<cluster>"),
    ("heketi-cli cluster list | awk -v FS=: 'NR==2{print $2}' | cut -d' ' -f1", "<cluster>"),
    ("heketi-cli cluster list | awk -v FS=: 'NR==2{print $2}'", "<cluster> [file][block]"),
    (r"heketi-cli cluster list | sed -n '/^Id:[a-f0-9]\+/p' | cut -f2 -d: | cut -f1 -d' '", "<cluster>"),
    # node list: a tab between the columns
    ("heketi-cli node list | awk '{print $1}' | cut -d: -f2 | sort", "NODES"),
    ("heketi-cli node list | awk -v FS=: '{print $2}' | cut -f1 | sort", "NODES"),
    # volume list
    ("heketi-cli volume list | grep data | cut -d':' -f4", "data"),
    ("heketi-cli volume list | grep data | awk -F: '{print $4}'", "data"),
    ("heketi-cli volume list | grep -v block | awk '{print $1}' | cut -d: -f2", "<volume>"),
    ("heketi-cli volume list | grep Id | wc -l", "2"),
    ("heketi-cli volume list | grep -v block | awk '{print $1\" \"$3}'", "Id:<volume> Name:data"),
    ("heketi-cli volume list | grep -v block | awk '{print $1\" \"$6}'", "Id:<volume> "),  # of older columns
    ("heketi-cli volume list | grep 'Name:blocks' | awk '{print $4}'", "[block]"),
    ("heketi-cli volume list | grep '\\[block\\]' | awk '{print $1}' | cut -d: -f2", "<hosting>"),
    # volume info
    ("heketi-cli volume info <volume> | grep 'Volume Id' | awk '{print $3}'", "<volume>"),
    ("heketi-cli volume info <volume> | grep Size | head -1 | cut -d: -f2", " 2"),
    ("heketi-cli volume info <volume> | grep Size | cut -d: -f2", " 2\n 0\n 0"),  # of itself, free, reserved
    ("heketi-cli volume info <volume> | grep ^Name: | awk '{print $2}'", "data"),
    ("heketi-cli volume info <volume> | grep ^Mount: | cut -d: -f3", "data"),
    # node info
    ("heketi-cli node info <node2> | grep 'Storage Hostname:' | awk '{print $3}'", "10.1.0.2"),
    ("heketi-cli node info <node2> | sed '1,/Devices/d' | awk '{print $1}' | awk -F: '{print $2}'", "<device2>"),
    ("heketi-cli node info <node2> | grep -c Size", "1"),
    ("heketi-cli node info <node2> | grep Size | awk '{print $2, $4}'", "Name:/dev/sdb Size"),
    # topology info
    ("heketi-cli topology info | grep ^Cluster | awk '{print $3}'", "<cluster>"),
    ("heketi-cli topology info | grep 10.1.0.3 -B5 | grep 'Node Id' | awk '{print $3}'", "<node3>"),
    ("heketi-cli topology info | grep 'State:' | grep Size | awk '{print $1}' | cut -d: -f2 | sort", "DEVICES"),
    # the daily mail: total and free space, and the host's name, which comes before them
    (
        "heketi-cli topology info | egrep '(node2|Free)' | tac | awk -F: '/node2/{print $NF; exit} {print $NF+0, $(NF-2)+0}' | tail -2",
        "477 500\n node2.example",
    ),
    ("heketi-cli topology info | grep -c 'Management Hostnames: node'", "3"),
    ("heketi-cli topology info | grep Free | awk -F: '{print $NF}' | tr -d ' ' | sort -u", "477"),
    # topology load, once more: nothing to do, nothing that scripts take for a failure
    ("heketi-cli topology load --json=topology.json | grep -c 'Found node'", "3"),
    ("heketi-cli topology load --json=topology.json | grep -c 'Found device'", "3"),
    ("heketi-cli topology load --json=topology.json | grep -q Unable || echo fine", "fine"),
    # openshift-ansible has no shell there: the redirection arrives as a word
    ("heketi-cli topology load --json=topology.json '2>&1' | tail -1 | awk '{print $1,$2}'", "Found device"),
    ("heketi-cli server operations info | grep -q 'In-Flight: 0' && echo idle", "idle"),
    ("heketi --version | cut -d' ' -f 2 | cut -c1-3", "v10"),
    ("heketi-cli cluster list >/dev/null && echo $?", "0"),
    ("heketi-cli setup-openshift-heketi-storage --help >/dev/null && echo $?", "0"),
    # kubespray: --json anywhere
    (
        "heketi-cli volume list --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)[\"volumes\"]))'",
        "2",
    ),
    (
        "heketi-cli volume info <volume> --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"name\"])'",
        "data",
    ),
    (
        "heketi-cli --json volume info <volume> | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"name\"])'",
        "data",
    ),
    (
        (
            "heketi-cli topology info --json | python3 -c 'import json,sys\n"
            'for c in json.load(sys.stdin)["clusters"]:\n'
            '    for n in c["nodes"]:\n'
            '        for d in n["devices"]:\n'
            '            if d["state"] == "online": print(d["id"])\' | sort'
        ),
        "DEVICES",
    ),
    # gk-deploy, with the address and the secret on the command line
    (
        "heketi-cli -s $HEKETI_CLI_SERVER --user admin --secret 'adminkey' topology load --json=topology.json | wc -l",
        "6",
    ),
]


@pytest.mark.parametrize(("line", "expected"), LINES, ids=lambda text: text[:60])
def test_a_line_from_the_wild(site: Site, line: str, expected: str) -> None:
    for kind in ("NODES", "DEVICES"):
        ids = sorted(id_ for name, id_ in site.ids.items() if name.startswith(kind[:-1].lower()))
        expected = "\n".join(ids) if expected == kind else expected
    for name, id_ in site.ids.items():
        expected = expected.replace(f"<{name}>", id_)
    assert site.sh(line) == expected


def test_all_devices_are_disabled_by_one_line(site: Site) -> None:
    line = "heketi-cli topology info | grep Size | grep State: | awk '{print $1}' | cut -d: -f2"
    for verb, state in (("disable", "offline"), ("enable", "online")):
        said = site.sh(f"{line} | xargs -i heketi-cli device {verb} {{}}")
        assert sorted(said.splitlines()) == sorted(
            f"Device {site.ids[f'device{number}']} is now {state}" for number in (1, 2, 3)
        )


def test_a_node_s_id_is_cut_out_of_what_adding_it_says(site: Site) -> None:
    line = (
        "heketi-cli node add --zone=1 --cluster=<cluster> --management-host-name=new --storage-host-name=10.1.0.9"
        " | tee said | grep -v -i Cluster | grep -i id | cut -d: -f2 | xargs"
    )
    node = site.sh(line)
    assert (
        (site.home / "said").read_text().startswith(f"Node information:\nNode Id: {node}\nState: online\nCluster Id: ")
    )
    assert site.sh(f"heketi-cli node delete {node}") == f"Node {node} deleted"


def test_an_empty_answer_of_an_error_is_on_standard_error_with_status_255(site: Site) -> None:
    assert site.sh("heketi-cli volume info abc 2>said; echo $?") == "255"
    assert (site.home / "said").read_text() == "Error: Id not found\n"


def test_the_database_s_volume_is_set_up_as_gk_deploy_does(site: Site) -> None:
    assert site.sh("heketi-cli setup-openshift-heketi-storage --listfile=storage.json 2>&1") == "Saving storage.json"
    assert site.sh("heketi-cli volume list | grep -c heketidbstorage") == "1"
    items = json.loads((site.home / "storage.json").read_text())["items"]
    assert [each["kind"] for each in items] == ["Secret", "Endpoints", "Service", "Job"]
    assert site.sh("heketi-cli server mode set read-only; heketi-cli server mode get") == "read-only"
