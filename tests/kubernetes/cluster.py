"""A Kubernetes of our own: an API server on the loopback whose pods are processes of this machine.

It speaks HTTP and the exec sub-protocol as the real one does: pods by label and field, programs in containers with
their end told as a status document, secrets with their limit, bearer tokens, and refusals by right.
"""

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.kubernetes.certificates import Authority

_LAST_WORD, _LAST_WORD_SIZE = re.compile(rb"[0-9a-f]{32}:end;"), 37
"""Of a script, on both outputs; the shell is gone a moment later."""

USER = "system:serviceaccount:storage:heketi"
SECRET_LIMIT = 1 << 20


def refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"kind": "Status", "status": "Failure", "message": message, "code": status}, status)


@dataclass
class Cluster:
    """What there is, and what happened."""

    authority: Authority = field(default_factory=Authority)
    token: str = "a token"
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    wants_certificates: bool = False
    """Whether clients have to show one."""
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    """Verbs and resources that our user has no right to."""
    protocols: tuple[str, ...] = ("v5.channel.k8s.io", "v4.channel.k8s.io")
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})
    """Of every program."""
    gone: set[str] = field(default_factory=set)
    """Pods that are found, but not there any more when a program is to be run in them."""
    deaf: bool = False
    """Whether programs are not started, and nobody tells."""
    runs: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """Pod, container and words of the programs that were started."""
    running: int = 0
    most_running: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    sockets: set[WebSocket] = field(default_factory=set)
    processes: list[Process] = field(default_factory=list)
    port: int = 0

    def add_pod(
        self,
        name: str,
        *,
        namespace: str = "storage",
        labels: Mapping[str, str] = {},
        node: str = "",
        containers: tuple[str, ...] = ("glusterfs",),
        phase: str = "Running",
        leaving: bool = False,
        annotations: Mapping[str, str] = {},
    ) -> None:
        about: dict[str, Any] = {"name": name, "namespace": namespace, "labels": dict(labels)}
        about |= {"annotations": dict(annotations)} if annotations else {}
        about |= {"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {}
        spec = {"nodeName": node, "containers": [{"name": each} for each in containers]}
        self.pods[name] = {"metadata": about, "spec": spec, "status": {"phase": phase}}

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve on a port of the loopback, with TLS."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._application(), ws="websockets-sansio", lifespan="off", log_config=None, timeout_graceful_shutdown=1
        )
        config.load()
        config.ssl = self.authority.server_context(clients=self.wants_certificates)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield
        finally:
            server.should_exit = True
            await serving
            await self._bury()

    def service_account(self, folder: Path) -> dict[str, str]:
        """Write what Kubernetes gives to every pod; return the variables."""
        folder.mkdir(exist_ok=True)
        (folder / "token").write_text(f"{self.token}\n")
        (folder / "ca.crt").write_text(self.authority.certificate)
        (folder / "namespace").write_text("storage")
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.port)}

    def kubeconfig(self, path: Path, **user: str) -> Path:
        """Write a kubeconfig for the user."""
        (path.parent / "ca.crt").write_text(self.authority.certificate)
        cluster = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": "ca.crt"}
        context = {"cluster": "here", "user": "me", "namespace": "storage"}
        document = {
            "current-context": "ours",
            "contexts": [{"name": "ours", "context": context}],
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": "me", "user": user or {"token": self.token}}],
        }
        path.write_text(json.dumps(document))
        return path

    async def _bury(self) -> None:
        """Kill what nobody listens to any more, and let the loop forget it."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()

    def secret(self, name: str, key: str) -> bytes:
        """Return what a secret holds."""
        return base64.b64decode(self.secrets[name]["data"][key])

    async def hang_up(self) -> None:
        """Break the connections of everything that runs."""
        for each in (*self.sockets,):
            await each.close(1011)

    # -- HTTP ----------------------------------------------------------------------------------------------------

    def _application(self) -> Starlette:
        base = "/api/v1/namespaces/{namespace}"
        return Starlette(
            routes=[
                Route(f"{base}/pods", self._list_pods),
                Route(f"{base}/pods/{{name}}", self._get_pod),
                WebSocketRoute(f"{base}/pods/{{name}}/exec", self._exec),
                Route(f"{base}/secrets", self._create_secret, methods=["POST"]),
                Route(f"{base}/secrets/{{name}}", self._update_secret, methods=["PUT"]),
            ]
        )

    def _refusal(self, request: Request | WebSocket, verb: str, resource: str) -> JSONResponse | None:
        namespace = request.path_params["namespace"]
        self.calls.append((verb, resource))
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return refused(401, "Unauthorized")
        if (verb, resource) in self.forbidden:
            what = f'cannot {verb} resource "{resource}" in API group "" in the namespace "{namespace}"'
            return refused(403, f'{resource} is forbidden: User "{USER}" {what}')
        return None

    async def _list_pods(self, request: Request) -> Response:
        if refusal := self._refusal(request, "list", "pods"):
            return refusal
        namespace = request.path_params["namespace"]
        chosen = [
            pod
            for pod in self.pods.values()
            if pod["metadata"]["namespace"] == namespace and _chosen(pod, request.query_params)
        ]
        return JSONResponse({"kind": "PodList", "items": chosen})

    async def _get_pod(self, request: Request) -> Response:
        if refusal := self._refusal(request, "get", "pods"):
            return refusal
        name = request.path_params["name"]
        return JSONResponse(self.pods[name]) if name in self.pods else refused(404, f'pods "{name}" not found')

    async def _create_secret(self, request: Request) -> Response:
        if refusal := self._refusal(request, "create", "secrets"):
            return refusal
        return self._keep(await request.json(), 201)

    async def _update_secret(self, request: Request) -> Response:
        if refusal := self._refusal(request, "update", "secrets"):
            return refusal
        name = request.path_params["name"]
        if name not in self.secrets:
            return refused(404, f'secrets "{name}" not found')
        return self._keep(await request.json(), 200)

    def _keep(self, secret: dict[str, Any], status: int) -> Response:
        if sum(len(value) * 3 // 4 for value in secret["data"].values()) > SECRET_LIMIT:
            return refused(422, "data: Too long: must have at most 1048576 bytes")
        self.secrets[secret["metadata"]["name"]] = secret
        return JSONResponse(secret, status)

    # -- programs ------------------------------------------------------------------------------------------------

    async def _exec(self, socket: WebSocket) -> None:
        name, query = socket.path_params["name"], socket.query_params
        refusal = self._refusal(socket, "get", "pods/exec") or self._refusal(socket, "create", "pods/exec")
        if refusal is None and name not in self.pods.keys() - self.gone:
            refusal = refused(404, f'pods "{name}" not found')
        if refusal is not None:
            await socket.send_denial_response(refusal)
            return
        asked = socket.headers.get("sec-websocket-protocol", "").replace(" ", "").split(",")
        protocol = next((each for each in self.protocols if each in asked), None)
        await socket.accept(subprotocol=protocol)
        self.sockets.add(socket)
        try:
            await self._run(socket, name, query)
        finally:
            self.sockets.discard(socket)

    async def _run(self, socket: WebSocket, name: str, query: QueryParams) -> None:
        words = query.getlist("command")
        self.runs.append((name, query["container"], words))
        while self.deaf:
            await asyncio.sleep(0.05)
        environment = self.environment | {"NODE": self._node(name)}
        try:
            process = await asyncio.create_subprocess_exec(
                *words, env=environment, start_new_session=True, stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
        except FileNotFoundError:
            message = (
                "error executing command in container: failed to exec in container: OCI runtime exec failed: exec"
                f' failed: unable to start container process: exec: "{words[0]}": executable file not found in $PATH'
            )
            await _end(socket, {"status": "Failure", "reason": "InternalError", "message": message, "code": 500})
            return
        self.processes.append(process)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        talking = {1, 2}

        def fall_silent(channel: int) -> None:
            if channel in talking:
                talking.remove(channel)
                self.running -= not talking  # before anybody is told

        await socket.send_bytes(b"\x01")  # the real one greets so
        feeding = asyncio.create_task(_feed(socket, process))
        try:
            await asyncio.gather(
                _relay(socket, 1, process.stdout, fall_silent), _relay(socket, 2, process.stderr, fall_silent)
            )
            status = await process.wait()
        finally:
            for channel in (1, 2):
                fall_silent(channel)
            feeding.cancel()
        await _end(socket, _told(status if status >= 0 else 128 - status))

    def _node(self, pod: str) -> str:
        found = self.pods[pod]
        return str(found["spec"]["nodeName"] or pod)


def _chosen(pod: dict[str, Any], query: QueryParams) -> bool:
    key, _, value = query.get("labelSelector", "").partition("=")
    field, _, wanted = query.get("fieldSelector", "").partition("=")
    labels = pod["metadata"]["labels"]
    return (key in labels and (not value or labels[key] == value)) and (
        not field or (field == "spec.nodeName" and pod["spec"]["nodeName"] == wanted)
    )


async def _feed(socket: WebSocket, process: Process) -> None:
    """Pass on what is to be read, and its end: nothing kills a program when its connection is gone."""
    assert process.stdin
    with contextlib.suppress(WebSocketDisconnect, ConnectionError, RuntimeError):
        while True:
            message = await socket.receive_bytes()
            if message[0] == 0:
                process.stdin.write(message[1:])
                await process.stdin.drain()
    process.stdin.close()


async def _relay(
    socket: WebSocket, channel: int, stream: asyncio.StreamReader | None, fall_silent: Callable[[int], None]
) -> None:
    """Pass on what a program says, and tell of its last word: a shell that has said it works no more."""
    assert stream
    said = b""
    while words := await stream.read(32 * 1024):
        said = said[-_LAST_WORD_SIZE:] + words
        if _LAST_WORD.search(said):
            fall_silent(channel)
        with contextlib.suppress(WebSocketDisconnect, ConnectionError, RuntimeError):
            await socket.send_bytes(bytes([channel]) + words)


def _told(status: int) -> dict[str, Any]:
    if not status:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {status}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(status)}]},
    }


async def _end(socket: WebSocket, status: dict[str, Any]) -> None:
    with contextlib.suppress(WebSocketDisconnect, ConnectionError, RuntimeError):
        await socket.send_bytes(b"\x03" + json.dumps(status).encode())
        await socket.close()
