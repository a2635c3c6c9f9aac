"""Peers taken into the pool and out of it, and the daemon that makes them peers."""

import logging

from pyheketi.commands import gluster, gluster_xml, systemctl, volumes
from pyheketi.commands.command import Result, script
from pyheketi.domain import errors
from pyheketi.engine.nodes import Nodes, first_failure, reworded
from pyheketi.operations.steps import CheckGlusterd, Probed, ProbePeer

_log = logging.getLogger(__name__)

_CHECK_LIMIT = 60.0
"""Seconds for the check of glusterd: a node that cannot tell by then is of no use, and others wait for the answer."""


async def check_glusterd(nodes: Nodes, step: CheckGlusterd) -> None:
    """Make sure that glusterd runs.

    Raises:
        CommandFailed: it does not; tells the state of the unit.
    """
    results = await nodes.ask(step.host, script(systemctl.glusterd_status(), limit=_CHECK_LIMIT))
    failed = first_failure(results)
    if failed is not None:
        raise not_running(step.host, failed)


def not_running(host: str, failed: Result) -> errors.CommandFailed:
    """Return the error that tells what ``systemctl`` said of a glusterd that does not run."""
    return reworded(host, failed, f"glusterd is not running on node {host}: {systemctl.describe(failed)}")


async def probe(nodes: Nodes, step: ProbePeer) -> Probed:
    """Take a host into the pool."""

    async def on(host: str) -> Probed:
        (answer,) = await nodes.run(host, volumes.probe_peer(step.storage_host, nodes.options))
        probed = Probed(fresh=not gluster.was_member(answer))
        if nodes.options.snapshot_limit > 0:
            await _limit_snapshots(nodes, host, step, probed)
        return probed

    return await nodes.on_first(step.hosts, on, pass_dead_glusterd=True)


async def detach(nodes: Nodes, hosts: tuple[str, ...], storage_host: str) -> None:
    """Take a host out of the pool; one that is in none is fine."""

    async def on(host: str) -> None:
        results = await nodes.ask(host, volumes.detach_peer(storage_host, nodes.options))
        failed = first_failure(results)
        if failed is None or gluster.is_no_member(failed.output):
            return
        if gluster.has_bricks(failed.output):
            raise reworded(
                host,
                failed,
                f"Node {storage_host} stays in gluster's pool, because volumes that this server does not know have "
                f"bricks on it. Remove them with the gluster command line first: {failed.output}",
            )
        if not gluster.peers_are_down(failed.output):
            raise failed.failure(host)
        await _require_others_well(nodes, host, storage_host, failed)
        await nodes.run(host, volumes.detach_peer(storage_host, nodes.options, force=True))

    if hosts:
        await nodes.on_first(hosts, on, pass_dead_glusterd=True)


async def _require_others_well(nodes: Nodes, host: str, storage_host: str, failed: Result) -> None:
    """Make sure that the peer to be detached is itself what is wrong with the pool.

    A peer that is away does not hear of the detachment: when it comes back, it brings the detached one back with it.
    A peer that is dead itself is detached all the same, for there is no other way out of two dead peers.

    Raises:
        CommandFailed: it is another peer; names it.
    """
    (answer,) = await nodes.run(host, volumes.look_at_peers(nodes.options))
    peers = gluster_xml.read_peers(host, answer)
    alive = any(storage_host in peer.names and peer.connected for peer in peers)
    ill = [peer for peer in peers if storage_host not in peer.names and not peer.is_well]
    names = ", ".join(f"{peer.names[0]} ({peer.state if peer.connected else 'Disconnected'})" for peer in ill)
    if alive and ill:
        raise reworded(
            host,
            failed,
            f"Node {storage_host} stays in gluster's pool as long as these peers are away, because they would bring it "
            f"back: {names}. Start them, or delete them first if they are gone for good: {failed.output}",
        )
    _log.warning("Peer %s is detached by force; away are also: %s", storage_host, names or "none")


async def undo_probe(nodes: Nodes, step: ProbePeer, probed: Probed | None) -> None:
    """Take a host out of the pool again, if it is known that it was not in it before."""
    if probed is not None and probed.fresh:
        await detach(nodes, step.hosts, step.storage_host)


async def _limit_snapshots(nodes: Nodes, host: str, step: ProbePeer, probed: Probed) -> None:
    """Set the limit of snapshots. A peer that came for nothing is sent away here: nobody else knows that it is new."""
    try:
        await nodes.run(host, volumes.limit_snapshots(nodes.options))
    except errors.NodeError:
        try:
            await undo_probe(nodes, step, probed)
        except errors.NodeError as error:
            _log.warning("Peer %s stays in the pool: %s", step.storage_host, error)
        raise
