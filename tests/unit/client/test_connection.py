import contextlib
import hashlib
import time
from collections.abc import Iterator

import jwt
import pytest
from tests.scripted_server import Canned, Script, ScriptedServer, serving

from pyheketi.client.connection import Account, Connection
from pyheketi.client.errors import ServerError, TransportError
from pyheketi.client.tls import Trust

KEY = "long enough for the library that checks our tokens"
PENDING = Canned(headers={"X-Pending": "true"})
GONE = Canned(204)
BUSY = Canned(429, "Server busy. Retry operation later.\n")


class World:
    """A scripted server and a connection to it that does not really sleep."""

    def __init__(self, server: ScriptedServer, path: str = "") -> None:
        self.asked = server.asked
        self.slept: list[float] = []
        self.told: list[str] = []
        account = Account(user="admin", key=KEY)
        self.connection = Connection(
            server.url + path,
            account,
            Trust(),
            progress=self.told.append,
            sleep=self.slept.append,
            clock=lambda: server.seconds,
        )

    @property
    def requests(self) -> list[tuple[str, str]]:
        return [(request.method, request.path) for request in self.asked]


@contextlib.contextmanager
def world(script: Script, path: str = "") -> Iterator[World]:
    with serving(script) as server:
        found = World(server, path)
        with contextlib.closing(found.connection):
            yield found


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[World]:
    script, *path = request.param if isinstance(request.param, tuple) else (request.param,)
    with world(script, *path) as found:
        yield found


def script(*answers: Canned, method: str = "GET", path: str = "/a") -> Script:
    return {(method, path): answers}


def dance(*polls: Canned, method: str = "DELETE", path: str = "/a", location: str = "/queue/1") -> Script:
    return {(method, path): [Canned(202, headers={"Location": location})], ("GET", "/queue/1"): polls}


@pytest.mark.parametrize("served", [script(Canned(body={}), method="POST")], indirect=True)
def test_a_request_is_signed_and_plain(served: World) -> None:
    assert served.connection.call("POST", "/a", b'{"size":1}') == b"{}"
    (asked,) = served.asked
    assert asked.body == '{"size":1}'
    assert asked.headers["Content-Type"] == "application/json"
    kind, token = asked.headers["Authorization"].split(" ")
    claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"require": ["iss", "iat", "exp", "qsh"]})
    assert kind == "bearer"
    assert claims["iss"] == "admin"
    assert claims["exp"] - claims["iat"] == 300
    assert abs(claims["iat"] - time.time()) < 60


@pytest.mark.parametrize("served", [script(Canned(), method="GET", path="/x/a%20b")], indirect=True)
def test_a_token_is_for_the_decoded_path(served: World) -> None:
    served.connection.call("GET", "/x/a%20b")
    token = served.asked[0].headers["Authorization"].split(" ")[1]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["qsh"] == hashlib.sha256(b"GET&/x/a b").hexdigest()


@pytest.mark.parametrize(
    "served", [dance(PENDING, PENDING, PENDING, PENDING, PENDING, PENDING, PENDING, GONE)], indirect=True
)
def test_a_job_is_polled_fast_at_first(served: World) -> None:
    assert served.connection.job("DELETE", "/a", expect=204) == b""
    assert served.slept == [0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.4]
    assert served.requests == [("DELETE", "/a"), *[("GET", "/queue/1")] * 8]
    assert len({request.headers["Authorization"] for request in served.asked}) == 2


def held(seconds: float = 1, applied: str = "wait=1", progress: str = "") -> Canned:
    """A pending answer that a server held back."""
    headers = {"X-Pending": "true", "Preference-Applied": applied, "X-Heketi-Progress": progress}
    return Canned(headers=headers, takes=seconds)


@pytest.mark.parametrize("served", [dance(held(), held(), held(), GONE)], indirect=True)
def test_a_server_that_waits_is_asked_again_at_once(served: World) -> None:
    assert served.connection.job("DELETE", "/a", expect=204) == b""
    assert served.slept == []
    assert [asked.headers.get("Prefer") for asked in served.asked] == [None, *["wait=1"] * 4]
    assert served.told == [f"waiting for the server, {second} s" for second in (1, 2, 3)]


@pytest.mark.parametrize("served", [dance(*(held(progress=f"{step}/7") for step in range(3)), GONE)], indirect=True)
def test_progress_is_told_each_second_that_the_server_waits(served: World) -> None:
    served.connection.job("DELETE", "/a", expect=204)
    assert served.told == [f"waiting for the server, {step + 1} s, {step} of 7 steps done" for step in range(3)]


NOT_HELD = {
    "Heketi is slow": Canned(headers={"X-Pending": "true"}, takes=2),
    "it says so, but answers at once": held(0),
    "it says so, but answers soon": held(0.5),
    "another preference": held(applied="respond-async, waiting=1"),
    "no preference": held(applied=""),
}


@pytest.mark.parametrize(
    "served", [dance(*[answer] * 5, GONE) for answer in NOT_HELD.values()], ids=NOT_HELD, indirect=True
)
def test_a_server_that_does_not_wait_is_left_alone_between_polls(served: World) -> None:
    served.connection.job("DELETE", "/a", expect=204)
    assert served.slept == [0.0, 0.02, 0.05, 0.1, 0.2]


@pytest.mark.parametrize("served", [dance(held(), held(0), PENDING, held(), GONE)], indirect=True)
def test_a_server_may_stop_waiting_and_begin_again(served: World) -> None:
    served.connection.job("DELETE", "/a", expect=204)
    assert served.slept == [0.0, 0.02]


@pytest.mark.parametrize("served", [dance(held(0.95, "Handling=lenient , Wait = 1"), GONE)], indirect=True)
def test_the_header_of_a_server_that_waits_is_read_with_care(served: World) -> None:
    served.connection.job("DELETE", "/a", expect=204)
    assert served.slept == []


@pytest.mark.parametrize("served", [script(Canned(body={}))], indirect=True)
def test_only_jobs_are_waited_for(served: World) -> None:
    served.connection.call("GET", "/a")
    assert "Prefer" not in served.asked[0].headers


@pytest.mark.parametrize(
    "served",
    [
        {
            **dance(PENDING, Canned(303, headers={"Location": "/v/1"}), method="POST"),
            ("GET", "/v/1"): [Canned(body="it")],
        }
    ],
    indirect=True,
)
def test_the_result_of_a_job_is_fetched_with_its_own_token(served: World) -> None:
    assert served.connection.job("POST", "/a") == b"it"
    assert served.requests[-1] == ("GET", "/v/1")
    assert served.asked[-1].headers["Authorization"] != served.asked[-2].headers["Authorization"]


PREFIXED = {
    "server knows nothing of it": "/queue/1",
    "proxy adds it": "/pre/queue/1",
    "relative": "queue/1",
}


@pytest.mark.parametrize("location", PREFIXED.values(), ids=PREFIXED)
def test_jobs_behind_a_path_prefix(location: str) -> None:
    answers: Script = {
        ("DELETE", "/pre/a"): [Canned(202, headers={"Location": location})],
        ("GET", "/pre/queue/1"): [GONE],
    }
    with world(answers, "/pre/") as served:
        served.connection.job("DELETE", "/a", expect=204)


ENDS = {
    "failed": (Canned(500, "vgcreate failed\n"), "vgcreate failed"),
    "pending with another status": (Canned(500, "boom", {"X-Pending": "true"}), "boom"),
    "200 where nothing is to come": (Canned(200), "server did not provide a message (status 200: OK)"),
    "unknown job": (Canned(404, "job 1 not found\n"), "job 1 not found"),
}


@pytest.mark.parametrize(("served", "text"), [(dance(end), text) for end, text in ENDS.values()], indirect=["served"])
def test_a_job_that_ends_otherwise(served: World, text: str) -> None:
    with pytest.raises(ServerError) as caught:
        served.connection.job("DELETE", "/a", expect=204)
    assert str(caught.value) == text


@pytest.mark.parametrize("served", [dance(Canned(hang_up=True))], indirect=True)
def test_a_lost_answer_of_a_job_says_that_the_job_goes_on(served: World) -> None:
    with pytest.raises(TransportError) as caught:
        served.connection.job("DELETE", "/a", expect=204)
    assert str(caught.value).endswith('/queue/1": EOF')
    assert "goes on by itself" in caught.value.__notes__[0]


@pytest.mark.parametrize("served", [script(BUSY, BUSY, Canned(body="at last"))], indirect=True)
def test_a_busy_server_is_asked_again_after_a_while(served: World) -> None:
    assert served.connection.call("GET", "/a") == b"at last"
    assert all(10 <= pause <= 29 for pause in served.slept)
    assert len(served.slept) == len(served.told) == 2


@pytest.mark.parametrize("served", [script(BUSY)], indirect=True)
def test_a_server_that_stays_busy(served: World) -> None:
    with pytest.raises(ServerError, match="Server busy") as caught:
        served.connection.call("GET", "/a")
    assert caught.value.status == 429
    assert len(served.requests) == 7


@pytest.mark.parametrize("served", [dance(Canned(429, "busy", {"Retry-After": "2"}), PENDING, GONE)], indirect=True)
def test_polls_are_repeated_as_well(served: World) -> None:
    served.connection.job("DELETE", "/a", expect=204)
    assert 2 <= served.slept[0] <= 11


RETRY_AFTER = {"3": range(3, 13), "0": range(10), "-9": range(1), "soon": range(10, 30)}


@pytest.mark.parametrize(("after", "pauses"), RETRY_AFTER.items())
def test_retry_after(after: str, pauses: range) -> None:
    with world(script(Canned(429, "", {"Retry-After": after}), Canned())) as served:
        served.connection.call("GET", "/a")
        assert served.slept[0] in pauses


def moved(status: int, location: str = "/b", method: str = "GET") -> Script:
    there = [Canned(body="there")]
    return {(method, "/a"): [Canned(status, headers={"Location": location})], ("GET", "/b"): there} | (
        {(method, "/b"): there}
    )


FOLLOWED = [(method, status) for status in (301, 302, 303, 307, 308) for method in ("GET", "POST")]
REFUSED = [("POST", 301), ("POST", 302)]


@pytest.mark.parametrize(("method", "status"), [pair for pair in FOLLOWED if pair not in REFUSED])
def test_redirects_are_followed(method: str, status: int) -> None:
    with world(moved(status, method=method)) as served:
        assert served.connection.call(method, "/a", b"{}" if method == "POST" else b"") == b"there"
        kept = method if status in (307, 308) else "GET"
        assert served.requests[-1] == (kept, "/b")


@pytest.mark.parametrize(("method", "status"), REFUSED)
def test_a_change_does_not_become_a_read(method: str, status: int) -> None:
    with world(moved(status, method=method)) as served:
        with pytest.raises(ServerError):
            served.connection.call(method, "/a", b"{}")
        assert len(served.requests) == 1


@pytest.mark.parametrize("served", [moved(302, "http://elsewhere.example/b")], indirect=True)
def test_a_token_is_not_sent_elsewhere(served: World) -> None:
    with pytest.raises(TransportError, match=r"redirects to http://elsewhere\.example/b"):
        served.connection.call("GET", "/a")


@pytest.mark.parametrize("served", [moved(302, "/a")], indirect=True)
def test_redirects_end(served: World) -> None:
    with pytest.raises(TransportError, match="stopped after 20 redirects"):
        served.connection.call("GET", "/a")


@pytest.mark.parametrize("served", [script(Canned())], indirect=True)
def test_proxies_of_the_environment_do_not_count(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    served.connection.call("GET", "/a")


@pytest.mark.parametrize("served", [script(Canned(headers={"X-Heketi-Executor": "mock"}))], indirect=True)
def test_the_executor_is_remembered(served: World) -> None:
    assert served.connection.executor == ""
    served.connection.call("GET", "/a")
    assert served.connection.executor == "mock"


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(Account(user="admin", key=KEY))


def test_a_started_job_without_a_place_to_ask() -> None:
    answers: Script = {("DELETE", "/a"): [Canned(202)]}
    with world(answers) as served, pytest.raises(TransportError, match="http: no Location header in response"):
        served.connection.job("DELETE", "/a", expect=204)
