"""The importable clients: the official client's calls against our server, and what goes over the wire."""

import asyncio
import base64
import hashlib
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
from tests.scripted_server import Canned
from tests.scripted_server import serving as scripted
from tests.served import serving

from pyheketi import TAGS_DELETE, TAGS_SET, TAGS_UPDATE, AsyncHeketiClient, HeketiClient
from pyheketi.client.library.endpoints import Endpoints

KEY = "adminkey"
REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}


class Blocking:
    """The async client, call by call: so that one story serves both."""

    def __init__(self, url: str, key: str = KEY, **more: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.inner = AsyncHeketiClient(url, "admin", key, **more)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return lambda *words, **named: self.loop.run_until_complete(found(*words, **named))

    def close(self) -> None:
        self.loop.run_until_complete(self.inner.aclose())
        self.loop.close()


ERRORS = (requests.exceptions.HTTPError, httpx2.HTTPStatusError)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("library")) as running:
        yield running.url


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, server: str) -> Iterator[Any]:
    if request.param == "sync":
        with HeketiClient(server, "admin", KEY, poll_delay=0.05) as client:
            yield client
        return
    made = Blocking(server, poll_delay=0.05)
    yield made
    made.close()


def test_everything_from_an_empty_cluster_to_an_empty_cluster(client: Any, server: str) -> None:
    assert client.hello()
    cluster = client.cluster_create({"file": True, "block": True})
    assert client.cluster_info(cluster["id"]) == cluster
    assert client.cluster_setflags(cluster["id"], {"file": True, "block": True})
    nodes = []
    for number in range(3):
        hosts = {"manage": [f"{cluster['id'][:6]}-{number}"], "storage": [f"{cluster['id'][:6]}-s{number}"]}
        wish = {"cluster": cluster["id"], "zone": number + 1, "hostnames": hosts}
        nodes.append(client.node_add(wish))
        assert client.device_add({"name": "/dev/sdb", "node": nodes[-1]["id"]})
    node = client.node_info(nodes[0]["id"])
    device = node["devices"][0]
    assert client.node_set_tags(node["id"], {"change_type": TAGS_SET, "tags": {"rack": "1"}})
    assert client.device_set_tags(device["id"], {"change_type": TAGS_UPDATE, "tags": {"arbiter": "disabled"}})
    assert client.device_info(device["id"])["tags"] == {"arbiter": "disabled"}
    assert client.device_set_tags(device["id"], {"change_type": TAGS_DELETE, "tags": {"arbiter": ""}})
    assert client.device_resync(device["id"])
    for state in ("offline", "online"):
        assert client.node_state(node["id"], {"state": state})
        assert client.device_state(device["id"], {"state": state})
    volume = client.volume_create({"size": 2, "durability": REPLICA_3, "clusters": [cluster["id"]]})
    assert client.volume_info(volume["id"]) == volume
    assert client.volume_expand(volume["id"], {"expand_size": 1})["size"] == 3
    copy = client.volume_clone(volume["id"], {"name": "copy"})
    assert copy["name"] == "copy"
    assert set(client.volume_list()["volumes"]) >= {volume["id"], copy["id"]}
    hosting = client.volume_create({"size": 20, "durability": REPLICA_3, "clusters": [cluster["id"]], "block": True})
    block = client.block_volume_create({"size": 3, "clusters": [cluster["id"]], "auth": True})
    assert client.block_volume_info(block["id"])["blockhostingvolume"] == hosting["id"]
    assert client.block_volume_expand(block["id"], {"new_size": 5})["size"] == 5
    assert (
        client.volume_block_restriction(hosting["id"], {"restriction": "locked"})["blockinfo"]["restriction"]
        == "locked"
    )
    assert block["id"] in client.block_volume_list()["blockvolumes"]
    assert client.operations_info()["total"] == 0
    assert client.operations_list() == {"pendingoperations": []}
    assert client.operations_cleanup()
    assert client.server_mode_get() == {"state": "normal"}
    assert client.server_mode_set({"state": "normal"})
    assert client.loglevel_set(client.loglevel_get()) == client.loglevel_get()
    assert client.db_dump().json()["clusterentries"].keys() >= {cluster["id"]}
    assert client.db_check()["totalinconsistencies"] == 0
    assert client.backup_db().startswith(b"SQLite format 3\0")
    assert client.state_examine_gluster()["clusters"]
    with pytest.raises(ERRORS, match=r"409 Client Error: Conflict for url: .*: Cannot delete a block hosting"):
        client.volume_delete(hosting["id"])
    assert client.block_volume_delete(block["id"])
    for each in (volume, copy, hosting):
        assert client.volume_delete(each["id"])
    for each in nodes:
        (held,) = client.node_info(each["id"])["devices"]
        assert client.device_state(held["id"], {"state": "offline"})
        assert client.device_state(held["id"], {"state": "failed"})
        assert client.device_delete(held["id"])
        assert client.node_delete(each["id"])
    assert client.cluster_delete(cluster["id"])


@pytest.mark.parametrize(
    ("call", "arguments", "status", "said"),
    [
        ("volume_info", ["abc"], 404, "Id not found"),
        ("node_info", ["abc"], 404, "Id not found"),
        ("volume_create", [{"size": 0}], 400, "validation failed: size: cannot be blank."),
        ("cluster_delete", ["a/b"], 404, "Invalid path or request"),
        (
            "node_set_tags",
            ["abc", {"change_type": "x"}],
            400,
            "validation failed: change_type: must be a valid value.",
        ),
    ],
)
def test_refusals_are_raised_with_what_the_server_said(
    client: Any, call: str, arguments: list[Any], status: int, said: str
) -> None:
    with pytest.raises(ERRORS) as refused:
        getattr(client, call)(*arguments)
    response = getattr(refused.value, "response")  # noqa: B009  # of either library's error
    assert response.status_code == status
    assert said in response.text
    assert str(refused.value).startswith(f"{status} Client Error: ")
    assert str(refused.value).endswith(said)


def test_no_server_raises_as_ever() -> None:
    with HeketiClient("http://127.0.0.1:1", "admin", KEY) as client, pytest.raises(requests.exceptions.ConnectionError):
        client.hello()


def test_parameters_are_those_of_the_official_client() -> None:
    names = list(inspect.signature(HeketiClient).parameters)[:5]
    assert names == ["host", "user", "key", "verify", "poll_delay"]
    made = HeketiClient("http://h/", "u", "k")
    assert (made.host, made.user, made.key, made.verify, made.poll_delay) == ("http://h/", "u", "k", True, 1)
    public = {name for name, _ in inspect.getmembers(Endpoints, inspect.isfunction) if not name.startswith("_")}
    for each in (HeketiClient, AsyncHeketiClient):
        assert public <= set(dir(each))


# -- over the wire -----------------------------------------------------------------------------------------------


def claims(header: str) -> dict[str, Any]:
    payload = header.removeprefix("bearer ").split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return found


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def client(url: str, **more: Any) -> Any:
        made.append(HeketiClient(url, "admin", KEY, **more) if request.param == "sync" else Blocking(url, **more))
        return made[-1]

    yield client
    for each in made:
        each.close()


def test_tokens_live_five_minutes_and_sign_the_whole_path(make: Any) -> None:
    with scripted({("GET", "*"): [Canned(200, {"clusters": []})]}) as server:
        assert make(f"{server.url}/behind/a/proxy/").cluster_list() == {"clusters": []}
    (asked,) = server.asked
    found = claims(asked.headers["Authorization"])
    assert asked.path == "/behind/a/proxy/clusters"
    assert found["exp"] - found["iat"] == 300
    assert found["qsh"] == hashlib.sha256(b"GET&/behind/a/proxy/clusters").hexdigest()
    assert asked.body == ""


def test_jobs_are_polled_with_fresh_tokens(make: Any) -> None:
    script = {
        ("POST", "/volumes"): [Canned(202, headers={"Location": "/queue/1"})],
        ("GET", "/queue/1"): [
            Canned(200, headers={"X-Pending": "true"}),
            Canned(303, headers={"Location": "/volumes/v"}),
        ],
        ("GET", "/volumes/v"): [Canned(200, {"id": "v"})],
    }
    with scripted(script) as server:
        assert make(server.url, poll_delay=0).volume_create({"size": 1}) == {"id": "v"}
    assert [(each.method, each.path) for each in server.asked] == [
        ("POST", "/volumes"),
        ("GET", "/queue/1"),
        ("GET", "/queue/1"),
        ("GET", "/volumes/v"),
    ]
    assert len({claims(each.headers["Authorization"])["qsh"] for each in server.asked}) == 3


def test_a_job_that_fails_is_raised(make: Any) -> None:
    script = {
        ("DELETE", "/volumes/v"): [Canned(202, headers={"Location": "/queue/1"})],
        ("GET", "/queue/1"): [Canned(500, "no glusterd\n")],
    }
    with scripted(script) as server, pytest.raises(ERRORS, match=r"500 Server Error: .*/queue/1: no glusterd"):
        make(server.url).volume_delete("v")


def test_a_busy_server_is_asked_again(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyheketi.client.library import protocol  # noqa: PLC0415  # only here

    monkeypatch.setattr(protocol, "pause_when_busy", lambda _: 0)
    busy = Canned(429, "Server busy. Retry operation later.\n")
    with scripted({("GET", "/volumes"): [busy, busy, Canned(200, {"volumes": []})]}) as server:
        assert make(server.url).volume_list() == {"volumes": []}
    assert len(server.asked) == 3
    with scripted({("GET", "/volumes"): [busy]}) as server, pytest.raises(ERRORS, match="429"):
        make(server.url).volume_list()
    assert len(server.asked) == protocol.TRIES_WHEN_BUSY
    with scripted({("GET", "/volumes"): [busy]}) as server, pytest.raises(ERRORS, match="429"):
        make(server.url, retry_busy=False).volume_list()
    assert len(server.asked) == 1


def test_an_absolute_location_of_the_same_server_is_followed_and_no_other(make: Any) -> None:
    with scripted({("GET", "*"): [Canned(200, {"id": "v"})]}) as server:
        server_url = server.url
        client = make(server_url, poll_delay=0)
        assert client._get_queued_response(f"{server_url}/queue/1").status_code == 200
        with pytest.raises(ValueError, match="redirects to http://elsewhere/queue/1"):
            client._get_queued_response("http://elsewhere/queue/1")
    assert [each.path for each in server.asked] == ["/queue/1"]


def test_threads_do_not_share_tokens() -> None:
    with scripted({("GET", "*"): [Canned(200, {"id": "x"})]}) as server:
        client = HeketiClient(server.url, "admin", KEY)
        threads = [threading.Thread(target=client.volume_info, args=(f"{number}",)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert len(server.asked) == 20
    for each in server.asked:
        assert claims(each.headers["Authorization"])["qsh"] == hashlib.sha256(f"GET&{each.path}".encode()).hexdigest()


def test_the_command_line_does_not_pay_for_it() -> None:
    code = "import sys, pyheketi, pyheketi.cli.main; print({'requests', 'httpx2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_without_requests_the_way_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("raise ModuleNotFoundError('requests')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from pyheketi import HeketiClient"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'pyheketi[client]'" in done.stderr
