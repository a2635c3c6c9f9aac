"""Access as a kubeconfig file tells it: for a server outside the cluster. Heketi could not do that."""

import base64
import ssl
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import yaml

from pyheketi.kubernetes.access import Access, AccessError, tls_of

_Section: TypeAlias = Mapping[str, object]

_REFUSED: Mapping[str, str] = {
    "exec": "programs that fetch credentials are not run; make a token: kubectl create token SERVICEACCOUNT",
    "auth-provider": "it is gone from Kubernetes, too; use a token or a client certificate",
    "username": "passwords are gone from Kubernetes; use a token or a client certificate",
    "as": "acting as somebody else is not supported; give this user the rights themselves",
    "proxy-url": "proxies are not supported; reach the API server directly",
    "tls-server-name": "it is not supported; name the server as in its certificate",
}
"""What a file may say and we do not do, and what to do about it."""


def from_file(path: Path, context: str = "") -> Access:
    """Return the access that a context of a kubeconfig tells.

    Args:
        path: the file, in YAML or JSON.
        context: name of the context; empty for the current one.

    Raises:
        AccessError: it cannot be read, lacks something, or asks for what is not supported.
    """
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise AccessError(f"kubeconfig {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise AccessError(f"kubeconfig {path}{where}: is no YAML") from error  # its text may hold secrets
    return _File(path, document if isinstance(document, dict) else {}).access(context)


class _File:
    """The parts of a kubeconfig."""

    def __init__(self, path: Path, document: _Section) -> None:
        self._path, self._document = path, document

    def access(self, context: str) -> Access:
        chosen = context or _text(self._document, "current-context")
        if not chosen:
            raise self._fault("there is no current-context; set context in the section kubeexec")
        names = self._named("contexts", "context", chosen)
        cluster = self._named("clusters", "cluster", _text(names, "cluster"))
        user = self._named("users", "user", _text(names, "user")) if _text(names, "user") else {}
        for section in (cluster, user):
            for key in _REFUSED.keys() & section.keys():
                raise self._fault(f"{key}: {_REFUSED[key]}")
        server = _text(cluster, "server").rstrip("/")
        if not server.startswith(("https://", "http://")):
            raise self._fault(f"its cluster's server is no address: {server!r}")
        return Access(
            server=server,
            namespace=_text(names, "namespace") or "default",
            origin=f"kubeconfig {self._path}, context {chosen}",
            tls=self._tls(cluster, user),
            token=self._token(user),
        )

    def _named(self, kind: str, key: str, name: str) -> _Section:
        """Return the section of that name in one of the lists."""
        listed = self._document.get(kind)
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, dict) and each.get("name") == name:
                found = each.get(key)
                return found if isinstance(found, dict) else {}
        raise self._fault(f"there is no {key} named {name!r}")

    def _tls(self, cluster: _Section, user: _Section) -> ssl.SSLContext:
        authority = self._content(cluster, "certificate-authority")
        if authority:
            tls = tls_of(authority, f"kubeconfig {self._path}: certificate-authority")
        else:
            tls = ssl.create_default_context()
        if cluster.get("insecure-skip-tls-verify") is True:
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        certificate, key = self._content(user, "client-certificate"), self._content(user, "client-key")
        if certificate and key:
            self._identify(tls, certificate, key)
        return tls

    def _identify(self, tls: ssl.SSLContext, certificate: str, key: str) -> None:
        with tempfile.NamedTemporaryFile(mode="w", prefix="heketi-", suffix=".pem") as file:  # OpenSSL reads files only
            file.write(f"{certificate}\n{key}")
            file.flush()
            try:
                tls.load_cert_chain(file.name)
            except ssl.SSLError as error:
                raise self._fault(f"client-certificate and client-key are no pair: {error.reason}") from error

    def _token(self, user: _Section) -> Callable[[], str]:
        if token := _text(user, "token"):
            return lambda: token
        if name := _text(user, "tokenFile"):
            return lambda: self._file(name).strip()
        return lambda: ""

    def _content(self, section: _Section, key: str) -> str:
        """Return what stands in the file itself, or in the one it names."""
        if encoded := _text(section, f"{key}-data"):
            try:
                return base64.b64decode(encoded, validate=True).decode("ascii", "replace")
            except ValueError as error:
                raise self._fault(f"{key}-data is no base64") from error
        name = _text(section, key)
        return self._file(name) if name else ""

    def _file(self, name: str) -> str:
        """Read a file whose name may be relative to the kubeconfig."""
        path = self._path.parent / name
        try:
            return path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise self._fault(f"{path}: {error.strerror}") from error

    def _fault(self, text: str) -> AccessError:
        return AccessError(f"kubeconfig {self._path}: {text}")


def _text(section: _Section, key: str) -> str:
    value = section.get(key)
    return value if isinstance(value, str) else ""
