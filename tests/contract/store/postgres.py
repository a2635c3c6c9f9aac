"""A PostgreSQL server of our own, on loopback, gone after the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_USER = "postgres"


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a fresh server; yield the address of its maintenance database, for SQLAlchemy."""
    programs = _programs() or _install()
    # Not below pytest's directory: that is closed to the user the server has to run as, which is not root.
    home = Path(tempfile.mkdtemp(prefix="pyheketi-postgresql-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(home, _USER, _USER)
        as_user = ["runuser", "-u", _USER, "--"]

    def run(program: str, *args: str) -> None:
        done = subprocess.run(
            [*as_user, str(programs / program), *args], cwd=home, capture_output=True, text=True, check=False
        )
        if done.returncode:
            log = home / "log"
            pytest.fail(f"{program}: {done.stdout}{done.stderr}{log.read_text() if log.exists() else ''}")

    try:
        run("initdb", "--pgdata=data", f"--username={_USER}", "--auth=trust", "--encoding=UTF8", "--no-sync")
        port = _free_port()
        # The disk's promise is not what is tested with this server, so it need not keep it.
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
        run("pg_ctl", "start", "--pgdata=data", "--log=log", "--wait", f"--options={settings}")
        try:
            yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--pgdata=data", "--mode=immediate")
    finally:
        shutil.rmtree(home)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _install() -> Path:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for args in (["update"], ["install", "--yes", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *args], env=environment, capture_output=True, check=False)
        if programs := _programs():
            return programs
    reason = "no PostgreSQL: it is not installed (Debian: apt-get install postgresql)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
