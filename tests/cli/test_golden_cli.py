"""One long session of the original (``golden/cli.json``), repeated with our client against our server."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.conftest import Outcome
from tests.cli.replay import ID, NOTHING, Call, Translation, assert_same, calling, levelled
from tests.differences import steps
from tests.served import serving
from tests.shared import golden

RECORDING = golden("cli.json")
RECORDED_PORT = int(RECORDING["config"]["port"])

DIFFERENT = steps("cli.json")


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


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repeated]:
    folder = tmp_path_factory.mktemp("golden")
    with contextlib.chdir(folder), serving(folder, RECORDING["config"]) as server:
        yield repeat(STEPS, calling(server.url, RECORDED_PORT), folder)


COMPARED = [step for step in STEPS if step.place not in DIFFERENT]


@pytest.mark.parametrize("step", COMPARED, ids=str)
def test_our_server_and_client_do_as_the_original(step: Step, session: Repeated) -> None:
    assert_same(step.outcome, session.outcomes[step.place])
    for name, content in step.files.items():
        assert levelled((session.folder / name).read_text()) == levelled(content)


def test_the_replay_follows_other_ids(tmp_path: Path) -> None:
    """The recording repeated under other ids is the recording: translation and levelling work."""
    other = {NOTHING: NOTHING}

    def renamed(text: str) -> str:
        return ID.sub(lambda found: other.setdefault(found[0], os.urandom(16).hex()), text)

    by_argv = iter(COMPARED)

    def echo(argv: Sequence[str], env: Mapping[str, str | None]) -> Outcome:
        step = next(by_argv)
        known = [word for word in step.argv if any(name in other for name in ID.findall(word))]
        assert all(renamed(word) in argv for word in known)
        return Outcome(step.outcome.exit, renamed(step.outcome.stdout), renamed(step.outcome.stderr))

    repeated = repeat(COMPARED, echo, tmp_path)
    for step in COMPARED:
        assert_same(step.outcome, repeated.outcomes[step.place])


def test_skipped_steps_are_those_meant() -> None:
    assert len(COMPARED) > 110
