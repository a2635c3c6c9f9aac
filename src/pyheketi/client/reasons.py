"""Why a request got no answer, in the words of Go's client, which scripts know (cli.md §3)."""

import errno
import os
import socket
import ssl
from collections.abc import Iterator

import httpx2

from pyheketi.client.address import Address

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_EXPIRED, _WRONG_NAMES = (9, 10), (62, 64)
"""Codes of OpenSSL's certificate verification."""


def reason(error: httpx2.RequestError, address: Address) -> str:
    """Return why there was no answer."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _distrust(cause, address)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
            return "http: server gave HTTP response to HTTPS client"
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {address.host}: no such host"
    if isinstance(error, httpx2.ConnectTimeout):
        return f"dial tcp {_endpoint(address)}: i/o timeout"
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    number = next((cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno), None)
    if isinstance(error, httpx2.ConnectError) and number is not None:
        return f"dial tcp {_endpoint(address)}: connect: {os.strerror(number).lower()}"
    if number == errno.ECONNRESET:
        return f"read tcp {_endpoint(address)}: connection reset by peer"
    if isinstance(error, httpx2.RemoteProtocolError) and "without sending" in str(error):
        return "EOF"
    return str(error) or type(error).__name__


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
