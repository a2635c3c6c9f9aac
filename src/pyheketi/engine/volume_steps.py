"""Gluster volumes made, grown and deleted."""

import logging
from collections.abc import Callable, Sequence

from pyheketi.commands import gluster, gluster_xml, volumes
from pyheketi.commands.command import Result
from pyheketi.commands.gluster_xml import GlusterVolume
from pyheketi.domain import errors
from pyheketi.engine.nodes import Elsewhere, Nodes, first_failure, merged, reworded
from pyheketi.operations.steps import (
    AddBricks,
    CheckReplaceable,
    CreateVolume,
    DeleteVolume,
    HealVolume,
    LookAtVolume,
    ReplaceBrick,
    VolumeBricks,
)

_log = logging.getLogger(__name__)


async def create(nodes: Nodes, step: CreateVolume, *, sure: bool) -> None:
    """Make a volume, or what it lacks.

    Raises:
        Conflict: gluster has another one of that name, which was left alone.
        OptionRefused: it was made, but its options could not be set.
        NodeError: no host could make it.
    """

    async def on(host: str) -> None:
        found = None if sure else await _find(nodes, host, step.name)
        if found is None:
            results = await nodes.ask(host, volumes.create(step, nodes.options))
            failed = first_failure(results)
            if failed is not None and gluster.has_volume(failed.output, step.name):
                raise errors.Conflict(name_taken(host, step.name))
            if failed is not None and gluster.refuses_option(failed.output):
                raise errors.OptionRefused(host, str(failed.command), failed.status, failed.output)
            _require_done(host, results)
        elif volumes.is_ours(step, found):
            await nodes.run(host, volumes.complete(step, found, nodes.options))
        else:
            raise errors.Conflict(name_taken(host, step.name))

    await nodes.on_first(step.hosts, on, pass_dead_glusterd=True)


def _require_done(host: str, results: Sequence[Result]) -> None:
    """Make sure that a script was done.

    Raises:
        Elsewhere: its first command was refused because of another peer, or of this one, of which others know more.
        CommandFailed: it was not done.
    """
    failed = first_failure(results)
    if failed is None:
        return
    error = failed.failure(host)
    if failed is results[0] and gluster.absent_peer(failed.output):
        raise Elsewhere(error)
    raise error


def name_taken(host: str, name: str) -> str:
    """Return the words for a volume that only gluster knows and whose name was wanted."""
    return (
        f"Gluster on {host} has a volume {name} already, with bricks of its own, which is not in the database. Choose "
        f"another name; or, if nobody needs it (gluster volume info {name}), delete it there."
    )


async def uncreate(nodes: Nodes, step: CreateVolume) -> None:
    """Delete a volume if it is the one that the step makes; another one of that name is left alone."""
    try:
        await _delete(nodes, step.hosts, step.name, owned=lambda found: volumes.is_ours(step, found))
    except _Stopped as stopped:
        raise stopped.error from stopped


async def delete(nodes: Nodes, step: DeleteVolume) -> None:
    """Stop and delete a volume. None there is fine, and one that cannot be deleted goes on to serve.

    Raises:
        Conflict: it has snapshots; it was not touched.
        NodeError: no host could do it.
    """
    try:
        await _delete(nodes, step.hosts, step.name)
    except _Stopped as stopped:
        try:
            if not await undelete(nodes, step):
                return
            told = f"Volume {step.name} may have been stopped for a moment, and goes on to serve."
        except errors.NodeError as error:
            told = f"Volume {step.name} may be stopped now, and could not be started again: {error}"
        raise errors.NodeError(stopped.error.host, f"{stopped.error}\n{told}") from stopped


async def undelete(nodes: Nodes, step: DeleteVolume) -> bool:
    """Let a volume go on to serve that was not deleted: a try may have stopped it, or be about to.

    Return whether there is one: a try that was given up may have been done after all.
    """

    async def on(host: str) -> bool:
        await settle(nodes, host, step.name)
        found = await _find(nodes, host, step.name)
        if found is not None and not found.started:
            await nodes.run(host, volumes.start(step.name, nodes.options))
        return found is not None

    return await nodes.on_any(step.hosts, on)


async def is_deleted(nodes: Nodes, step: DeleteVolume) -> bool:
    """Return whether a volume is gone."""
    return await _comes_true(nodes, step.hosts, step.name, lambda found: found is None)


async def add_bricks(nodes: Nodes, step: AddBricks, *, sure: bool) -> None:
    """Add brick sets to a volume and begin to rebalance it."""

    async def on(host: str) -> None:
        script = volumes.add_bricks(step, () if sure else await _present(nodes, host, step.name), nodes.options)
        if script.commands:
            _require_done(host, await nodes.ask(host, script))
        if nodes.options.rebalance_on_expansion:
            await _rebalance(nodes, host, step.name)

    await nodes.on_first(step.hosts, on, pass_dead_glusterd=True)


async def has_new_bricks(nodes: Nodes, step: AddBricks) -> bool:
    """Return whether a volume has any of the bricks that the step adds."""
    new = {brick for each in step.brick_sets for brick in each}
    return await _comes_true(nodes, step.hosts, step.name, lambda found: bool(found and new & set(found.bricks)))


async def look(nodes: Nodes, step: LookAtVolume) -> VolumeBricks:
    """Return the bricks of a volume. Raises ``Unexpected`` if gluster knows none of that name."""
    return VolumeBricks(await nodes.on_any(step.hosts, lambda host: _present(nodes, host, step.name)))


async def options_of(nodes: Nodes, hosts: Sequence[str], name: str) -> dict[str, str]:
    """Return the options of a volume. Raises ``Unexpected`` if gluster knows none of that name."""

    async def on(host: str) -> dict[str, str]:
        found = await _find(nodes, host, name)
        if found is None:
            raise errors.Unexpected(host, f"Gluster on {host} knows no volume {name}")
        return dict(found.options)

    return await nodes.on_any(hosts, on)


async def set_options(nodes: Nodes, hosts: Sequence[str], name: str, options: Sequence[tuple[str, str]]) -> None:
    """Set options of a volume, all at once."""
    await nodes.on_any(hosts, lambda host: nodes.run(host, volumes.set_options(name, options, nodes.options)))


async def check_replaceable(nodes: Nodes, step: CheckReplaceable) -> None:
    """Make sure that a brick can be replaced; what is only just being healed or written is waited for.

    Raises:
        Conflict: it cannot; says why (placement.md §13).
        NodeError: no host could tell.
    """
    for pause in (*nodes.heal_pauses, None):
        busy = await nodes.on_any(step.hosts, lambda host: _source_of(nodes, host, step))
        if not busy:
            return
        if pause is not None:
            _log.info("Brick %s of volume %s has %d files to heal, looking again in %g s", *_names(step), busy, pause)
            await nodes.pause(pause, step.hosts[0], f"{busy} files have to heal before the brick can go")
    raise errors.Conflict(
        f"Cannot replace brick {step.brick} as it is source brick for data to be healed\n"
        f"Other bricks lack {busy} of its files: see gluster volume heal {step.name} info"
    )


def _names(step: CheckReplaceable) -> tuple[str, str]:
    return step.brick, step.name


async def _source_of(nodes: Nodes, host: str, step: CheckReplaceable) -> int:
    """Return how many files other bricks have yet to get from this one."""
    bricks = await _present(nodes, host, step.name)
    if step.old not in bricks:
        raise errors.Conflict(f"Gluster knows no brick {step.old} in volume {step.name}: its bricks are not as we know")
    if not step.check_heal:
        return 0
    (answer,) = await nodes.run(host, volumes.look_at_healing(step.name, nodes.options))
    found = gluster_xml.read_healing(host, answer)
    if any(each.entries is not None and each.name not in bricks for each in found):
        raise errors.Conflict("Unable to determine heal status of brick")
    entries = {each.name: each.entries for each in found if each.entries is not None}
    there = [peer for peer in step.peers if peer in entries]
    if len(there) < step.quorum:
        missing = "\n".join(f"{peer} does not answer" for peer in step.peers if peer not in entries)
        raise errors.Conflict(
            f"Cannot replace brick {step.brick} as only {len(there)} of {step.quorum} required peer bricks are online"
            f"\n{missing}"
        )
    return entries.get(step.old, 0)


async def replace_brick(nodes: Nodes, step: ReplaceBrick, *, sure: bool) -> None:
    """Put a brick in the place of another."""

    async def on(host: str) -> None:
        if not sure and step.new in await _present(nodes, host, step.name):
            return
        results = await nodes.ask(host, volumes.replace_brick(step, nodes.options))
        if failed := first_failure(results):
            text = f"Unable to replace brick {step.old} with {step.new} for volume {step.name}: {failed.output}"
            raise reworded(host, failed, text)

    await nodes.on_first(step.hosts, on, pass_dead_glusterd=True)


async def heal(nodes: Nodes, step: HealVolume) -> None:
    """Have new bricks filled. That this cannot be begun now is no failure: gluster looks for itself regularly."""
    for pause in (*nodes.heal_pauses[:1], None):  # the first call may come before the daemon has found the brick
        try:
            await nodes.on_any(step.hosts, lambda host: nodes.run(host, volumes.heal(step.name, nodes.options)))
        except errors.NodeError as error:
            _log.warning("Volume %s heals later, gluster cannot begin now: %s", step.name, error)
        if pause is not None:
            await nodes.pause(pause, step.hosts[0], "gluster may not have found the new brick yet")


async def has_replaced(nodes: Nodes, step: ReplaceBrick) -> bool:
    """Return whether the new brick is in the volume."""
    return await _comes_true(nodes, step.hosts, step.name, lambda found: bool(found and step.new in found.bricks))


async def settle(nodes: Nodes, host: str, name: str) -> None:
    """Wait until glusterd has nothing at work on a volume, whether there is one of that name or not.

    It goes on with a command that was given up, and what it says meanwhile is soon no longer true.

    Raises:
        CommandFailed: it has something at work still.
    """
    failed = first_failure(await nodes.ask(host, volumes.settle(name, nodes.options)))
    if failed and gluster.is_transient(failed.output):
        raise failed.failure(host)


class _Stopped(Exception):  # never shown
    """A volume could not be deleted, and may be stopped now."""

    def __init__(self, error: errors.NodeError) -> None:
        super().__init__(str(error))
        self.error = error


async def _find(nodes: Nodes, host: str, name: str) -> GlusterVolume | None:
    (result,) = await nodes.run(host, volumes.look(name, nodes.options))
    return gluster_xml.read_volume(host, result, name)


async def _comes_true(
    nodes: Nodes, hosts: Sequence[str], name: str, true: Callable[[GlusterVolume | None], bool]
) -> bool:
    """Return whether something is true of a volume, or will be by what gluster has at work."""

    async def on(host: str) -> bool:
        if true(await _find(nodes, host, name)):
            return True
        await settle(nodes, host, name)
        return true(await _find(nodes, host, name))

    return await nodes.on_any(hosts, on)


async def _present(nodes: Nodes, host: str, name: str) -> tuple[str, ...]:
    found = await _find(nodes, host, name)
    if found is None:
        raise errors.Unexpected(host, f"Gluster on {host} knows no volume {name}")
    return found.bricks


async def _rebalance(nodes: Nodes, host: str, name: str) -> None:
    try:
        await nodes.run(host, volumes.rebalance(name, nodes.options))
    except errors.NodeError as error:
        _log.warning("Volume %s has its new bricks, but old files stay where they are: %s", name, error)


async def _delete(
    nodes: Nodes, hosts: tuple[str, ...], name: str, *, owned: Callable[[GlusterVolume], bool] = lambda _: True
) -> None:
    """Delete a volume on host after host until it is gone.

    Raises:
        Conflict: it has snapshots.
        _Stopped: no host could delete it, but one may have stopped it.
        NodeError: no host could do anything.
    """
    failures: list[errors.NodeError] = []
    stopped = False
    for host in hosts:
        try:
            found = await _find(nodes, host, name)
            if found is None:
                await settle(nodes, host, name)
                found = await _find(nodes, host, name)
            if found is None or not owned(found):
                return
            _require_no_snapshots(found)
            stopped = stopped or found.started
            results = await nodes.ask(host, volumes.delete(found, nodes.options))
        except errors.NodeError as error:
            failures.append(error)
            continue
        failed = first_failure(results)
        if failed is None or gluster.lacks_volume(failed.output, name):
            return
        failures.append(reworded(host, failed, f"Unable to delete volume {name}: {failed.output}"))
    failure = merged(failures)
    raise _Stopped(failure) if stopped else failure


def _require_no_snapshots(found: GlusterVolume) -> None:
    if found.snapshots:
        raise errors.Conflict(
            f"Unable to delete volume {found.name} because it contains {found.snapshots} snapshots. "
            f"Delete them first (gluster snapshot list {found.name}); the volume goes on to serve."
        )
