"""What the original did when a scripted server answered it: same requests, same output, same exit status.

The scripts that were run then hold the servers' answers; they are run again with a collector in place of their runner.
"""

import contextlib
import io
import json
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, Script, serving
from tests.shared import golden, shared_dir

_WORDING = "our words for a wrong type in the server's answer differ"
_QUOTED = "we quote ids, the original pastes them into the URL"
_NOT_FOLLOWED = "a change must not become a read through a redirect"
DIFFERENT: dict[str, str] = {
    "percent json": "fixed: the original mangles % in JSON (cli.md §12 no. 3)",
    "replicate missing replica text": "fixed: the original panics (cli.md §12 no. 7)",
    "node empty hosts": "fixed: the original panics (cli.md §12 no. 7)",
    "null device elem": "fixed: the original panics (cli.md §12 no. 7)",
    "pv short id": "fixed: the original panics (cli.md §12 no. 7)",
    "id ''": "fixed: an empty id is a missing id (cli.md §12 no. 12)",
    "wrong type": _WORDING,
    "size string": _WORDING,
    "size float": _WORDING,
    "id 'a/b'": _QUOTED,
    "id 'a?b'": _QUOTED,
    "id 'a#b'": _QUOTED,
    "id 'a%20b'": _QUOTED,
    "id 'a%zz'": _QUOTED,
    "id '../clusters'": _QUOTED,
    "redirect 301 on post": _NOT_FOLLOWED,
    "redirect 308 on delete": "the original does not follow it, by accident",
    "429 in poll": "fixed: polls are repeated as well (clients.md §2)",
    "429 after redirect final": "fixed: polls are repeated as well (clients.md §2)",
    "prefix path": "fixed: jobs work behind a proxy that shows the server under a path (cli.md §1)",
    "query in server": "an address with a query is no address",
    "mode get 500": "fixed: the status counts (clients.md §2)",
    "mode get 500 empty": "fixed: the status counts (clients.md §2)",
    "topo -T partial": "templates are Jinja2's, not Go's",
    "error chunked long": "the original cuts chunked texts after 4096 bytes",
    "node tags+paths": "fixed: tags are sorted (cli.md §12 no. 11)",
    "device neg": "a negative size is shown as it is",
    "new before found": "fixed: the cluster that was made is looked at again, not another (cli.md §7)",
    "resync 500": "fixed: the error is told (cli.md §12 no. 2)",
    "resync cluster": "fixed: the errors are told (cli.md §12 no. 2)",
}
"""Probes whose outcome is another, and why."""


@dataclass(frozen=True)
class Probe:
    """One call of the original."""

    title: str
    argv: Sequence[str]
    script: Script
    env: Mapping[str, str]
    file: str | None
    """Topology file that the call reads, as ``@``."""
    recorded: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.title} {' '.join(self.argv)}"[:70]


class _EndOfCollection(Exception):
    """The rest of a script is for later issues."""


def _canned(answer: tuple[int, dict[str, str], Any]) -> Canned:
    status, headers, body = answer
    headers = dict(headers)
    hang_up, chunked = headers.pop("X-Close", None), headers.pop("X-Chunked", None)
    return Canned(status, body, headers, hang_up=bool(hang_up), chunked=bool(chunked))


def _collector(found: list[dict[str, Any]]) -> types.ModuleType:
    """Return a module that stands for the scripts' runner, and only remembers what was to be run."""
    fake = types.ModuleType("fake")
    json_type = {"Content-Type": "application/json; charset=UTF-8"}
    text_type = {"Content-Type": "text/plain; charset=utf-8"}

    def run(argv: list[str], routes: dict[Any, Any] | None = None, **options: Any) -> dict[str, Any]:
        script = {key: [_canned(answer) for answer in answers] for key, answers in (routes or {}).items() if answers}
        file = Path("@").read_text() if "@" in argv else None
        found.append({"argv": argv, "script": script, "file": file, **options})
        return {"argv": argv, "rc": 0, "out": "", "err": "", "secs": 0, "reqs": []}

    def end(*_: object, **__: object) -> None:
        raise _EndOfCollection

    members = {"json": json, "os": types.SimpleNamespace(makedirs=end), "run": run, "J": json_type, "T": text_type}
    members["ok"] = lambda body, status=200: [(status, json_type, body)]
    members["err"] = lambda status, body: [(status, text_type, body)]
    fake.__dict__.update(members)
    return fake


def _collected(number: int, folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    source = (shared_dir() / f"golden/cli-probes/probes/t{number}.py").read_text()
    former = sys.modules.get("fake")
    sys.modules["fake"] = _collector(found)
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.suppress(_EndOfCollection),
            warnings.catch_warnings(action="ignore"),
        ):
            exec(compile(source, f"t{number}.py", "exec"), {"__name__": "probe"})  # our own recordings
    finally:
        sys.modules.pop("fake")
        if former is not None:
            sys.modules["fake"] = former
    return found


def _probes() -> Iterator[Probe]:
    for number in (2, 3, 4, 5, 6):
        with tempfile.TemporaryDirectory() as folder:
            calls = iter(_collected(number, Path(folder)))
        for recorded in golden(f"cli-probes/probes/probe{number}.json"):
            if not recorded["argv"] and recorded["title"] == "http_proxy ignored nonlocal":
                continue
            call = next(calls, None)
            if call is None:
                break
            env = {
                "HEKETI_CLI_SERVER": "@URL@" if call.get("server", True) else "",
                "HEKETI_CLI_USER": "admin",
                "HEKETI_CLI_KEY": "adminkey",
            } | call.get("env", {})
            yield Probe(recorded["title"], call["argv"], call["script"], env, call["file"], recorded)


def _in_scope(probe: Probe) -> bool:
    return "completion" not in probe.argv  # the wording of scripts is free


def _changed(probe: Probe) -> bool:
    return probe.title in DIFFERENT or str(probe) in DIFFERENT


ALL = [probe for probe in _probes() if _in_scope(probe)]
SAME = [probe for probe in ALL if not _changed(probe)]
CHANGED = [probe for probe in ALL if _changed(probe)]


BEYOND = ("/topology",)
"""What a Heketi server does not know; ours is asked for it first."""


@dataclass(frozen=True)
class Replay:
    exit: int
    stdout: str
    stderr: str
    requests: list[tuple[str, str, str]]


def _usage_only(text: str) -> str:
    """The wording of help is free, that there is help is not."""
    return "(usage)" if "Usage:\n" in text else text


def replay(probe: Probe, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Replay:
    topology = tmp_path / "topology.json"
    if probe.file is not None:
        topology.write_text(probe.file)
    with serving(probe.script) as server:
        for name, value in probe.env.items():
            monkeypatch.setenv(name, value.replace("@URL@", server.url))
        argv = [str(topology) if word == "@" else word.replace("@URL@", server.url) for word in probe.argv]
        outcome = cli(argv)
        asked = [
            (request.method, request.path.removesuffix("?detail=summary"), request.body)
            for request in server.asked
            if request.path not in BEYOND
        ]
    return Replay(
        outcome.exit,
        _usage_only(outcome.stdout).replace(server.url, "@URL@"),
        _usage_only(outcome.errors).replace(server.url, "@URL@"),
        asked,
    )


def original(probe: Probe) -> Replay:
    recorded = probe.recorded
    requests = [(method, path, body) for method, path, _headers, body, _time in recorded["reqs"]]
    return Replay(recorded["rc"], _usage_only(recorded["out"]), _usage_only(recorded["err"]), requests)


@pytest.mark.parametrize("probe", SAME, ids=str)
def test_as_the_original(probe: Probe, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert replay(probe, cli, monkeypatch, tmp_path) == original(probe)


@pytest.mark.parametrize("probe", CHANGED, ids=str)
def test_differences_are_real(probe: Probe, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = replay(probe, cli, monkeypatch, tmp_path)
    assert ours != original(probe)
    assert ours.exit in (0, 255)


def test_enough_was_collected() -> None:
    assert len(SAME) > 150
    assert not set(DIFFERENT) - {name for probe in CHANGED for name in (probe.title, str(probe))}


@pytest.mark.parametrize("probe", ALL, ids=str)
def test_a_collected_call_belongs_to_its_recording(probe: Probe) -> None:
    assert len(probe.argv) == len(probe.recorded["argv"])
    for collected, recorded in zip(probe.argv, probe.recorded["argv"], strict=True):
        filled_in_then = recorded == "@" or "http://" in recorded or "\ufffd" in recorded
        assert filled_in_then or collected == recorded
