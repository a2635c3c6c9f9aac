"""Recorded sessions of the original (``golden/cli``), replayed against what its server must have answered.

A step with ``--json`` shows the server's document; fed from it, the same command must print the same JSON, and the
step before, without ``--json``, the same text. A step that failed shows the server's error text.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, Script, serving
from tests.shared import golden

NOUNS = ("cluster", "node", "device", "volume", "blockvolume", "loglevel", "topology", "volume_replica0")
LOCAL = re.compile(
    "[Mm]issing |object/cluster id missing|invalid argument|unknown |flag needs|strconv|At least one|bad flag"
    "|Unable to (open|parse)|--persistent-volume|json: "
)
"""Errors found without asking the server."""

SKIPPED = {
    "info empty": "fixed: an empty id is a missing id",
    "delete empty id": "fixed: an empty id is a missing id",
    "info bad template": "templates are Jinja2's, not Go's",
    "info template bad field": "templates are Jinja2's, not Go's",
    "pv --json": "shows no document of the server; see test_behaviour",
    "pv file unwritable": "needs a volume first; see test_behaviour",
}


@dataclass(frozen=True)
class Step:
    noun: str
    name: str
    argv: tuple[str, ...]
    exit: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"{self.noun}: {self.name}: {' '.join(self.argv)}"[:90]

    @property
    def command(self) -> tuple[str, ...]:
        return tuple(word for word in self.argv if not word.startswith("-"))


def recorded(noun: str) -> Iterator[Step]:
    for step in golden(f"cli/{noun}.json"):
        argv = tuple(step["argv"][1:])
        if "help" not in argv and "--help" not in argv and step["name"] not in SKIPPED:
            yield Step(noun, step["name"], argv, step["exit"], step["stdout"], step["stderr"])


STEPS = [step for noun in NOUNS for step in recorded(noun)]


def script_for(argv: Sequence[str], document: Mapping[str, Any]) -> Script | None:
    """Return the server's side of a command that shows this document."""
    noun, verb = argv[0], argv[1]
    if (noun, verb) == ("topology", "info"):
        return topology_script(document)
    if verb == "list":
        return {("GET", f"/{noun}s"): [Canned(body=document)]}
    if (noun, verb) == ("cluster", "create"):
        return {("POST", "/clusters"): [Canned(201, document)]}
    if verb == "info":
        return {("GET", f"/{noun}s/{document['id']}"): [Canned(body=document)]}
    if verb in ("create", "add", "expand"):
        return {
            ("POST", "*"): [Canned(202, headers={"Location": "/queue/1"})],
            ("GET", "/queue/1"): [Canned(303, headers={"Location": "/made"})],
            ("GET", "/made"): [Canned(body=document)],
        }
    return None


def topology_script(topology: Mapping[str, Any]) -> Script:
    script: dict[tuple[str, str], list[Canned]] = {}
    script["GET", "/clusters"] = [Canned(body={"clusters": [cluster["id"] for cluster in topology["clusters"]]})]
    for cluster in topology["clusters"]:
        ids = {kind: [item["id"] for item in cluster[kind]] for kind in ("nodes", "volumes")}
        script["GET", f"/clusters/{cluster['id']}"] = [Canned(body={**cluster, **ids})]
        for kind in ("nodes", "volumes"):
            script |= {("GET", f"/{kind}/{item['id']}"): [Canned(body=item)] for item in cluster[kind]}
    return script


def shown() -> Iterator[tuple[Step, Script]]:
    """Yield the steps whose documents are known: those with ``--json``, and the same without."""
    before: Step | None = None
    for step in STEPS:
        if "--json" in step.argv and step.stdout.startswith("{"):
            script = script_for(step.argv, json.loads(step.stdout))
            if script is not None:
                yield step, script
                plain = tuple(word for word in step.argv if word != "--json")
                if before is not None and before.argv == plain and before.exit == 0 and step.argv[1] == "info":
                    yield before, script
        before = step


SHOWN = list(shown())
FILES = {"bad.json": "{", "wrongtype.json": '{"clusters":"x"}', "arr.json": "[]", "empty0.json": ""}
"""Topology files that were there."""

FAILED = [step for step in STEPS if step.exit == 255]


@pytest.mark.parametrize(("step", "script"), SHOWN, ids=[str(step) for step, _ in SHOWN])
def test_shows_the_same(step: Step, script: Script, cli: Cli) -> None:
    with serving(script) as server:
        outcome = cli(["-s", server.url, *step.argv])
    assert sort_tags(outcome.stdout) == sort_tags(step.stdout)
    assert (outcome.exit, outcome.errors) == (0, "")


def sort_tags(text: str) -> str:
    """Bring tags into an order; the original shows them in any (cli.md §12 no. 11)."""
    return re.sub(r"(?<=Tags:\n)(?:  .*\n)+", lambda tags: "".join(sorted(tags[0].splitlines(keepends=True))), text)


@pytest.mark.parametrize("step", FAILED, ids=str)
def test_fails_the_same(step: Step, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    found_here = LOCAL.search(step.stderr)
    answer = Canned(body={}) if found_here else Canned(400, step.stderr.removeprefix("Error: "))
    with serving({(method, "*"): [answer] for method in ("GET", "POST", "DELETE")}) as server:
        outcome = cli(["-s", server.url, *step.argv])
    assert (outcome.exit, outcome.stdout, outcome.errors) == (255, step.stdout, step.stderr)


def test_there_are_recordings_of_each_kind() -> None:
    assert len(SHOWN) > 100
    assert len(FAILED) > 60
