"""Lists and the topology take one request of our server; of one without such requests, one for each object."""

import json
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, Script, serving

CLUSTER, OTHER = "c" * 32, "d" * 32
HOSTS = ["10.0.0.1", "10.0.0.2"]
BRICK = {"id": "b1", "path": "/bricks/b1", "device": "dev1", "node": "n1", "volume": "v1", "size": 1048576}
NODE = {
    "zone": 1,
    "hostnames": {"manage": ["node1"], "storage": ["10.0.0.1"]},
    "cluster": CLUSTER,
    "id": "n1",
    "state": "online",
    "devices": [
        {
            "name": "/dev/sdb",
            "storage": {"total": 3145728, "free": 2097152, "used": 1048576},
            "id": "dev1",
            "state": "online",
            "bricks": [BRICK],
        }
    ],
}
VOLUME: dict[str, Any] = {
    "size": 1,
    "name": "first",
    "durability": {"type": "none", "replicate": {}, "disperse": {}},
    "snapshot": {"enable": False, "factor": 1},
    "id": "v1",
    "blockinfo": {},
}
MOUNT = {
    "glusterfs": {
        "hosts": HOSTS,
        "device": "10.0.0.1:first",
        "options": {"backup-volfile-servers": "10.0.0.2"},
    }
}
OURS: Script = {
    ("GET", "/topology"): [
        Canned(
            body={
                "clusters": [
                    {
                        "id": CLUSTER,
                        "block": True,
                        "file": True,
                        "hosts": HOSTS,
                        "nodes": [NODE],
                        "volumes": [VOLUME | {"bricks": ["b1"]}],
                        "blockvolumes": [],
                    },
                    {"id": OTHER, "block": False, "file": True, "hosts": [], "nodes": [], "volumes": []},
                ]
            }
        )
    ],
    ("GET", "/volumes?detail=summary"): [
        Canned(
            body={
                "volumes": [
                    {"id": "v1", "name": "first", "cluster": CLUSTER, "size": 1, "block": False},
                    {"id": "v2", "name": "second", "cluster": CLUSTER, "size": 2, "block": True},
                ],
                "next": "",
            }
        )
    ],
    ("GET", "/blockvolumes?detail=summary"): [
        Canned(body={"blockvolumes": [{"id": "b1", "name": "disk", "cluster": CLUSTER, "size": 1}], "next": ""})
    ],
}
HEKETIS: Script = {
    ("GET", "/clusters"): [Canned(body={"clusters": [CLUSTER, OTHER]})],
    ("GET", f"/clusters/{CLUSTER}"): [
        Canned(body={"id": CLUSTER, "block": True, "file": True, "nodes": ["n1"], "volumes": ["v1"]})
    ],
    ("GET", f"/clusters/{OTHER}"): [Canned(body={"id": OTHER, "file": True, "nodes": [], "volumes": []})],
    ("GET", "/nodes/n1"): [Canned(body=NODE)],
    ("GET", "/volumes"): [Canned(body={"volumes": ["v1", "v2"]})],
    ("GET", "/volumes/v1"): [Canned(body=VOLUME | {"cluster": CLUSTER, "mount": MOUNT, "bricks": [BRICK]})],
    ("GET", "/volumes/v2"): [Canned(body={"id": "v2", "name": "second", "cluster": CLUSTER, "size": 2, "block": True})],
    ("GET", "/blockvolumes"): [Canned(body={"blockvolumes": ["b1"]})],
    ("GET", "/blockvolumes/b1"): [Canned(body={"id": "b1", "name": "disk", "cluster": CLUSTER, "size": 1})],
}
WORDS = [["topology", "info"], ["topology", "info", "--json"], ["volume", "list"], ["blockvolume", "list"]]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_one_request_tells_what_many_tell(cli: Cli, words: list[str]) -> None:
    with serving(OURS) as server:
        ours = cli(["-s", server.url, *words])
        assert len(server.asked) == 1
    with serving(HEKETIS) as server:
        theirs = cli(["-s", server.url, *words])
        assert len(server.asked) > 1
    assert (ours.exit, ours.stderr) == (theirs.exit, theirs.stderr) == (0, "")
    assert ours.stdout
    if "--json" in words:
        assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    else:
        assert ours.stdout == theirs.stdout


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_another_failure_is_told_at_once(cli: Cli, words: list[str]) -> None:
    with serving({("GET", "*"): [Canned(500, "the database is gone\n")]}) as server:
        told = cli(["-s", server.url, *words])
        assert len(server.asked) == 1
    assert told.stderr.startswith("Error: the database is gone")


def test_who_may_list_but_not_look_gets_as_far_as_with_heketi(cli: Cli) -> None:
    denied = Canned(401, "Administrator access required\n")
    script: Script = {
        ("GET", "/volumes?detail=summary"): [denied],
        ("GET", "/volumes"): [Canned(body={"volumes": []})],
        ("GET", "*"): [denied],
    }
    with serving(script) as server:
        assert cli(["-s", server.url, "volume", "list"]) == cli(["-s", server.url, "volume", "list"])
        assert cli(["-s", server.url, "volume", "list"]).stdout == ""


def test_a_topology_cut_short_is_an_error(cli: Cli) -> None:
    with serving({("GET", "/topology"): [Canned(body='{"clusters":[{"id":"c')]}) as server:
        told = cli(["-s", server.url, "topology", "info"])
    assert told.exit != 0
    assert told.stdout == ""
    assert "unexpected end of JSON input" in told.stderr


def test_bytes_are_compressed_on_the_way_but_not_on_this_machine(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(OURS) as server:
        cli(["-s", server.url, "topology", "info"])
        monkeypatch.setattr("pyheketi.client.address.Address.local", False)
        cli(["-s", server.url, "topology", "info"])
        assert [asked.headers["Accept-Encoding"] for asked in server.asked] == ["identity", "gzip"]
