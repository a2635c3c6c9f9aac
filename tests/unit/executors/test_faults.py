import asyncio

import pytest
from tests.unit.executors.simulation import command, run_on, tell

from pyheketi.commands.command import Script
from pyheketi.domain import errors
from pyheketi.executors.fake import FakeExecutor
from pyheketi.executors.faults import (
    Crash,
    Die,
    Fail,
    FaultyExecutor,
    Hang,
    Late,
    Lose,
    Pause,
    Reaction,
    Rule,
    matching,
)

MAKE = [command(f"mkdir /mnt/{name}") for name in "abc"]


def made(executor: FaultyExecutor) -> str:
    """Return which of the three directories there are."""
    assert isinstance(executor.inner, FakeExecutor)
    nodes = executor.inner.nodes
    return "".join(name for name in "abc" if tell(nodes, "n1", f"test -d /mnt/{name}").ok)


@pytest.mark.parametrize(
    ("reaction", "raised", "left"),
    [
        (Fail(32, "no luck"), None, "a"),
        (Lose(), errors.Unreachable, "a"),
        (Lose(sent=True), errors.Unreachable, "ab"),
        (Die(), Crash, "a"),
        (Die(after=True), Crash, "ab"),
        (Hang(), errors.TimedOut, "a"),
        (Pause(0.001), None, "abc"),
        (Late(), errors.TimedOut, "a"),
    ],
)
def test_reactions(reaction: Reaction, raised: type[BaseException] | None, left: str) -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching("/mnt/b"), reaction)])
    if raised is None:
        results = run_on(executor, "n1", *MAKE, limit=0.001)
        assert [result.status for result in results] == ([0, 32] if isinstance(reaction, Fail) else [0, 0, 0])
    else:
        with pytest.raises(raised):
            run_on(executor, "n1", *MAKE, limit=0.001)
    assert made(executor) == left


@pytest.mark.parametrize("scripts", range(3))
def test_a_late_command_is_done_after_some_others(scripts: int) -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching("/mnt/b"), Late(scripts))])
    with pytest.raises(errors.TimedOut):
        run_on(executor, "n1", MAKE[1], limit=0.001)
    for _ in range(scripts):
        run_on(executor, "n2", MAKE[0])
    assert list(executor.late) == [MAKE[1]]
    assert made(executor) == ""
    run_on(executor, "n1", MAKE[2])
    assert not list(executor.late)
    assert made(executor) == "bc"


def test_a_late_command_is_done_at_the_latest_when_nothing_else_is() -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching("/mnt/b"), Late(9))])
    with pytest.raises(errors.TimedOut):
        run_on(executor, "n1", MAKE[1], limit=0.001)
    asyncio.run(executor.finish())
    assert made(executor) == "b"


@pytest.mark.parametrize(("number", "sent"), [(0, False), (1, True)])
def test_a_lost_connection_tells_whether_something_ran(number: int, sent: bool) -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching(str(MAKE[number])), Lose())])
    with pytest.raises(errors.Unreachable) as caught:
        run_on(executor, "n1", *MAKE)
    assert caught.value.sent is sent


def test_a_failure_that_does_not_matter_stops_nothing() -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching("/mnt/b"), Fail())])
    run_on(executor, "n1", MAKE[0], command("mkdir /mnt/b", may_fail=True), MAKE[2])
    assert made(executor) == "ac"


def test_a_real_failure_before_the_fault_stops_the_script() -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching("/mnt/b"), Die())])
    results = run_on(executor, "n1", command("mkdir /no/where"), *MAKE)
    assert [result.status for result in results] == [1]
    assert made(executor) == ""


def test_rules_count() -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching("mkdir", "n1"), Fail(9), skip=1, times=2)])
    tries = [(host, run_on(executor, host, MAKE[0])[0].status) for host in ("n1", "n2", "n1", "n1", "n1")]
    assert tries == [("n1", 0), ("n2", 0), ("n1", 9), ("n1", 9), ("n1", 1)]


def test_hanging_can_be_cancelled() -> None:
    executor = FaultyExecutor(FakeExecutor(), [Rule(matching("/mnt/a"), Hang())])

    async def give_up() -> None:
        await asyncio.wait_for(executor.run("n1", Script(commands=tuple(MAKE))), 0.001)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    assert made(executor) == ""
