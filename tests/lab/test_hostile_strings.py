"""Every string that a client controls, with everything that a shell would mind, against real nodes.

Nothing runs on them but what was meant to: refused requests start no command at all, and what is accepted arrives in
gluster as it was written. ``tests/lab/recording.py`` says how that is known.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests import hostile
from tests.hostile import Attack
from tests.lab import asking, recording
from tests.lab.site import KEY, Site, require_books_agree, value, wait_until_peers_are_back
from tests.lab.test_mishaps import require_agreement

from lab import Lab, LabNode
from pyheketi.commands.command import Program
from pyheketi.wire.topology import TopologyFile

PORT = 8080
NASTY = f"a'b\"c;touch {hostile.CANARY}100;`touch {hostile.CANARY}101`$(touch {hostile.CANARY}102)|x&*?~#"
"""A payload for places that are attacked only once."""


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three nodes in use and one to add. Nobody looks after them, so that what runs was asked for."""
    lab.pristine()
    for node in lab.nodes:
        recording.begin(node)
    try:
        with Site(lab, tmp_path_factory.mktemp("site"), port=PORT, disable_monitor_gluster_nodes=True) as made:
            made.load(count=3, disks=1)
            yield made
            require_agreement(made)
            require_books_agree(made)
    finally:
        for node in lab.nodes:
            recording.end(node)


@pytest.fixture(scope="module")
def usual(site: Site) -> list[set[str]]:
    """Programs that run on the nodes while ordinary work is done."""
    words = ("--size=1", "--durability=none", "--gluster-volume-options=user.note plain")
    live_and_die(site, value(site.cli("volume", "create", *words), "Volume Id"))
    said(site)
    assert canaries(site) == []
    return [recording.programs(node) for node in site.lab.nodes]


@pytest.fixture(autouse=True)
def nothing_else(site: Site, usual: list[set[str]]) -> Iterator[None]:
    """Around each test: no program ran that does not run at ordinary work, and no payload was run."""
    said(site)
    yield
    ran = [recording.programs(node) for node in site.lab.nodes]
    assert recording.unexpected(ran, usual) == set()
    assert canaries(site) == []
    assert not [line for line in site.log.read_text().splitlines() if line.startswith("touch ")]
    said(site)


def canaries(site: Site) -> list[str]:
    """Return what payloads have left, on nodes and where the server and its client run."""
    pattern = f"{hostile.CANARY}*"
    found = [node.ssh(f"ls -d {pattern}", check=False).stdout for node in site.lab.nodes]
    return [*filter(None, found), *map(str, Path("/").glob(pattern[1:]))]


def said(site: Site) -> list[tuple[str, ...]]:
    """Return the commands that the server gave to nodes since the last time."""
    return [command for node in site.lab.nodes for command in recording.commands(node)]


def ask(site: Site, attacks: Iterable[Attack]) -> list[tuple[int, str, list[Any] | None]]:
    requests = json.dumps([[each.method, each.target, each.body] for each in attacks])
    words = [sys.executable, asking.__file__, str(PORT), "admin", KEY]
    replies = json.loads(site.lab.exec(words, input=requests, env=site.environment, timeout=300).stdout)
    return [tuple(reply) for reply in replies]


def ids(site: Site) -> dict[str, str]:
    cluster = site.json("topology", "info")["clusters"][0]
    device = cluster["nodes"][0]["devices"][0]
    known = {"clusters": cluster["id"], "nodes": cluster["nodes"][0]["id"], "devices": device["id"]}
    return dict.fromkeys(hostile.IDS, "0" * 32) | known


def live_and_die(site: Site, volume: str) -> None:
    """Clone a volume, start a glusterd anew, and delete both."""
    clone = value(site.cli("volume", "clone", volume), "Volume Id")
    site.lab.nodes[0].ssh("systemctl restart glusterd")
    wait_until_peers_are_back(site.lab.nodes[:3])
    for each in (clone, volume):
        site.cli("volume", "delete", each)


def options(node: LabNode, volume: str) -> dict[str, str]:
    """Return what gluster says of a volume's options that we set."""
    told = ET.fromstring(node.ssh(f"gluster volume info {volume} --xml").stdout)
    pairs = ((each.findtext("name", ""), each.findtext("value", "")) for each in told.iter("option"))
    return {name: text for name, text in pairs if name.startswith("user.h")}


def test_a_payload_that_was_run_would_be_seen(site: Site, usual: list[set[str]]) -> None:
    node = site.lab.nodes[1]
    node.ssh(f"touch {hostile.CANARY}99")
    assert canaries(site) == [f"{hostile.CANARY}99\n"]
    assert recording.unexpected([recording.programs(node)], usual) == {"/usr/bin/touch"}
    node.ssh(f"rm {hostile.CANARY}99")


def test_refused_requests_run_nothing(site: Site) -> None:
    known = ids(site)
    refused = [each for each in hostile.attacks(known) if hostile.kept(each.where, each.text) is None]
    before = site.json("topology", "info")
    attacks = [each for each in refused if each.where not in hostile.LOOKED_FOR]
    for attack, (status, text, end) in zip(attacks, ask(site, attacks), strict=True):
        assert 400 <= status < 500, (attack, status, text)
        assert (bool(text.strip()), end) == (True, None)
    assert said(site) == []

    attacks = [each for each in refused if each.where in hostile.LOOKED_FOR][::16]
    assert {status for status, _, _ in ask(site, attacks)} == {400}
    looks = said(site)
    assert {command[:2] for command in looks} == {
        ("gluster", "--mode=script"),
        ("/usr/sbin/lvm", "pvs"),
        ("/usr/sbin/lvm", "vgs"),
        ("/usr/sbin/lvm", "lvs"),
        ("cat", "/proc/self/mounts"),
        ("cat", "/etc/fstab"),
    }
    assert hostile.CANARY not in str(looks)
    assert site.json("topology", "info") == before


def test_option_values_arrive_in_gluster_as_they_are(site: Site) -> None:
    texts = [hostile.kept(hostile.OPTION_VALUE, text) for text in hostile.PAYLOADS if "\ud800" not in text]
    wanted = {f"user.h{number}": text for number, text in enumerate(filter(None, texts))}
    wanted["user.h-longest"] = "$(" * 1990
    listed = ",".join(f"{name} {text}" for name, text in wanted.items())
    made = site.cli(
        "volume", "create", "--size=1", "--durability=none", "--name=attacked", f"--gluster-volume-options={listed}"
    )
    volume = value(made, "Volume Id")

    given = said(site)
    pairs = [word for pair in wanted.items() for word in pair]
    intended = ("gluster", "--mode=script", "--timeout=600", "volume", "set", "attacked", *pairs)
    assert [each for each in given if "set" in each] == [(*intended, "user.heketi.id", volume)]
    assert {each[0] for each in given} <= {program.value for program in Program}
    assert all(hostile.CANARY not in str(each) for each in given if "set" not in each)
    assert set(listed.split(",")) <= set(site.json("volume", "info", volume)["glustervolumeoptions"])
    for node in site.lab.nodes[:3]:
        assert options(node, "attacked") == wanted | {"user.heketi.id": volume}
        stored = node.ssh("cat /var/lib/glusterd/vols/attacked/info").stdout.splitlines()
        assert {f"{name}={text}" for name, text in wanted.items()} <= set(stored)

    live_and_die(site, volume)
    assert hostile.CANARY not in str(said(site))


def test_an_option_that_gluster_does_not_know_leaves_nothing(site: Site) -> None:
    body = {"size": 1, "durability": {"type": "none"}, "glustervolumeoptions": [f"{'A' * 300} {NASTY}"]}
    attack = Attack(method="POST", target="/volumes", body=body, where=hostile.OPTION_NAME, text=NASTY)
    ((status, _, end),) = ask(site, [attack])
    assert (status, end[0] if end else 0) == (202, 500)
    assert end is not None
    assert "A" * 300 in end[1]
    assert site.json("volume", "list")["volumes"] == []
    (call,) = (each for each in said(site) if "set" in each)
    assert call[6:8] == ("A" * 300, NASTY)


def test_nodes_and_devices(site: Site) -> None:
    """What is kept of them is kept as it is, and a device may have an odd name, if it is not too odd."""
    known, node = ids(site), site.lab.nodes[3]
    tags = {"note": NASTY[:64]}
    names = {"manage": [node.name], "storage": [node.ip]}
    body: Any = {"zone": 1, "cluster": known["clusters"], "hostnames": names, "tags": tags}
    ((_, _, end),) = ask(site, [Attack(method="POST", target="/nodes", body=body, where="", text="")])
    assert end is not None
    assert end[0] == 303
    (added,) = (each for each in site.json("topology", "info")["clusters"][0]["nodes"] if "tags" in each)
    assert added["tags"] == tags

    weird = f"/dev/we ird;touch {hostile.CANARY}103;"
    node.ssh(f"ln -s {node.disks[0]} /dev/-:_.x; mkdir -p '/dev/we ird;touch /tmp'; ln -s /dev/ubdb '{weird}'")
    recording.programs(node)
    said(site)
    assert "valid format" in site.refused("device", "add", f"--name={weird}", f"--node={added['id']}")
    assert said(site) == []
    body = {"name": "/dev/-:_.x", "node": added["id"], "tags": tags}
    ((_, _, end),) = ask(site, [Attack(method="POST", target="/devices", body=body, where="", text="")])
    assert end is not None
    assert end[0] == 204, end
    (device,) = site.json("node", "info", added["id"])["devices"]
    assert (device["name"], device["tags"]) == ("/dev/-:_.x", tags)
    site.cli("device", "resync", device["id"])
    for tag in (tag for tag in hostile.PAYLOADS if tag.isprintable() and hostile.kept(hostile.TAGS[-1], tag)):
        if hostile.CANARY in tag and "x" in tag:
            site.cli("device", "settags", "--exact", device["id"], f"note:{tag}")
            assert site.json("device", "info", device["id"])["tags"] == {"note": tag}
    assert "touch" not in str(said(site))


CALLS = (
    ("volume", "create", "--size=1", "--name=PAYLOAD"),
    ("volume", "create", "--size=1", "--clusters=PAYLOAD"),
    ("volume", "create", "--size=1", "--durability=PAYLOAD"),
    ("volume", "create", "--size=1", "--gluster-volume-options=PAYLOAD 1"),
    ("volume", "info", "PAYLOAD"),
    ("volume", "delete", "PAYLOAD"),
    ("volume", "expand", "--volume=PAYLOAD", "--expand-size=1"),
    ("volume", "clone", "PAYLOAD"),
    ("blockvolume", "create", "--size=1", "--name=PAYLOAD"),
    ("blockvolume", "delete", "PAYLOAD"),
    ("device", "add", "--name=PAYLOAD", f"--node={'0' * 32}"),
    ("device", "add", "--name=/dev/PAYLOAD", f"--node={'0' * 32}"),
    ("device", "resync", "PAYLOAD"),
    ("node", "add", "--zone=1", "--cluster=PAYLOAD", "--management-host-name=n4", "--storage-host-name=n4"),
    ("node", "add", "--zone=1", f"--cluster={'0' * 32}", "--management-host-name=PAYLOAD", "--storage-host-name=n4"),
    ("node", "disable", "PAYLOAD"),
    ("cluster", "delete", "PAYLOAD"),
    ("loglevel", "set", "PAYLOAD"),
)


def test_the_command_line_client(site: Site) -> None:
    """Arguments reach the server as they are, and nothing of them is run on the client's side either."""
    for call in CALLS:
        assert site.refused(*(word.replace("PAYLOAD", NASTY) for word in call)).strip()
    assert said(site) == []


def test_topology_files(site: Site) -> None:
    before = site.json("topology", "info")
    file = site.home / "hostile.json"
    places = list(hostile.places(TopologyFile))
    assert len(places) > 8
    for place in places:
        file.write_text(json.dumps(hostile.put(site.lab.topology(count=3, disks=1), place, NASTY)))
        site.sh(f"heketi-cli topology load --json={file}", check=False)
    assert site.json("topology", "info") == before
    assert said(site) == []
