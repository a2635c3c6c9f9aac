"""The server: reads its settings, builds everything, runs it, and takes it down in order."""

import argparse
import asyncio
import contextlib
import logging
import math
import os
import platform
import re
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import uvicorn
import uvloop

from pyheketi import __version__, garbage
from pyheketi.api import auth, openapi
from pyheketi.api.certificate import Certificate
from pyheketi.api.endpoint import Application
from pyheketi.api.metrics import Metrics
from pyheketi.api.mode import Gate, Mode
from pyheketi.api.profiles import Profiles
from pyheketi.api.protocol import LimitedProtocol
from pyheketi.api.table import table
from pyheketi.commands.options import NodeOptions
from pyheketi.config import exposure, load
from pyheketi.config.settings import KUBERNETES, GlusterSettings, Settings
from pyheketi.control_plane import soundness
from pyheketi.control_plane.archiving import Archiving
from pyheketi.control_plane.backups import Backups
from pyheketi.control_plane.control_plane import ControlPlane
from pyheketi.control_plane.health import HealthSchedule
from pyheketi.control_plane.ids import RandomIds, SeededIds
from pyheketi.control_plane.rules import Rules
from pyheketi.domain import errors
from pyheketi.domain.size import KIB_PER_GIB
from pyheketi.domain.topology import Topology
from pyheketi.engine.perform import Performer
from pyheketi.executors.base import Executor
from pyheketi.executors.fake.executor import FakeExecutor
from pyheketi.executors.fake.nodes import FakeNodes
from pyheketi.executors.injecting import InjectingExecutor
from pyheketi.planning.limits import UNLIMITED, Limits
from pyheketi.reloading import Hangups, Reloading
from pyheketi.store.archive import Archive, Backup
from pyheketi.store.base import Loaded, Store
from pyheketi.store.opening import open_store
from pyheketi.store.watched import WatchedStore
from pyheketi.telemetry import log

if TYPE_CHECKING:
    from pyheketi.kubernetes.access import Access

_log = logging.getLogger(__name__)

SIMULATED = (
    'The executor is "mock": NO REAL NODE IS TOUCHED. All nodes, disks and volumes are simulated in memory; '
    'for real volumes set "executor": "ssh" in the configuration file'
)


class Parser(argparse.ArgumentParser):
    """Reports faults the way Heketi does: on both outputs, status 255 (config.md §4)."""

    def error(self, message: str) -> NoReturn:
        """End the program."""
        text = message
        if words := re.match(r"unrecognized arguments: (\S+)", message):
            flag = words[1].startswith("-")
            text = f"unknown flag: {words[1]}" if flag else f'unknown command "{words[1]}" for "{self.prog}"'
        elif choice := re.search("^argument [^-].*invalid choice: '([^']*)'", message):
            text = f'unknown command "{choice[1]}" for "{self.prog}"'
        elif missing := re.fullmatch(r"argument (?:\S+/)?(--\S+): expected one argument", message):
            text = f"flag needs an argument: {missing[1]}"
        print(text)  # noqa: T201
        print(f"Error: {text}", file=sys.stderr)  # noqa: T201
        raise SystemExit(255)


class _Uvicorn(uvicorn.Server):
    """An HTTP server that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command ``heketi``."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to take down, it ends like by SIGTERM
    parser = Parser(
        prog="heketi",
        description="GlusterFS volumes on demand. Without a command: run the server.",
        epilog="Commands, each with a --help of its own: heketi db, heketi offline",
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", help="configuration file, usually /etc/heketi/heketi.json")
    parser.add_argument("--disable-auth", action="store_true", help="let everyone in, without a token")
    parser.add_argument("-v", "--version", action="store_true", help="print the version and stop")
    options = parser.parse_args(argv)
    _say(f"Heketi v{__version__} (using python: {platform.python_version()})")
    if options.version:
        return
    if not options.config:
        _die("Please provide configuration file")
    read = partial(_read, options.config, disable_auth=options.disable_auth)
    try:
        loaded = read()
    except load.ConfigError as error:
        _die("\n".join(["ERROR: Unable to parse configuration:", *(f"  {fault}" for fault in error.faults)]))
    log.set_up(loaded.settings.glusterfs.loglevel)
    for warning in loaded.warnings:
        _log.warning("%s", warning)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            status = runner.run(serve(loaded.settings, read))
        except (errors.Error, OSError, ssl.SSLError, ValueError) as error:
            _die(f"ERROR: Unable to start application: {error}")
    _drop_what_nobody_reads()
    raise SystemExit(status)


def _say(text: str) -> None:
    """Tell whoever started the server; nobody may be there to read it any more."""
    with contextlib.suppress(OSError):
        print(text, flush=True)  # noqa: T201


def _drop_what_nobody_reads() -> None:
    """Forget what could not be written because the terminal is gone: Python would end with status 120 over it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            log.silence(stream.fileno())


def _die(text: str) -> NoReturn:
    print(text, file=sys.stderr)  # noqa: T201
    raise SystemExit(1)


def _read(path: str, *, disable_auth: bool) -> load.Loaded:
    """Return the settings in a file and the environment. Raises ``ConfigError``."""
    loaded = load.load(path, os.environ, disable_auth=disable_auth)
    archive = archive_of(loaded.settings)
    databases = (archive.database, *archive.paths()) if archive else ()
    exposed = exposure.warnings(path, loaded.settings, os.environ, databases)
    return replace(loaded, warnings=(*loaded.warnings, *exposed))


async def serve(settings: Settings, read: Callable[[], load.Loaded]) -> int:
    """Serve until a signal says stop, with settings that ``read`` reads again; return the exit status.

    Raises:
        Error: the store or the key file cannot be used.
        OSError: the port or a file cannot be used.
        SSLError: certificate or key make no sense.
        ValueError: a setting for nodes makes no sense.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    hangups = Hangups()
    hangups.receive()
    fatal: list[errors.Error] = []

    def on_fatal(error: errors.Error) -> None:
        fatal.append(error)
        stop.set()

    if settings.disable_auth:
        _log.warning("Heketi started with --disable-auth: everyone who reaches the port may do everything")
    if settings.profiling:
        _log.warning("Profiling is on: everyone who reaches the port may look into the server at /debug/pprof/")
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(garbage.collected_once())
        store = await stack.enter_async_context(opened_store(settings))
        store = await stack.enter_async_context(backed_up(settings, store))
        listener = stack.enter_context(_listen(settings))
        archiving = await stack.enter_async_context(archived(settings, store))
        control_plane, executor = await stack.enter_async_context(running(settings, store, on_fatal))
        metrics = Metrics(control_plane, lambda: archiving.good_at if archiving else None)
        gate = Gate(Mode(settings.default_state), read_only=settings.glusterfs.db_read_only)
        application = _application(settings, control_plane, executor, metrics, gate)
        http = _http(settings, application)
        shown = Certificate(http.ssl, settings.cert_file, settings.key_file) if http.ssl else None
        reloading = Reloading(settings, read, partial(_keep_to, control_plane, application), shown)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, _reset, gate)
        answering = asyncio.create_task(hangups.answer(reloading.again, stop))
        await _serve_http(http, listener, stop, control_plane.let_go)
        answering.cancel()
        _log.info("Closing")
    if fatal:
        _log.critical("The server had to stop: %s", fatal[0])
        return 1
    _log.info("Closed")
    return 0


@contextlib.asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of the settings, ours alone meanwhile unless it is only read. Raises ``StoreError``."""
    place = settings.database_url or settings.glusterfs.db
    archive = archive_of(settings)
    try:
        if archive and not archive.database.exists() and (backup := archive.newest_good()):
            _log.warning(
                "There is no database %s, an empty one is made. %s", archive.database, _way_back(backup, archive)
            )
        store = await open_store(place, read_only=settings.glusterfs.db_read_only)
    except errors.DamagedStore as error:
        if archive and (backup := archive.newest_good()):
            raise errors.DamagedStore(f"{error}\n{_way_back(backup, archive)}") from error
        raise
    try:
        yield store
    finally:
        await store.aclose()


def archive_of(settings: Settings) -> Archive | None:
    """Return the backups of the database file; None if the database is none."""
    place = settings.database_url or settings.glusterfs.db
    if "://" in place and not place.startswith("sqlite:///"):
        return None
    folder = Path(settings.backup_folder) if settings.backup_folder else None
    return Archive(Path(place.removeprefix("sqlite:///")), folder, keep=settings.backup_keep)


def _way_back(backup: Backup, archive: Archive) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(backup.good_at))
    return (
        f"The last good backup held all there was at {when}. To restore it, with the server stopped:\n"
        f"  heketi db restore --from={backup.path} --dbfile={archive.database}"
    )


@contextlib.asynccontextmanager
async def archived(settings: Settings, store: Store) -> AsyncIterator[Archiving | None]:
    """Make backups of the database file meanwhile, if it is one and backups are wanted; yield what makes them."""
    archive = archive_of(settings)
    if archive is None or settings.backup_every_hours < 0 or settings.glusterfs.db_read_only:
        yield None
        return
    archiving = Archiving(store, archive, every=settings.backup_every_hours * 3600)
    task = asyncio.create_task(archiving.watch())
    try:
        yield archiving
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def backed_up(settings: Settings, store: Store) -> AsyncIterator[Store]:
    """Yield a store that is copied to a secret of Kubernetes after changes, if that is wanted and possible."""
    if not settings.backup_db_to_kube_secret or settings.glusterfs.db_read_only:
        yield store
        return
    from pyheketi.kubernetes.secrets import LIMIT, DatabaseSecret  # noqa: PLC0415  # few need it

    try:
        secret = DatabaseSecret(_access(settings.glusterfs), settings.backup_name)
    except ValueError as error:  # Heketi goes on, too
        _log.error("There will be no backups, though backup_db_to_kube_secret is set: %s", error)
        yield store
        return
    backups = Backups(store, secret.put, limit=LIMIT)
    try:
        yield WatchedStore(store, backups.changed)
    finally:
        await backups.aclose()
        await secret.aclose()


@contextlib.asynccontextmanager
async def running(
    settings: Settings, store: Store, on_fatal: Callable[[errors.Error], None]
) -> AsyncIterator[tuple[ControlPlane, Executor]]:
    """Start a control plane on a store; yield it, and the executor it works with."""
    with garbage.none_while_starting():
        loaded = await store.load()
        soundness.warn(loaded.topology, loaded.unfinished)
        executor = make_executor(settings, loaded.topology, lambda: control_plane.tip)
    try:
        control_plane = _control_plane(settings, store, loaded, executor, on_fatal)
        del loaded
        await control_plane.start()
        _log.info("Loaded %s executor; there are %s", executor.name, control_plane.topology)
        try:
            yield control_plane, executor
        finally:
            await control_plane.stop(control_plane.work.rules.shutdown_grace)
    finally:
        await executor.aclose()


def _control_plane(
    settings: Settings, store: Store, loaded: Loaded, executor: Executor, on_fatal: Callable[[errors.Error], None]
) -> ControlPlane:
    seed = settings.glusterfs.seed
    ids = RandomIds() if seed is None else SeededIds(f"{seed}:{loaded.revision}")
    performer = make_performer(settings, executor)
    limits, rules = make_limits(settings.glusterfs), make_rules(settings)
    return ControlPlane(store, loaded, performer, ids, limits, rules, on_fatal)


def make_performer(settings: Settings, executor: Executor) -> Performer:
    """Return what does steps on nodes through an executor. Raises ``ValueError`` for a setting that makes no sense."""
    return Performer(executor, _node_options(settings.glusterfs))


def make_executor(settings: Settings, topology: Topology, tip: Callable[[], Topology]) -> Executor:
    """Return the executor of the settings; ``tip`` tells the present topology, for names of simulated nodes.

    Raises:
        Error: the key file cannot be used.
        ValueError: the cluster of Kubernetes cannot be found, or its credentials cannot be used.
    """
    gluster = settings.glusterfs
    if gluster.executor.startswith("inject/"):
        real = replace(gluster, executor=gluster.executor.removeprefix("inject/"))
        inner = make_executor(replace(settings, glusterfs=real), topology, tip)
        return InjectingExecutor(inner, gluster.injectexec)
    if gluster.executor in KUBERNETES:
        return _kubernetes_executor(gluster)
    if gluster.executor != "mock":
        return _ssh_executor(gluster)

    def manage_host(storage: str) -> str | None:
        node = tip().node(tip().node_stored_at(storage) or "")
        return node.manage_host if node else None

    nodes = FakeNodes.from_topology(
        topology,
        options=_node_options(gluster),
        disk_gib=gluster.mock_device_size_gb,
        find_manage=manage_host,
    )
    _log.warning("%s", SIMULATED)
    return FakeExecutor(nodes)


def _ssh_executor(gluster: GlusterSettings) -> Executor:
    from pyheketi.executors.ssh.executor import SshExecutor, SshOptions  # noqa: PLC0415  # costs a tenth of a second

    ssh = gluster.ssh
    known_hosts = Path(ssh.known_hosts) if ssh.known_hosts else Path(gluster.db).absolute().parent / "known_hosts"
    return SshExecutor(
        SshOptions(
            key_file=Path(ssh.keyfile),
            user=ssh.user,
            port=ssh.port,
            sudo=gluster.nodes.sudo,
            known_hosts=known_hosts,
            more_known_hosts=tuple(Path(each) for each in ssh.trusted_known_hosts),
            learn_host_keys=ssh.learn_host_keys,
            sessions_per_node=ssh.sessions_per_node,
            connect_timeout=ssh.connect_timeout,
            lvm_wrapper=gluster.nodes.lvm_wrapper,
        )
    )


def _kubernetes_executor(gluster: GlusterSettings) -> Executor:
    from pyheketi.executors.kubernetes import KubernetesExecutor, KubernetesOptions  # noqa: PLC0415  # few need it

    kube = gluster.kube
    return KubernetesExecutor(
        _access(gluster, namespace=kube.namespace),
        KubernetesOptions(
            namespace=kube.namespace,
            by_pod_name=kube.use_pod_names,
            by_daemon_set=kube.gluster_daemonset,
            container=kube.container,
            max_connections=kube.max_connections,
            scripts_per_node=kube.sessions_per_node,
            limit_in_pod=not kube.disable_timeout_prefix,
            connect_timeout=kube.connect_timeout,
            lvm_wrapper=gluster.nodes.lvm_wrapper,
        ),
    )


def _access(gluster: GlusterSettings, *, namespace: str = "") -> "Access":
    """Return how to reach Kubernetes; ``namespace`` spares a look for our own. Raises ``ValueError``."""
    from pyheketi.kubernetes import access, kubeconfig  # noqa: PLC0415  # few need it

    if file := gluster.kube.kubeconfig:
        return kubeconfig.from_file(Path(file), gluster.kube.context)
    return access.in_cluster(os.environ, namespace=namespace)


def _node_options(gluster: GlusterSettings) -> NodeOptions:
    nodes = gluster.nodes
    return NodeOptions(
        fstab=nodes.fstab,
        mount_options=nodes.mountopts,
        backup_lvm_metadata=nodes.backup_lvm_metadata,
        gluster_cli_timeout=nodes.gluster_cli_timeout,
        pv_data_alignment=nodes.pv_data_alignment,
        vg_physicalextentsize=nodes.vg_physicalextentsize,
        lv_chunksize=nodes.lv_chunksize,
        xfs_sw=nodes.xfs_sw,
        xfs_su=nodes.xfs_su,
        snapshot_limit=nodes.snapshot_limit,
        rebalance_on_expansion=nodes.rebalance_on_expansion,
        block_prealloc=nodes.block_prealloc,
        debug_umount_failures=nodes.debug_umount_failures,
    )


def make_limits(gluster: GlusterSettings) -> Limits:
    """Return what planning obeys."""
    most = gluster.max_volumes_per_cluster
    return Limits(
        brick_min=gluster.brick_min_size_gb * KIB_PER_GIB,
        brick_max=gluster.brick_max_size_gb * KIB_PER_GIB,
        max_bricks_per_volume=gluster.max_bricks_per_volume,
        max_volumes_per_cluster=most if most > 0 else UNLIMITED,
        average_file_size=gluster.average_file_size_kb,
        zone_checking=gluster.zone_checking,
        pre_options=tuple(gluster.pre_request_volume_options.split(",")),
        post_options=tuple(gluster.post_request_volume_options.split(",")),
        block_hosting_creation=gluster.auto_create_block_hosting_volume,
        block_hosting_size_gib=gluster.block_hosting_volume_size,
        block_hosting_options=tuple(gluster.block_hosting_volume_options.split(",")),
    )


def make_rules(settings: Settings) -> Rules:
    """Return how the house is kept."""
    gluster = settings.glusterfs
    return Rules(
        max_in_flight=gluster.max_inflight_operations if gluster.max_inflight_operations >= 0 else sys.maxsize,
        create_retries=gluster.volume_create_retries,
        job_retention=settings.job_retention_hours * 3600,
        history_retention=settings.history_days * 86400 if settings.history_days >= 0 else math.inf,
        cleaner_enabled=not gluster.disable_background_cleaner,
        cleaner_start=gluster.start_time_background_cleaner,
        cleaner_every=gluster.refresh_time_background_cleaner,
        shutdown_grace=settings.shutdown_grace_seconds,
        read_only=gluster.db_read_only,
        health=HealthSchedule(
            enabled=not gluster.disable_monitor_gluster_nodes,
            start=gluster.start_time_monitor_gluster_nodes,
            every=gluster.refresh_time_monitor_gluster_nodes,
        ),
    )


def _listen(settings: Settings) -> socket.socket:
    """Return a socket that listens on the port, on all addresses unless one is set."""
    host = settings.bind_address
    both = not host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, settings.port), family=family, backlog=2048, dualstack_ipv6=both)
    except OSError as error:
        where = f"{host or '*'}:{settings.port}"
        raise OSError(f"HTTP Server error: cannot listen on {where}: {error.strerror}") from error


def _application(
    settings: Settings, control_plane: ControlPlane, executor: Executor, metrics: Metrics, gate: Gate
) -> Application:
    endpoints = table()
    return Application(
        control_plane,
        endpoints,
        keys=_keys(settings),
        open_pages=openapi.open_pages(endpoints.endpoints, __version__),
        headers={"X-Heketi-Executor": executor.name} if executor.simulated else {},
        body_limit=_body_limit(settings),
        gate=gate,
        metrics=metrics,
        profiles=Profiles() if settings.profiling else None,
    )


def _keep_to(control_plane: ControlPlane, application: Application, before: Settings, now: Settings) -> None:
    """Put settings in force that were read again. A log level that somebody set meanwhile stays if the file's does."""
    control_plane.keep_to(make_limits(now.glusterfs), make_rules(now))
    application.keep_to(keys=_keys(now), body_limit=_body_limit(now))
    if now.glusterfs.loglevel != before.glusterfs.loglevel:
        log.set_level(now.glusterfs.loglevel)


def _http(settings: Settings, application: Application) -> uvicorn.Config:
    """Return how the application is served. Raises ``OSError``, ``SSLError``: the certificate cannot be used."""
    config = uvicorn.Config(
        application,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        ssl_certfile=settings.cert_file if settings.enable_tls else None,
        ssl_keyfile=settings.key_file if settings.enable_tls else None,
    )
    config.load()
    return config


async def _serve_http(
    http: uvicorn.Config, listener: socket.socket, stop: asyncio.Event, let_go: Callable[[], None]
) -> None:
    """Serve until ``stop``; ``let_go`` has all requests answered that wait."""
    server = _Uvicorn(http)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    secure = " with TLS enabled" if http.is_ssl else ""
    _say(f"Listening on port {listener.getsockname()[1]}{secure}")
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    _say("Shutting down...")
    stopping.cancel()
    server.should_exit = True
    let_go()
    await serving


def _reset(gate: Gate) -> None:
    if gate.reset():
        _log.warning("Mode is normal again, by SIGUSR2")
    else:
        _log.warning("Mode stays read-only in spite of SIGUSR2: the database is open for reading only (db_read_only)")


def _keys(settings: Settings) -> auth.Keys | None:
    """Return the shared secrets; None lets everyone in."""
    if settings.disable_auth:
        return None
    leeway = settings.iat_leeway_seconds
    return auth.Keys(admin=settings.admin_key, user=settings.user_key, iat_leeway=leeway)


def _body_limit(settings: Settings) -> int:
    return settings.request_body_limit_kb * 1024


if __name__ == "__main__":
    main()
