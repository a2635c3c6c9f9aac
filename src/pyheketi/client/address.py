"""The server's address as the user wrote it, and what may be wrong with it (cli.md §1)."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urljoin

from pyheketi.client.errors import TransportError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PARTS = re.compile(
    r"\w+:/*(?P<user>[^/@]*@)?(?P<host>\[[^\]/]*\]|[^/:?#]*)(?::(?P<port>[^/?#]*))?(?P<path>/.*)?", re.DOTALL
)
_IN_NO_HOST = re.compile(r"[\x00-\x20\x7f]")
_PASSWORD = re.compile(r"(://[^/@:]*:)[^/@]*@")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where requests can be sent."""

    origin: str
    """Scheme, host and port, as in a URL."""
    shown: str
    """The same for error texts, with what the user wrote besides, but no password."""
    host: str
    port: int
    prefix: str
    """Path under which a proxy shows the server; without a slash at the end."""

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.origin.startswith("https:")

    @property
    def local(self) -> bool:
        """Whether it is this very machine, where bytes cost nothing."""
        return self.host in ("localhost", "::1", "[::1]") or self.host.startswith("127.")

    def resolve(self, location: str, at: str) -> str:
        """Return the path that a ``Location`` header means, given by an answer for the path ``at``.

        Servers behind a proxy do not know the prefix, so it is added where it is missing.

        Raises:
            TransportError: if the location is none, or another server; a token is not for strangers.
        """
        try:
            url = urljoin(self.origin + at, location)
        except ValueError as error:
            raise TransportError(f"the server redirects to {location!r}, which is no address") from error
        if not url.startswith(self.origin + "/"):
            raise TransportError(f"the server redirects to {url}, give that server's address instead")
        path = url.removeprefix(self.origin)
        known = not location.startswith("/") or path.startswith(self.prefix + "/")
        return path if known else self.prefix + path


def parse(server: str, method: str, path: str) -> Address:
    """Read an address such as ``http://host:8080/prefix``; slashes at its end do not count.

    Args:
        server: What the user gave.
        method: Of the request that it is for, as it is in all texts.
        path: Likewise.

    Raises:
        TransportError: if no request can be sent there, in Go's words.
    """
    base = server if server.endswith("://") else server.rstrip("/")
    url = base + path
    scheme = _SCHEME.match(base)
    if scheme is None and ":" in base.split("/")[0]:
        raise TransportError(f'parse "{url}": first path segment in URL cannot contain colon')
    kind = scheme[1].lower() if scheme else ""
    call = f'{verb(method)} "{shown(url)}"'
    if kind not in _PORTS:
        raise TransportError(f'{call}: unsupported protocol scheme "{kind}"')
    parts = _PARTS.match(base)
    if parts is None or not parts["host"]:
        raise TransportError(f"{call}: http: no Host in request URL")
    if wrong := _IN_NO_HOST.search(parts["host"]):
        character = wrong[0].encode("unicode_escape").decode()
        raise TransportError(f'parse "{shown(url)}": invalid character "{character}" in host name')
    port = parts["port"] or ""
    if port and not (port.isascii() and port.isdigit()):
        raise TransportError(f'parse "{shown(url)}": invalid port ":{port}" after host')
    if port and int(port) > 65535:
        raise TransportError(f"{call}: dial tcp: address {port}: invalid port")
    place = parts["host"] + (f":{port}" if port else "")
    return Address(
        origin=f"{kind}://{place}",
        shown=shown(f"{kind}://{parts['user'] or ''}{place}"),
        host=parts["host"].strip("[]"),
        port=int(port or _PORTS[kind]),
        prefix=parts["path"] or "",
    )


def verb(method: str) -> str:
    """Return ``Get`` for ``GET``, as error texts have it."""
    return method.capitalize()


def decoded(path: str) -> str:
    """Return a path without query and percent signs, as tokens sign it."""
    return unquote(path.partition("?")[0], errors="surrogateescape")


def shown(url: str) -> str:
    """Return a URL fit for people to see: scheme in small letters, no password."""
    scheme, colon, rest = url.partition("://")
    return _PASSWORD.sub(r"\1***@", scheme.lower() + colon + rest)
