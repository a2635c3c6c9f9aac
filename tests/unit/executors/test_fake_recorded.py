"""Commands of the original, as recorded against emulated nodes, sent to ours: the answers mean the same."""

import re
import shlex
from typing import Any

import pytest
from tests.shared import golden
from tests.unit.executors import simulation

from pyheketi.commands import gluster_xml, lvm_report
from pyheketi.commands.command import Command, Program, Result
from pyheketi.executors.fake import FakeExecutor, FakeNodes

DISK_KIB = 104726528
"""What is left of the recorded disks for extents."""

LAST_STEP = "expand ec"
"""Snapshots and block volumes follow, which are not simulated yet."""

FAITHFUL = {"delete none", "delete snap"}
"""Later steps that have nothing to do with those."""

WIPED = "device add destroydata: foreign pv"
"""The recorded nodes forgot to wipe here."""


def machine_room() -> FakeNodes:
    nodes = FakeNodes()
    for number in range(1, 5):
        node = nodes.alias(f"127.0.1.{number}", f"10.9.0.{number}")
        node.disk_size = DISK_KIB
    foreign = "/usr/sbin/lvm pvcreate -qq /dev/sdz", "/usr/sbin/lvm vgcreate -qq othervg /dev/sdz"
    simulation.succeed(nodes, "127.0.1.1", *foreign)
    return nodes


def meaning(command: Command, status: int, stdout: str, name: str) -> Any:
    """Return what an answer says, without what is chance: UUIDs, counters, wording of success."""
    words = " ".join(command.args)
    if status:
        return status
    result = Result(command, status, stdout)
    if re.match("(pvs|vgs) -o", words):
        found = lvm_report.parse_physical_volumes(stdout)
        return [(each.name, each.volume_group) for each in found]
    if words.startswith("vgdisplay"):
        return lvm_report.parse_group_size(stdout)
    if "thin_count" in words:
        return int(stdout)
    if command.program is Program.UDEVADM:
        return [word.rpartition("-")[2] for word in stdout.split() if "by-path" in word]
    if "volume info" in words:
        volume = gluster_xml.read_volume("host", result, name)
        assert volume is not None
        return volume.started, volume.bricks, dict(volume.options).get("user.heketi.id")
    return status


def replayed() -> list[dict[str, Any]]:
    steps = golden("exec/main.json")
    names = [step["op"] for step in steps]
    head = [step for step in steps[: names.index(LAST_STEP) + 1] if step["op"] != WIPED]
    tail = [step for step in steps[names.index(LAST_STEP) + 1 :] if step["op"] in FAITHFUL]
    info = [
        {"op": step["op"], "commands": [each for each in step["commands"] if "volume info vr3 " in each["cmd"]]}
        for step in steps
        if step["op"] == "clone r3"
    ]
    return head + info + tail


def test_recorded_commands_are_answered_alike() -> None:
    nodes = machine_room()
    answered = 0
    for step in replayed():
        for recorded in step["commands"]:
            program, *args = shlex.split(recorded["cmd"])
            command = Command(Program(program), tuple(args))
            (result,) = simulation.run_on(FakeExecutor(nodes), recorded["host"], command)
            where = f"{step['op']}: {command} said {result.output}"
            assert result.status == recorded["exit"], where
            expected = meaning(command, recorded["exit"], recorded["stdout"], "vr3")
            assert meaning(command, result.status, result.stdout, "vr3") == expected, where
            if result.status:
                assert result.stderr.split("\n")[0] == recorded["stderr"].split("\n")[0]
            answered += 1
    assert answered > 250


@pytest.mark.parametrize("recording", ["main", "faults", "settings"])
def test_no_recorded_command_of_ours_is_unknown(recording: str) -> None:
    nodes = FakeNodes()
    skipped = ("gluster-block", "snapshot ")
    lines = {
        each["cmd"].removeprefix("sudo ") for step in golden(f"exec/{recording}.json") for each in step["commands"]
    }
    known = {line.replace("/usr/sbin/exec-on-host ", "") for line in lines if not any(word in line for word in skipped)}
    for line in sorted(known):
        program, *args = shlex.split(line)
        answer = simulation.run_on(FakeExecutor(nodes), "n1", Command(Program(program), tuple(args)))[0]
        assert "simulated nodes do not know" not in answer.stderr
