"""Scripts that clone volumes (executors.md §8), and where gluster puts the bricks of clones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyheketi.commands import files, gluster, lvm, lvm_report
from pyheketi.commands.bricks import SNAPSHOTS
from pyheketi.commands.command import Command, Result, Script
from pyheketi.commands.gluster_xml import GlusterVolume
from pyheketi.commands.options import NodeOptions
from pyheketi.commands.volumes import OWNER
from pyheketi.domain import errors
from pyheketi.operations.steps import BrickPlace, CloneVolume

_LOOK_LIMIT = 300.0
"""Seconds to look at a volume group."""


def create(step: CloneVolume, options: NodeOptions) -> Script:
    """Make the snapshot, and of it the clone, and start it."""
    return _script(
        [
            gluster.create_snapshot(step.snapshot, step.source, options),
            gluster.activate_snapshot(step.snapshot, options),
            gluster.clone_snapshot(step.snapshot, step.name, options),
            gluster.start_volume(step.name, options),
            gluster.set_options(step.name, ((OWNER, step.volume),), options),  # refused before the first start
        ],
        options,
    )


def delete_snapshot(name: str, options: NodeOptions) -> Script:
    """Delete a snapshot."""
    return _script([gluster.delete_snapshot(name, options)], options)


def look_at_snapshots(options: NodeOptions) -> Script:
    """Ask for all snapshots."""
    return _script([gluster.list_snapshots(options)], options)


def stop(name: str, options: NodeOptions) -> Script:
    """Stop a volume."""
    return _script([gluster.stop_volume(name, options)], options)


def delete_volume(name: str, options: NodeOptions) -> Script:
    """Delete a stopped volume."""
    return _script([gluster.delete_volume(name, options)], options)


def is_ours(step: CloneVolume, found: GlusterVolume, snapshots: Sequence[str]) -> bool:
    """Return whether a volume is the clone that the step makes.

    It carries its id from soon after it is made; until then its snapshot is there, which nobody else names so.
    """
    if dict(found.options).get(OWNER) == step.volume:
        return True
    paths = [name.partition(":")[2] for name in found.bricks]
    return step.snapshot in snapshots and all(path.startswith(SNAPSHOTS) for path in paths)


def places(step: CloneVolume, clone: GlusterVolume) -> Iterator[BrickPlace]:
    """Yield where the bricks of a clone are, in the step's order; the LV of each is not known yet.

    Raises:
        ValueError: it has not as many bricks on a host as it must have.
    """
    found: dict[str, list[str]] = {}
    for name in clone.bricks:
        host, _, path = name.partition(":")
        found.setdefault(host, []).append(path)
    for each in step.bricks:
        paths = found.get(each.place.storage_host)
        if not paths:
            raise ValueError(f"volume {clone.name} lacks a brick on {each.place.storage_host}")
        path = paths.pop(0)
        yield replace(
            each.place, brick=each.clone, logical_volume="", path=path, mount_point=path.removesuffix("/brick")
        )


def look(place: BrickPlace) -> Script:
    """Ask for the logical volumes of a brick's volume group."""
    return Script(commands=(lvm.logical_volumes_of(place.volume_group),), limit=_LOOK_LIMIT)


def sync(place: BrickPlace) -> Script:
    """Have it written to disk whose brick this is; without that, gluster refuses it after a power cut."""
    return Script(commands=(files.sync(place.path),), limit=_LOOK_LIMIT)


def logical_volume(place: BrickPlace, clone: GlusterVolume, result: Result) -> str | None:
    """Return the name of the LV that a clone's brick is; None if there is none.

    Gluster names it after the clone and numbers it for each node. It lies in the thin pool of the brick it was made of.

    Raises:
        CommandFailed: LVM could not tell.
        Unexpected: the answer makes no sense.
    """
    if not result.ok:
        raise result.failure(place.host)
    try:
        volumes = lvm_report.parse_logical_volumes(result.stdout)
    except ValueError as error:
        raise errors.Unexpected(place.host, f"Node {place.host} gave an answer that makes no sense: {error}") from error
    prefix = clone.uuid.replace("-", "") + "_"
    return next((each.name for each in volumes if each.pool == place.thin_pool and each.name.startswith(prefix)), None)


def _script(commands: list[Command], options: NodeOptions) -> Script:
    return Script(commands=tuple(commands), limit=options.gluster_limit * len(commands))
