"""Credentials: of our own pod, and of a kubeconfig."""

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes.certificates import Authority
from tests.kubernetes.cluster import Cluster

from pyheketi.kubernetes.access import AccessError, in_cluster
from pyheketi.kubernetes.api import Api, ApiError
from pyheketi.kubernetes.kubeconfig import from_file

AUTHORITY = Authority()
SERVER = {"server": "https://k8s:6443/", "certificate-authority": "ca.crt"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What Kubernetes gives to a pod."""
    (tmp_path / "token").write_text("t\n")
    (tmp_path / "ca.crt").write_text(AUTHORITY.certificate)
    (tmp_path / "namespace").write_text("storage\n")
    return tmp_path


@pytest.mark.parametrize(
    ("host", "server"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_a_pod_s_own(host: str, server: str, folder: Path) -> None:
    access = in_cluster({"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}, folder)
    assert (access.server, access.namespace, access.token()) == (server, "storage", "t")
    assert access.tls.verify_mode is ssl.CERT_REQUIRED
    assert access.tls.check_hostname
    assert "'t'" not in repr(access)


@pytest.mark.parametrize(
    ("namespace", "content", "expected"), [("", "", "default"), ("mine", "x", "mine"), ("mine", None, "mine")]
)
def test_the_namespace(namespace: str, content: str | None, expected: str, folder: Path) -> None:
    if content is None:
        (folder / "namespace").unlink()
    else:
        (folder / "namespace").write_text(content)
    environ = {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}
    assert in_cluster(environ, folder, namespace=namespace).namespace == expected


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("KUBERNETES_SERVICE_HOST", "this is no pod. Outside a cluster set kubeconfig"),
        ("KUBERNETES_SERVICE_PORT", "this is no pod. Outside a cluster set kubeconfig"),
        ("token", "/token: No such file or directory. Does the pod have a service account"),
        ("ca.crt", "/ca.crt: No such file or directory. Does the pod have a service account"),
        ("namespace", "Namespace must be provided in configuration: File {folder}/namespace not found"),
    ],
)
def test_a_pod_that_lacks_something(missing: str, text: str, folder: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}
    environ.pop(missing, "")
    (folder / missing).unlink(missing_ok=True)
    with pytest.raises(AccessError) as caught:
        in_cluster(environ, folder)
    assert text.format(folder=folder) in str(caught.value)


def test_an_authority_that_is_none(folder: Path) -> None:
    (folder / "ca.crt").write_text("nonsense")
    with pytest.raises(AccessError, match=r"ca\.crt holds no certificate that can be read"):
        in_cluster({"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}, folder)


# -- kubeconfig ------------------------------------------------------------------------------------------------------


def document(*, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "current-context": "ours",
        "contexts": [
            {"name": "theirs", "context": {"cluster": "here", "user": "nobody"}},
            {"name": "ours", "context": {"cluster": "here", "user": "me", "namespace": "storage"}},
            {"name": "bare", "context": {"cluster": "here"}},
        ],
        "clusters": [{"name": "here", "cluster": SERVER if cluster is None else cluster}],
        "users": [{"name": "me", "user": {"token": "t"} if user is None else user}],
    }


def kubeconfig(folder: Path, content: object) -> Path:
    path = folder / "config"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_current_context(folder: Path) -> None:
    path = kubeconfig(folder, document())
    access = from_file(path)
    assert (access.server, access.namespace, access.token()) == ("https://k8s:6443", "storage", "t")
    assert access.origin == f"kubeconfig {path}, context ours"
    assert access.tls.verify_mode is ssl.CERT_REQUIRED


def test_another_context_in_yaml(folder: Path) -> None:
    text = (
        "current-context: none\ncontexts:\n- name: x\n  context: {cluster: c}\n"
        f"clusters:\n- name: c\n  cluster:\n    server: http://k8s\n    certificate-authority: {folder}/ca.crt\n"
    )
    access = from_file(kubeconfig(folder, text), "x")
    assert (access.server, access.namespace, access.token()) == ("http://k8s", "default", "")


def test_contents_may_stand_in_the_file_itself(folder: Path) -> None:
    pem = base64.b64encode(AUTHORITY.certificate.encode()).decode()
    cluster = {"server": "https://k8s", "certificate-authority-data": pem}
    assert from_file(kubeconfig(folder, document(cluster=cluster))).tls.get_ca_certs()


def test_a_token_in_a_file_is_read_anew(folder: Path) -> None:
    access = from_file(kubeconfig(folder, document(user={"tokenFile": "token"})))
    assert access.token() == "t"
    (folder / "token").write_text("u")
    assert access.token() == "u"


def test_nobody_checks_the_server_if_told_so(folder: Path) -> None:
    cluster = {"server": "https://k8s", "insecure-skip-tls-verify": True}
    assert from_file(kubeconfig(folder, document(cluster=cluster))).tls.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("content", "context", "text"),
    [
        ("{", "", "is no YAML"),
        ("- x", "", "there is no current-context; set context in the section kubeexec"),
        (document(), "nowhere", "there is no context named 'nowhere'"),
        (document(), "theirs", "there is no user named 'nobody'"),
        (document(cluster={}), "", "its cluster's server is no address: ''"),
        (document(cluster={"server": "https://k8s", "certificate-authority": "x.crt"}), "", "/x.crt: No such file"),
        (document(cluster={"server": "https://k8s", "proxy-url": "http://p"}), "", "proxy-url: proxies are not"),
        (document(user={"exec": {"command": "aws"}}), "", "kubectl create token"),
        (document(user={"username": "u", "password": "hush"}), "", "username: passwords are gone"),
        (document(user={"client-certificate-data": "ä", "client-key-data": "hush"}), "", "-data is no base64"),
        (document(user={"client-certificate": "token", "client-key": "token"}), "", "are no pair"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(content: object, context: str, text: str, folder: Path) -> None:
    path = kubeconfig(folder, content)
    with pytest.raises(AccessError) as caught:
        from_file(path, context)
    assert str(caught.value).startswith(f"kubeconfig {path}")
    assert text in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.anyio
async def test_a_certificate_says_who_we_are(tmp_path: Path) -> None:
    cluster = Cluster()
    cluster.wants_certificates = True
    async with cluster.serve():
        certificate, key = cluster.authority.issue("heketi")
        (tmp_path / "me.crt").write_text(certificate)
        encoded = base64.b64encode(key.encode()).decode()
        path = cluster.kubeconfig(
            tmp_path / "config", **{"client-certificate": "me.crt", "client-key-data": encoded, "token": cluster.token}
        )
        api = Api(from_file(path))
        assert await api.pods("storage", labels="glusterfs-node") == []
        await api.aclose()
        stranger = Api(from_file(cluster.kubeconfig(tmp_path / "config")))
        with pytest.raises(ApiError, match="cannot be reached"):
            await stranger.pods("storage", labels="glusterfs-node")
        await stranger.aclose()
