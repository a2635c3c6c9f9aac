"""A server whose nodes are pods: from the settings to simulated nodes, through a real API server and real shells."""

import asyncio
import gzip
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.programs import WRAPPER, Programs

from pyheketi import server
from pyheketi.config.load import parse_settings
from pyheketi.config.settings import Settings
from pyheketi.control_plane.control_plane import ControlPlane
from pyheketi.domain import errors
from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.ids import NodeId
from pyheketi.executors.fake import FakeNodes
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store.opening import open_store

pytestmark = pytest.mark.anyio
NODES = ("k1", "k2", "k3")
ZONES = tuple(enumerate(NODES, 1))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def cluster() -> Cluster:
    """A daemon set of gluster on three nodes."""
    made = Cluster()
    for node in NODES:
        made.add_pod(f"gluster-{node}", labels={"glusterfs-node": "pod"}, node=node)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    document = {
        "port": "8080",
        "backup_db_to_kube_secret": True,
        "glusterfs": {
            "db": str(tmp_path / "heketi.db"),
            "executor": "kubernetes",
            "kubeexec": {
                "kubeconfig": str(tmp_path / "kubeconfig"),
                "gluster_daemonset": True,
                "lvm_wrapper": WRAPPER,
            },
            "disable_monitor_gluster_nodes": True,
        },
    }
    return parse_settings(json.dumps(document), "f", {}, disable_auth=True).settings


async def done(plane: ControlPlane, id_: str) -> str:
    await plane.settle()
    job = await plane.job(id_)
    assert job
    assert job.error == ""
    return job.result.rpartition("/")[2]


async def furnish(plane: ControlPlane) -> None:
    cluster = await plane.clusters.create(file=True, block=True)
    for zone, host in ZONES:
        wish = NodeAdd(cluster=cluster.id, zone=zone, manage=(host,), storage=(f"10.0.0.{zone}",))
        node = await done(plane, await plane.nodes.add(wish))
        await done(plane, await plane.devices.add(DeviceAdd(node=NodeId(node), name="/dev/sdb")))


async def test_a_volume_is_made_and_removed(cluster: Cluster, settings: Settings, tmp_path: Path) -> None:
    fatal: list[errors.Error] = []
    nodes = FakeNodes()
    for zone, host in ZONES:
        nodes.alias(host, f"10.0.0.{zone}")
    programs = Programs(nodes)
    async with programs.in_folder(tmp_path / "bin") as environment, cluster.serve():
        cluster.environment = environment
        cluster.kubeconfig(tmp_path / "kubeconfig")
        async with (
            server.opened_store(settings) as store,
            server.backed_up(settings, store) as watched,
            server.running(settings, watched, fatal.append) as (plane, executor),
        ):
            assert executor.name == "kubernetes"
            await furnish(plane)
            before = nodes.inventory()
            wish = VolumeCreate(size_gib=3, durability=DurabilityRequest(type="replicate", replica=3))
            volume = await done(plane, await plane.volumes.create(wish))
            (made,) = nodes.node("k1").pool.volumes.values()
            assert made.name == f"vol_{volume}"
            assert [brick.split(":")[0] for brick in sorted(made.bricks)] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
            assert made.started
            await done(plane, await plane.volumes.delete(volume))
            assert nodes.inventory() == before
    assert fatal == []
    assert {pod for pod, *_ in cluster.runs} == {f"gluster-{host}" for host in NODES}
    assert any(call.startswith("k2: /usr/sbin/lvm lvcreate") for call in programs.called)

    secret = cluster.secrets["heketi-db-backup"]
    assert secret["metadata"]["namespace"] == "storage"
    copy = tmp_path / "copy.db"
    copy.write_bytes(gzip.decompress(cluster.secret("heketi-db-backup", "heketi.db.gz")))
    restored = await open_store(copy)
    original = await open_store(settings.glusterfs.db)
    try:
        assert await restored.load() == await original.load(), "the last copy is that of the end"
    finally:
        await restored.aclose()
        await original.aclose()


async def test_a_failing_command_is_undone_in_the_pods(cluster: Cluster, settings: Settings, tmp_path: Path) -> None:
    nodes = FakeNodes()
    for zone, host in ZONES:
        nodes.alias(host, f"10.0.0.{zone}")
    async with Programs(nodes).in_folder(tmp_path / "bin") as environment, cluster.serve():
        cluster.environment = environment
        cluster.kubeconfig(tmp_path / "kubeconfig")
        async with (
            server.opened_store(settings) as store,
            server.running(settings, store, lambda _: None) as (plane, _),
        ):
            await furnish(plane)
            before = nodes.inventory()
            (tmp_path / "bin" / "mkfs.xfs").write_text("#!/bin/sh\necho no such luck >&2\nexit 1\n")
            wish = VolumeCreate(size_gib=3, durability=DurabilityRequest(type="replicate", replica=3))
            id_ = await plane.volumes.create(wish)
            await plane.settle()
            job = await plane.job(id_)
            assert job
            assert "no such luck (node k" in job.error
            assert nodes.inventory() == before


async def test_the_commands_themselves(cluster: Cluster, tmp_path: Path) -> None:
    """The server as its own process, as it is started, used and stopped for real."""
    port = _free_port()
    document = {
        "port": str(port),
        "glusterfs": {
            "db": str(tmp_path / "heketi.db"),
            "executor": "kubernetes",
            "kubeexec": {"kubeconfig": str(tmp_path / "kubeconfig"), "lvm_wrapper": WRAPPER},
        },
    }
    hosts = [{"node": {"hostnames": _names(host, zone), "zone": zone}, "devices": ["/dev/sdb"]} for zone, host in ZONES]
    topology = {"clusters": [{"nodes": hosts}]}
    for name, content in (("heketi.json", document), ("topology.json", topology)):
        await asyncio.to_thread((tmp_path / name).write_text, json.dumps(content))
    nodes = FakeNodes()
    for zone, host in ZONES:
        nodes.alias(host, f"10.0.0.{zone}")
    variables = {
        "HEKETI_BACKUP_DB_TO_KUBE_SECRET": "yes",
        "HEKETI_KUBE_DB_SECRET_NAME": "copy",
        "HEKETI_KUBE_GLUSTER_DAEMONSET": "y",
        "HEKETI_CLI_SERVER": f"http://127.0.0.1:{port}",
    }
    async with Programs(nodes).in_folder(tmp_path / "bin") as environment, cluster.serve():
        cluster.environment = environment
        cluster.kubeconfig(tmp_path / "kubeconfig")
        heketi = await _start("main", variables, "--disable-auth", f"--config={tmp_path}/heketi.json")
        try:
            assert heketi.stdout
            while b"Listening" not in (line := await heketi.stdout.readline()):
                assert line
            await _cli(variables, "topology", "load", f"--json={tmp_path}/topology.json")
            said = await _cli(variables, "volume", "create", "--size=3")
        finally:
            heketi.terminate()
            rest = (await heketi.communicate())[0].decode()
        assert heketi.returncode == 0, rest
        assert "Durability Type: replicate" in said
        assert "Backup successful" in rest
    (made,) = nodes.node("k1").pool.volumes.values()
    assert made.started
    assert made.name in said
    assert made.name.removeprefix("vol_").encode() in gzip.decompress(cluster.secret("copy", "heketi.db.gz"))


def _names(host: str, zone: int) -> dict[str, list[str]]:
    return {"manage": [host], "storage": [f"10.0.0.{zone}"]}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _start(module: str, variables: dict[str, str], *words: str) -> asyncio.subprocess.Process:
    """Start one of our commands."""
    program = f"from pyheketi.{module} import main; main()"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *words, env=os.environ | variables, stdout=PIPE, stderr=STDOUT
    )


async def _cli(variables: dict[str, str], *words: str) -> str:
    program = await _start("cli.main", variables, *words)
    said = (await program.communicate())[0].decode()
    assert program.returncode == 0, said
    return said


async def test_without_a_cluster_the_server_runs_without_backups(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.opened_store(settings) as store, server.backed_up(settings, store) as watched:
        assert watched is store
    assert "There will be no backups" in caplog.text
    assert f"kubeconfig {tmp_path / 'kubeconfig'}: No such file or directory" in caplog.text
