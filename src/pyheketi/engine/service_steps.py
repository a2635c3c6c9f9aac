"""Bricks that are there kept at service: mounted, and their processes running."""

import logging
from collections.abc import Sequence

from pyheketi.commands import bricks, gluster_xml, volumes
from pyheketi.commands.mount import Mount
from pyheketi.domain import errors
from pyheketi.engine.nodes import Nodes
from pyheketi.operations.steps import BrickPlace, StartBricks

_log = logging.getLogger(__name__)


async def mount(nodes: Nodes, place: BrickPlace) -> None:
    """Mount a brick that should be, and have it mounted after a reboot, too.

    Raises:
        Conflict: its volume group or logical volume is gone: there is nothing to mount.
    """
    facts = bricks.read_look(place, await nodes.run(place.host, bricks.look(place, nodes.options)))
    if not facts.has_group or not facts.has_volume:
        what = f"logical volume {place.logical_volume}" if facts.has_group else f"volume group {place.volume_group}"
        raise errors.Conflict(f"Brick {place.brick} cannot be mounted: there is no {what} on {place.host}")
    script = bricks.remount(place, facts, nodes.options)
    if script.commands:
        await nodes.run(place.host, script)


async def mounts(nodes: Nodes, host: str) -> tuple[Mount, ...]:
    """Return what is mounted on a node. Raises ``Unexpected`` for an answer that makes no sense."""
    return bricks.read_mounts(host, await nodes.run(host, bricks.look_at_mounts()))


async def start_bricks(nodes: Nodes, step: StartBricks) -> None:
    """Start the brick processes of a volume that do not run.

    Raises:
        Unexpected: gluster knows no such volume, or bricks do not run even so.
    """

    async def on(host: str) -> bool:
        (answer,) = await nodes.run(host, volumes.look(step.name, nodes.options))
        found = gluster_xml.read_volume(host, answer, step.name)
        if found is None:
            raise errors.Unexpected(host, f"Gluster on {host} knows no volume {step.name}")
        if found.started:
            await nodes.run(host, volumes.start_bricks(step.name, nodes.options))
        return found.started

    if not await nodes.on_any(step.hosts, on):
        _log.info("Volume %s is stopped, and stays so", step.name)
        return
    for pause in (*nodes.heal_pauses, None):  # a process tells glusterd of itself a moment after its start
        dead = await dead_bricks(nodes, step.hosts, step.name) & set(step.bricks)
        if not dead:
            return
        if pause is not None:
            await nodes.pause(pause, step.hosts[0], f"bricks of volume {step.name} are starting")
    names = ", ".join(sorted(dead))
    raise errors.Unexpected(
        step.hosts[0],
        f"Gluster started volume {step.name}, but these bricks do not run: {names}."
        f" Their logs are on their nodes, in /var/log/glusterfs/bricks",
    )


async def dead_bricks(nodes: Nodes, hosts: Sequence[str], name: str = "all") -> frozenset[str]:
    """Return gluster's names of the bricks of started volumes whose process does not run, though their node does.

    Raises:
        NodeError: no host could tell.
    """

    async def on(host: str) -> frozenset[str]:
        (answer,) = await nodes.ask(host, volumes.look_at_bricks(name, nodes.options))
        return gluster_xml.read_dead_bricks(host, answer)

    return await nodes.on_any(hosts, on)
