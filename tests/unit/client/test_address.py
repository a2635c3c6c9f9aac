import pytest

from pyheketi.client import address
from pyheketi.client.errors import TransportError

USABLE = {
    "http://h:8080": ("http://h:8080", 8080, ""),
    "http://h:8080/": ("http://h:8080", 8080, ""),
    "http://h:8080///": ("http://h:8080", 8080, ""),
    "http://h": ("http://h", 80, ""),
    "https://h": ("https://h", 443, ""),
    "HTTPS://h:1": ("https://h:1", 1, ""),
    "http://h/heketi/": ("http://h", 80, "/heketi"),
    "http://[::1]:8080": ("http://[::1]:8080", 8080, ""),
    "http://u:p@h:8080": ("http://h:8080", 8080, ""),
}


@pytest.mark.parametrize(("server", "expected"), USABLE.items())
def test_usable(server: str, expected: tuple[str, int, str]) -> None:
    parsed = address.parse(server, "GET", "/clusters")
    assert (parsed.origin, parsed.port, parsed.prefix) == expected


UNUSABLE = {
    "127.0.0.1:8080": 'parse "127.0.0.1:8080/clusters": first path segment in URL cannot contain colon',
    "localhost:8080": 'Get "localhost:8080/clusters": unsupported protocol scheme "localhost"',
    "localhost": 'Get "localhost/clusters": unsupported protocol scheme ""',
    "ftp://h": 'Get "ftp://h/clusters": unsupported protocol scheme "ftp"',
    "http://": 'Get "http:///clusters": http: no Host in request URL',
    "http://h:80 80": 'parse "http://h:80 80/clusters": invalid port ":80 80" after host',
    "http://h h:80": 'parse "http://h h:80/clusters": invalid character " " in host name',
    "http://u:secret@h\t": 'parse "http://u:***@h\t/clusters": invalid character "\\t" in host name',
    "http://h:99999": 'Get "http://h:99999/clusters": dial tcp: address 99999: invalid port',
    "http://u:secret@h:x": 'parse "http://u:***@h:x/clusters": invalid port ":x" after host',
}


@pytest.mark.parametrize(("server", "text"), UNUSABLE.items())
def test_unusable(server: str, text: str) -> None:
    with pytest.raises(TransportError) as caught:
        address.parse(server, "GET", "/clusters")
    assert str(caught.value) == text


def test_no_password_is_shown() -> None:
    assert address.parse("http://u:secret@h", "GET", "/").shown == "http://u:***@h"
