"""Which certificates are trusted (clients.md §4)."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyheketi.client.errors import TlsFileError


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom to trust when the server's address is ``https``."""

    certificates: Sequence[str] = ()
    """PEM files; if there are any, the system's certificates do not count."""
    insecure: bool = False
    """Trust everyone."""


def context_for(trust: Trust, *, system: bool = True) -> ssl.SSLContext:
    """Return the TLS settings; files are read even if they will not be used, so that a bad path is noticed.

    Args:
        trust: What the user wants.
        system: Whether the system's certificates are worth reading, which takes a while.

    Raises:
        TlsFileError: if a file cannot be read or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for path in trust.certificates:
        _trust_file(context, path)
    if trust.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a server's own certificate is enough
    if system and not trust.certificates:
        context.load_default_certs()
    return context


def _trust_file(context: ssl.SSLContext, path: str) -> None:
    try:
        pem = Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TlsFileError(f"failed to read cert file {path}: open {path}: {reason}") from error
    try:
        context.load_verify_locations(cadata=pem.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError) as error:
        raise TlsFileError(f"failed to load PEM encoded cert from {path}") from error
