"""What each endpoint does: ask or tell the control plane, and answer (rest-api.md §7)."""

import logging
from typing import TypeVar

from pyheketi.api import auth, bulk, examining, history, mapping, progress
from pyheketi.api.answers import Answer, PartedAnswer, accepted, json_answer, see_other, text_answer
from pyheketi.api.endpoint import Call
from pyheketi.api.mode import Mode
from pyheketi.control_plane.asking import asker
from pyheketi.control_plane.finding import existing, shown
from pyheketi.domain import errors
from pyheketi.domain.entities import BlockVolume, State, Volume
from pyheketi.migrate import checking, exporting, remedies
from pyheketi.operations.operation import Kind
from pyheketi.telemetry import log
from pyheketi.wire import (
    base,
    block_volumes,
    brick_service,
    bricks,
    clusters,
    devices,
    dump,
    nodes,
    operations,
    orphans,
    server,
    volumes,
)

_log = logging.getLogger(__name__)

_Kind = TypeVar("_Kind", Volume, BlockVolume)
_Request = TypeVar("_Request", bound=base.WireModel)


def _valid(call: Call, kind: type[_Request]) -> _Request:
    """Return the body, its contents checked.

    Raises:
        RequestError: with all that is wrong.
    """
    if not isinstance(call.body, kind):
        raise errors.RequestError("request unable to be parsed")
    if problem := call.body.problem():
        raise errors.RequestError(problem)
    return call.body


# -- everything ------------------------------------------------------------------------------------------------


async def overview(call: Call) -> Answer:
    """Show everything."""
    topology = call.control_plane.topology
    return PartedAnswer(bulk.overview(topology), call.remembered.tag(topology))


def _listed(call: Call, listing: bulk.Listing[_Kind]) -> Answer:
    wish = bulk.wanted(call.query)
    if wish.detail != bulk.IDS and asker().role == auth.USER:  # who may list volumes, but not look at one
        return text_answer(auth.ADMIN_ONLY, 401)
    topology = call.control_plane.topology
    return PartedAnswer(listing.parts(topology, wish), call.remembered.tag(topology))


# -- jobs ------------------------------------------------------------------------------------------------------


async def queue_wait(call: Call, seconds: float | None) -> bool:
    """Wait for the end of a job; tell whether there was one to wait for."""
    return await call.control_plane.wait_for(call.id, seconds)


async def queue(call: Call) -> Answer:
    """Tell how a job stands; its result can be read as often as wanted."""
    job = await call.control_plane.job(call.id)
    if job is None:
        # Never the bare "Id not found": Kubernetes would take a volume whose deletion it asks for as deleted.
        return text_answer(
            f"Job {call.id} is not known: it never was, or it ended longer ago than results are kept", 404
        )
    if job.pending:
        done, steps = job.progress
        told = {"X-Heketi-Progress": f"{done}/{steps}"} if steps else {}
        return Answer(200, headers={"X-Pending": "true", **told})
    if job.error:
        return text_answer(job.error, 500)
    return see_other(job.result) if job.result else Answer(204)


# -- operations ------------------------------------------------------------------------------------------------


async def operation_counts(call: Call) -> Answer:
    """Count operations that have not ended."""
    return json_answer(base.dump(mapping.operation_counts_to_wire(call.control_plane.operations)))


async def operation_list(call: Call) -> Answer:
    """List operations that have not ended."""
    return json_answer(base.dump(mapping.operations_to_wire(call.control_plane.operations)))


async def operation_show(call: Call) -> Answer:
    """Show what an operation does that has not ended."""
    found = next((each for each in call.control_plane.operations if each.id == call.id), None)
    if found is None:
        raise errors.NotFound(f"Id not found: {call.id}")
    return json_answer(base.dump(mapping.operation_to_wire(found)))


async def operation_steps(call: Call) -> Answer:
    """Show how far an operation is that has not ended, and what it waits for."""
    run = call.control_plane.run(call.id)
    if run is None:
        raise errors.NotFound(f"Id not found: {call.id}")
    return json_answer(base.dump(progress.to_wire(run)))


async def operation_history(call: Call) -> Answer:
    """List operations that have ended, the latest first."""
    limit, since, before = history.wanted(call.query)
    ended = await call.control_plane.history(limit=limit, since=since, before=before)
    return json_answer(base.dump(history.to_wire(ended, more=len(ended) == limit)))


async def operation_clean_up(call: Call) -> Answer:
    """Bring stuck operations to an end."""
    wanted = _valid(call, operations.OperationsCleanup)
    return accepted(await call.control_plane.clean_up(wanted.operations))


# -- the server itself -----------------------------------------------------------------------------------------


async def mode_show(call: Call) -> Answer:
    """Show the server's mode."""
    return json_answer(base.dump(server.AdminStatus(state=call.gate.mode.value)))


async def mode_set(call: Call) -> Answer:
    """Change the server's mode."""
    call.gate.mode = Mode(_valid(call, server.AdminStatus).state)
    try:
        await call.control_plane.note(Kind.SET_MODE, call.gate.mode.value)
    except errors.Error as error:  # a database that fails is a good reason to let no changes in
        _log.warning("The mode is %s now, but that is not in the history: %s", call.gate.mode.value, error)
    return Answer(204)


async def log_level_show(_: Call) -> Answer:
    """Show what is logged."""
    return json_answer(base.dump(server.LogLevel(loglevel={server.LOGGER: log.level()})))


async def log_level_set(call: Call) -> Answer:
    """Change what is logged."""
    levels = _valid(call, server.LogLevel).loglevel
    if server.LOGGER not in levels:
        return text_answer(f'Only "{server.LOGGER}" logger may be modified', 422)
    wanted = levels[server.LOGGER]
    if wanted and wanted not in log.LEVELS:
        return text_answer(f"invalid log level: {wanted}", 422)
    if wanted:
        log.set_level(wanted)
    return await log_level_show(call)


# -- the database ----------------------------------------------------------------------------------------------


async def database_dump(call: Call) -> Answer:
    """Show the whole database as Heketi's document."""
    return json_answer(dump.text(_document(call)).encode())


async def database_check(call: Call) -> Answer:
    """Look for contradictions in the database."""
    return json_answer(dump.text(checking.check(_document(call))).encode())


async def database_check_explained(call: Call) -> Answer:
    """Look for contradictions in the database, say what they mean, and plan their repair."""
    topology, at_work = await call.control_plane.picture()
    document = exporting.exported(topology, at_work, call.control_plane.generation, at_rest=True)
    return json_answer(base.dump(remedies.explained(document)))


async def database_backup(call: Call) -> Answer:
    """Copy the database."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": 'attachment; filename="heketi.db"',
    }
    return Answer(200, await call.control_plane.backup(), headers)


async def examine(call: Call) -> Answer:
    """Ask all nodes what they have, and show it beside the database."""
    plane = call.control_plane
    found = await plane.examine()
    in_flight = mapping.operation_counts_to_wire(plane.operations).in_flight
    answer = examining.examination_to_wire(plane.tip, _document(call), found, in_flight)
    return json_answer(dump.text(answer).encode())


async def orphan_list(call: Call) -> Answer:
    """Ask all nodes for bricks that the database does not know."""
    plane = call.control_plane
    found = await plane.orphans.search()
    return json_answer(base.dump(examining.search_to_wire(plane.tip, found, plane.orphans.preview)))


async def orphan_remove(call: Call) -> Answer:
    """Destroy bricks that belong to nobody."""
    wanted = _valid(call, orphans.OrphanRemoval)
    return accepted(await call.control_plane.orphans.remove(wanted.bricks))


async def brick_list(call: Call) -> Answer:
    """Ask all nodes for bricks that do not serve as they should."""
    plane = call.control_plane
    return json_answer(base.dump(examining.survey_to_wire(plane.tip, await plane.serving.survey())))


async def brick_mend(call: Call) -> Answer:
    """Mount bricks, and start their processes."""
    wanted = _valid(call, brick_service.BrickMending)
    return accepted(await call.control_plane.serving.mend(wanted.bricks))


def _document(call: Call) -> dump.Dump:
    plane = call.control_plane
    return exporting.exported(plane.topology, plane.operations, plane.generation)


# -- clusters --------------------------------------------------------------------------------------------------


async def cluster_create(call: Call) -> Answer:
    """Create a cluster."""
    flags = _valid(call, clusters.ClusterFlags)
    made = await call.control_plane.clusters.create(file=flags.file, block=flags.block)
    topology = call.control_plane.topology
    return json_answer(base.dump(mapping.cluster_to_wire(topology, made)), 201)


async def cluster_list(call: Call) -> Answer:
    """List clusters."""
    return json_answer(base.dump(mapping.cluster_list_to_wire(call.control_plane.topology)))


async def cluster_show(call: Call) -> Answer:
    """Show a cluster."""
    topology = call.control_plane.topology
    return json_answer(call.remembered.cluster(topology, existing(topology.cluster(call.id))))


async def cluster_set_flags(call: Call) -> Answer:
    """Say what kinds of volumes a cluster takes."""
    flags = _valid(call, clusters.ClusterFlags)
    await call.control_plane.clusters.set_flags(call.id, file=flags.file, block=flags.block)
    return Answer(200, headers={"Content-Type": "application/json; charset=UTF-8"})


async def cluster_delete(call: Call) -> Answer:
    """Delete a cluster."""
    await call.control_plane.clusters.delete(call.id)
    return Answer(200)


# -- nodes -----------------------------------------------------------------------------------------------------


async def node_add(call: Call) -> Answer:
    """Add a node."""
    wish = mapping.node_add_from_wire(_valid(call, nodes.NodeAdd))
    return accepted(await call.control_plane.nodes.add(wish))


async def node_show(call: Call) -> Answer:
    """Show a node with its devices and bricks."""
    topology = call.control_plane.topology
    return json_answer(base.dump(mapping.node_to_wire(topology, shown(topology.node(call.id)))))


async def node_delete(call: Call) -> Answer:
    """Delete a node."""
    return accepted(await call.control_plane.nodes.delete(call.id))


async def node_set_state(call: Call) -> Answer:
    """Take a node offline or online, or remove what is on it."""
    change = _valid(call, nodes.StateChange)
    state, check_heal = State(change.state), change.healcheck != "disable"
    return accepted(await call.control_plane.nodes.set_state(call.id, state, check_heal=check_heal))


async def node_change_tags(call: Call) -> Answer:
    """Change tags of a node; answer with all of them."""
    change = _valid(call, nodes.TagsChange)
    tags = await call.control_plane.nodes.change_tags(call.id, change.change_type, change.tags)
    return json_answer(base.dump_map(dict(tags)))


# -- devices ---------------------------------------------------------------------------------------------------


async def device_add(call: Call) -> Answer:
    """Add a device."""
    wish = mapping.device_add_from_wire(_valid(call, devices.DeviceAdd))
    return accepted(await call.control_plane.devices.add(wish))


async def device_show(call: Call) -> Answer:
    """Show a device with its bricks."""
    topology = call.control_plane.topology
    return json_answer(base.dump(mapping.device_to_wire(topology, shown(topology.device(call.id)))))


async def device_delete(call: Call) -> Answer:
    """Delete a device."""
    forget = isinstance(call.body, devices.DeviceDelete) and call.body.forceforget
    return accepted(await call.control_plane.devices.delete(call.id, force_forget=forget))


async def device_set_state(call: Call) -> Answer:
    """Take a device offline or online, or remove it."""
    change = _valid(call, nodes.StateChange)
    state, check_heal = State(change.state), change.healcheck != "disable"
    return accepted(await call.control_plane.devices.set_state(call.id, state, check_heal=check_heal))


async def device_resync(call: Call) -> Answer:
    """Read a device's numbers from its node."""
    return accepted(await call.control_plane.devices.resync(call.id), get=True)


async def device_change_tags(call: Call) -> Answer:
    """Change tags of a device; answer with all of them."""
    change = _valid(call, nodes.TagsChange)
    tags = await call.control_plane.devices.change_tags(call.id, change.change_type, change.tags)
    return json_answer(base.dump_map(dict(tags)))


# -- bricks ----------------------------------------------------------------------------------------------------


async def brick_evict(call: Call) -> Answer:
    """Move a brick to another device."""
    check_heal = call.body is None or _valid(call, bricks.BrickEvict).healcheck != "disable"
    return accepted(await call.control_plane.bricks.evict(call.id, check_heal=check_heal))


# -- volumes ---------------------------------------------------------------------------------------------------


async def volume_create(call: Call) -> Answer:
    """Create a volume."""
    wish = mapping.volume_create_from_wire(_valid(call, volumes.VolumeCreate))
    return accepted(await call.control_plane.volumes.create(wish))


async def volume_list(call: Call) -> Answer:
    """List volumes: their ids as in Heketi, or what is asked for."""
    if call.query:
        return _listed(call, bulk.VOLUMES)
    return json_answer(call.remembered.volume_ids(call.control_plane.topology))


async def volume_show(call: Call) -> Answer:
    """Show a volume."""
    topology = call.control_plane.topology
    return json_answer(call.remembered.volume(topology, shown(topology.volume(call.id))))


async def volume_expand(call: Call) -> Answer:
    """Make a volume larger."""
    wish = _valid(call, volumes.VolumeExpand)
    return accepted(await call.control_plane.volumes.expand(call.id, wish.expand_size))


async def volume_delete(call: Call) -> Answer:
    """Delete a volume."""
    return accepted(await call.control_plane.volumes.delete(call.id))


async def volume_clone(call: Call) -> Answer:
    """Make a volume that begins as a copy of another."""
    wish = _valid(call, volumes.VolumeClone)
    return accepted(await call.control_plane.volumes.clone(call.id, wish.name))


async def volume_restrict(call: Call) -> Answer:
    """Say whether a block hosting volume takes more block volumes."""
    wish = _valid(call, volumes.BlockRestriction)
    return accepted(await call.control_plane.volumes.restrict(call.id, wish.restriction))


# -- block volumes ---------------------------------------------------------------------------------------------


async def block_volume_create(call: Call) -> Answer:
    """Create a block volume."""
    wish = mapping.block_volume_create_from_wire(_valid(call, block_volumes.BlockVolumeCreate))
    return accepted(await call.control_plane.block_volumes.create(wish))


async def block_volume_list(call: Call) -> Answer:
    """List block volumes: their ids as in Heketi, or what is asked for."""
    if call.query:
        return _listed(call, bulk.BLOCK_VOLUMES)
    return json_answer(base.dump(mapping.block_volume_list_to_wire(call.control_plane.topology)))


async def block_volume_show(call: Call) -> Answer:
    """Show a block volume."""
    block = shown(call.control_plane.topology.block_volume(call.id))
    return json_answer(base.dump(mapping.block_volume_to_wire(block)))


async def block_volume_expand(call: Call) -> Answer:
    """Make a block volume larger."""
    wish = _valid(call, block_volumes.BlockVolumeExpand)
    return accepted(await call.control_plane.block_volumes.expand(call.id, wish.new_size))


async def block_volume_delete(call: Call) -> Answer:
    """Delete a block volume."""
    return accepted(await call.control_plane.block_volumes.delete(call.id))
