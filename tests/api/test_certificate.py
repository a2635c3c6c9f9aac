"""The files of a certificate are only read again when something else is in them."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.certificates import certificate

from pyheketi.api.certificate import Certificate

WORD = b"hush"


def locked(folder: Path) -> str:
    """Return the file of a new certificate and its key, which has a passphrase."""
    file = certificate(folder, x509.DNSName("heketi"))
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    form, how = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(WORD)
    shown = x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(serialization.Encoding.PEM)
    file.write_bytes(shown + key.private_bytes(serialization.Encoding.PEM, form, how))
    return str(file)


def test_a_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    file = locked(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, file, WORD)
    present = Certificate(context, file, file)
    assert not present.renew(present.look(file, file))
    locked(tmp_path)
    with pytest.raises(ValueError, match="has a passphrase"):
        present.look(file, file)


def test_what_is_new_is_told_once(tmp_path: Path) -> None:
    file = str(certificate(tmp_path, x509.DNSName("heketi")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    present = Certificate(context, file, file)
    certificate(tmp_path, x509.DNSName("heketi"))
    assert [present.renew(present.look(file, file)) for _ in range(3)] == [True, False, False]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.DNSName("heketi"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    present = Certificate(context, str(file), str(file))
    file.unlink()
    with pytest.raises(ValueError, match=f"{file} cannot be used: .*No such file"):
        present.look(str(file), str(file))
