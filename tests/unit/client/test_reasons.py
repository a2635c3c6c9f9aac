"""Why there is no answer: the words that scripts and people know."""

import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from tests.certificates import certificate
from tests.scripted_server import Canned, ScriptedServer, serving

from pyheketi.client.connection import Account, Connection
from pyheketi.client.errors import TlsFileError, TransportError
from pyheketi.client.tls import Trust

SYSTEM = Trust()


def asked(url: str, trust: Trust = SYSTEM) -> bytes:
    connection = Connection(url, Account(), trust)
    try:
        return connection.call("GET", "/a")
    finally:
        connection.close()


def refused(url: str, trust: Trust = SYSTEM) -> str:
    with pytest.raises(TransportError) as caught:
        asked(url, trust)
    return str(caught.value)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the address of a server that speaks TLS, and its certificate."""
    file = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    with serving_tls(file) as server:
        yield server.url.replace("http:", "https:"), file


def serving_tls(file: Path) -> contextlib.AbstractContextManager[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return serving({("GET", "/a"): [Canned(body="secret")]}, tls=context)


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        tail = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        assert refused(f"http://127.0.0.1:{port}") == f'Get "http://127.0.0.1:{port}/a": {tail}'
        assert refused(f"http://localhost:{port}") == f'Get "http://localhost:{port}/a": {tail}'


def test_unknown_host() -> None:
    text = 'Get "http://nosuch.invalid:8080/a": dial tcp: lookup nosuch.invalid: no such host'
    assert refused("http://nosuch.invalid:8080") == text


def test_hung_up() -> None:
    with serving({("GET", "/a"): [Canned(hang_up=True)]}) as server:
        assert refused(server.url) == f'Get "{server.url}/a": EOF'


def test_no_tls_at_the_other_end() -> None:
    with serving({}) as server:
        url = server.url.replace("http:", "https:")
        for trust in (Trust(), Trust(insecure=True)):
            assert refused(url, trust) == f'Get "{url}/a": http: server gave HTTP response to HTTPS client'


def test_unknown_authority(tls: tuple[str, Path]) -> None:
    url, _ = tls
    assert refused(url) == f'Get "{url}/a": x509: certificate signed by unknown authority'


def test_a_trusted_certificate(tls: tuple[str, Path]) -> None:
    url, file = tls
    assert asked(url, Trust(certificates=(str(file),))) == b"secret"


def test_any_certificate(tls: tuple[str, Path]) -> None:
    url, _ = tls
    assert asked(url, Trust(insecure=True)) == b"secret"


def test_a_certificate_for_another_name(tls: tuple[str, Path]) -> None:
    url, file = tls
    url = url.replace("127.0.0.1", "localhost")
    text = f'Get "{url}/a": x509: certificate is not valid for localhost'
    assert refused(url, Trust(certificates=(str(file),))) == text


def test_an_expired_certificate(tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.DNSName("localhost"), days=-1)
    with serving_tls(file) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        text = f'Get "{url}/a": x509: certificate has expired or is not yet valid'
        assert refused(url, Trust(certificates=(str(file),))) == text


def test_certificate_files_are_read_at_once(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    texts = {
        "/nosuch.pem": "failed to read cert file /nosuch.pem: open /nosuch.pem: no such file or directory",
        str(tmp_path): f"failed to read cert file {tmp_path}: open {tmp_path}: is a directory",
        str(junk): f"failed to load PEM encoded cert from {junk}",
    }
    for file, text in texts.items():
        with pytest.raises(TlsFileError) as caught:
            Connection("http://h", Account(), Trust(certificates=(file,)))
        assert str(caught.value) == text
