"""Bricks made and destroyed."""

import logging

from pyheketi.commands import bricks, gluster, gluster_xml
from pyheketi.commands.bricks import BrickFacts
from pyheketi.commands.command import Program, Script
from pyheketi.domain import errors
from pyheketi.engine.nodes import Nodes, first_failure
from pyheketi.operations.steps import BrickPlace, CheckUnused, CreateBrick, Reclaimed

_log = logging.getLogger(__name__)


async def create(nodes: Nodes, step: CreateBrick, *, sure: bool) -> None:
    """Make a brick, or what it lacks.

    Raises:
        Taken: something that is not ours has its name; it was left alone.
    """
    place = step.place
    if sure:
        await _create_all(nodes, step)
    else:
        facts = bricks.read_look(place, await nodes.run(place.host, bricks.look(place, nodes.options)))
        await nodes.run(place.host, bricks.complete(step, facts, nodes.options))


async def _create_all(nodes: Nodes, step: CreateBrick) -> None:
    place = step.place
    results = await nodes.ask(place.host, bricks.create(step, nodes.options))
    failed = first_failure(results)
    if failed is None:
        return
    if not bricks.is_taken(place, failed):
        raise failed.failure(place.host)
    if failed.command.program is Program.LVM:
        await nodes.run(place.host, bricks.clear(place))
    raise errors.Taken(
        f"Node {place.host} has something of the name of a new brick already, which is not this server's: "
        f"{failed.output}. It was left alone; see what it is, and remove it if nobody needs it"
        f" (heketi-cli server state orphans lists what belongs to nobody)."
    )


async def uncreate(nodes: Nodes, step: CreateBrick) -> Reclaimed:
    """Remove what was made of a brick. In a volume group that is missing nothing can have been made a moment ago."""
    place = step.place
    facts = bricks.read_look(place, await nodes.run(place.host, bricks.look(place, nodes.options)))
    reclaimed = await _destroy_found(nodes, place, facts)
    return reclaimed if facts.has_group else Reclaimed(pool_removed=True)


async def destroy(nodes: Nodes, place: BrickPlace, *, may_be_lost: bool = False) -> Reclaimed:
    """Remove what there is of a brick. Nothing there is fine, with ``may_be_lost`` a dead node is fine, too."""
    try:
        try:
            return await _destroy(nodes, place)
        except errors.Unreachable as error:
            if not (may_be_lost and error.sent):
                raise
            return await _destroy(nodes, place)  # the node was there a moment ago
    except errors.Unreachable as error:
        if not may_be_lost or error.sent:
            raise
        _log.warning("Brick %s stays where it is, its node is gone: %s", place.brick, error)
        return Reclaimed(pool_removed=False)


async def _destroy(nodes: Nodes, place: BrickPlace) -> Reclaimed:
    facts = bricks.read_look(place, await nodes.run(place.host, bricks.look(place, nodes.options)))
    return await _destroy_found(nodes, place, facts)


async def _destroy_found(nodes: Nodes, place: BrickPlace, facts: BrickFacts) -> Reclaimed:
    if not facts.has_group:
        await _require_lost(nodes, place)
    script = bricks.destroy(place, facts, nodes.options)
    if not script.commands:
        return Reclaimed(pool_removed=bricks.pool_is_gone(place, facts, ()))
    try:
        results = await nodes.run(place.host, script)
    except errors.CommandFailed as error:
        if nodes.options.debug_umount_failures and error.command == str(script.commands[0]) and facts.mounts:
            await _tell_users(nodes, place)
        raise
    for result in results:
        if not result.ok and result.command.program is not Program.RMDIR:
            _log.warning("Brick %s: %s", place.brick, result.failure(place.host))
    return Reclaimed(pool_removed=bricks.pool_is_gone(place, facts, results))


async def _require_lost(nodes: Nodes, place: BrickPlace) -> None:
    """Make sure that a volume group is not there under another name: then the brick is not lost at all.

    Raises:
        Unexpected: it is.
    """
    other = bricks.read_other_group(place, await nodes.run(place.host, bricks.look_everywhere()))
    if other:
        raise errors.Unexpected(
            place.host,
            f"Brick {place.brick} lies in volume group {other} on node {place.host}, not in {place.volume_group}:"
            f" somebody renamed it. Rename it back (vgrename {other} {place.volume_group}), and try again.",
        )
    _log.warning(
        "Volume group %s is missing on node %s, brick %s counts as gone with it. Should its disk come back, the brick"
        " belongs to nobody: heketi-cli server state orphans lists it",
        *(place.volume_group, place.host, place.brick),
    )


async def check_unused(nodes: Nodes, step: CheckUnused) -> None:
    """Make sure that gluster does not use a brick. Raises ``Conflict`` if it does, or cannot be believed."""
    place = step.place
    (result,) = await nodes.run(place.host, Script(commands=(gluster.all_volumes(nodes.options),)))
    told = gluster_xml.read_volumes(place.host, result)
    if missing := sorted(set(step.volumes) - {volume.name for volume in told}):
        raise errors.Conflict(
            f"Gluster on {place.host} does not know volume {missing[0]}, which has bricks there: what it says of brick"
            f" {place.brick} cannot be believed"
        )
    for volume in told:
        if any(bricks.is_at(name, place.volume_group, place.brick) for name in volume.bricks):
            raise errors.Conflict(f"Brick {place.brick} on {place.host} is used by gluster's volume {volume.name}")


async def _tell_users(nodes: Nodes, place: BrickPlace) -> None:
    """Write to the log who keeps a brick from being unmounted."""
    try:
        (result,) = await nodes.run(place.host, bricks.users(place))
    except errors.NodeError as error:
        _log.warning("Brick %s is busy, and it cannot be told why: %s", place.brick, error)
    else:
        _log.warning("Brick %s is busy, it is used by:\n%s", place.brick, result.output)
