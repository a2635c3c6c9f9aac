"""The certificate of the server, which may be renewed while it runs; open connections go on with the old one."""

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate with its key, ready for use."""

    context: ssl.SSLContext
    mark: str
    """Tells one certificate from another."""


class Certificate:
    """Shows new connections the present certificate, by a context that all of them begin with.

    That context itself is never changed: OpenSSL leaves one half changed if certificate and key do not match.
    """

    def __init__(self, context: ssl.SSLContext, cert_file: str) -> None:
        """Take a context that has a certificate already, that of the file. Raises ``OSError``."""
        self._present = Pair(context=context, mark=_mark(cert_file))
        context.sni_callback = self._show

    def renew(self, pair: Pair) -> bool:
        """Show another certificate from now on; return whether it is another one."""
        renewed = pair.mark != self._present.mark
        self._present = pair
        return renewed

    def _show(self, connection: ssl.SSLSocket | ssl.SSLObject, *_: object) -> None:
        connection.context = self._present.context


def read(cert_file: str, key_file: str) -> Pair:
    """Return the certificate and key in files.

    Raises:
        ValueError: they cannot be used; tells why.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        mark = _mark(cert_file)
        context.load_cert_chain(cert_file, key_file, password=_ask_nobody)
    except (OSError, ValueError) as error:
        raise ValueError(f"cert_file {cert_file} and key_file {key_file} cannot be used: {error}") from error
    return Pair(context=context, mark=mark)


def _mark(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _ask_nobody() -> str:
    raise ValueError("the key has a passphrase, which cannot be asked for while the server runs")
