"""``heketi db scrub`` and ``heketi db forget-volume``: give up what nodes that are gone for ever cannot end.

No node is asked or touched. The database is copied beside itself first, changed in one transaction, and only if that
makes no new contradictions.
"""

import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyheketi.domain import errors, invariants
from pyheketi.domain.topology import Topology
from pyheketi.maintenance import sources
from pyheketi.migrate import checking, exporting
from pyheketi.migrate.findings import Rule
from pyheketi.operations.operation import Operation
from pyheketi.planning import scrubbing
from pyheketi.planning.leftovers import Leftovers
from pyheketi.planning.scrubbing import Forgetting
from pyheketi.store import copying, files
from pyheketi.store.base import Loaded, Store
from pyheketi.store.opening import open_file, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which database, and where the result goes."""

    database: str
    """Path of a file, or address of a PostgreSQL database."""
    out: Path | None = None
    """The file to make; None to change the database itself."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done."""

    left: tuple[Leftovers, ...]
    backup: Path | None = None
    """Copy of the database as it was; None if it was not changed."""
    written: str = ""
    """Database that holds the result; empty if nothing was written."""


Decision = Callable[[Store, Loaded, Topology], Awaitable[Forgetting]]


async def scrub(place: Place, *, ids: Sequence[str], keep_space: bool) -> Report:
    """End operations without asking nodes; no ``ids`` mean all, and marks of operations that do not exist.

    Raises:
        Error: it cannot be done; nothing was changed, and the text says what to do.
        OSError: a file cannot be read or written.
    """

    async def decide(store: Store, loaded: Loaded, topology: Topology) -> Forgetting:
        return scrubbing.end(
            topology,
            await _chosen(store, loaded, ids) if ids else loaded.unfinished,
            unfinished=loaded.unfinished,
            keep_space=keep_space,
            now=time.time(),
            marks=not ids,
        )

    return await _change(place, decide, "scrub")


async def forget_volumes(place: Place, *, ids: Sequence[str], keep_space: bool) -> Report:
    """Forget volumes that nobody deletes on the nodes.

    Raises:
        Error: it cannot be done; nothing was changed, and the text says what to do.
        OSError: a file cannot be read or written.
    """

    async def decide(store: Store, loaded: Loaded, topology: Topology) -> Forgetting:  # noqa: ARG001  # as above
        return scrubbing.forget_volumes(topology, ids, keep_space=keep_space)

    return await _change(place, decide, "forget-volume")


async def _chosen(store: Store, loaded: Loaded, ids: Sequence[str]) -> list[Operation]:
    known = {operation.id: operation for operation in loaded.unfinished}
    for id_ in ids:
        if id_ not in known:
            ended = await store.operation(id_)
            why = f"Operation {id_} has ended already" if ended else f"There is no operation with the id {id_}"
            there = "".join(f"\n  {each.id}  {each.kind.type_name}" for each in loaded.unfinished) or " none"
            raise errors.NotFound(f"{why}. Unfinished are:{there}")
    return [operation for operation in loaded.unfinished if operation.id in ids]


async def _change(place: Place, decide: Decision, what: str) -> Report:
    if place.out is not None:
        sources.require_free(place.out)
    store = await _opened(place.database)
    try:
        loaded = await store.load()
        topology = loaded.topology
        made = await decide(store, loaded, topology)
        _require_no_worse(loaded, topology, made)
        if place.dry_run or not (made.changes or made.operations):
            return Report(left=made.left)
        copy = await store.backup() or await copying.copied(loaded)
        if place.out is not None:
            await _write_elsewhere(place.out, copy, made, _owner(place.database))
            return Report(left=made.left, written=str(place.out))
        backup = _keep(place.database, copy, what)
        await store.commit(made.changes, made.operations, expected=loaded.revision)
        return Report(left=made.left, backup=backup, written=_shown(place.database))
    finally:
        await store.aclose()


async def _opened(database: str) -> Store:
    """Open a database of ours, which must be there, and own it. Raises ``StoreError``, ``OSError``."""
    if not _is_address(database):
        _require_ours(_path(database))
    try:
        return await open_store(database)
    except errors.StoreLocked as error:
        nodes = " If the nodes can be reached, let it clean up itself instead: heketi-cli server operations cleanup"
        raise sources.in_use(error, nodes) from error


def _require_ours(path: Path) -> None:
    if not path.is_file():
        raise errors.StoreError(f"There is no database {path}. Name the file of the setting db.")
    if not sources.is_ours(path):
        kind = "a database of Heketi 10 or older" if sources.is_heketis_own(path) else "no database of pyheketi"
        raise errors.StoreError(
            f"{path} is {kind}, which is not written to. Import it first: heketi db import --from={path}"
        )


def _is_address(database: str) -> bool:
    return "://" in database and not database.startswith("sqlite:")


def _shown(database: str) -> str:
    """Return an address without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", database) if _is_address(database) else database


def _require_no_worse(loaded: Loaded, before: Topology, made: Forgetting) -> None:
    """Make sure that the result has no contradiction that was not there before."""
    ended = {operation.id for operation in made.operations}
    running = [operation for operation in loaded.unfinished if operation.id not in ended]
    was = _contradictions(before, loaded.unfinished)
    fresh = [text for key, text in _contradictions(made.topology, running).items() if key not in was]
    if fresh:
        raise errors.Conflict("\n  ".join(["Nothing was written, the result would contradict itself:", *fresh]))


def _contradictions(topology: Topology, operations: Sequence[Operation]) -> dict[object, str]:
    """Return what is wrong, by what stays the same when only amounts change."""
    found: dict[object, str] = {re.sub(r"-?\d+ (KiB|GiB)", "", text): text for text in invariants.check(topology)}
    for each in checking.findings(exporting.exported(topology, operations, "", at_rest=True)):
        if each.rule is not Rule.DEVICE_USED:  # space in use that is not ours is no contradiction here
            found[each.key] = each.text
    return found


def _keep(database: str, copy: bytes, what: str) -> Path:
    """Write a copy of the database beside it, on the disk when this returns, and never over another file."""
    beside = Path("heketi.db") if _is_address(database) else _path(database)
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    name = f"{beside.name}.before-{what}-{moment}"
    kept = next(
        each
        for number in range(1000)
        if not os.path.lexists(each := beside.with_name(name + f".{number}" * (number > 0)))
    )
    files.write(kept, copy, _owner(database))
    files.sync_directory(kept.parent)
    return kept


def _path(database: str) -> Path:
    return Path(database.removeprefix("sqlite:///")).resolve()


def _owner(database: str) -> os.stat_result | None:
    return None if _is_address(database) else _path(database).stat()


async def _write_elsewhere(out: Path, copy: bytes, made: Forgetting, owner: os.stat_result | None) -> None:
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        files.write(fresh, copy, owner)
        store = await open_file(fresh)
        try:
            revision = (await store.load()).revision
            await store.commit(made.changes, made.operations, expected=revision)
        finally:
            await store.aclose()
        sources.require_free(out)
        fresh.rename(out)
        files.sync_directory(out.parent)
    finally:
        for left in fresh.parent.glob(f"{fresh.name}*"):
            left.unlink()
