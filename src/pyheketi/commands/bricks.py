"""Scripts that make and destroy bricks (executors.md §6), and what a node says of one."""

import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyheketi.commands import files, fstab, lvm, lvm_report, mount, xfs
from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.commands.mount import Mount
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.operations.steps import BrickPlace, CreateBrick

SNAPSHOTS = ("/run/gluster/snaps/", "/var/run/gluster/snaps/")
"""Where gluster mounts bricks of snapshots and clones, in a directory for each volume."""

_NAME = re.compile(r"\w+")
_MOUNT_POINT = re.compile(r"/[\w./-]+")

CREATE_LIMIT = 600.0
"""Seconds to make a brick."""
LOOK_LIMIT = 60.0
"""Seconds to tell what is mounted."""
DESTROY_LIMIT = 300.0
"""Seconds to look at a brick, and to destroy it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrickFacts:
    """What there is of a brick on its node."""

    mounts: int
    """How often something is mounted at its mount point."""
    in_fstab: bool
    has_volume: bool
    """Whether its logical volume exists."""
    has_pool: bool
    pool_is_shared: bool
    """Whether other logical volumes lie in its thin pool."""
    has_directory: bool
    """Whether its mount point exists."""
    has_group: bool = True
    """Whether its volume group exists; if not, nothing is known of what it holds."""


def create(step: CreateBrick, options: NodeOptions) -> Script:
    """Make a brick of which nothing exists."""
    device = _device(step.place)
    return Script(
        commands=(
            files.make_directory(posixpath.dirname(step.place.mount_point), parents=True),
            files.make_directory(step.place.mount_point),  # what is there already is somebody else's
            _create_volume(step, options),
            xfs.make(device, options, arbiter=step.arbiter),
            fstab.add(device, step.place.mount_point, options),
            mount.mount(device, step.place.mount_point, options.mount_options),
            files.make_directory(step.place.path),
            *_permissions(step),
        ),
        limit=CREATE_LIMIT,
    )


def complete(step: CreateBrick, facts: BrickFacts, options: NodeOptions) -> Script:
    """Make what a brick lacks."""
    place, device = step.place, _device(step.place)
    commands: list[Command] = [files.make_directory(place.mount_point, parents=True)]
    if not facts.has_volume:
        if facts.has_pool and not facts.pool_is_shared:
            commands.append(lvm.remove_logical_volume(place.volume_group, place.thin_pool, options))
        commands.append(_create_volume(step, options))
    if not facts.mounts:
        # An LV that was there may hold its file system already: mkfs.xfs sees that, and mount decides.
        commands.append(xfs.make(device, options, arbiter=step.arbiter, may_fail=facts.has_volume))
    if not facts.in_fstab:
        commands.append(fstab.add(device, place.mount_point, options))
    if not facts.mounts:
        commands.append(mount.mount(device, place.mount_point, options.mount_options))
    commands.append(files.make_directory(place.path, parents=True))
    commands.extend(_permissions(step))
    return Script(commands=tuple(commands), limit=CREATE_LIMIT)


def remount(place: BrickPlace, facts: BrickFacts, options: NodeOptions) -> Script:
    """Mount a brick whose logical volume is there, and give it the line in fstab that it lacks.

    The line comes last: one that cannot be mounted keeps the node from booting. Gluster mounts bricks of clones itself.
    """
    device = _device(place)
    commands: list[Command] = []
    if not facts.has_directory:
        commands.append(files.make_directory(place.mount_point, parents=True))
    if not facts.mounts:
        commands.append(lvm.activate(place.volume_group, place.logical_volume))  # its disk may have come too late
        commands.append(mount.mount(device, place.mount_point, options.mount_options))
    if not facts.in_fstab and not is_of_clone(place):
        commands.append(fstab.add(device, place.mount_point, options))
    return Script(commands=tuple(commands), limit=CREATE_LIMIT)


def is_of_clone(place: BrickPlace) -> bool:
    """Return whether gluster mounts a brick, and not fstab."""
    return place.mount_point.startswith(SNAPSHOTS)


def targets(place: BrickPlace) -> frozenset[str]:
    """Return the names that a brick's mount point may have in a mount table: ``/var/run`` is a link to ``/run``."""
    return frozenset({place.mount_point, place.mount_point.removeprefix("/var")})


def look_at_mounts() -> Script:
    """Ask what is mounted."""
    return Script(commands=(mount.table(),), limit=LOOK_LIMIT)


def read_mounts(host: str, results: Sequence[Result]) -> tuple[Mount, ...]:
    """Return what is mounted. Raises ``Unexpected`` for an answer that makes no sense."""
    (answer,) = results
    with _making_sense(host):
        return mount.parse_table(answer.stdout)


def look(place: BrickPlace, options: NodeOptions) -> Script:
    """Ask what there is of a brick."""
    _device(place)
    return Script(
        commands=(
            mount.table(),
            fstab.show(options),
            lvm.logical_volumes_of(place.volume_group),
            files.has_directory(place.mount_point),
        ),
        limit=DESTROY_LIMIT,
    )


def read_look(place: BrickPlace, results: Sequence[Result]) -> BrickFacts:
    """Return what ``look`` found.

    Raises:
        CommandFailed: LVM or fstab could not be read, so that nothing is known.
        Unexpected: an answer makes no sense.
    """
    mounted, lines, listed, directory = results
    host = place.host
    if not lines.ok and "no such file" not in lines.stderr.lower():
        raise lines.failure(host)
    if not listed.ok and not lvm_report.lacks_group(listed, place.volume_group):
        raise listed.failure(host)
    with _making_sense(host):
        table = mount.parse_table(mounted.stdout)
        volumes = lvm_report.parse_logical_volumes(listed.stdout) if listed.ok else ()
    pool = next((volume for volume in volumes if volume.name == place.thin_pool), None)
    ours = any(volume.name == place.logical_volume for volume in volumes)
    others = [v for v in volumes if v.pool == place.thin_pool and v.name != place.logical_volume]
    points = targets(place)
    return BrickFacts(
        mounts=sum(each.target in points for each in table),
        in_fstab=lines.ok and fstab.names(lines.stdout, place.brick),
        has_volume=ours,
        has_pool=pool is not None,
        pool_is_shared=bool(others) or (pool is not None and pool.thin_count > ours),
        has_directory=directory.ok,
        has_group=listed.ok,
    )


def look_everywhere() -> Script:
    """Ask what is in all volume groups."""
    return Script(commands=(lvm.all_logical_volumes(),), limit=DESTROY_LIMIT)


def read_other_group(place: BrickPlace, results: Sequence[Result]) -> str:
    """Return the volume group that a brick lies in although it should not; empty if it lies in none.

    Raises:
        CommandFailed: LVM could not tell.
        Unexpected: the answer makes no sense.
    """
    (listed,) = results
    if not listed.ok:
        raise listed.failure(place.host)
    with _making_sense(place.host):
        volumes = lvm_report.parse_logical_volumes(listed.stdout)
    ours = (place.logical_volume, place.thin_pool)
    return next((v.volume_group for v in volumes if v.name in ours and v.volume_group != place.volume_group), "")


def is_taken(place: BrickPlace, failed: Result) -> bool:
    """Return whether a brick could not be made because something else has its name."""
    match failed.command.program:
        case Program.MKDIR:
            return failed.command.args == (place.mount_point,) and "file exists" in failed.output.lower()
        case Program.LVM:
            return "already exists in volume group" in failed.output.lower()
        case _:
            return False


def clear(place: BrickPlace) -> Script:
    """Remove the mount point of a brick of which nothing else was made."""
    return Script(commands=(files.remove_directory(place.mount_point),), limit=DESTROY_LIMIT)


def destroy(place: BrickPlace, facts: BrickFacts, options: NodeOptions) -> Script:
    """Remove what there is of a brick, in the order that always leaves a node that boots: fstab before the volume."""
    commands: list[Command] = [mount.umount(place.mount_point)] * facts.mounts
    if facts.in_fstab:
        commands.append(fstab.remove(place.brick, options))
    if facts.has_volume:
        commands.append(lvm.remove_logical_volume(place.volume_group, place.logical_volume, options))
    if facts.has_pool and not facts.pool_is_shared:
        commands.append(lvm.remove_logical_volume(place.volume_group, place.thin_pool, options, may_fail=True))
    if facts.has_directory:
        commands.append(files.remove_directory(place.mount_point))
    if is_of_clone(place):
        commands.append(files.remove_directory(posixpath.dirname(place.mount_point)))
    return Script(commands=tuple(commands), limit=DESTROY_LIMIT)


def pool_is_gone(place: BrickPlace, facts: BrickFacts, results: Sequence[Result]) -> bool:
    """Return whether the thin pool is gone after ``destroy``, so that its space is free again."""
    if not facts.has_group:
        return False  # nobody has seen it go: the disk may come back
    pool = f"{place.volume_group}/{place.thin_pool}"
    return not facts.has_pool or any(result.ok and result.command.args[-1:] == (pool,) for result in results)


def is_at(gluster_name: str, volume_group: str, brick: str) -> bool:
    """Return whether gluster's ``host:path`` lies on a brick, whatever folder its volume group is mounted in."""
    folders = gluster_name.split("/")
    return (volume_group, f"brick_{brick}") in itertools.pairwise(folders)


def users(place: BrickPlace) -> Script:
    """Ask who keeps a brick busy."""
    return Script(commands=(mount.users_of(place.mount_point),), limit=DESTROY_LIMIT)


@contextmanager
def _making_sense(host: str) -> Iterator[None]:
    """Read what a node said. Raises ``Unexpected`` for a ``ValueError``."""
    try:
        yield
    except ValueError as error:
        raise errors.Unexpected(host, f"Node {host} gave an answer that makes no sense: {error}") from error


def _create_volume(step: CreateBrick, options: NodeOptions) -> Command:
    return lvm.create_thin_volume(
        step.place.volume_group,
        step.place.thin_pool,
        step.place.logical_volume,
        size=step.size,
        pool_size=step.pool_size,
        metadata_size=step.metadata_size,
        options=options,
        arbiter=step.arbiter,
    )


def _permissions(step: CreateBrick) -> tuple[Command, ...]:
    return files.give_to_group(step.place.path, step.gid) if step.gid else ()


def _device(place: BrickPlace) -> str:
    """Return the device-mapper name of a brick, whose own names are checked here once more.

    Raises:
        ValueError: a name that no brick of ours has: a bug.
    """
    for name in (place.volume_group, place.thin_pool, place.logical_volume, place.brick):
        if not _NAME.fullmatch(name):
            raise ValueError(f"not the name of anything of a brick: {name!r}")
    if not _MOUNT_POINT.fullmatch(place.mount_point) or ".." in place.mount_point:
        raise ValueError(f"not a mount point of a brick: {place.mount_point!r}")
    if place.path != f"{place.mount_point}/brick":
        raise ValueError(f"not the directory of a brick: {place.path!r}")
    return place.device_path
