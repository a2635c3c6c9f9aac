import getpass
import os
import secrets
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.executor.sshd import Login, Sshd, program, write_key

from pyheketi.executors.kubernetes import KubernetesOptions
from pyheketi.executors.ssh import SshExecutor, SshOptions


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may read, unlike tmp_path."""
    with tempfile.TemporaryDirectory(prefix="pyheketi-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def sshd(folder: Path) -> Iterator[Sshd]:
    server = Sshd(folder=folder)
    server.start()
    yield server
    server.stop()


PODS = {
    "kubernetes": KubernetesOptions(),
    "kubernetes without timeout": KubernetesOptions(limit_in_pod=False),
}


@pytest.fixture(scope="module", params=["ssh", "sudo", "sudo with a terminal", *PODS])
def way(request: pytest.FixtureRequest) -> Iterator[Login | KubernetesOptions]:
    """How to get there: by ssh as oneself, or as a user made for the test who becomes root by sudo; into a pod."""
    if request.param in PODS:
        yield PODS[request.param]
        return
    if request.param == "ssh":
        yield Login(getpass.getuser())
        return
    program("sudo", "sudo")
    if os.geteuid() != 0:
        reason = "only root can make a user for the test of sudo"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    user = f"heketi{secrets.token_hex(4)}"
    rule = Path("/etc/sudoers.d") / user
    subprocess.run(["useradd", "--no-create-home", "--password", "*", "--shell", "/bin/bash", user], check=True)
    try:
        terminal = "use_pty" if "terminal" in request.param else "!use_pty"
        rule.write_text(f"{user} ALL=(ALL) NOPASSWD: ALL\nDefaults:{user} {terminal}\n")
        rule.chmod(0o440)
        yield Login(user, sudo=True)
    finally:
        rule.unlink(missing_ok=True)
        subprocess.run(["userdel", user], check=True)


@pytest.fixture
def options(sshd: Sshd, folder: Path, tmp_path: Path) -> SshOptions:
    """How to reach the server as oneself."""
    key = write_key(tmp_path / "id")
    sshd.authorize(key)
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(sshd.known_hosts_line())
    return SshOptions(
        user=getpass.getuser(),
        port=sshd.port,
        key_file=key,
        known_hosts=known_hosts,
        sessions_per_node=sshd.max_sessions,
    )


@pytest.fixture
async def connect(anyio_backend: str) -> AsyncIterator[Callable[[SshOptions], SshExecutor]]:
    """Makes executors that are closed in the end."""
    made = []

    def make(options: SshOptions) -> SshExecutor:
        made.append(SshExecutor(options))
        return made[-1]

    yield make
    for executor in made:
        await executor.aclose()
