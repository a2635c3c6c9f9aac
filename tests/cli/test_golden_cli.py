"""One long session of the original (``golden/cli.json``), repeated with our client against our server.

Ids are random and bricks are placed at random, so ids, host names, devices and what hangs on them are levelled before
the outputs are compared. Commands name objects by id: recorded ids are translated to ours as both appear.
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.cli.conftest import Outcome
from tests.shared import golden

from pyheketi.cli.main import run

RECORDING = golden("cli.json")

_BLOCK_VOLUMES = "lists what commands of later issues have made"
SKIPPED: Mapping[int, str] = {
    143: "block hosting volumes are made for block volumes, which come with the next issue",
    144: "block hosting volumes are made for block volumes, which come with the next issue",
    0: "the version is ours",
    158: "simulated nodes tell what they have, Heketi's mock has nothing to tell",
    77: "fixed: a failed resync is told (cli.md §12 no. 2)",
    174: "fixed: bricks move on simulated nodes too, where Heketi's mock does not know its own volumes",
    175: "the device is gone after the step before",
    179: _BLOCK_VOLUMES,
}
"""Steps that must differ, by their place in the recording."""


@dataclass(frozen=True)
class Step:
    """One call of the original."""

    place: int
    argv: Sequence[str]
    env: Mapping[str, str | None]
    outcome: Outcome
    files: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.place} {' '.join(self.argv)}"[:70]


def recorded() -> Iterator[Step]:
    for place, step in enumerate(RECORDING["steps"]):
        outcome = Outcome(step["exit"], step["stdout"], step["stderr"])
        yield Step(place, step["argv"], step["env"], outcome, step["files"])


STEPS = list(recorded())
Call: TypeAlias = Callable[[Sequence[str], Mapping[str, str | None]], Outcome]

_ID = re.compile(r"\b[0-9a-f]{32}\b|(?<=vol_)[0-9a-f]{32}")


@dataclass
class Translation:
    """Which of our ids stands for which recorded one."""

    ours: dict[str, str] = field(default_factory=dict)

    def argv(self, words: Sequence[str]) -> list[str]:
        return [_ID.sub(lambda found: self.ours.get(found[0], found[0]), word) for word in words]

    def learn(self, recorded: str, ours: str) -> None:
        """Pair ids that appear for the first time, in their order."""
        known = set(self.ours.values())
        theirs = [name for name in dict.fromkeys(_ID.findall(recorded)) if name not in self.ours]
        new = [name for name in dict.fromkeys(_ID.findall(ours)) if name not in known]
        self.ours |= dict(zip(theirs, new, strict=False))


@dataclass(frozen=True)
class Repeated:
    """What came of the session."""

    outcomes: Mapping[int, Outcome]
    folder: Path


def repeat(steps: Sequence[Step], call: Call, folder: Path) -> Repeated:
    """Carry out the steps one after the other."""
    for name in ("topology", "topology2"):
        (folder / f"{name}.json").write_text(json.dumps(RECORDING[name]))
    (folder / "bad.json").write_text("{")
    translation = Translation()
    outcomes: dict[int, Outcome] = {}
    for step in steps:
        argv = [word.replace("@/", f"{folder}/") for word in translation.argv(step.argv)]
        outcomes[step.place] = call(argv, step.env)
        translation.learn(step.outcome.stdout, outcomes[step.place].stdout)
    return Repeated(outcomes, folder)


_LEVELLED = (
    (re.compile(r"\b[0-9a-f]{32}\b|(?<=vol_)[0-9a-f]{32}|(?<=[gkp]_)[0-9a-f]{32}"), "<id>"),
    (re.compile(r"(?<=glusterfs-)[0-9a-f]{8}\b"), "<id>"),
    (re.compile(r"\b192\.168\.10\.\d+"), "<ip>"),
    (re.compile(r"\bnode\d\b"), "<node>"),
    (re.compile(r"/dev/[sv]d[a-z]\b"), "<device>"),
    (re.compile(r"\bfakeIQN\b|\biqn\.2016-12\.org\.gluster-block:[0-9a-f-]{36}"), "<iqn>"),  # ours look like real ones
    (re.compile(r"(?<=Username: ).+"), "<username>"),
    (re.compile(r"(?<=Password: ).+"), "<password>"),
    (re.compile(r"(?<=Known Paths: ).*"), "<paths>"),  # the original's simulated disks have no other names,
    (re.compile(r"(?<=Physical Volume UUID: ).*"), "<uuid>"),  # and no uuid
    (re.compile(r"(?<=Zone: )\d+"), "<zone>"),
    (re.compile(r"((?:Used|Free) \(GiB\)|Bricks):( ?)\d+ *"), r"\1:\2<n>"),
)


def levelled(text: str) -> Any:
    """Return text or JSON without what chance decides: as sorted lines, or as nested values."""
    if text.startswith("{"):
        return _levelled_json(json.loads(text))
    for pattern, replacement in _LEVELLED:
        text = pattern.sub(replacement, text)
    return sorted(text.split("\n"))


def _levelled_json(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_levelled_json(item) for item in value), key=json.dumps)
    if isinstance(value, dict) and value and all(_ID.fullmatch(key) for key in value):
        return _levelled_json(list(value.values()))
    if isinstance(value, dict):
        chance = {"zone": 0, "used": 0, "free": 0} | ({"bricks": "<n>"} if "storage" in value else {})
        chance |= {"heketi.db": "<database>"} if "heketi.db" in value else {}
        chance |= {"Bricks": "<n>"} if "NodeId" in value else {}
        chance |= {key: bool(value[key]) for key in ("username", "password") if key in value}
        kept = {key: item for key, item in value.items() if key not in ("paths", "pv_uuid")}
        return {key: chance.get(key, _levelled_json(item)) for key, item in kept.items()}
    if isinstance(value, str):
        return "\n".join(levelled(value)) if not value.startswith("{") else value
    return value


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repeated]:
    if importlib.util.find_spec("pyheketi.server") is None:
        pytest.skip("there is no server yet")
    folder = tmp_path_factory.mktemp("golden")
    with contextlib.chdir(folder), serving(folder) as url:
        yield repeat(STEPS, calling(url), folder)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run our server on a free port with the recording's settings, on simulated nodes, the same way each time."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = RECORDING["config"] | {"port": str(port)}
    settings["glusterfs"] = settings["glusterfs"] | {"db": str(folder / "heketi.db"), "seed": 1}
    config = folder / "heketi.json"
    config.write_text(json.dumps(settings))
    log = (folder / "server.log").open("wb")
    code = "from pyheketi.server import main; main()"
    server = subprocess.Popen([sys.executable, "-c", code, f"--config={config}"], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _await_hello(url, server, folder / "server.log")
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
        log.close()


def _await_hello(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail(f"the server has ended:\n{log.read_text()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/hello", timeout=5):
            return
        time.sleep(0.1)
    pytest.fail(f"the server does not answer:\n{log.read_text()}")


def calling(url: str) -> Call:
    """Return a way to call our client as the original was called."""
    usual = {"HEKETI_CLI_SERVER": url, "HEKETI_CLI_USER": "admin", "HEKETI_CLI_KEY": "adminkey"}
    recorded_url = f"http://{RECORDING['config']['bind_address']}:{RECORDING['config']['port']}"

    def call(argv: Sequence[str], env: Mapping[str, str | None]) -> Outcome:
        settings: dict[str, str | None] = {**usual, **env}
        written, complained = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                if value is None:
                    patch.delenv(name, raising=False)
                else:
                    patch.setenv(name, value.replace(recorded_url, url))
            with contextlib.redirect_stdout(written), contextlib.redirect_stderr(complained):
                status = run(argv)
        return Outcome(status, written.getvalue(), complained.getvalue())

    return call


_WHY = re.compile(r"^(Why nothing fits in cluster \w+:|  .*)\n", re.MULTILINE)
"""Below the original's text we say why."""


def assert_same(step: Step, ours: Outcome) -> None:
    assert levelled(ours.stdout) == levelled(step.outcome.stdout)
    assert levelled(_WHY.sub("", ours.errors)) == levelled(step.outcome.stderr)
    assert ours.exit == step.outcome.exit


COMPARED = [step for step in STEPS if step.place not in SKIPPED]


@pytest.mark.parametrize("step", COMPARED, ids=str)
def test_our_server_and_client_do_as_the_original(step: Step, session: Repeated) -> None:
    assert_same(step, session.outcomes[step.place])
    for name, content in step.files.items():
        assert levelled((session.folder / name).read_text()) == levelled(content)


def test_the_replay_follows_other_ids(tmp_path: Path) -> None:
    """The recording repeated under other ids is the recording: translation and levelling work."""
    other: dict[str, str] = {}

    def renamed(text: str) -> str:
        return _ID.sub(lambda found: other.setdefault(found[0], os.urandom(16).hex()), text)

    other["0" * 32] = "0" * 32  # the id of nothing

    by_argv = iter(COMPARED)

    def echo(argv: Sequence[str], env: Mapping[str, str | None]) -> Outcome:
        step = next(by_argv)
        known = [word for word in step.argv if any(name in other for name in _ID.findall(word))]
        assert all(renamed(word) in argv for word in known)
        return Outcome(step.outcome.exit, renamed(step.outcome.stdout), renamed(step.outcome.stderr))

    repeated = repeat(COMPARED, echo, tmp_path)
    for step in COMPARED:
        assert_same(step, repeated.outcomes[step.place])


def test_skipped_steps_are_those_meant() -> None:
    assert len(COMPARED) > 110
