"""Commands that go wrong as the configuration says."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.doubles import Answer, ScriptedExecutor
from tests.house import REPLICA_3, House

from pyheketi.commands.command import Command, Program, Script
from pyheketi.config import load
from pyheketi.config.injection import Injection
from pyheketi.executors.injecting import Injected, InjectingExecutor
from pyheketi.planning.volume_create import VolumeCreate

LS, RM = Command(Program.CAT, ("/a",)), Command(Program.RMDIR, ("/b",), may_fail=True)


def hooks(**section: Any) -> Injection:
    """Return what a heketi.json with this section means."""
    glusterfs = {"executor": "inject/mock", "injectexec": {"Command_Injection": section}}
    text = json.dumps({"port": "8080", "glusterfs": glusterfs})
    return load.parse_settings(text, "heketi.json", {}, disable_auth=True).settings.glusterfs.injectexec


def run(injection: Injection, *answers: Answer) -> tuple[list[tuple[int, str, str]], list[str]]:
    """Return results of the two commands, and what reached the node."""
    inner = ScriptedExecutor(answers)
    results = asyncio.run(InjectingExecutor(inner, injection).run("h", Script(commands=(LS, RM))))
    sent = [str(command) for _, script in inner.sent for command in script.commands]
    return [(each.status, each.stdout, each.stderr) for each in results], sent


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        ({"Result": "hello"}, (0, "hello", "")),
        ({"Err": "bad"}, (1, "", "bad")),
        ({"err": "bad", "exitstatus": 5, "ErrOutput": "worse"}, (5, "", "worse")),
        ({"Err": "bad", "ForceErrOutput": True}, (1, "", "")),
        ({"ForceErr": True}, (1, "", "")),
        ({}, (0, "", "")),
    ],
)
def test_a_reaction_takes_the_place_of_the_command(reaction: dict[str, Any], expected: tuple[int, str, str]) -> None:
    found, sent = run(hooks(commands=[{"Cmd": "^cat", "Reaction": reaction}]))
    assert found[0] == expected
    assert sent == (["rmdir /b"] if expected[0] == 0 else [])
    assert len(found) == (2 if expected[0] == 0 else 1)


def test_results_are_replaced_after_the_command_ran() -> None:
    injection = hooks(results=[{"Cmd": "cat", "Result": "secret", "Reaction": {"Err": "hidden"}}])
    assert run(injection, Answer(to="cat", stdout="a secret")) == ([(1, "", "hidden")], ["cat /a"])
    assert run(injection, Answer(to="cat", stdout="nothing"))[0][0] == (0, "nothing", "")
    assert run(injection, Answer(to="cat", stderr="secret", status=2)) == ([(1, "", "hidden")], ["cat /a"])


def test_a_failure_that_is_no_matter_lets_the_script_go_on() -> None:
    assert run(hooks(commands=[{"Cmd": "rmdir", "Reaction": {"Err": "x"}}]))[0] == [(0, "", ""), (1, "", "x")]


def test_hooks_wait_for_their_file(tmp_path: Path) -> None:
    injection = hooks(commands=[{"Cmd": "cat", "CondFile": f"{tmp_path}/now", "Reaction": {"Err": "x"}}])
    assert run(injection)[0][0] == (0, "", "")
    (tmp_path / "now").touch()
    assert run(injection)[0][0] == (1, "", "x")


def test_a_panic_fails_the_operation_and_not_the_server() -> None:
    with pytest.raises(Injected, match="boom"):
        run(hooks(commands=[{"Cmd": "cat", "Reaction": {"Panic": "boom"}}]))

    async def live() -> None:
        house = House()
        house.executor.inner = InjectingExecutor(
            house.executor.inner, hooks(commands=[{"Cmd": "volume start", "Reaction": {"Panic": "boom"}}])
        )
        await house.start()
        await house.furnish()
        before = house.inventory()
        job = await house.job(await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3)))
        assert "boom" in job.error
        assert house.inventory() == before

    asyncio.run(live())


def test_what_makes_no_sense_is_told_with_its_place() -> None:
    section = {"commands": [{"Cmd": "(", "Reaction": {"Pause": "long", "Nope": 1}}], "results": {}}
    with pytest.raises(load.ConfigError) as refused:
        hooks(**section)
    known = "Pause, Panic, Result, Err, ExitStatus, ErrOutput, ForceErr, ForceErrOutput"
    assert [fault.partition("command_injection.")[2] for fault in refused.value.faults] == [
        "commands.0.Cmd: is no regular expression: missing ), unterminated subpattern at position 0",
        "commands.0.Reaction.pause: expected a number of seconds",
        f"commands.0.Reaction.nope: unknown; known are {known}",
        "results: expected a list in brackets",
    ]
