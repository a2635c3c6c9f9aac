"""What goes wrong between here and a node, and what a person is told."""

import asyncio
import dataclasses
import logging
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.executor.sshd import HOST, Sshd, count, sh, write_key

from pyheketi.commands.command import Command, Program, script
from pyheketi.domain import errors
from pyheketi.executors.ssh import SshExecutor, SshOptions

pytestmark = pytest.mark.anyio
Connect = Callable[[SshOptions], SshExecutor]
OK = script(Command(Program.TEST, ("-d", "/")))


async def refusal(executor: SshExecutor, host: str = HOST) -> str:
    """Return why a node cannot be reached."""
    with pytest.raises(errors.Unreachable) as caught:
        await executor.run(host, OK)
    assert not caught.value.sent
    return caught.value.reason


@pytest.mark.parametrize("algorithm", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
async def test_any_usual_key_logs_in(algorithm: str, sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    key = write_key(options.key_file.with_name("other"), algorithm)
    sshd.authorize(key)
    sshd.stop()
    sshd.make_host_key(algorithm)
    sshd.start()
    assert options.known_hosts
    options.known_hosts.write_text(sshd.known_hosts_line())
    results = await connect(dataclasses.replace(options, key_file=key)).run(HOST, OK)
    assert [each.ok for each in results] == [True]


async def test_a_key_the_node_does_not_know(options: SshOptions, connect: Connect) -> None:
    key = write_key(options.key_file.with_name("other"))
    reason = await refusal(connect(dataclasses.replace(options, key_file=key)))
    assert reason.startswith(f"permission denied for user {options.user} with key {key} (")


async def test_no_server_at_the_port(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    sshd.stop()
    executor = connect(options)
    assert await refusal(executor) == f"connection refused on port {sshd.port} (is sshd running?)"
    sshd.start()
    assert len(await executor.run(HOST, OK)) == 1


async def test_no_such_name(options: SshOptions, connect: Connect) -> None:
    assert "its name cannot be looked up" in await refusal(connect(options), "no-such-node.invalid")


async def test_a_server_that_never_answers(options: SshOptions, connect: Connect) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        executor = connect(dataclasses.replace(options, port=port, connect_timeout=0.3))
        assert (await refusal(executor)).startswith(f"no answer on port {port} within 0.3 s")


class HangUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def test_a_server_that_is_not_sshd(options: SshOptions, connect: Connect) -> None:
    server = await asyncio.get_running_loop().create_server(HangUp, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reason = await refusal(connect(dataclasses.replace(options, port=port)))
    assert reason.startswith("no login, the connection ended at once")
    assert f"is port {port} that of sshd?" in reason


async def test_an_unknown_host(options: SshOptions, connect: Connect, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    reason = await refusal(connect(dataclasses.replace(options, known_hosts=empty)))
    assert f"is not in {empty}" in reason
    assert f"ssh-keyscan -p {options.port} {HOST} >> {empty}" in reason


async def test_more_files_of_known_hosts(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    assert options.known_hosts
    options = dataclasses.replace(options, known_hosts=None, more_known_hosts=(options.known_hosts,))
    assert len(await connect(options).run(HOST, OK)) == 1


async def test_a_host_is_learned_once(
    sshd: Sshd, options: SshOptions, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = f"elsewhere {(sshd.folder / 'host.pub').read_text().strip()}"
    file = tmp_path / "learned"
    file.write_text(other)  # no newline at its end: nothing may be glued to it
    learning = dataclasses.replace(options, known_hosts=file, learn_host_keys=True)
    for _ in range(2):
        assert len(await connect(learning).run(HOST, OK)) == 1
    assert file.read_text() == f"{other}\n{sshd.known_hosts_line()}"
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert [text.startswith(f"Learned the host key of {HOST}:{options.port}: ssh-ed25519 SHA256:") for text in warnings]
    assert len(warnings) == 1


async def test_a_host_key_that_cannot_be_remembered_is_not_believed(options: SshOptions, connect: Connect) -> None:
    nowhere = Path("/nowhere/known_hosts")
    reason = await refusal(connect(dataclasses.replace(options, known_hosts=nowhere, learn_host_keys=True)))
    assert reason == f"its host key cannot be remembered in {nowhere}: No such file or directory"


@pytest.mark.parametrize("learn", [False, True])
async def test_a_changed_host_key_is_refused(learn: bool, sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    sshd.stop()
    sshd.make_host_key()
    sshd.start()
    assert options.known_hosts
    options.known_hosts.write_text(f"# ours\n{options.known_hosts.read_text()}")
    before = options.known_hosts.read_text()
    executor = connect(dataclasses.replace(options, learn_host_keys=learn))
    reason = await refusal(executor)
    assert reason.startswith("its host key has changed: it shows ssh-ed25519 SHA256:")
    assert f"{options.known_hosts} line 2" in reason
    assert options.known_hosts.read_text() == before
    options.known_hosts.write_text(sshd.known_hosts_line())
    assert len(await executor.run(HOST, OK)) == 1, "no restart is needed"


async def test_a_host_key_of_another_kind_is_a_changed_one(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    sshd.stop()
    sshd.make_host_key("ecdsa-sha2-nistp256")
    sshd.start()
    reason = await refusal(connect(dataclasses.replace(options, learn_host_keys=True)))
    assert f"does it still have the host key in {options.known_hosts} line 1?" in reason


async def test_the_connection_is_lost_in_the_middle(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    executor = connect(options)
    word = f"1.{secrets.randbelow(10**9)}"
    never = sshd.folder / "never"
    task = asyncio.create_task(executor.run(HOST, script(sh(f"sleep {word}"), sh(f"touch {never}"))))
    assert await count(f"sleep {word}", 3) > 0
    sshd.stop()
    with pytest.raises(errors.Unreachable, match=f"broke during.*{word}") as caught:
        await task
    assert caught.value.sent
    assert await count(word, 0) == 0
    assert not never.exists(), "nobody listens any more: what was not begun is left"
    sshd.start()
    assert len(await executor.run(HOST, OK)) == 1


async def test_scripts_share_a_connection(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    executor = connect(options)
    await asyncio.gather(*(executor.run(HOST, OK) for _ in range(20)))
    assert sshd.connections() == 1
    assert sshd.max_sessions == 4


async def test_a_connection_lost_in_between_is_made_anew(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    executor = connect(options)
    await executor.run(HOST, OK)
    sshd.stop()
    sshd.start()
    results = await asyncio.gather(*(executor.run(HOST, OK) for _ in range(3)))
    assert [len(each) for each in results] == [1, 1, 1]
    assert sshd.connections() == 1


@pytest.mark.parametrize(
    ("patience", "raised"),
    [({"grace": 0.2}, errors.TimedOut), ({"keepalive": 0.1}, errors.Unreachable)],
)
async def test_a_node_falls_silent_in_the_middle(
    patience: dict[str, float], raised: type[errors.NodeError], sshd: Sshd, options: SshOptions, connect: Connect
) -> None:
    executor = connect(dataclasses.replace(options, **patience))  # type: ignore[arg-type]  # all are seconds
    word = f"60.{secrets.randbelow(10**9)}"
    limit = 2.0 if raised is errors.TimedOut else 60.0
    task = asyncio.create_task(executor.run(HOST, script(sh(f"sleep {word}"), limit=limit)))
    assert await count(f"sleep {word}", 3) > 0
    sshd.freeze()
    with pytest.raises(raised, match=word):
        await task
    sshd.thaw()
    assert len(await executor.run(HOST, OK)) == 1


async def test_a_node_falls_silent_in_between(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    executor = connect(dataclasses.replace(options, connect_timeout=0.5))
    await executor.run(HOST, OK)
    sshd.freeze()
    assert (await refusal(executor)).startswith("no answer")
    sshd.thaw()
    assert len(await executor.run(HOST, OK)) == 1


async def test_a_user_without_sudo(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    """A file in front of the real sudo says what it says to such a user."""
    (sshd.folder / "sudo").write_text("#!/bin/sh\necho sudo: a password is required >&2\nexit 1\n")
    (sshd.folder / "sudo").chmod(0o755)
    key = options.key_file.with_name("other")
    write_key(key)
    with (sshd.folder / "authorized_keys").open("a") as file:
        line = 'environment="PATH={}:/usr/bin:/bin" {}'
        file.write(line.format(sshd.folder, key.with_name("other.pub").read_text()))
    sshd.stop()
    sshd.settings = "PermitUserEnvironment yes"
    sshd.start()
    reason = await refusal(connect(dataclasses.replace(options, key_file=key, sudo=True)))
    assert "sudo: a password is required (the user must be allowed" in reason


async def test_a_login_may_print_what_it_likes(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    sshd.stop()
    sshd.settings = "ForceCommand echo Welcome; echo Beware >&2; eval $SSH_ORIGINAL_COMMAND"
    sshd.start()
    (result,) = await connect(options).run(HOST, script(sh("echo out; echo err >&2")))
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


async def test_a_learned_host_may_change_its_session_keys(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    sshd.stop()
    sshd.settings = "RekeyLimit 64K"
    sshd.start()
    assert options.known_hosts
    options.known_hosts.unlink()
    executor = connect(dataclasses.replace(options, learn_host_keys=True))
    (result,) = await executor.run(HOST, script(sh("head -c 1000000 /dev/zero")))
    assert len(result.stdout) == 1000000
    assert sshd.connections() == 1


async def test_a_shell_that_is_killed(options: SshOptions, connect: Connect) -> None:
    with pytest.raises(errors.Unreachable, match=r"its shell was ended \(status 137\)") as caught:
        await connect(options).run(HOST, script(sh("kill -KILL 0")))
    assert caught.value.sent


async def test_closing_ends_what_runs(sshd: Sshd, options: SshOptions, connect: Connect) -> None:
    executor = connect(options)
    word = f"1.{secrets.randbelow(10**9)}"
    task = asyncio.create_task(executor.run(HOST, script(sh(f"sleep {word}"))))
    assert await count(f"sleep {word}", 3) > 0
    await executor.aclose()
    with pytest.raises(errors.Unreachable, match=word) as caught:
        await task
    assert caught.value.sent
    assert await refusal(executor) == "the server is shutting down"


async def test_the_log(options: SshOptions, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pyheketi.executors.ssh")
    commands = (
        Command(Program.TEST, ("-d", "/")),
        dataclasses.replace(sh("echo secret"), quiet=True),
        dataclasses.replace(sh("echo secret; exit 1"), quiet=True, may_fail=True),
        sh("echo said; exit 2"),
    )
    await connect(options).run(HOST, script(*commands))
    said = [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "pyheketi.executors.ssh"]
    where = f"[{HOST}:{options.port}]"
    assert ("DEBUG", f"Will run command [test -d /] on {where}") in said
    assert ("DEBUG", f"Ran command [test -d /] on {where}: Status 0: Stdout []: Stderr []") in said
    assert ("ERROR", f"Failed to run command [{commands[3]}] on {where}: Status 2: Stdout [said\n]: Stderr []") in said
    assert not [text for _, text in said if "secret\n" in text]
