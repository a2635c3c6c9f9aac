"""Programs are run by a real bash: what counts is which arguments arrive, and what can be told of the outcome."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyheketi.commands import shell
from pyheketi.commands.command import Command, Program, Result, Script, script
from pyheketi.domain import errors

NONCE = "n0nce"
PROGRAMS = {
    "cat": "printf '%s\\0' \"$@\"",
    "lsof": "printf '%s\\0' \"$@\" >&2",
    "systemctl": 'printf "$1"; printf "$2" >&2; exit "$3"',
    "wrap": "printf '%s\\0' \"$@\"",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where bash finds programs of ours: some name their arguments, one says and ends as it is told."""
    folder = tmp_path_factory.mktemp("bin")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def bash(program: bytes, path: str, limit: float = 60) -> tuple[bytes, bytes]:
    environ = {"PATH": path}
    read, write = os.pipe()  # kept open: its end tells the program that nobody waits for it
    try:
        with subprocess.Popen(
            shell.launch(limit), shell=True, env=environ, stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            os.close(read)
            os.write(write, program)
            return process.communicate()
    finally:
        os.close(write)


def run(script: Script, path: str) -> tuple[Result, ...]:
    stdout, stderr = bash(shell.program(NONCE, script), path)
    assert shell.end(NONCE) in stdout
    assert shell.end(NONCE) in stderr
    return shell.parse(NONCE, script, stdout, stderr)


def telling(stdout: str = "", stderr: str = "", status: int = 0, *, may_fail: bool = False) -> Command:
    return Command(Program.SYSTEMCTL, (stdout, stderr, str(status)), may_fail=may_fail)


@settings(deadline=None)
@given(words=st.lists(TEXT, min_size=1).map(tuple))
def test_arguments_arrive_as_they_are(path: str, words: tuple[str, ...]) -> None:
    results = run(script(Command(Program.CAT, words), Command(Program.LSOF, words)), path)
    expected = "".join(f"{word}\0" for word in words)
    assert [(each.status, each.stdout, each.stderr) for each in results] == [(0, expected, ""), (0, "", expected)]


def test_a_name_that_is_not_utf8_arrives_as_it_is(path: str) -> None:
    (result,) = run(script(Command(Program.CAT, (os.fsdecode(b"/mnt/\xff"),))), path)
    assert result.stdout == "/mnt/\\xff\0"


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_text_that_cannot_be_sent_is_refused(word: str) -> None:
    with pytest.raises(errors.RequestError, match=r"NUL|Unicode"):
        shell.program(NONCE, script(Command(Program.CAT, (word,))))


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([telling("a"), telling("b", "c")], [(0, "a", ""), (0, "b", "c")]),
        ([telling("a", status=3), telling("b")], [(3, "a", "")]),
        ([telling("a", status=3, may_fail=True), telling("b")], [(3, "a", ""), (0, "b", "")]),
        ([telling("a", status=255)], [(255, "a", "")]),
        ([telling(r"\xff", r"\xfe")], [(0, r"\xff", r"\xfe")]),
        ([telling("other:0;other:end;", ":0;\n"), telling("b")], [(0, "other:0;other:end;", ":0;\n"), (0, "b", "")]),
        ([telling(NONCE, f"{NONCE}:"), telling("b")], [(0, NONCE, f"{NONCE}:"), (0, "b", "")]),
        ([], []),
    ],
)
def test_each_command_has_its_own_result(
    path: str, commands: list[Command], expected: list[tuple[int, str, str]]
) -> None:
    results = run(script(*commands), path)
    assert [(each.status, each.stdout, each.stderr) for each in results] == expected
    assert [each.command for each in results] == commands[: len(expected)]


@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_a_stream_cut_off_anywhere_tells_of_the_commands_before(path: str, data: st.DataObject) -> None:
    whole = script(telling("one", "eins"), telling("two", "zwei", 4, may_fail=True), telling("three", "drei"))
    if not CUT:
        CUT.extend(bash(shell.program(NONCE, whole), path))
    stdout, stderr = (stream[: data.draw(st.integers(0, len(stream)))] for stream in CUT)
    complete = [shell.parse(NONCE, whole, *CUT)[: _markers(stream)] for stream in (stdout, stderr)]
    assert shell.parse(NONCE, whole, stdout, stderr) == min(complete, key=len)


CUT: list[bytes] = []
"""Both streams of the script above, made once."""


def _markers(stream: bytes) -> int:
    return len(re.findall(rb"n0nce:\d+;", stream))


def test_what_a_login_prints_belongs_to_no_command(path: str) -> None:
    whole = script(telling("out", "err"))
    stdout, stderr = bash(shell.program(NONCE, whole), path)
    (result,) = shell.parse(NONCE, whole, b"Welcome\n" + stdout, b"Beware\n" + stderr)
    assert (result.stdout, result.stderr) == ("out", "err")


def test_nothing_of_a_program_cut_off_is_run(path: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    program = shell.program(NONCE, script(Command(Program.MKDIR, (str(made),)), telling()))
    for length in (len(program) - 3, len(program) // 2):
        subprocess.run(["bash"], input=program[:length], env={"PATH": path}, capture_output=True, check=False)
        assert not made.exists()


def test_the_limit_ends_a_program_without_its_last_word(path: str) -> None:
    sleeping = script(telling("a"), Command(Program.AWK, ('BEGIN { system("sleep 60") }',)))
    stdout, stderr = bash(shell.program(NONCE, sleeping), path, limit=0.5)
    assert shell.started(NONCE, stdout)
    assert shell.end(NONCE) not in stdout
    assert [each.stdout for each in shell.parse(NONCE, sleeping, stdout, stderr)] == ["a"]


@pytest.mark.parametrize(
    ("command", "wrapped"),
    [
        (Command(Program.LVM, ("vgs", "a b")), "wrap -x 'y z' /usr/sbin/lvm vgs 'a b' <"),
        (Command(Program.UDEVADM), "wrap -x 'y z' /usr/bin/udevadm <"),
        (Command(Program.CAT, ("/usr/sbin/lvm",)), "; cat /usr/sbin/lvm <"),
    ],
)
def test_only_lvm_and_udevadm_are_wrapped(command: Command, wrapped: str) -> None:
    assert wrapped in shell.program(NONCE, script(command), lvm_wrapper="wrap -x 'y z'").decode()


def test_the_shell_is_started() -> None:
    assert shell.launch(600) == "exec timeout -s KILL 600.000 bash --norc --noprofile"
    assert shell.launch(0, sudo=True) == "exec sudo -n timeout -s KILL 0.001 bash --norc --noprofile"
