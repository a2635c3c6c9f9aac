"""Sessions of the original by command group (``golden/cli``), repeated with our client against our server.

Each began on a server that somebody had furnished before the recording: clusters, nodes, devices and volumes whose ids
are known by their labels (``*.ids.json``). ``SESSIONS`` furnishes ours alike, at the step before which it was done.
What ``server_operations`` shows hangs on nodes that fail as ordered; ``volume_clone_mock_crash`` is a crash.
"""

import contextlib
import ipaddress
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.certificates import certificate
from tests.cli.conftest import Outcome
from tests.cli.replay import ID, Call, Translation, assert_same, calling
from tests.differences import CHANCE, steps
from tests.served import SETTINGS, Running, serving
from tests.shared import golden

from pyheketi import HeketiClient

RECORDED_PORT = 8080
REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}
NONE = {"type": "none"}
DISPERSE = {"type": "disperse", "disperse": {"data": 2, "redundancy": 1}}
SUBNETS = {"": 10, "b": 20, "c": 21, "d": 22}


@dataclass
class Scene:
    """A server as one session needs it, and who is who."""

    folder: Path
    labels: dict[str, list[str]]
    """Recorded ids by label, in their order: a session may have furnished several servers in turn."""
    translation: Translation = field(default_factory=Translation)
    server: Running | None = None
    call: Call = field(default=lambda argv, env: Outcome(0, "", ""))
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    starts: int = 0
    step: Sequence[str] = ()
    """The words of the step that comes."""

    def start(self, top: Mapping[str, Any] = MappingProxyType({}), **glusterfs: Any) -> None:
        """Begin again with an empty server, which has these settings."""
        self.stop()
        self.starts += 1
        folder = self.folder / f"server{self.starts}"
        folder.mkdir()
        settings = {
            **SETTINGS,
            **top,
            "glusterfs": {**SETTINGS["glusterfs"], "block_hosting_volume_size": 500, **glusterfs},
        }
        self.server = self.stack.enter_context(serving(folder, settings))
        self.call = calling(self.server.url, RECORDED_PORT)

    def stop(self) -> None:
        self.stack.close()

    def means(self, ours: str) -> None:
        """Say which of our objects the step that comes is about."""
        (theirs,) = (found for word in self.step for found in ID.findall(word))
        self.translation.ours[theirs] = ours

    def named(self, label: str, ours: str) -> None:
        """Say which of our objects has a recorded label."""
        if self.labels.get(label):
            self.translation.ours[self.labels[label].pop(0)] = ours

    def done(self, *argv: str) -> str:
        outcome = self.call(argv, {})
        assert outcome.exit == 0, outcome.stderr
        return outcome.stdout

    @property
    def api(self) -> HeketiClient:
        assert self.server
        return HeketiClient(self.server.url, "admin", "adminkey", verify=False, poll_delay=0.05)

    def volume(self, label: str, size: int, durability: Mapping[str, Any] = REPLICA_3, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.api.volume_create({"size": size, "durability": durability, **more})
        self.named(label, made["id"])
        return made

    def made(self, label: str, *argv: str) -> dict[str, Any]:
        """Carry out a command that shows what it made."""
        made: dict[str, Any] = json.loads(self.done(*argv, "--json"))
        self.named(label, made["id"])
        return made

    def cluster(self, nodes: int = 4, devices: str = "bc", prefix: str = "", *flags: str) -> None:
        """Furnish a cluster of nodes with devices ``/dev/sdb``, ``/dev/sdc``…"""
        cluster = self.made(f"{prefix}cluster", "cluster", "create", *flags)["id"]
        for number in range(1, nodes + 1):
            hosts = (f"{prefix}node{number}.example.com", f"192.168.{SUBNETS[prefix]}.{number}")
            names = ("--management-host-name", hosts[0], "--storage-host-name", hosts[1])
            node = self.made(f"{prefix}node{number}", "node", "add", f"--zone={number}", f"--cluster={cluster}", *names)
            for letter in devices:
                self.done("device", "add", f"--name=/dev/sd{letter}", f"--node={node['id']}")
                self.device(f"{prefix}node{number}", letter)

    def flags(self, *flags: str) -> None:
        (found,) = json.loads(self.done("cluster", "list", "--json"))["clusters"]
        self.done("cluster", "setflags", *flags, found)

    def device(self, node: str, letter: str, label: str = "") -> None:
        """Learn the id of a device of the node labelled so."""
        nodes = json.loads(self.done("topology", "info", "--json"))["clusters"]
        for each in (each for cluster in nodes for each in cluster["nodes"]):
            for device in each["devices"]:
                if each["hostnames"]["manage"] == [f"{node}.example.com"] and device["name"] == f"/dev/sd{letter}":
                    self.named(label or f"{node}-dev-sd{letter}", device["id"])


Act: TypeAlias = Callable[[Scene], object]


def volume(label: str, size: int, **more: Any) -> Act:
    return lambda scene: scene.volume(label, size, **more)


def block_volume(label: str, size: int, **more: Any) -> Act:
    return lambda scene: scene.named(label, scene.api.block_volume_create({"size": size, **more})["id"])


def begin(nodes: int = 4, devices: str = "bc", prefix: str = "", *flags: str, **glusterfs: Any) -> Act:
    """Start an empty server and furnish a cluster."""

    def act(scene: Scene) -> None:
        scene.start(**glusterfs)
        scene.cluster(nodes, devices, prefix, *flags)

    return act


def cluster(nodes: int = 4, devices: str = "bc", prefix: str = "", *flags: str) -> Act:
    return lambda scene: scene.cluster(nodes, devices, prefix, *flags)


def offline(scene: Scene) -> None:
    (found,) = json.loads(scene.done("topology", "info", "--json"))["clusters"]
    for node in found["nodes"]:
        scene.done("node", "disable", node["id"])


def signalled(scene: Scene) -> None:
    assert scene.server
    scene.server.process.send_signal(signal.SIGUSR2)
    time.sleep(0.5)


def bricks(scene: Scene) -> None:
    for number, brick in enumerate(scene.volume("v1", 10)["bricks"], 1):
        scene.named(f"brick{number}", brick["id"])


def device_with_brick(scene: Scene) -> None:
    """Bricks are placed by chance: let the device that the session looks at be one with a brick."""
    (volume,) = (scene.api.volume_info(each) for each in scene.api.volume_list()["volumes"])
    scene.means(volume["bricks"][0]["device"])


def hosting_volume(scene: Scene) -> None:
    """Likewise for the block hosting volume, which is not the one that took the block volume of the step before."""
    (block,) = (scene.api.block_volume_info(each) for each in scene.api.block_volume_list()["blockvolumes"])
    scene.means(block["blockhostingvolume"])


def database_volume(scene: Scene) -> None:
    """The id of the volume that the step before made without saying so."""
    for volume in scene.api.volume_list()["volumes"]:
        scene.means(volume)


def furnish_loaded_clusters(scene: Scene) -> None:
    clusters = {}
    for each in scene.api.cluster_list()["clusters"]:
        for node in map(scene.api.node_info, scene.api.cluster_info(each)["nodes"]):
            clusters[node["hostnames"]["manage"][0]] = each
            if node["hostnames"]["manage"][0] == "node60.example.com":
                last = node["id"]
    first = [clusters["node1.example.com"]]
    snapshot = {"enable": True, "factor": 1.5}
    scene.volume("v1", 10, name="tvol1", clusters=first)
    scene.volume("v2", 10, NONE, name="tvol2", clusters=[clusters["node60.example.com"]], snapshot=snapshot)
    scene.volume("v3", 10, DISPERSE, name="tvol3", clusters=first)
    scene.api.block_volume_create({"size": 2, "clusters": first})
    scene.api.node_state(last, {"state": "offline"})


def secure(scene: Scene) -> None:
    file = certificate(scene.folder, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    Path("c.pem").write_text(x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.PEM).decode())
    scene.start({"enable_tls": True, "cert_file": str(file), "key_file": str(file)})


def connection_files(scene: Scene) -> None:
    Path("junk.pem").write_text("junk")
    Path("topo.json").write_text(json.dumps({"clusters": TOPOLOGIES["t1.json"]}))


def topology_files(scene: Scene) -> None:
    for name, content in TOPOLOGIES.items():
        Path(name).write_text(content if isinstance(content, str) else json.dumps({"clusters": content}))


def _node(name: int, devices: Sequence[Any], zone: int = 1, storage: str = "", **more: Any) -> dict[str, Any]:
    hosts = {"manage": [f"node{name}.example.com"], "storage": [storage or f"192.168.10.{name}"]}
    return {"node": {"hostnames": hosts, "zone": zone, **more}, "devices": devices}


_DISKS = ["/dev/sdb", "/dev/sdc", "/dev/sdd"]
_TAGGED = {"name": "/dev/sdc", "tags": {"arbiter": "required"}}
_TWO_NAMES = {"manage": ["node60.example.com", "alt60"], "storage": ["192.168.10.60", "192.168.11.60"]}
TOPOLOGIES: Mapping[str, Any] = {
    "bad.json": "{",
    "wrongtype.json": '{"clusters":"x"}',
    "empty.json": "{}",
    "arr.json": "[]",
    "empty0.json": "",
    "t1.json": [{"nodes": [_node(1, _DISKS[:2], 1), _node(2, _DISKS[:2], 2)]}],
    "t2.json": [{"nodes": [_node(number, _DISKS, number) for number in range(1, 5)]}],
    "t3.json": [{"nodes": [_node(50, _DISKS, storage="192.168.10.1")]}],
    "t4.json": [{"nodes": [_node(51, _DISKS, zone=0)]}],
    "t5.json": [
        {
            "block": False,
            "nodes": [
                _node(52, ["/dev/sdb", _TAGGED, "sdbad", {"name": "/dev/sdd"}], tags={"rack": "7", "site": "w"}),
            ],
        }
    ],
    "t6.json": [
        {
            "file": False,
            "nodes": [
                _node(53, [{"name": "/dev/sdb", "tags": {"a": "b", "c": "d"}}, "/dev/sdc"], tags={"a": "b", "c": "d"})
            ],
        }
    ],
    "t7.json": [{"nodes": [{"node": {"hostnames": {"manage": [], "storage": []}, "zone": 1}, "devices": []}]}],
    "t8.json": [{"nodes": []}],
    "t9.json": [{"nodes": [_node(60, ["/dev/sdb", "/dev/sde"], hostnames=_TWO_NAMES)]}],
}

SESSIONS: Mapping[str, Mapping[int, Sequence[Act]]] = {
    "blockvolume": {
        0: [Scene.start],
        3: [cluster(4, "bcd")],
        52: [begin(4, "bc", "c", auto_create_block_hosting_volume=False)],
        53: [volume("chost", 50, block=True)],
        58: [begin(4, "bc", "d", "--block=false")],
    },
    "brick": {0: [begin(), bricks, volume("vnone", 10, durability=NONE)]},
    "cluster": {
        0: [Scene.start],
        45: [cluster()],
        48: [volume("vol1", 10), block_volume("bv1", 10)],
    },
    "connection": {0: [Scene.start, connection_files], 36: [Scene.stop]},
    "db": {
        0: [Scene.start],
        3: [cluster(), volume("v1", 10, name="dbvol"), block_volume("", 2, name="dbblk")],
        8: [Scene.stop],
    },
    "device": {
        0: [begin(4, "b")],
        2: [lambda scene: scene.device("node1", "x", "sdx"), lambda scene: scene.device("node1", "y", "sdy")],
        75: [cluster(4, "bc", "b"), volume("bvol", 10), device_with_brick],
    },
    "loglevel": {0: [lambda scene: scene.start(loglevel="debug")]},
    "node": {
        0: [Scene.start],
        37: [
            lambda scene: scene.device("node2", "b", "dev-dev-sdb"),
            lambda scene: scene.device("node2", "c", "dev-dev-sdc"),
        ],
        100: [cluster(4, "bc", "b"), volume("bvol", 10)],
    },
    "server": {0: [begin(3)], 7: [signalled], 27: [volume("v1", 10)]},
    "topology": {
        0: [Scene.start, topology_files],
        22: [furnish_loaded_clusters],
    },
    "volume": {
        0: [Scene.start],
        3: [cluster(6)],
        126: [hosting_volume],
        131: [begin(2, "bc", "c")],
        134: [lambda scene: scene.flags("--file=false", "--block=true")],
        135: [offline],
    },
    "tls": {0: [secure]},
    "volume_replica0": {0: [begin()]},
    "setup_openshift": {
        0: [Scene.start],
        3: [cluster()],
        8: [begin()],
        **{place: [begin()] for place in (10, 12, 14, 16, 18, 20, 22, 24)},
        **{place: [database_volume] for place in (9, 11, 13, 15, 17, 19, 21, 23, 25)},
    },
}


@dataclass(frozen=True)
class Step:
    """One call of the original."""

    session: str
    place: int
    name: str
    argv: Sequence[str]
    env: Mapping[str, str | None]
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.session}-{self.place}-{self.name}"


def recorded(session: str) -> Iterator[Step]:
    for place, step in enumerate(golden(f"cli/{session}.json")):
        outcome = Outcome(step["exit"], step["stdout"], step["stderr"])
        env = {name: step["env"].get(name) for name in ("HEKETI_CLI_SERVER", "HEKETI_CLI_USER", "HEKETI_CLI_KEY")}
        yield Step(session, place, step["name"], step["argv"][1:], env | step["env"], outcome)


STEPS = [step for session in SESSIONS for step in recorded(session)]
DIFFERENT = {session: steps(f"cli/{session}.json") for session in SESSIONS}


class Sessions:
    """Repeats sessions when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outcomes = folder, dict[str, list[Outcome]]()

    def outcome(self, step: Step) -> Outcome:
        if step.session not in self.outcomes:
            self.outcomes[step.session] = self.repeat(step.session)
        return self.outcomes[step.session][step.place]

    def repeat(self, session: str) -> list[Outcome]:
        folder = self.folder / session
        folder.mkdir()
        labels: dict[str, list[str]] = {}
        for recorded_id, label in golden(f"cli/{session}.ids.json").items():
            labels.setdefault(label, []).append(recorded_id)
        scene = Scene(folder, labels)
        with contextlib.chdir(folder), scene.stack:
            return list(self.outcomes_of(scene, session))

    def outcomes_of(self, scene: Scene, session: str) -> Iterator[Outcome]:
        for step in recorded(session):
            for act in SESSIONS[session].get(step.place, ()):
                scene.step = step.argv
                act(scene)
            outcome = scene.call(scene.translation.argv(step.argv), step.env)
            scene.translation.learn(step.outcome.stdout + step.outcome.stderr, outcome.stdout + outcome.stderr)
            yield outcome


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    return Sessions(tmp_path_factory.mktemp("sessions"))


COMPARED = [step for step in STEPS if step.place not in DIFFERENT[step.session]]


@pytest.mark.parametrize("step", COMPARED, ids=str)
def test_our_server_and_client_do_as_the_original(step: Step, sessions: Sessions) -> None:
    assert_same(step.outcome, sessions.outcome(step))


def test_every_difference_is_one(sessions: Sessions) -> None:
    """No step is listed as different that has become the same."""
    for step in STEPS:
        if DIFFERENT[step.session].get(step.place, CHANCE) != CHANCE:
            with pytest.raises(AssertionError):
                assert_same(step.outcome, sessions.outcome(step))
