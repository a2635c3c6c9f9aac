"""A server whose nodes are pods: from the settings to simulated nodes, through a real API server and real shells."""

import gzip
import json
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
    cluster = await plane.create_cluster(file=True, block=True)
    for zone, host in enumerate(NODES, 1):
        wish = NodeAdd(cluster=cluster.id, zone=zone, manage=(host,), storage=(f"10.0.0.{zone}",))
        node = await done(plane, await plane.add_node(wish))
        await done(plane, await plane.add_device(DeviceAdd(node=NodeId(node), name="/dev/sdb")))


async def test_a_volume_is_made_and_removed(cluster: Cluster, settings: Settings, tmp_path: Path) -> None:
    fatal: list[errors.Error] = []
    nodes = FakeNodes()
    for zone, host in enumerate(NODES, 1):
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
            volume = await done(plane, await plane.create_volume(wish))
            (made,) = nodes.node("k1").pool.volumes.values()
            assert made.name == f"vol_{volume}"
            assert [brick.split(":")[0] for brick in sorted(made.bricks)] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
            assert made.started
            await done(plane, await plane.delete_volume(volume))
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
    for zone, host in enumerate(NODES, 1):
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
            id_ = await plane.create_volume(wish)
            await plane.settle()
            job = await plane.job(id_)
            assert job
            assert "no such luck (node k" in job.error
            assert nodes.inventory() == before


async def test_without_a_cluster_the_server_runs_without_backups(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.opened_store(settings) as store, server.backed_up(settings, store) as watched:
        assert watched is store
    assert "There will be no backups" in caplog.text
    assert f"kubeconfig {tmp_path / 'kubeconfig'}: No such file or directory" in caplog.text
