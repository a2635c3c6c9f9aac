"""The way to real nodes: scripts through one kept ssh connection per node. The only package that knows asyncssh.

Every wait is bounded, here and on the node: no call hangs, no script outlives its limit. Host keys are always checked.
It must not know what the commands mean.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from pyheketi.commands import shell
from pyheketi.commands.command import Result, Script
from pyheketi.domain import errors
from pyheketi.executors import command_log
from pyheketi.executors.ssh import keys
from pyheketi.executors.transcript import KILLED, Transcript

_log = logging.getLogger(__package__)

_CLOSING = 1.0
"""Seconds a finished session gets to close by itself, so that the node counts it no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """How to reach nodes (executors.md §11)."""

    key_file: Path
    """Private key without passphrase: ed25519, ECDSA or RSA."""
    user: str = "heketi"
    port: int = 22
    sudo: bool = False
    """Whether commands run as root through ``sudo -n``; the user must be allowed to run anything."""
    known_hosts: Path | None = None
    """File of known host keys; keys learned are added to it."""
    more_known_hosts: tuple[Path, ...] = ()
    """Further files that are trusted and never written to; see ``known_hosts_of``."""
    learn_host_keys: bool = False
    """Whether the key of a node never seen before is believed, and remembered. A changed key never is."""
    sessions_per_node: int = 8
    """Scripts that run at the same time on a node; sshd refuses more than its ``MaxSessions``, 10 unless told."""
    connect_timeout: float = 10.0
    """Seconds for name lookup, connecting and login, and for opening a session."""
    keepalive: float = 15.0
    """Seconds of silence after which a node is asked for a sign of life; it is given up after three."""
    grace: float = 15.0
    """Seconds past the limit of a script before a node that has not ended it is given up."""
    lvm_wrapper: str = ""
    """Words put before LVM and udevadm (executors.md §3.1)."""


class _Session(asyncssh.SSHClientSession[bytes]):
    """Collects what a program says, until all of it has been said."""

    def __init__(self, connection: asyncssh.SSHClientConnection, transcript: Transcript) -> None:
        self.connection = connection
        self.transcript = transcript
        self.opened = asyncio.get_running_loop().time()
        """Before anything is asked of the node, so that its clock of the limit cannot have started earlier."""
        self.channel: asyncssh.SSHClientChannel[bytes]
        self.status: int | None = None
        """Exit status of the shell, if it has one."""
        self.ended = asyncio.Event()
        """The program said its last word, was killed, or the channel is closed."""
        self.closed = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self.transcript.hear(data, stderr=datatype is not None):
            self.ended.set()

    def exit_status_received(self, status: int) -> None:
        self.status = status
        if status == KILLED:
            self.ended.set()

    def exit_signal_received(self, *_: object) -> None:
        self.exit_status_received(KILLED)

    def connection_lost(self, _: Exception | None) -> None:
        self.ended.set()
        self.closed.set()

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # closed already: ``ended`` is about to tell
            self.channel.write(data)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSING):
                await self.closed.wait()
        except TimeoutError:
            _log.debug("A session does not close by itself, something still holds its output")
        finally:
            self.channel.close()


@dataclass(slots=True)
class _Node:
    host: str
    sessions: asyncio.Semaphore
    connection: asyncssh.SSHClientConnection | None = None
    connecting: asyncio.Task[asyncssh.SSHClientConnection] | None = None

    def drop(self, connection: asyncssh.SSHClientConnection) -> None:
        """Forget a connection that is of no more use; what still runs through it ends with ``Unreachable``."""
        connection.abort()
        if self.connection is connection:
            self.connection = None


class SshExecutor:
    """Carries scripts to nodes by ssh."""

    name = "ssh"
    simulated = False

    def __init__(self, options: SshOptions) -> None:
        """Read the key and the known hosts.

        Raises:
            KeyFileError: the key cannot be used.
            KnownHostsError: the known hosts cannot be used.
        """
        self._options = options
        self._known = keys.KnownHosts(options.known_hosts, options.more_known_hosts, learn=options.learn_host_keys)
        self._ssh = asyncssh.SSHClientConnectionOptions(
            username=options.user,
            client_keys=[keys.load_key(options.key_file)],
            preferred_auth="publickey",
            config=None,
            agent_path=None,
            x509_trusted_certs=None,
            keepalive_interval=options.keepalive,
            encoding=None,
        )
        self._nodes: dict[str, _Node] = {}
        self._closing = False

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script on a node, as ``Executor.run`` says. Waiting for a free session is not part of the limit.

        Raises:
            Unreachable: see ``Executor.run``.
            TimedOut: see ``Executor.run``.
            RequestError: an argument cannot be given to a program.
        """
        transcript = Transcript(script, lvm_wrapper=self._options.lvm_wrapper)
        if host not in self._nodes:
            self._nodes[host] = _Node(host, asyncio.Semaphore(self._options.sessions_per_node))
        node = self._nodes[host]
        where = f"{host}:{self._options.port}"
        async with node.sessions:
            command_log.announce(_log, script, where)
            try:
                results = await self._carry(node, script, transcript)
            except errors.NodeError as exc:
                command_log.report_lost(_log, script, where, exc)
                raise
        command_log.report(_log, results, where)
        return results

    async def _carry(self, node: _Node, script: Script, transcript: Transcript) -> Sequence[Result]:
        session = await self._open(node, script, transcript)
        try:
            async with asyncio.timeout(script.limit + self._options.grace):
                session.send(transcript.program)
                await session.ended.wait()
        except TimeoutError:
            node.drop(session.connection)
        except asyncio.CancelledError:
            session.send(shell.CANCEL)
            raise
        finally:
            await session.close()
        taken = asyncio.get_running_loop().time() - session.opened
        said = transcript.complaint
        advice = " (the user must be allowed to run anything without password)" if said.startswith("sudo:") else ""
        return transcript.conclude(node.host, session.status, taken, no_shell=said + advice)

    async def _open(self, node: _Node, script: Script, transcript: Transcript) -> _Session:
        """Open a session, on a new connection if the kept one is dead. Nothing is sent before it is open."""
        command = shell.launch(script.limit, sudo=self._options.sudo)
        patience = self._options.connect_timeout
        pause = 0.01
        while True:
            kept = node.connection
            connection = await self._connection(node)
            try:
                async with asyncio.timeout(self._options.connect_timeout):
                    return await _open_on(connection, command, transcript)
            except (asyncssh.Error, OSError) as exc:
                if isinstance(exc, asyncssh.ChannelOpenError) and not connection.is_closed():
                    if patience <= 0:
                        advice = "MaxSessions of its sshd must not be less than sessions_per_node here"
                        raise errors.Unreachable(node.host, f"it refused a session ({exc.reason}): {advice}") from exc
                    await asyncio.sleep(pause)  # sshd counts a session a moment longer than it keeps it open
                    patience, pause = patience - pause, pause * 2
                    continue
                node.drop(connection)
                if connection is not kept:
                    raise errors.Unreachable(node.host, f"the connection broke: {str(exc) or 'no answer'}") from exc

    async def _connection(self, node: _Node) -> asyncssh.SSHClientConnection:
        """Return the connection to a node. All who need a new one wait for the same."""
        if self._closing:
            raise errors.Unreachable(node.host, "the server is shutting down")
        if node.connection and not node.connection.is_closed():
            return node.connection
        if not node.connecting or node.connecting.done():
            node.connecting = asyncio.create_task(self._connect(node))
            node.connecting.add_done_callback(lambda task: task.cancelled() or task.exception())
        connecting = node.connecting
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            if connecting.cancelled():  # by aclose
                raise errors.Unreachable(node.host, "the server is shutting down") from None
            raise
        except errors.Unreachable as exc:  # everyone gets their own: a shared one would collect all their traces
            raise errors.Unreachable(node.host, exc.reason) from exc

    async def _connect(self, node: _Node) -> asyncssh.SSHClientConnection:
        client = keys.Client(self._known)
        port = self._options.port
        try:
            async with asyncio.timeout(self._options.connect_timeout):
                connection, _ = await asyncssh.create_connection(
                    lambda: client, node.host, port, known_hosts=self._known.load(), options=self._ssh, config=None
                )
        except (asyncssh.Error, OSError, ValueError, keys.KnownHostsError) as exc:
            raise errors.Unreachable(node.host, client.refusal or self._why(node.host, exc)) from exc
        try:
            if client.learned:
                self._known.learn(node.host, port, client.learned)
        except OSError as exc:
            connection.abort()
            reason = f"its host key cannot be remembered in {exc.filename}: {exc.strerror}"
            raise errors.Unreachable(node.host, reason) from exc
        node.connection = connection
        return connection

    def _why(self, host: str, exc: Exception) -> str:
        """Return in words why there is no connection."""
        port = self._options.port
        match exc:
            case TimeoutError():
                limit = self._options.connect_timeout
                return f"no answer on port {port} within {limit:g} s (is it up? does a firewall drop packets?)"
            case socket.gaierror():
                return f"its name cannot be looked up: {exc.strerror} (is it in DNS, or in /etc/hosts here?)"
            case OSError() if f"Errno {errno.ECONNREFUSED}" in str(exc):  # of several addresses it has only the text
                return f"connection refused on port {port} (is sshd running?)"
            case asyncssh.PermissionDenied():
                user, file = self._options.user, self._options.key_file
                advice = "is the public key in that user's authorized_keys on the node?"
                return f"permission denied for user {user} with key {file} ({advice})"
            case asyncssh.ConnectionLost() | ConnectionError() | asyncssh.KeyExchangeFailed():
                advice = f"is port {port} that of sshd? is its MaxStartups reached?"
                if places := self._known.places(host, "", port):  # it hangs up when asked for a key it has not
                    advice += f" does it still have the host key in {', '.join(places)}?"
                return f"no login, the connection ended at once: {exc} ({advice})"
            case OSError(strerror=str(words)):
                return words
            case _:
                return str(exc)

    async def aclose(self) -> None:
        """Close all connections. Running scripts end with ``Unreachable``, and on the node after one more command."""
        self._closing = True
        waiting = [node.connecting for node in self._nodes.values() if node.connecting]
        for connecting in waiting:
            connecting.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        connections = [node.connection for node in self._nodes.values() if node.connection]
        for connection in connections:
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await asyncio.gather(*(connection.wait_closed() for connection in connections))


async def _open_on(connection: asyncssh.SSHClientConnection, command: str, transcript: Transcript) -> _Session:
    session = _Session(connection, transcript)
    opening = asyncio.create_task(connection.create_session(lambda: session, command))
    try:
        await asyncio.shield(opening)
    except asyncio.CancelledError:  # a session half open would wait for its program on the node
        opening.add_done_callback(_close_late)
        raise
    return session


def _close_late(opening: asyncio.Task[tuple[Any, Any]]) -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result()[0].close()
