"""``heketi db``: import, export, consistency-check, delete-bricks-with-empty-path (config.md §4)."""

import asyncio
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyheketi.domain import errors, invariants
from pyheketi.maintenance import sources
from pyheketi.migrate import checking, exporting, importing, repairing
from pyheketi.migrate.findings import Finding
from pyheketi.migrate.importing import Imported
from pyheketi.migrate.repairing import RepairPlan
from pyheketi.store import copying, files
from pyheketi.store.base import Loaded
from pyheketi.wire import checks
from pyheketi.wire.check import Check
from pyheketi.wire.dump import Dump, text

KEPT = ".heketi10"
"""What the name of an original's file gets when ours takes its place."""


_SHOWN = 20
"""Contradictions that an import tells one by one."""


def place_of(source: Path) -> Path:
    """Return where a database goes if nobody said where: in the place of the original's own.

    Raises:
        StoreError: the source is an export, which has no such place.
        OSError: it cannot be read.
    """
    if not sources.is_heketis_own(source):
        raise errors.StoreError("Please provide path for db file")
    return source


def import_(source: Path, target: Path) -> list[str]:
    """Make a database of ours at ``target`` from what is at ``source``; return what a person should know.

    The source is never written to. If it stands where the target shall be, it is renamed, at the very end.

    Raises:
        StoreError: it cannot be read or taken over, or something is in the way; nothing was changed.
        OSError: a file cannot be read or written.
    """
    in_place = target.exists() and target.samefile(source)
    kept = target.with_name(target.name + KEPT)
    sources.require_free(kept if in_place else target)
    document = asyncio.run(sources.read(source))
    found = importing.imported(document)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        loaded = Loaded(entities=tuple(found.topology.entities()), unfinished=found.operations, revision=0)
        asyncio.run(copying.write_file(fresh, loaded))
        _give_to_owner_of(source, fresh)
        if in_place:
            target.rename(kept)
        fresh.rename(target)
        files.sync_directory(target.parent)
    finally:
        for left in fresh.parent.glob(f"{fresh.name}*"):
            left.unlink()
    said = [_summary(document), *found.notes, *_left_wrong(found)]
    return [*said, f"The original was kept as {kept}"] if in_place else said


def _give_to_owner_of(source: Path, made: Path) -> None:
    """Let the user that the old server ran as open the new file, too."""
    owner = source.stat()
    if os.geteuid() == 0:
        os.chown(made, owner.st_uid, owner.st_gid)


def _left_wrong(found: Imported) -> Iterator[str]:
    """Yield what is still wrong in what was made of a document."""
    document = exporting.exported(found.topology, found.operations, "", at_rest=True)
    left = [*(each.text for each in checking.findings(document)), *invariants.check(found.topology)]
    yield from (f"Still wrong: {text}" for text in left[:_SHOWN])
    if len(left) > _SHOWN:
        yield f"Still wrong: {len(left) - _SHOWN} things more"
    if left:
        yield "What that means, and what to do: heketi db consistency-check --explain"


def _summary(document: Dump) -> str:
    counts: Mapping[str, int] = {
        "clusters": len(document.clusterentries),
        "nodes": len(document.nodeentries),
        "devices": len(document.deviceentries),
        "volumes": len(document.volumeentries),
        "bricks": len(document.brickentries),
        "block volumes": len(document.blockvolumeentries),
        "unfinished operations": len(document.pendingoperations),
    }
    return "Found " + ", ".join(f"{count} {name}" for name, count in counts.items())


def export(source: Path, target: str) -> None:
    """Write what is at ``source`` as JSON that Heketi can import; ``-`` is standard output.

    Raises:
        StoreError: it cannot be read, or the target exists.
        OSError: a file cannot be read or written.
    """
    written = text(asyncio.run(sources.read(source))) + "\n"
    if target == "-":
        sys.stdout.write(written)
        return
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise errors.StoreError(f"Could not create json file: open {target}: file exists") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(written)


def check(source: Path) -> Check:
    """Return what is wrong in the database at ``source``.

    Raises:
        StoreError: it cannot be read.
        OSError: as above.
    """
    return checking.check(asyncio.run(sources.read(source)))


def findings(source: Path) -> tuple[Finding, ...]:
    """Return what is wrong in the database at ``source``, by rule and object.

    Raises:
        StoreError: it cannot be read.
        OSError: as above.
    """
    return checking.findings(asyncio.run(sources.read(source)))


def repairs(source: Path) -> RepairPlan:
    """Return what could be done about it, and what an import would do.

    Raises:
        StoreError: it cannot be read.
        OSError: as above.
    """
    return repairing.plan(asyncio.run(sources.read(source)))


def delete_bricks_without_path(
    source: Path, *, everywhere: bool, clusters: list[str], nodes: list[str], devices: list[str]
) -> int:
    """Return how many bricks without a path were removed: databases of ours never hold one.

    Raises:
        StoreError: an id is none, or not known; or the file is one of the original's, which is never written to.
    """
    document = asyncio.run(sources.read(source))
    if sources.is_heketis_own(source):
        raise errors.StoreError(
            f"{source} is a database of Heketi 10 or older, which is not written to: heketi db import leaves such"
            " bricks out"
        )
    known = ((clusters, document.clusterentries), (nodes, document.nodeentries), (devices, document.deviceentries))
    for wanted, entries in known if not everywhere else ():
        for id_ in wanted:
            if problem := checks.uuid(id_):
                raise errors.StoreError(problem)
            if id_ not in entries:
                raise errors.StoreError("Id not found")
    return sum(not brick.Info.path for brick in document.brickentries.values())
