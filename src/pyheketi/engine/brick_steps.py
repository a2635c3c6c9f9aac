"""Bricks made and destroyed."""

import logging

from pyheketi.commands import bricks, gluster, gluster_xml
from pyheketi.commands.command import Program, Script
from pyheketi.domain import errors
from pyheketi.engine.nodes import Nodes
from pyheketi.operations.steps import BrickPlace, CheckUnused, CreateBrick, Reclaimed

_log = logging.getLogger(__name__)


async def create(nodes: Nodes, step: CreateBrick, *, sure: bool) -> None:
    """Make a brick, or what it lacks."""
    place = step.place
    if sure:
        script = bricks.create(step, nodes.options)
    else:
        facts = bricks.read_look(place, await nodes.run(place.host, bricks.look(place, nodes.options)))
        script = bricks.complete(step, facts, nodes.options)
    await nodes.run(place.host, script)


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
    script = bricks.destroy(place, facts, nodes.options)
    if not script.commands:
        return Reclaimed(pool_removed=not facts.has_pool)
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
