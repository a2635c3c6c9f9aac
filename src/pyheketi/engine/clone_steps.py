"""Volumes cloned, and what is left of a clone removed."""

import asyncio
import logging
from dataclasses import replace

from pyheketi.commands import clones, gluster_xml, volumes
from pyheketi.commands.gluster_xml import GlusterVolume
from pyheketi.domain import errors
from pyheketi.engine import advice, brick_steps, volume_steps
from pyheketi.engine.nodes import Nodes, first_failure, reworded
from pyheketi.operations.steps import BrickOfClone, BrickPlace, Cloned, CloneVolume

_log = logging.getLogger(__name__)

_WHAT = {"create": "Unable to create snapshot of volume {source}", "activate": "Unable to activate snapshot {snapshot}"}
_CLONE = "Unable to clone snapshot {snapshot} to volume {name}"


async def clone(nodes: Nodes, step: CloneVolume) -> Cloned:
    """Clone a volume.

    Raises:
        Conflict: gluster has a volume of that name, or the source is not as we know it; nothing was touched.
    """

    async def on(host: str) -> Cloned:
        await _require_cloneable(nodes, host, step)
        results = await nodes.ask(host, clones.create(step, nodes.options))
        if failed := first_failure(results):
            what = _WHAT.get(failed.command.args[3], _CLONE).format(
                source=step.source, snapshot=step.snapshot, name=step.name
            )
            raise reworded(host, failed, f"{what}: {failed.output}")
        try:
            return await _settled(nodes, host, step)
        except errors.Unreachable as error:  # no other host may begin anew
            raise errors.Unreachable(error.host, error.reason, sent=True) from error

    return await nodes.on_first(step.hosts, on, pass_dead_glusterd=True)


async def _settled(nodes: Nodes, host: str, step: CloneVolume) -> Cloned:
    """Return what gluster made, when it is on disk and its snapshot is gone."""
    made = await _find(nodes, host, step.name)
    if made is None:
        raise errors.Unexpected(host, f"Gluster on {host} knows nothing of volume {step.name}, which it just made")
    bricks = await _bricks(nodes, host, step, made)
    await asyncio.gather(*(nodes.run(place.host, clones.sync(place)) for place in bricks))
    await nodes.run(host, clones.delete_snapshot(step.snapshot, nodes.options))
    return Cloned(tuple(BrickOfClone(place.brick, place.path, place.logical_volume) for place in bricks))


async def _require_cloneable(nodes: Nodes, host: str, step: CloneVolume) -> None:
    if await _find(nodes, host, step.name) is not None:
        raise errors.Conflict(volume_steps.name_taken(host, step.name))
    source = await _find(nodes, host, step.source)
    if source is None:
        raise errors.Conflict(advice.advised(f"Gluster on {host} knows no volume {step.source}"))
    if source.bricks != tuple(each.place.gluster_name for each in step.bricks):
        raise errors.Conflict(f"Volume {step.source} has other bricks in gluster than we know of")


async def _find(nodes: Nodes, host: str, name: str) -> GlusterVolume | None:
    (result,) = await nodes.run(host, volumes.look(name, nodes.options))
    return gluster_xml.read_volume(host, result, name)


async def _bricks(nodes: Nodes, host: str, step: CloneVolume, made: GlusterVolume) -> list[BrickPlace]:
    """Return where the bricks of a clone are, with their LVs.

    Raises:
        Unexpected: one of them has none.
    """
    found = await _located(nodes, host, step, made)
    for place in found:
        if not place.logical_volume:
            raise errors.Unexpected(
                place.host, f"Node {place.host} has no LV for the brick {place.path} of volume {made.name}"
            )
    return found


async def _located(nodes: Nodes, host: str, step: CloneVolume, made: GlusterVolume) -> list[BrickPlace]:
    async def locate(place: BrickPlace) -> BrickPlace:
        (result,) = await nodes.run(place.host, clones.look(place))
        return replace(place, logical_volume=clones.logical_volume(place, made, result) or "")

    try:
        places = list(clones.places(step, made))
    except ValueError as error:
        raise errors.Unexpected(host, f"Gluster on {host} made an odd clone: {error}") from error
    return list(await asyncio.gather(*map(locate, places)))


async def unclone(nodes: Nodes, step: CloneVolume) -> None:
    """Remove what there is of a clone: its bricks, then the volume, which tells where they are, then the snapshot."""

    async def on(host: str) -> None:
        for name in (step.source, step.name):
            await volume_steps.settle(nodes, host, name)
        (listed,) = await nodes.run(host, clones.look_at_snapshots(nodes.options))
        snapshots = listed.stdout.split()
        found = await _find(nodes, host, step.name)
        if found is not None and clones.is_ours(step, found, snapshots):
            if found.started:
                await nodes.run(host, clones.stop(step.name, nodes.options))
            places = [place for place in await _located(nodes, host, step, found) if place.logical_volume]
            await asyncio.gather(*(brick_steps.destroy(nodes, place) for place in places))
            await nodes.run(host, clones.delete_volume(step.name, nodes.options))
        if step.snapshot in snapshots:
            await nodes.run(host, clones.delete_snapshot(step.snapshot, nodes.options))

    await nodes.on_first(step.hosts, on, pass_dead_glusterd=True)
