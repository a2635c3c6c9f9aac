"""Which pod is a node, and what a person is told when it cannot be reached."""

import asyncio
import dataclasses
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.contract.executor.sshd import count, sh
from tests.kubernetes.certificates import Authority
from tests.kubernetes.cluster import USER, Cluster

from pyheketi.commands.command import Command, Program, script
from pyheketi.domain import errors
from pyheketi.executors.kubernetes import KubernetesExecutor, KubernetesOptions
from pyheketi.kubernetes.access import Access, in_cluster

pytestmark = pytest.mark.anyio
OK = script(Command(Program.TEST, ("-d", "/")))
Connect = Callable[..., KubernetesExecutor]
LABEL = {"glusterfs-node": "n1"}


@pytest.fixture
async def cluster(anyio_backend: str) -> AsyncIterator[Cluster]:
    made = Cluster()
    async with made.serve():
        yield made


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """Where the credentials of our own pod are."""
    return tmp_path / "account"


@pytest.fixture
def access(cluster: Cluster, account: Path) -> Access:
    return in_cluster(cluster.service_account(account), account)


@pytest.fixture
async def connect(access: Access) -> AsyncIterator[Connect]:
    """Makes executors that are closed in the end."""
    made = []

    def make(**options: Any) -> KubernetesExecutor:
        made.append(KubernetesExecutor(access, KubernetesOptions(**options)))
        return made[-1]

    yield make
    for executor in made:
        await executor.aclose()


async def refusal(executor: KubernetesExecutor, host: str = "n1") -> str:
    """Return why a node cannot be reached."""
    with pytest.raises(errors.Unreachable) as caught:
        await executor.run(host, OK)
    assert not caught.value.sent
    return caught.value.reason


# -- which pod -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "host", "pod"),
    [
        ({}, "n1", "labelled"),
        ({"by_daemon_set": True}, "k8s-2.example", "of-the-set"),
        ({"by_pod_name": True}, "plain", "plain"),
        ({"namespace": "other"}, "n1", "elsewhere"),
    ],
)
async def test_which_pod_is_a_node(
    options: dict[str, Any], host: str, pod: str, cluster: Cluster, connect: Connect
) -> None:
    cluster.add_pod("labelled", labels=LABEL, node="k8s-1.example")
    cluster.add_pod("dying", labels=LABEL, leaving=True)
    cluster.add_pod("done", labels=LABEL, phase="Succeeded")
    cluster.add_pod("of-the-set", labels={"glusterfs-node": "pod"}, node="k8s-2.example")
    cluster.add_pod("another", node="k8s-2.example")
    cluster.add_pod("plain")
    cluster.add_pod("elsewhere", namespace="other", labels=LABEL)
    await connect(**options).run(host, OK)
    assert [run[0] for run in cluster.runs] == [pod]


@pytest.mark.parametrize(
    ("options", "host", "reason"),
    [
        ({}, "n3", "No pods with the label 'glusterfs-node=n3' were found in namespace storage. Label the pod, or set"),
        ({}, "n1", "Found 2 pods sharing the same label 'glusterfs-node=n1': a, b. Only one of them can be the node."),
        (
            {},
            "n2",
            "No pod of those with the same label 'glusterfs-node=n2' is running: c (being deleted), d (Pending)",
        ),
        ({}, "n1,x", "'n1,x' cannot be the value of a label"),
        (
            {"by_daemon_set": True},
            "k8s-9",
            "Unable to find a GlusterFS pod on host k8s-9 with a label key glusterfs-node in namespace storage. Is the",
        ),
        ({"by_daemon_set": True}, "k8s-1", "Found 2 pods sharing the label key glusterfs-node on host k8s-1: a, b."),
        (
            {"by_pod_name": True},
            "nobody",
            'its pod cannot be looked up in storage: the API server answered 404: pods "nobody" not found',
        ),
        ({"by_pod_name": True}, "d", "No pod of those with the name 'd' is running: d (Pending)."),
        ({"by_pod_name": True, "container": "x"}, "a", "Pod a has no container x, only glusterfs: correct container"),
    ],
)
async def test_no_pod_is_the_node(
    options: dict[str, Any], host: str, reason: str, cluster: Cluster, connect: Connect
) -> None:
    cluster.add_pod("a", labels=LABEL, node="k8s-1")
    cluster.add_pod("b", labels=LABEL, node="k8s-1")
    cluster.add_pod("c", labels={"glusterfs-node": "n2"}, leaving=True)
    cluster.add_pod("d", labels={"glusterfs-node": "n2"}, phase="Pending")
    assert (await refusal(connect(**options), host)).startswith(reason)
    assert cluster.runs == []


async def test_a_new_pod_is_found_at_once(cluster: Cluster, connect: Connect) -> None:
    executor = connect()
    for name in ("first", "second"):
        cluster.pods.clear()
        cluster.add_pod(name, labels=LABEL)
        await executor.run("n1", OK)
    assert [run[0] for run in cluster.runs] == ["first", "second"]


# -- what is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit_in_pod", "words"),
    [
        (True, ["timeout", "-s", "KILL", "600.000", "bash", "--norc", "--noprofile"]),
        (False, ["bash", "--norc", "--noprofile"]),
    ],
)
async def test_what_runs_in_the_container(
    limit_in_pod: bool, words: list[str], cluster: Cluster, connect: Connect
) -> None:
    cluster.add_pod("a", labels=LABEL, containers=("sidecar", "glusterfs"))
    await connect(limit_in_pod=limit_in_pod).run("n1", OK)
    assert cluster.runs == [("a", "glusterfs", words)]
    assert cluster.calls == [("list", "pods"), ("get", "pods/exec"), ("create", "pods/exec")]


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
async def test_both_protocols_will_do(protocol: str, cluster: Cluster, connect: Connect) -> None:
    cluster.protocols = (protocol,)
    cluster.add_pod("a", labels=LABEL)
    (result,) = await connect().run("n1", script(sh("echo out; echo err >&2; exit 3")))
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")


async def test_no_more_connections_than_there_may_be(cluster: Cluster, connect: Connect, tmp_path: Path) -> None:
    for host in ("n1", "n2", "n3"):
        cluster.add_pod(host, labels={"glusterfs-node": host})
    executor = connect(max_connections=2, scripts_per_node=2)
    here = tmp_path / "here"
    here.mkdir()
    slow = script(sh(f"touch {here}/$$; ls {here} | wc -l; sleep 0.1; rm {here}/$$"))
    told = await asyncio.gather(*(executor.run(host, slow) for host in ("n1", "n2", "n3") * 3))
    assert len(cluster.runs) == 9
    assert {int(result.stdout) for (result,) in told} <= {1, 2}


async def test_any_number_of_connections(cluster: Cluster, connect: Connect, tmp_path: Path) -> None:
    cluster.add_pod("a", labels=LABEL)
    executor = connect(max_connections=-1, scripts_per_node=100)
    folder = tmp_path / "meeting"
    meeting = f"mkdir -p {folder}; touch {folder}/$$; until [ $(ls {folder} | wc -l) = 5 ]; do sleep 0.02; done"
    await asyncio.gather(*(executor.run("n1", script(sh(meeting))) for _ in range(5)))
    assert cluster.most_running == 5


async def test_a_token_that_was_replaced(cluster: Cluster, account: Path, connect: Connect) -> None:
    cluster.add_pod("a", labels=LABEL)
    executor = connect()
    await executor.run("n1", OK)
    cluster.token = "another"
    reason = await refusal(executor)
    assert "the API server answered 401: Unauthorized. To do: our token is not accepted: has it expired" in reason
    (account / "token").write_text("another")
    await executor.run("n1", OK)
    (account / "token").unlink()
    assert f"{account / 'token'}: No such file or directory" in await refusal(executor)


# -- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "resource", "beginning"),
    [
        ("list", "pods", "its pod cannot be looked up in storage: the API server answered 403: "),
        ("get", "pods/exec", "no command can be run in pod:a c:glusterfs ns:storage: the API server answered 403: "),
        ("create", "pods/exec", "no command can be run in pod:a c:glusterfs ns:storage: the API server answered 403: "),
    ],
)
async def test_a_right_is_missing(verb: str, resource: str, beginning: str, cluster: Cluster, connect: Connect) -> None:
    cluster.add_pod("a", labels=LABEL)
    cluster.forbidden = {(verb, resource)}
    reason = await refusal(connect())
    assert reason.startswith(beginning)
    assert f'User "{USER}" cannot {verb} resource "{resource}"' in reason
    assert "deploy/kubernetes.yaml has them all" in reason


async def test_the_pod_is_gone_when_the_command_comes(cluster: Cluster, connect: Connect) -> None:
    cluster.add_pod("a", labels=LABEL)
    cluster.gone = {"a"}
    reason = await refusal(connect())
    assert reason.endswith('the API server answered 404: pods "a" not found')


@pytest.mark.parametrize(
    ("path", "options", "advice"),
    [
        ("/nowhere", {}, '"timeout": executable file not found in $PATH (the container has no program "timeout": set'),
        ("/nowhere", {"limit_in_pod": False}, 'the container has no program "bash": is it that of gluster?'),
    ],
)
async def test_the_container_has_no_shell(
    path: str, options: dict[str, Any], advice: str, cluster: Cluster, connect: Connect
) -> None:
    cluster.add_pod("a", labels=LABEL)
    cluster.environment = {"PATH": path}
    reason = await refusal(connect(**options))
    assert reason.startswith("no shell could be started there (status 1): pod:a c:glusterfs ns:storage: ")
    assert advice in reason


async def test_no_server_at_the_port(cluster: Cluster, tmp_path: Path) -> None:
    environ = cluster.service_account(tmp_path / "account") | {"KUBERNETES_SERVICE_PORT": "1"}
    executor = KubernetesExecutor(in_cluster(environ, tmp_path / "account"), KubernetesOptions())
    assert "the API server https://127.0.0.1:1 cannot be reached: " in await refusal(executor)
    await executor.aclose()


async def test_a_server_that_another_authority_vouches_for(cluster: Cluster, tmp_path: Path) -> None:
    environ = cluster.service_account(tmp_path / "account")
    (tmp_path / "account" / "ca.crt").write_text(Authority().certificate)
    executor = KubernetesExecutor(in_cluster(environ, tmp_path / "account"), KubernetesOptions())
    reason = await refusal(executor)
    assert (
        "cannot be reached: certificate signature failure (by the certificates of the pod's service account)" in reason
    )
    assert cluster.calls == [], "no token was sent"
    await executor.aclose()


async def test_a_server_that_never_answers(cluster: Cluster, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        environ = cluster.service_account(tmp_path / "account") | {"KUBERNETES_SERVICE_PORT": port}
        options = KubernetesOptions(connect_timeout=0.2)
        executor = KubernetesExecutor(in_cluster(environ, tmp_path / "account"), options)
        assert "no answer in time (is it up?" in await refusal(executor)
        await executor.aclose()


async def test_the_connection_is_lost_in_the_middle(cluster: Cluster, connect: Connect, tmp_path: Path) -> None:
    cluster.add_pod("a", labels=LABEL)
    executor = connect()
    word, never = f"1.{secrets.randbelow(10**9)}", tmp_path / "never"
    task = asyncio.create_task(executor.run("n1", script(sh(f"sleep {word}"), sh(f"touch {never}"))))
    assert await count(f"sleep {word}", 3) > 0
    await cluster.hang_up()
    with pytest.raises(errors.Unreachable, match=f"the connection broke during.*{word}") as caught:
        await task
    assert caught.value.sent
    assert await count(word, 0) == 0
    assert not never.exists(), "nobody listens any more: what was not begun is left"
    assert len(await executor.run("n1", OK)) == 1


async def test_a_pod_that_does_not_end_in_time_is_given_up(cluster: Cluster, connect: Connect) -> None:
    cluster.add_pod("a", labels=LABEL)
    cluster.deaf = True
    executor = connect(grace=0.2)
    with pytest.raises(errors.TimedOut):
        await executor.run("n1", script(sh("true"), limit=0.2))
    cluster.deaf = False
    assert len(await executor.run("n1", OK)) == 1


async def test_a_shell_that_is_killed(cluster: Cluster, connect: Connect) -> None:
    cluster.add_pod("a", labels=LABEL)
    with pytest.raises(errors.Unreachable, match=r"its shell was ended \(status 137\)") as caught:
        await connect().run("n1", script(sh("kill -KILL 0")))
    assert caught.value.sent


async def test_closing_ends_what_runs(cluster: Cluster, connect: Connect) -> None:
    cluster.add_pod("a", labels=LABEL)
    executor = connect()
    word = f"1.{secrets.randbelow(10**9)}"
    task = asyncio.create_task(executor.run("n1", script(sh(f"sleep {word}"))))
    assert await count(f"sleep {word}", 3) > 0
    await executor.aclose()
    with pytest.raises(errors.Unreachable, match=word) as caught:
        await task
    assert caught.value.sent
    assert await refusal(executor) == "the server is shutting down"


async def test_the_log(cluster: Cluster, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pyheketi")
    cluster.add_pod("a", labels=LABEL)
    quiet = dataclasses.replace(sh("echo secret"), quiet=True)
    await connect().run("n1", script(OK.commands[0], quiet, sh("echo said; exit 2")))
    records = [each for each in caplog.records if each.name == "pyheketi.executors.kubernetes"]
    said = [(each.levelname, each.getMessage()) for each in records]
    where = "[pod:a c:glusterfs ns:storage (from n1)]"
    assert said[0] == ("DEBUG", f"Will run command [test -d /] on {where}")
    assert ("DEBUG", f"Ran command [test -d /] on {where}: Status 0: Stdout []: Stderr []") in said
    assert said[-1][0] == "ERROR"
    assert said[-1][1].endswith(f"on {where}: Status 2: Stdout [said\n]: Stderr []")
    assert "secret\n" not in caplog.text
    ours = [each.getMessage() for each in caplog.records if not each.name.startswith("uvicorn")]
    assert cluster.token not in "\n".join(ours)
