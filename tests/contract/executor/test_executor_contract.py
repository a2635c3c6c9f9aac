"""What every executor that reaches real nodes must do, by whatever way it reaches them."""

import asyncio
import dataclasses
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from tests.contract.executor.sshd import HOST, Login, count, running, sh
from tests.kubernetes.cluster import Cluster

from pyheketi.commands.command import Command, Program, Result, script
from pyheketi.domain import errors
from pyheketi.executors.base import Executor
from pyheketi.executors.kubernetes import KubernetesExecutor, KubernetesOptions
from pyheketi.executors.ssh import SshExecutor
from pyheketi.kubernetes.access import in_cluster

pytestmark = pytest.mark.anyio


@pytest.fixture
async def executor(
    request: pytest.FixtureRequest, way: Login | KubernetesOptions, tmp_path: Path
) -> AsyncIterator[Executor]:
    if isinstance(way, KubernetesOptions):
        cluster = Cluster()
        cluster.add_pod("gluster-1", labels={"glusterfs-node": HOST})
        async with cluster.serve():
            account = tmp_path / "account"
            pods = KubernetesExecutor(in_cluster(cluster.service_account(account), account), way)
            yield pods
            await pods.aclose()
        assert cluster.most_running <= way.scripts_per_node
        return
    options = dataclasses.replace(request.getfixturevalue("options"), user=way.user, sudo=way.sudo)
    ssh = SshExecutor(options)
    yield ssh
    await ssh.aclose()


def endings(results: Sequence[Result]) -> list[tuple[int, str, str]]:
    return [(each.status, each.stdout, each.stderr) for each in results]


async def test_outputs_and_statuses_are_told_apart(executor: Executor) -> None:
    results = await executor.run(
        HOST,
        script(
            sh("echo out; echo err >&2"),
            sh("printf 'no newline'; exit 3", may_fail=True),
            Command(Program.TEST, ("-d", "/nowhere"), may_fail=True),
            Command(Program.TEST, ("-d", "/")),
            sh("printf err >&2; kill -9 $$", may_fail=True),
        ),
    )
    assert endings(results)[:4] == [(0, "out\n", "err\n"), (3, "no newline", ""), (1, "", ""), (0, "", "")]
    assert len(results) == 5
    assert results[4].stderr.startswith("err")
    assert not results[4].ok


async def test_the_first_failure_ends_the_script(executor: Executor, folder: Path) -> None:
    commands = (sh("exit 1", may_fail=True), sh("exit 7"), sh(f"touch {folder}/never"))
    results = await executor.run(HOST, script(*commands))
    assert [(each.command, each.status) for each in results] == [(commands[0], 1), (commands[1], 7)]
    assert not (folder / "never").exists()


async def test_nothing_but_the_arguments_reaches_a_program(executor: Executor, way: Login | KubernetesOptions) -> None:
    results = await executor.run(
        HOST,
        script(sh("cat; echo $LC_ALL; id -u"), Command(Program.CAT, ("/proc/self/fd/0",)), Command(Program.CAT)),
    )
    uid = 0 if isinstance(way, Login) and way.sudo else os.getuid()
    assert results[0].stdout == f"C\n{uid}\n"
    assert endings(results)[1:] == [(0, "", ""), (0, "", "")]


async def test_a_missing_program_is_a_failed_command(executor: Executor) -> None:
    (result,) = await executor.run(HOST, script(Command(Program.LVM, ("version",)), Command(Program.TEST)))
    assert result.status == 127
    assert "No such file or directory" in result.stderr


async def test_any_bytes_come_back(executor: Executor) -> None:
    (result,) = await executor.run(HOST, script(sh(r"printf '\303\244\377\r\n\001'; printf '\200' >&2")))
    assert (result.stdout, result.stderr) == ("ä\\xff\r\n\x01", "\\x80")


async def test_much_output_comes_back(executor: Executor, folder: Path) -> None:
    text = secrets.token_hex(1 << 19)
    (folder / "big").write_text(text)
    cat = Command(Program.CAT, (f"{folder}/big",))
    results = await executor.run(HOST, script(cat, sh(f"cat {folder}/big >&2"), cat))
    assert endings(results) == [(0, text, ""), (0, "", text), (0, text, "")]


async def test_a_script_may_be_longer_than_one_argument(executor: Executor) -> None:
    words = ("word" * 1000,)
    results = await executor.run(HOST, script(*[Command(Program.TEST, words)] * 100))
    assert [each.status for each in results] == [0] * 100


async def test_a_script_of_nothing(executor: Executor) -> None:
    assert list(await executor.run(HOST, script())) == []


async def test_the_limit_kills_everything(executor: Executor) -> None:
    word = f"600.{secrets.randbelow(10**9)}"
    late = sh(f"sleep {word} & sleep {word}; true")
    with pytest.raises(errors.TimedOut, match=f"sleep {word}"):
        await executor.run(HOST, script(sh("true"), late, limit=1))
    assert await count(word, 0) == 0
    assert len(await executor.run(HOST, script(sh("true")))) == 1


async def test_cancelling_kills_everything(executor: Executor) -> None:
    word = f"600.{secrets.randbelow(10**9)}"
    task = asyncio.create_task(executor.run(HOST, script(sh(f"sleep {word} & sleep {word}; true"))))
    assert await count(f"sleep {word}", 4) == 4, "awk, its shell and two sleepers"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(word, 0) == 0


async def test_a_daemon_that_keeps_the_output_open_holds_up_nothing(executor: Executor) -> None:
    word = f"20.{secrets.randbelow(10**9)}"
    (result,) = await executor.run(HOST, script(sh(f"setsid sleep {word} & echo started")))
    assert result.stdout == "started\n"
    assert running(word)
    await executor.run(HOST, script(sh(f"pkill -f 'sleep {word}'", may_fail=True)))


async def test_scripts_queue_when_there_are_too_many(executor: Executor) -> None:
    """An sshd refuses more sessions than there may be, a cluster counts them."""
    lines = [f"echo {number}; sleep 0.1" for number in range(20)]
    results = await asyncio.gather(*(executor.run(HOST, script(sh(line))) for line in lines))
    assert [result.stdout for (result,) in results] == [f"{number}\n" for number in range(20)]
