"""Where the API server is, and as whom we come: the service account of our own pod (executors.md §12)."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts the credentials of a pod."""


class AccessError(ValueError):
    """The API server cannot be found, or its credentials cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach the API server."""

    server: str
    """``https://host:port``, without a slash at its end."""
    namespace: str
    """Where we are at home."""
    origin: str
    """Where this comes from, in words."""
    tls: ssl.SSLContext = field(repr=False)
    token: Callable[[], str] = field(default=lambda: "", repr=False)
    """Returns the token of the moment; empty if a certificate says who we are. Raises ``AccessError``."""


def in_cluster(environ: Mapping[str, str], folder: Path = SERVICE_ACCOUNT, *, namespace: str = "") -> Access:
    """Return the access that every pod has; a token that Kubernetes replaces is read anew.

    Args:
        environ: the environment, which names the API server.
        folder: where the credentials are.
        namespace: what to take for home instead of the pod's own.

    Raises:
        AccessError: this is no pod, or it was given no credentials.
    """
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise AccessError(
            "Unable to create configuration for Kubernetes: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are"
            " not set: this is no pod. Outside a cluster set kubeconfig in the section kubeexec."
        )
    file = folder / "token"
    tls = tls_of(_read(folder / "ca.crt"), str(folder / "ca.crt"))
    _read(file)  # better now than at the first command
    return Access(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=namespace or _own_namespace(folder / "namespace"),
        origin="the pod's service account",
        tls=tls,
        token=lambda: _read(file).strip(),
    )


def tls_of(authority: str, source: str) -> ssl.SSLContext:
    """Return TLS settings that trust the certificates in a PEM text; ``source`` is told when it is none.

    Raises:
        AccessError: it holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        raise AccessError(f"{source} holds no certificate that can be read: {error}") from error
    return context


def _own_namespace(file: Path) -> str:
    try:
        return file.read_text().strip() or "default"
    except OSError as error:
        raise AccessError(
            f"Namespace must be provided in configuration: File {file} not found. Set namespace in the section"
            " kubeexec, or HEKETI_KUBE_NAMESPACE."
        ) from error


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text"
        raise AccessError(
            f"Unable to create configuration for Kubernetes: {file}: {reason}. Does the pod have a service account,"
            " with automountServiceAccountToken?"
        ) from error
