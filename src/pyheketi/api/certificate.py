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
    """Tells the contents of files from others."""


class Certificate:
    """Shows new connections the present certificate, by a context that all of them begin with.

    That context itself is never changed: OpenSSL leaves one half changed if certificate and key do not match.
    """

    def __init__(self, context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
        """Take a context that has a certificate already, that of the files. Raises ``OSError``."""
        self._present = Pair(context=context, mark=_mark(cert_file, key_file))
        context.sni_callback = self._show

    def look(self, cert_file: str, key_file: str) -> Pair:
        """Return what is in the files now; the present pair if that is it, whose key may have had a passphrase.

        Raises:
            ValueError: they cannot be used; tells why.
        """
        try:
            if (mark := _mark(cert_file, key_file)) == self._present.mark:
                return self._present
            return Pair(context=_loaded(cert_file, key_file), mark=mark)
        except (OSError, ValueError) as error:
            raise ValueError(f"cert_file {cert_file} and key_file {key_file} cannot be used: {error}") from error

    def renew(self, pair: Pair) -> bool:
        """Show a certificate from now on; return whether it is another one."""
        renewed = pair is not self._present
        self._present = pair
        return renewed

    def _show(self, connection: ssl.SSLSocket | ssl.SSLObject, *_: object) -> None:
        connection.context = self._present.context


def _loaded(cert_file: str, key_file: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file, password=_ask_nobody)
    return context


def _mark(*files: str) -> str:
    return " ".join(hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files)


def _ask_nobody() -> str:
    raise ValueError("the key has a passphrase, which cannot be asked for while the server runs")
