"""Scripts that make, grow and delete gluster volumes (executors.md §7)."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pyheketi.commands import gluster
from pyheketi.commands.command import Command, Script
from pyheketi.commands.gluster_xml import GlusterVolume
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.domain.durability import Disperse, Distribute, Durability, Replicate
from pyheketi.operations.steps import AddBricks, CreateVolume, ReplaceBrick

OWNER = "user.heketi.id"
"""Option that holds our id of a volume."""

_NEVER_SET = "user.heketi.settled"
"""Option that no volume has."""

_LONGEST_OPTION = 4000
"""Bytes of an option's key and value together. From some 4100 on, setting it kills glusterd (seen with 11.1)."""

_LONGEST_SHOWN = 80
"""Characters of an option that an error shows."""

BrickSets = Sequence[tuple[str, ...]]
"""Brick sets by gluster's names of bricks."""


def create(step: CreateVolume, options: NodeOptions) -> Script:
    """Make a volume, its options set, and start it."""
    first, *others = step.brick_sets
    return _script(
        [
            gluster.create_volume(step.name, _words(step.durability), first, options),
            *_add(step.name, step.durability, others, options),
            *_set(step, options),
            gluster.start_volume(step.name, options),
        ],
        options,
    )


def complete(step: CreateVolume, made: GlusterVolume, options: NodeOptions) -> Script:
    """Add what a volume of ours lacks, set its options, and start it if it is stopped."""
    missing = [each for each in step.brick_sets if not set(each) & set(made.bricks)]
    start = () if made.started else (gluster.start_volume(step.name, options),)
    return _script([*_add(step.name, step.durability, missing, options), *_set(step, options), *start], options)


def is_ours(step: CreateVolume, found: GlusterVolume) -> bool:
    """Return whether a volume is the one that the step makes: it has no bricks but the step's."""
    return bool(found.bricks) and set(found.bricks) <= {brick for each in step.brick_sets for brick in each}


def set_options(name: str, pairs: Sequence[tuple[str, str]], options: NodeOptions) -> Script:
    """Set options of a volume, all at once."""
    return _script([gluster.set_options(name, tuple(pairs), options)], options)


def settle(name: str, options: NodeOptions) -> Script:
    """Change nothing of a volume, or of none, which glusterd does only when it has nothing else at work on it."""
    return _script([gluster.reset_option(name, _NEVER_SET, options)], options)


def look(name: str, options: NodeOptions) -> Script:
    """Ask for a volume."""
    return _script([gluster.volume_info(name, options)], options)


def delete(found: GlusterVolume, options: NodeOptions) -> Script:
    """Stop a volume that is started, and delete it."""
    stop = (gluster.stop_volume(found.name, options),) if found.started else ()
    return _script([*stop, gluster.delete_volume(found.name, options)], options)


def start(name: str, options: NodeOptions) -> Script:
    """Start a volume."""
    return _script([gluster.start_volume(name, options)], options)


def start_bricks(name: str, options: NodeOptions) -> Script:
    """Start all brick processes of a volume that do not run."""
    return _script([gluster.start_bricks(name, options)], options)


def look_at_bricks(name: str, options: NodeOptions) -> Script:
    """Ask which brick processes run; of all volumes that are started if ``name`` is ``all``."""
    return _script([gluster.volume_status(name, options)], options)


def add_bricks(step: AddBricks, present: Iterable[str], options: NodeOptions) -> Script:
    """Add the brick sets of which the volume has no brick yet, ``present`` being those it has."""
    known = set(present)
    missing = [each for each in step.brick_sets if not known & set(each)]
    return _script(list(_add(step.name, step.durability, missing, options)), options)


def replace_brick(step: ReplaceBrick, options: NodeOptions) -> Script:
    """Put a brick in the place of another."""
    return _script([gluster.replace_brick(step.name, step.old, step.new, options)], options)


def heal(name: str, options: NodeOptions) -> Script:
    """Begin to heal a volume."""
    return _script([gluster.heal_volume(name, options)], options)


def look_at_healing(name: str, options: NodeOptions) -> Script:
    """Ask what has to heal yet."""
    return _script([gluster.heal_info(name, options)], options)


def rebalance(name: str, options: NodeOptions) -> Script:
    """Begin to spread the files of a volume over its bricks."""
    return _script([gluster.rebalance_volume(name, options)], options)


def probe_peer(host: str, options: NodeOptions) -> Script:
    """Take a host into the pool."""
    return _script([gluster.probe_peer(host, options)], options)


def limit_snapshots(options: NodeOptions) -> Script:
    """Set the highest number of snapshots of a volume."""
    return _script([gluster.limit_snapshots(options)], options)


def detach_peer(host: str, options: NodeOptions, *, force: bool = False) -> Script:
    """Take a host out of the pool."""
    return _script([gluster.detach_peer(host, options, force=force)], options)


def look_at_peers(options: NodeOptions) -> Script:
    """Ask for the other members of the pool."""
    return _script([gluster.peer_status(options)], options)


def parse_options(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield volume options as ``(key, value)``, split at the first blank; texts of blanks only are passed over.

    Raises:
        RequestError: an option that must not reach a command line.
    """
    for text in texts:
        key, _, value = text.strip().partition(" ")
        value = value.strip()
        if not key:
            continue
        if fault := _fault_of_option(key, value):
            shown = repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}…"
            raise errors.RequestError(f"Volume option {shown} {fault}")
        yield key, value


def _fault_of_option(key: str, value: str) -> str:
    """Return why an option must not reach a command line; empty if it may."""
    if not value:
        return "has no value: write it as 'key value'"
    if key.startswith("-") or value.startswith("--") or not f"{key}{value}".isprintable():
        return "is not allowed: neither key nor value may begin with '--', and both are text"
    if len(f"{key}{value}".encode()) > _LONGEST_OPTION:
        return f"is too long: gluster takes {_LONGEST_OPTION} bytes of key and value"
    if key == "group" and "/" in value:
        return "is not allowed: a group of options is named without its folder"
    return ""


def _script(commands: list[Command], options: NodeOptions) -> Script:
    return Script(commands=tuple(commands), limit=options.gluster_limit * max(1, len(commands)))


def _words(durability: Durability) -> tuple[str, ...]:
    match durability:
        case Replicate(count, arbiter) if count > 1:
            return ("replica", str(count), *(("arbiter", "1") if arbiter else ()))
        case Disperse(data, redundancy):
            return ("disperse-data", str(data), "redundancy", str(redundancy))
        case _:  # gluster knows no replica 1
            return ()


def _add(name: str, durability: Durability, sets: BrickSets, options: NodeOptions) -> Iterator[Command]:
    """Yield calls that add brick sets, as many at a time as Heketi did."""
    match durability:
        case Distribute():
            at_once = 15
        case Replicate():
            at_once = 5
        case Disperse():
            at_once = 1
    for begin in range(0, len(sets), at_once):
        bricks = tuple(brick for each in sets[begin : begin + at_once] for brick in each)
        yield gluster.add_bricks(name, bricks, options)


def _set(step: CreateVolume, options: NodeOptions) -> Iterator[Command]:
    """Yield as few calls as set all options in order: gluster wants a ``group`` alone."""
    pairs = [*parse_options(step.options), (OWNER, step.volume)]
    for is_group, run in groupby(pairs, key=lambda pair: pair[0] == "group"):
        for batch in [(pair,) for pair in run] if is_group else [tuple(dict(run).items())]:
            yield gluster.set_options(step.name, batch, options)
