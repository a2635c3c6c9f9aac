import logging
from collections.abc import Callable

import pytest
from benchmarks.remote import Remote, remote_work

from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.domain import errors
from pyheketi.executors import command_log

LOG = logging.getLogger("executors")
FOLDERS = Script(commands=(Command(Program.MKDIR, ("/a",)), Command(Program.MKDIR, ("/a/[b] on [c]",))))
FOLDER = Script(commands=(Command(Program.MKDIR, ("/z",)),))

Line = Callable[[], None]


def sent(script: Script, host: str = "n1") -> Line:
    return lambda: command_log.announce(LOG, script, f"{host}:22")


def ended(script: Script, host: str = "n1", *, status: int = 0) -> Line:
    return lambda: command_log.report(LOG, [Result(each, status) for each in script.commands], f"{host}:22")


def stopped(script: Script) -> Line:
    return lambda: command_log.report(LOG, [Result(script.commands[0], 1)], "n1:22")


def lost(script: Script) -> Line:
    return lambda: command_log.report_lost(LOG, script, "n1:22", errors.Unreachable("n1", "gone"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], Remote(commands=0, trips=0), id="nothing"),
        pytest.param([sent(FOLDERS), ended(FOLDERS)], Remote(commands=2, trips=1), id="a script is one round trip"),
        pytest.param(
            [sent(FOLDERS), ended(FOLDERS), sent(FOLDER), ended(FOLDER)], Remote(commands=3, trips=2), id="two scripts"
        ),
        pytest.param(
            [sent(FOLDERS), sent(FOLDERS, "n2"), ended(FOLDERS), ended(FOLDERS, "n2")],
            Remote(commands=4, trips=2),
            id="two nodes at once",
        ),
        pytest.param(
            [sent(FOLDERS), stopped(FOLDERS), sent(FOLDER), ended(FOLDER)],
            Remote(commands=2, trips=2),
            id="a command that failed, and the one after it that never ran",
        ),
        pytest.param(
            [sent(FOLDERS), lost(FOLDERS), sent(FOLDER), ended(FOLDER)],
            Remote(commands=1, trips=2),
            id="a connection that broke",
        ),
    ],
)
def test_remote_work(lines: list[Line], expected: Remote, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for line in lines:
            line()
    assert remote_work("\n".join(record.getMessage() for record in caplog.records)) == expected
