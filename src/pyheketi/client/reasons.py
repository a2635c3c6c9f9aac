"""Why a request got no answer, in the words of Go's client, which scripts know (cli.md §3)."""

import errno
import http.client
import os
import socket
import ssl
from collections.abc import Iterator

from pyheketi.client.address import Address
from pyheketi.client.transport import NoAnswer

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_EXPIRED, _WRONG_NAMES = (9, 10), (62, 64)
"""Codes of OpenSSL's certificate verification."""


def reason(error: NoAnswer, address: Address) -> str:
    """Return why there was no answer."""
    causes = tuple(_causes(error.__cause__))
    known = (_known(cause, address, connecting=error.connecting) for cause in causes)
    if why := next(filter(None, known), ""):
        return why
    number = next((cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno), None)
    if error.connecting and number is not None:
        return f"dial tcp {_endpoint(address)}: connect: {os.strerror(number).lower()}"
    if number == errno.ECONNRESET:
        return f"read tcp {_endpoint(address)}: connection reset by peer"
    return str(error.__cause__) or type(error.__cause__).__name__


def _known(cause: BaseException, address: Address, *, connecting: bool) -> str:
    """Return what is said of some causes; empty for all others."""
    match cause:
        case ssl.SSLCertVerificationError():
            return _distrust(cause, address)
        case ssl.SSLError() if cause.reason in _NO_TLS:
            return "http: server gave HTTP response to HTTPS client"
        case socket.gaierror() | UnicodeError():
            return f"dial tcp: lookup {address.host}: no such host"
        case TimeoutError():
            return f"dial tcp {_endpoint(address)}: i/o timeout" if connecting else "no answer in time"
        case http.client.RemoteDisconnected():
            return "EOF"
        case http.client.IncompleteRead():
            return "unexpected EOF"
        case http.client.BadStatusLine():
            line = str(cause).strip("'\r\n")
            return f'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{line}"'
        case _:
            return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _distrust(error: ssl.SSLCertVerificationError, address: Address) -> str:
    if error.verify_code in _EXPIRED:
        return "x509: certificate has expired or is not yet valid"
    if error.verify_code in _WRONG_NAMES:
        return f"x509: certificate is not valid for {address.host}"
    return "x509: certificate signed by unknown authority"


def _endpoint(address: Address) -> str:
    """Return ``ip:port``; of several addresses the first IPv4 one, as Go tells it."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError:
        return f"{address.host}:{address.port}"
    host = min(found, key=lambda entry: entry[0] is not socket.AF_INET)[4][0]
    return f"[{host}]:{address.port}" if ":" in str(host) else f"{host}:{address.port}"
