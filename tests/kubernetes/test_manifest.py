"""deploy/kubernetes.yaml: the rights it gives are those that are used, and its settings are fine."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kubernetes.cluster import Cluster

from pyheketi.commands.command import Command, Program, script
from pyheketi.config.load import parse_settings
from pyheketi.executors.kubernetes import KubernetesExecutor, KubernetesOptions
from pyheketi.kubernetes.access import in_cluster
from pyheketi.kubernetes.secrets import DatabaseSecret

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def manifest() -> dict[str, Any]:
    documents = yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())
    return {each["kind"]: each for each in documents}


@pytest.mark.anyio
async def test_the_rights_are_those_that_are_used(manifest: dict[str, Any], tmp_path: Path) -> None:
    rules = manifest["Role"]["rules"]
    given = {(verb, kind) for rule in rules for kind in rule["resources"] for verb in rule["verbs"]}
    cluster = Cluster()
    cluster.add_pod("a", labels={"glusterfs-node": "n"})
    async with cluster.serve():
        access = in_cluster(cluster.service_account(tmp_path / "account"), tmp_path / "account")
        for by_name, host in ((False, "n"), (True, "a")):
            executor = KubernetesExecutor(access, KubernetesOptions(by_pod_name=by_name))
            await executor.run(host, script(Command(Program.TEST, ("-d", "/"))))
            await executor.aclose()
        secret = DatabaseSecret(access, "heketi-db-backup")
        for copy in (b"first", b"second"):
            await secret.put(copy)
            assert cluster.secret("heketi-db-backup", "heketi.db.gz") == copy
        await secret.aclose()
    assert set(cluster.calls) == given


def test_its_settings_have_no_faults(manifest: dict[str, Any]) -> None:
    keys = manifest["Secret"]["stringData"]
    loaded = parse_settings(manifest["ConfigMap"]["data"]["heketi.json"], "heketi.json", keys)
    assert loaded.warnings == ()
    assert loaded.settings.glusterfs.kube.gluster_daemonset
    assert loaded.settings.backup_name in manifest["Role"]["rules"][-1]["resourceNames"]
    grace = manifest["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > loaded.settings.shutdown_grace_seconds + 10
