"""The section kubeexec, and the backup to a secret."""

import json
from typing import Any

import pytest

from pyheketi.config.load import ConfigError, Loaded, parse_settings
from pyheketi.config.settings import GlusterSettings, KubeSettings


def load(*, executor: str = "kubernetes", environ: dict[str, str] | None = None, **sections: Any) -> Loaded:
    """Return what a file with these sections of glusterfs means."""
    document = {"port": "8080", "glusterfs": {"executor": executor} | sections}
    return parse_settings(json.dumps(document), "f", environ or {}, disable_auth=True)


def gluster(**given: Any) -> GlusterSettings:
    return load(**given).settings.glusterfs


@pytest.mark.parametrize("executor", ["kube", "kubernetes", "inject/kubernetes"])
def test_nodes_are_set_up_as_the_executor_s_section_says(executor: str) -> None:
    loaded = load(
        executor=executor,
        kubeexec={"fstab": "/kube", "namespace": "storage", "Gluster_DaemonSet": True, "max_connections": -1},
        sshexec={"fstab": "/ssh", "keyfile": 17, "nonsense": True},
    )
    assert loaded.warnings == ()
    assert loaded.settings.glusterfs.nodes.fstab == "/kube"
    assert loaded.settings.glusterfs.kube == KubeSettings(
        namespace="storage", gluster_daemonset=True, max_connections=-1
    )


def test_a_section_of_another_executor_is_not_looked_at() -> None:
    loaded = load(executor="mock", kubeexec={"fstab": "/kube", "max_connections": "Optional: how many"})
    assert loaded.warnings == ()
    assert loaded.settings.glusterfs == GlusterSettings(executor="mock")


def test_zero_connections_mean_the_default() -> None:
    assert gluster(kubeexec={"max_connections": 0, "namespace": ""}).kube == KubeSettings()


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("HEKETI_KUBE_NAMESPACE", "storage", "namespace", "storage"),
        ("HEKETI_KUBE_GLUSTER_DAEMONSET", "Yes", "gluster_daemonset", True),
        ("HEKETI_KUBE_GLUSTER_DAEMONSET", "1", "gluster_daemonset", True),
        ("HEKETI_KUBE_USE_POD_NAMES", "true", "use_pod_names", True),
        ("HEKETI_KUBE_USE_POD_NAMES", "no", "use_pod_names", False),
        ("HEKETI_KUBE_USE_POD_NAMES", "0", "use_pod_names", False),
    ],
)
def test_variables_win(variable: str, text: str, name: str, value: str | bool) -> None:
    other = "other" if isinstance(value, str) else not value
    assert getattr(gluster(kubeexec={name: other}).kube, name) == other
    assert getattr(gluster(environ={variable: text}, kubeexec={name: other}).kube, name) == value


def test_variables_for_both_executors_count_here_too() -> None:
    assert gluster(environ={"HEKETI_FSTAB": "/var"}, kubeexec={"fstab": "/kube"}).nodes.fstab == "/var"


@pytest.mark.parametrize(
    ("environ", "section", "fault"),
    [
        ({"HEKETI_KUBE_USE_POD_NAMES": "perhaps"}, {}, "HEKETI_KUBE_USE_POD_NAMES: expected true or false"),
        ({}, {"max_connections": "many"}, "glusterfs.kubeexec.max_connections: expected a whole number"),
        ({}, {"gluster_cli_timeout": "long"}, "glusterfs.kubeexec.gluster_cli_timeout: expected a whole number"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(
    environ: dict[str, str], section: dict[str, object], fault: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ=environ, kubeexec=section)
    assert fault in caught.value.faults[0]


def test_keys_that_heketi_does_not_read_either_earn_a_warning_without_their_value() -> None:
    warnings = load(kubeexec={"host": "https://kubernetes", "password": "hush"}).warnings
    assert [warning.partition(" glusterfs.kubeexec.")[2] for warning in warnings] == [
        f"{key}: has no effect: the pod's service account is used, or kubeconfig" for key in ("host", "password")
    ]
    assert "hush" not in str(warnings)


@pytest.mark.parametrize(
    ("environ", "top", "expected"),
    [
        ({}, {}, False),
        ({}, {"backup_db_to_kube_secret": True}, True),
        ({"HEKETI_BACKUP_DB_TO_KUBE_SECRET": "false"}, {}, True),  # any text turns it on, as in Heketi
        ({"HEKETI_BACKUP_DB_TO_KUBE_SECRET": ""}, {}, False),
    ],
)
def test_backups(environ: dict[str, str], top: dict[str, object], expected: bool) -> None:
    document = {"port": "8080", "glusterfs": {"executor": "mock", "kubeexec": {"kubeconfig": "/kube"}}} | top
    loaded = parse_settings(
        json.dumps(document), "f", environ | {"HEKETI_KUBE_DB_SECRET_NAME": "copy"}, disable_auth=True
    )
    assert loaded.settings.backup_db_to_kube_secret is expected
    assert loaded.settings.backup_name == "copy"
    assert loaded.settings.glusterfs.kube.kubeconfig == ("/kube" if expected else "")
