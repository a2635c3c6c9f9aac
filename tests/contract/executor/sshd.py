"""A real sshd on a free port of the loopback, with keys and settings of its own, and what it leaves behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest

from pyheketi.commands.command import Command, Program

HOST = "127.0.0.1"


def program(name: str, package: str) -> str:
    """Return the path of a program; in CI it is installed, elsewhere the test is skipped without it."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    ci = os.environ.get("CI") == "true"
    if not shutil.which(name, path=path) and ci and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "-q", package], check=True)
    found = shutil.which(name, path=path)
    if found:
        return found
    reason = f"{name} is not installed (package {package})"
    if ci:
        pytest.fail(reason)
    pytest.skip(reason)


def write_key(path: Path, algorithm: str = "ssh-ed25519") -> Path:
    """Make a key pair as ssh-keygen does."""
    key = asyncssh.generate_private_key(algorithm)
    path.touch(0o600)
    key.write_private_key(path)
    key.write_public_key(path.with_name(f"{path.name}.pub"))
    return path


def sh(text: str, *, may_fail: bool = False) -> Command:
    """Awk is the one program of the list that starts others."""
    return Command(Program.AWK, ("BEGIN { exit system(ARGV[1]) }", text), may_fail=may_fail)


@dataclass(frozen=True)
class Login:
    """Who logs in, and whether to become root."""

    user: str
    sudo: bool = False


@dataclass(kw_only=True)
class Sshd:
    """Starts, stops and freezes the server."""

    folder: Path
    """Where its files are; readable by the user who logs in."""
    max_sessions: int = 4
    host_key: str = "host"
    settings: str = ""
    """More lines for sshd_config."""
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        self.make_host_key()
        (self.folder / "authorized_keys").touch(0o644)

    def make_host_key(self, algorithm: str = "ssh-ed25519") -> None:
        """Make a new host key; it is shown after the next start."""
        for name in (self.host_key, f"{self.host_key}.pub"):
            (self.folder / name).unlink(missing_ok=True)
        write_key(self.folder / self.host_key, algorithm)

    def known_hosts_line(self) -> str:
        return f"[{HOST}]:{self.port} {(self.folder / f'{self.host_key}.pub').read_text()}"

    def authorize(self, key: Path) -> None:
        with (self.folder / "authorized_keys").open("a") as file:
            file.write(key.with_name(f"{key.name}.pub").read_text())

    def start(self) -> None:
        config = self.folder / "sshd_config"
        config.write_text(
            f"ListenAddress {HOST}:{self.port}\nHostKey {self.folder / self.host_key}\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}\nPasswordAuthentication no\nStrictModes no\n"
            f"PermitRootLogin prohibit-password\nMaxSessions {self.max_sessions}\nMaxStartups 100\n"
            f"{self.settings}\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd drops its rights
        for _ in range(100):
            if self._listens(config):
                return
            time.sleep(0.05)  # a session of the server before may hold the port for a moment
        pytest.fail(f"sshd does not start: {(self.folder / 'log').read_text()}")

    def _listens(self, config: Path) -> bool:
        """Start the server, and tell whether it got its port."""
        log = self.folder / "log"
        with log.open("wb") as file:
            server = program("sshd", "openssh-server")
            self.process = subprocess.Popen([server, "-D", "-e", "-f", str(config)], stderr=file)
        while self.process.poll() is None:
            if b"Server listening" in log.read_bytes():
                return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        """Kill the server and all its connections, as a reset does; what runs through them stays."""
        if self.process:
            self._signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Let the node fall silent: the kernel takes what is sent, nobody reads it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def connections(self) -> int:
        """Return how many clients are connected."""
        assert self.process
        return sum(parent == self.process.pid for parent, _ in processes().values())

    def _signal(self, number: signal.Signals) -> None:
        assert self.process
        family = {self.process.pid}
        everyone = processes()
        while more := {pid for pid, (parent, _) in everyone.items() if parent in family and pid not in family}:
            family |= more
        for pid in family:
            if pid == self.process.pid or everyone[pid][1].startswith("sshd"):
                with contextlib.suppress(ProcessLookupError):  # it ended by itself
                    os.kill(pid, number)


def processes() -> dict[int, tuple[int, str]]:
    """Return the parents and command lines of all processes that are alive."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(folder.name)] = int(parent), line
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return found


async def count(word: str, wanted: int) -> int:
    """Return how many processes have a word in their command lines, soon: what is killed takes a moment to die."""
    for _ in range(100):
        if len(running(word)) == wanted:
            break
        await asyncio.sleep(0.05)
    return len(running(word))


def running(word: str) -> Sequence[str]:
    """Return the command lines of processes that contain a word."""
    return [line for _, line in processes().values() if word in line]
