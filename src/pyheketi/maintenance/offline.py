"""``heketi offline``: what is done while no server runs (config.md §4)."""

import logging
from collections.abc import Callable
from dataclasses import replace

from pyheketi import server
from pyheketi.api import examining
from pyheketi.config.settings import Settings
from pyheketi.control_plane.examiner import examine
from pyheketi.domain import errors
from pyheketi.domain.topology import Topology
from pyheketi.migrate import exporting
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volumes
from pyheketi.wire.dump import text

_log = logging.getLogger(__name__)

_LEVEL = "user.heketi.dbstoragelevel"
_TUNED = (
    *((f"performance.{name}", "off") for name in ("stat-prefetch", "write-behind", "open-behind", "quick-read")),
    ("performance.strict-o-direct", "on"),
    *((f"performance.{name}", "off") for name in ("read-ahead", "io-cache", "readdir-ahead")),
    (_LEVEL, "1"),
)
"""Options of the volume that holds the database: what it says is written must be on disk (executors.md §7)."""


async def clean_up(settings: Settings, began: Callable[[], None]) -> int:
    """Bring all unfinished operations to an end; return how many could not be. ``began`` is called when all is ready.

    Raises:
        Error: the database or the key file cannot be used, or the database is only to be read.
    """
    if settings.glusterfs.db_read_only:
        raise errors.StoreError("Operations cannot be brought to an end: db_read_only is set")
    fatal: list[errors.Error] = []
    async with (
        server.opened_store(settings) as store,
        server.running(settings, store, fatal.append) as (control_plane, _),
    ):
        began()
        await control_plane.settle()
        await control_plane.clean_up(())
        await control_plane.settle()
        left = control_plane.operations
    for operation in left:
        _log.error("%s %s is not at its end: %s", operation.kind.label, operation.id, operation.error)
    return len(left)


async def examination(settings: Settings) -> str:
    """Return what the nodes have, beside the database, as JSON. Nothing is changed.

    Raises:
        Error: the database or the key file cannot be used.
    """
    async with server.opened_store(_only_reading(settings)) as store:
        loaded = await store.load()
        topology = loaded.topology
        executor = server.make_executor(settings, topology, lambda: topology)
        try:
            found = await examine(topology, server.make_performer(settings, executor))
        finally:
            await executor.aclose()
    database = exporting.exported(topology, loaded.unfinished, loaded.generation)
    told = examining.examination_to_wire(topology, database, found, 0)
    return text(told.model_copy(update={"report": told.report[1:]}))  # without the line on operations of a server


async def tune_database_volume(settings: Settings, name: str) -> bool:
    """Give the volume that holds the database options that keep databases whole; return whether it lacked them.

    Raises:
        Error: there is no such volume, or gluster cannot do it.
    """
    async with server.opened_store(_only_reading(settings)) as store:
        topology = Topology((await store.load()).entities)
        volume = next((each for each in topology.volumes() if each.name == name), None)
        if volume is None:
            raise errors.NotFound(f"Volume {name} not found")
        executor = server.make_executor(settings, topology, lambda: topology)
        try:
            performer = server.make_performer(settings, executor)
            hosts = volumes.gluster_hosts(topology, volume.cluster, Avoid())
            if (await performer.options_of(hosts, name)).get(_LEVEL, "0") != "0":
                return False
            await performer.set_options(hosts, name, _TUNED)
        finally:
            await executor.aclose()
    return True


def _only_reading(settings: Settings) -> Settings:
    return replace(settings, glusterfs=replace(settings.glusterfs, db_read_only=True))
