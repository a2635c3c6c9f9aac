"""The way to nodes that are pods: each script is one program in a container (executors.md §12).

The pod is looked up for every script, so that a new one is found as soon as it runs. Waiting for a free connection
has no limit and is not part of the script's. It must not know what the commands mean.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pyheketi.commands import shell
from pyheketi.commands.command import Result, Script
from pyheketi.domain import errors
from pyheketi.executors import command_log
from pyheketi.executors.transcript import Transcript
from pyheketi.kubernetes import pods
from pyheketi.kubernetes.access import Access
from pyheketi.kubernetes.api import Api, ApiError
from pyheketi.kubernetes.streams import Ending, Stream, Target, run_in

_log = logging.getLogger(__package__)

_UNLIMITED = 1 << 31
_DYING = 2.0
"""Seconds that a shell gets to end after it was told to die."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesOptions:
    """Which pods are the nodes, and how many commands they get at a time."""

    namespace: str = ""
    """Where the pods are; empty: where we are."""
    by_pod_name: bool = False
    """Whether management names of nodes are names of pods."""
    by_daemon_set: bool = False
    """Whether management names are those of Kubernetes' nodes, on each of which a daemon set keeps a pod."""
    container: str = ""
    """Of the pod; empty: as the pod says, or ``glusterfs``, or the first."""
    max_connections: int = 64
    """Scripts at the same time in all pods; negative for any number. More wait."""
    scripts_per_node: int = 4
    """Scripts at the same time in one pod."""
    limit_in_pod: bool = True
    """Whether the pod's own timeout(1) kills what runs past its limit; otherwise we tell the shell to die."""
    connect_timeout: float = 10.0
    """Seconds for every answer of the API server."""
    grace: float = 15.0
    """Seconds past the limit of a script before a pod that has not ended it is given up."""
    lvm_wrapper: str = ""
    """Words put before LVM and udevadm (executors.md §3.1)."""


class KubernetesExecutor:
    """Carries scripts to pods."""

    name = "kubernetes"
    simulated = False

    def __init__(self, access: Access, options: KubernetesOptions) -> None:
        self._access, self._options = access, options
        self._namespace = options.namespace or access.namespace
        self._api = Api(access, patience=options.connect_timeout)
        most = options.max_connections
        self._connections = asyncio.Semaphore(most if most >= 0 else _UNLIMITED)
        self._nodes: dict[str, asyncio.Semaphore] = {}
        self._streams: set[Stream] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        """Streams that are being closed; nobody waits for that but ``aclose``."""
        self._closing = False

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        """Run a script in the pod of a node, as ``Executor.run`` says.

        Raises:
            Unreachable: see ``Executor.run``.
            TimedOut: see ``Executor.run``.
            RequestError: an argument cannot be given to a program.
        """
        transcript = Transcript(script, lvm_wrapper=self._options.lvm_wrapper)
        node = self._nodes.setdefault(host, asyncio.Semaphore(self._options.scripts_per_node))
        async with node, self._connections:
            target = await self._target(host)
            where = f"{target} (from {host})"
            command_log.announce(_log, script, where)
            try:
                results = await self._carry(host, target, script, transcript)
            except errors.NodeError as exc:
                command_log.report_lost(_log, script, where, exc)
                raise
        command_log.report(_log, results, where)
        return results

    # -- which pod -----------------------------------------------------------------------------------------------

    async def _target(self, host: str) -> Target:
        """Return the container that is a node. Raises ``Unreachable``."""
        if self._closing:
            raise errors.Unreachable(host, "the server is shutting down")
        try:
            pod = await self._pod(host)
            container = pods.container_of(pod, self._options.container)
        except pods.NoPod as error:
            raise errors.Unreachable(host, str(error)) from error
        except ApiError as error:
            raise errors.Unreachable(host, f"its pod cannot be looked up in {self._namespace}: {error}") from error
        return Target(namespace=self._namespace, pod=pod.name, container=container)

    async def _pod(self, host: str) -> pods.Pod:
        if self._options.by_pod_name:
            found = [await self._api.pod(self._namespace, host)]
            return pods.the_one(found, "", f"the name '{host}'")
        if self._options.by_daemon_set:
            found = await self._api.pods(self._namespace, labels=pods.LABEL, fields=f"spec.nodeName={host}")
            none = (
                f"Unable to find a GlusterFS pod on host {host} with a label key {pods.LABEL} in namespace"
                f" {self._namespace}. Is the daemon set there, and is {host} a name of kubectl get nodes?"
            )
            return pods.the_one(found, none, f"the label key {pods.LABEL} on host {host}")
        label = f"{pods.LABEL}={pods.label_value(host)}"
        found = await self._api.pods(self._namespace, labels=label)
        none = (
            f"No pods with the label '{label}' were found in namespace {self._namespace}. Label the pod, or set"
            " gluster_daemonset or use_pod_names in the section kubeexec."
        )
        return pods.the_one(found, none, f"the same label '{label}'")

    # -- the script ----------------------------------------------------------------------------------------------

    async def _carry(self, host: str, target: Target, script: Script, transcript: Transcript) -> Sequence[Result]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        stream = await self._open(host, target, script)
        try:
            await self._converse(stream, script, transcript)
        finally:
            self._let_go(stream)
        said = transcript.complaint or (stream.ending.message if stream.ending else "")
        status = stream.ending.status if stream.ending else None
        no_shell = f"{target}: {said}{_advice(stream.ending)}"
        return transcript.conclude(host, status, loop.time() - began, no_shell=no_shell)

    async def _open(self, host: str, target: Target, script: Script) -> Stream:
        words = shell.words(script.limit if self._options.limit_in_pod else None)
        try:
            stream = await run_in(target, words, self._access, patience=self._options.connect_timeout)
        except ApiError as error:
            raise errors.Unreachable(host, f"no command can be run in {target}: {error}") from error
        self._streams.add(stream)
        if self._closing:  # meanwhile
            self._let_go(stream)
            raise errors.Unreachable(host, "the server is shutting down")
        return stream

    async def _converse(self, stream: Stream, script: Script, transcript: Transcript) -> None:
        """Give the shell its program and hear it out. What is not at its end in time, or not wanted any more, dies."""
        try:
            async with asyncio.timeout(script.limit + (self._options.grace if self._options.limit_in_pod else 0)):
                await stream.send(transcript.program)
                await _hear(stream, transcript)
        except TimeoutError:
            await _kill(stream, transcript)
        except asyncio.CancelledError:
            await _kill(stream, transcript)
            raise

    def _let_go(self, stream: Stream) -> None:
        self._streams.discard(stream)
        closing = asyncio.create_task(stream.close())
        self._leaving.add(closing)
        closing.add_done_callback(self._leaving.discard)

    async def aclose(self) -> None:
        """Close all connections. Running scripts end with ``Unreachable``, and in the pod after one more command."""
        self._closing = True
        for stream in (*self._streams,):
            self._let_go(stream)
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self._api.aclose()


async def _hear(stream: Stream, transcript: Transcript) -> None:
    async with contextlib.aclosing(stream.words()) as words:
        async for said, stderr in words:
            if transcript.hear(said, stderr=stderr):
                return


async def _kill(stream: Stream, transcript: Transcript) -> None:
    """Tell the shell to die with everything it started, and wait a moment for that."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DYING):
            await stream.send(shell.CANCEL)
            await _hear(stream, transcript)


def _advice(ending: Ending | None) -> str:
    said = ending.message if ending else ""
    if "timeout" in said and "not found" in said:
        return ' (the container has no program "timeout": set disable_timeout_prefix in the section kubeexec)'
    if "bash" in said and "not found" in said:
        return ' (the container has no program "bash": is it that of gluster? container in kubeexec names another)'
    return ""
