"""What the importable clients send, and what they make of single answers."""

import asyncio
import hashlib
import socket
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
import requests
from tests.library import BUSY, ERRORS, KEY, NO_ANSWER, PENDING, VOLUME, Make, claims, deletion, to
from tests.scripted_server import Canned, serving

from pyheketi import AsyncHeketiClient, HeketiClient


@pytest.mark.parametrize("key", [KEY, KEY.encode(), b"\xff\x00 no text"])
def test_tokens_live_five_minutes_and_sign_the_whole_path(make: Make, key: str | bytes) -> None:
    with serving({("GET", "*"): [Canned(200, {"clusters": []})]}) as server:
        assert make(f"{server.url}/behind/a/proxy//", key=key).cluster_list() == {"clusters": []}
    (asked,) = server.asked
    raw = key.encode() if isinstance(key, str) else key
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        said = jwt.decode(asked.headers["Authorization"].removeprefix("bearer "), raw, algorithms=["HS256"])
    assert asked.path == "/behind/a/proxy/clusters"
    assert said["exp"] - said["iat"] == 300
    assert said["iss"] == "admin"
    assert said["qsh"] == hashlib.sha256(b"GET&/behind/a/proxy/clusters").hexdigest()


def test_ids_are_quoted_and_signed_unquoted(make: Make) -> None:
    with serving({("GET", "*"): [Canned(200, VOLUME)]}) as server:
        make(server.url).volume_info("a/b c?d%é")
    (asked,) = server.asked
    assert asked.path == "/volumes/a%2Fb%20c%3Fd%25%C3%A9"
    assert claims(asked)["qsh"] == hashlib.sha256("GET&/volumes/a/b c?d%é".encode()).hexdigest()


def test_no_other_password_takes_the_token_s_place(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving({("GET", "*"): [Canned(404, "Id not found\n")]}) as server:
        client = make(server.url.replace("//", "//me:s3cret@"))
        with pytest.raises(ERRORS) as refused:
            client.volume_info("v")
    assert claims(server.asked[0])["iss"] == "admin"
    assert "me:***@127.0.0.1" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_callers_headers_are_sent_and_not_changed(make: Make) -> None:
    mine = {"X-Request": "7"}
    with serving({("GET", "*"): [BUSY, Canned(200, VOLUME)]}) as server:
        client = make(server.url)
        assert client._make_request("GET", "/volumes/v", headers=mine).json() == VOLUME
    assert [asked.headers["X-Request"] for asked in server.asked] == ["7", "7"]
    assert mine == {"X-Request": "7"}


def test_whoever_overrides_the_headers_sends_them_with_every_request() -> None:
    class Sync(HeketiClient):
        def _set_token_in_header(self, method: str, uri: str, headers: Any = None) -> dict[str, str]:
            return super()._set_token_in_header(method, uri, {**(headers or {}), "X-Site": "here"})

    class Async(AsyncHeketiClient):
        def _set_token_in_header(self, method: str, uri: str, headers: Any = None) -> dict[str, str]:
            return super()._set_token_in_header(method, uri, {**(headers or {}), "X-Site": "here"})

    async def both() -> None:
        with serving(deletion(PENDING, Canned(204))) as server:
            assert Sync(server.url, "admin", KEY, poll_delay=0).volume_delete("v")
            async with Async(server.url, "admin", KEY, poll_delay=0) as client:
                assert await client.volume_delete("v")
        assert [asked.headers["X-Site"] for asked in server.asked] == ["here"] * 5

    asyncio.run(both())


def test_a_post_always_has_a_body_and_a_read_has_none(make: Make) -> None:
    with serving({("GET", "*"): [Canned()], ("POST", "*"): [Canned()], ("DELETE", "*"): [Canned()]}) as server:
        client = make(server.url)
        for method in ("POST", "GET", "DELETE"):
            client._make_request(method, "/clusters")
        client._make_request("DELETE", "/devices/d", {"forceforget": True})
    assert [asked.body for asked in server.asked] == ["{}", "", "", '{"forceforget": true}']
    assert not any("Content-Type" in asked.headers for asked in server.asked)


@pytest.mark.parametrize("status", [200, 204, 302, 401, 404, 500, 503])
def test_hello_is_true_or_false(make: Make, status: int) -> None:
    with serving({("GET", "/hello"): [to("http://elsewhere/", status)]}) as server:
        assert make(server.url).hello() is (status == 200)


def test_no_server_raises_as_ever(make: Make) -> None:
    client = make("http://127.0.0.1:1")
    with pytest.raises(NO_ANSWER):
        client.hello()
    with pytest.raises(NO_ANSWER) as lost:
        client.volume_delete("v")
    assert not getattr(lost.value, "__notes__", [])  # nothing had begun


def test_an_answer_that_is_no_json_is_a_value_error(make: Make) -> None:
    with serving({("GET", "*"): [Canned(200, "<html>")]}) as server, pytest.raises(ValueError, match=r"(?i)expecting"):
        make(server.url).volume_list()


def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(make: Make) -> None:
    late = (requests.exceptions.Timeout, httpx2.TimeoutException)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(late):
        make(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05).volume_list()


TREE = {
    "/clusters": {"clusters": ["c1", "c2", "gone"]},
    "/clusters/c1": {"id": "c1", "file": True, "block": False, "volumes": ["v", "w", "gone"], "nodes": ["n", "gone"]},
    "/clusters/c2": {"id": "c2", "file": False, "block": True, "volumes": [], "nodes": []},
    "/volumes/v": {"id": "v", "cluster": "c1"},
    "/volumes/w": {"id": "w", "cluster": "c2"},
    "/nodes/n": {"id": "n", "devices": []},
}


def test_the_topology_is_put_together_and_lacks_what_is_gone(make: Make) -> None:
    with serving({("GET", path): [Canned(200, body)] for path, body in TREE.items()}) as server:
        assert make(server.url).topology() == {
            "clusters": [
                {
                    "id": "c1",
                    "file": True,
                    "block": False,
                    "volumes": [TREE["/volumes/v"]],
                    "nodes": [TREE["/nodes/n"]],
                },
                {"id": "c2", "file": False, "block": True, "volumes": [], "nodes": []},
            ]
        }
    assert len(server.asked) == 10  # the first for everything at once, which a Heketi server does not know


@pytest.mark.parametrize(("path", "status"), [("/clusters", 404), ("/volumes/v", 500), ("/nodes/n", 401)])
def test_an_error_within_a_topology_is_raised(make: Make, path: str, status: int) -> None:
    script = {("GET", name): [Canned(200, body)] for name, body in TREE.items()}
    script["GET", path] = [Canned(status, "so it is\n")]
    with serving(script) as server, pytest.raises(ERRORS, match=f"^{status} .*: so it is$"):
        make(server.url).topology()
