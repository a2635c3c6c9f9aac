"""Whom the importable clients trust, and what their threads and processes share."""

import copy
import hashlib
import ipaddress
import os
import pickle
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
from cryptography import x509
from tests.certificates import certificate
from tests.library import KEY, VOLUME, Make, claims
from tests.scripted_server import Canned, serving

from pyheketi import HeketiClient
from pyheketi.client.errors import TlsFileError
from pyheketi.client.library.sessions import Sessions


@pytest.fixture
def trusted(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the address of a server that speaks TLS, and its certificate."""
    file = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with serving({("GET", "*"): [Canned(200, {"volumes": []})]}, tls=context) as server:
        yield server.url.replace("http:", "https:"), file


def test_only_a_trusted_server_is_asked(make: Make, trusted: tuple[str, Path], tmp_path: Path) -> None:
    url, file = trusted
    distrust = (requests.exceptions.SSLError, httpx2.ConnectError)
    with pytest.raises(distrust):
        make(url).volume_list()
    assert make(url, verify=str(file)).volume_list() == {"volumes": []}
    with pytest.raises(distrust):
        make(url, verify=str(tmp_path)).volume_list()  # a directory without hashed names trusts nobody
    with pytest.raises((OSError, TlsFileError)):
        make(url, verify=str(tmp_path / "missing")).volume_list()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_everybody_is_trusted_who_says_so(make: Make, trusted: tuple[str, Path]) -> None:
    assert make(trusted[0], verify=False).volume_list() == {"volumes": []}


def test_threads_do_not_share_tokens() -> None:
    with serving({("GET", "*"): [Canned(200, {"id": "x"})]}) as server:
        client = HeketiClient(server.url, "admin", KEY)
        threads = [threading.Thread(target=client.volume_info, args=(f"{number}",)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert len(server.asked) == 20
    for asked in server.asked:
        assert claims(asked)["qsh"] == hashlib.sha256(f"GET&{asked.path}".encode()).hexdigest()


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_connections_end_with_their_thread_and_are_not_inherited() -> None:
    with serving({("GET", "*"): [Canned(200, VOLUME)]}) as server, HeketiClient(server.url, "admin", KEY) as client:
        client.volume_info("v")
        mine = client._sessions.mine()
        assert client._sessions.mine() is mine
        for _ in range(3):
            thread = threading.Thread(target=client.volume_info, args=("v",))
            thread.start()
            thread.join()
        assert list(client._sessions._all) == [mine]
        child = os.fork()
        if not child:
            os._exit(client._sessions.mine() is mine)
        assert os.waitpid(child, 0)[1] == 0


def test_a_connection_that_was_left_too_long_is_not_used() -> None:
    with serving({("GET", "*"): [Canned(200, VOLUME)]}) as server, HeketiClient(server.url, "admin", KEY) as client:
        client.volume_info("v")
        session = client._sessions.mine()
        (pool,) = pools(session)
        client.volume_info("v")
        assert pools(session) == [pool]
        client._sessions._own.used -= 60
        client.volume_info("v")
        assert pools(session) != [pool]


def pools(session: requests.Session) -> list[Any]:
    """Return what holds a session's open connections."""
    adapter: Any = session.get_adapter("http://")
    held = adapter.poolmanager.pools
    return [held[key] for key in held.keys()]  # noqa: SIM118  # urllib3's container is not iterable otherwise


def test_clients_are_copied_and_pickled_without_their_connections() -> None:
    with serving({("GET", "*"): [Canned(200, VOLUME)]}) as server, HeketiClient(server.url, "admin", KEY) as client:
        client.volume_info("v")
        for other in (copy.copy(client), copy.deepcopy(client), pickle.loads(pickle.dumps(client))):
            assert other.volume_info("v") == VOLUME
            other.close()


def test_a_connection_is_old_when_it_was_long_unused_however_long_its_last_answer_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Noting(requests.adapters.HTTPAdapter):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    now, adapter, sessions = [100.0], Noting(), Sessions()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sessions.mine().mount("http://", adapter)
    now[0] += 10  # a server that waits
    sessions.rest()
    for passed, closed in ((2, 0), (2, 0), (4, 1)):
        now[0] += passed
        sessions.mine()
        assert adapter.closed == closed
