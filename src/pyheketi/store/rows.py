"""Entities and operations to and from rows, both directions side by side. Pure: no database here.

What is only ever read as a whole (tags, paths, options, brick sets, steps) is JSON text in a column. What rules are
about (parents, names, host names, sizes) has columns of its own, so that the database can enforce them.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from pyheketi.domain.change import Change, Put
from pyheketi.domain.durability import Disperse, Distribute, Durability, DurabilityRequest, Replicate
from pyheketi.domain.entities import (
    BlockVolume,
    Brick,
    Cluster,
    Device,
    Entity,
    Node,
    Pending,
    Snapshot,
    State,
    Tags,
    Volume,
)
from pyheketi.operations import codec
from pyheketi.operations.operation import Asker, Kind, Operation, OperationState
from pyheketi.store import tables

Row: TypeAlias = Sequence[Any]
"""Values in the order of the table's columns, as the database driver takes and gives them."""

Hosts: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""Host names by node id and role, ``manage`` or ``storage``."""

_to_json = json.JSONEncoder(separators=(",", ":")).encode
_from_json = json.JSONDecoder().decode

_TABLES = {
    Cluster: tables.CLUSTERS,
    Node: tables.NODES,
    Device: tables.DEVICES,
    Volume: tables.VOLUMES,
    Brick: tables.BRICKS,
    BlockVolume: tables.BLOCK_VOLUMES,
}


def writes(changes: Iterable[Change], operations: Sequence[Operation]) -> Iterator[tuple[str, list[Row]]]:
    """Yield statements, each with the rows to run it for.

    Changes are written in their order, neighbours of a kind together. As every change in turn was allowed by the
    topology, so it is by the constraints: no sorting is needed, and none could do for two volumes that swap names.
    Operations that have ended are written into the history as well.
    """
    single = itertools.chain(
        itertools.chain.from_iterable(map(_change_writes, changes)),
        ((tables.OPERATIONS.put, operation_to_row(operation)) for operation in operations),
        ((tables.ADD_TO_HISTORY, history_to_row(each)) for each in operations if each.state.finished),
    )
    for statement, group in itertools.groupby(single, key=lambda pair: pair[0]):
        yield statement, [row for _, row in group]


def _change_writes(change: Change) -> Iterator[tuple[str, Row]]:
    entity = change.entity
    table = _TABLES[type(entity)]
    if not isinstance(change, Put):
        yield table.remove, (entity.id,)
        return
    yield table.put, to_row(entity)
    if isinstance(entity, Node):
        yield tables.REMOVE_HOSTS, (entity.id,)
        for role, hosts in (("manage", entity.manage), ("storage", entity.storage)):
            for position, host in enumerate(hosts):
                yield tables.ADD_HOST, (entity.id, role, position, host)


def hosts_from_rows(rows: Iterable[Row]) -> Hosts:
    """Return host names from the rows of ``tables.SELECT_HOSTS``."""
    grouped = itertools.groupby(rows, key=lambda row: (row[0], row[1]))
    return {key: tuple(row[2] for row in group) for key, group in grouped}


def to_row(entity: Entity) -> Row:
    """Return the row of an entity in the table of its kind."""
    match entity:
        case Brick():
            return brick_to_row(entity)
        case Volume():
            return volume_to_row(entity)
        case Device():
            return device_to_row(entity)
        case Node():
            return node_to_row(entity)
        case Cluster():
            return cluster_to_row(entity)
        case BlockVolume():
            return block_volume_to_row(entity)


def cluster_to_row(cluster: Cluster) -> Row:
    """Return the row of a cluster."""
    return cluster.id, cluster.file, cluster.block


def cluster_from_row(row: Row) -> Cluster:
    """Return the cluster of a row."""
    id_, file, block = row
    return Cluster(id=id_, file=bool(file), block=bool(block))


def node_to_row(node: Node) -> Row:
    """Return the row of a node; its host names have a table of their own."""
    return node.id, node.cluster, node.zone, node.state.value, _tags_to_json(node.tags), *_pending_to_row(node.pending)


def node_from_row(row: Row, hosts: Hosts) -> Node:
    """Return the node of a row."""
    id_, cluster, zone, state, tags, *pending = row
    return Node(
        id=id_,
        cluster=cluster,
        zone=zone,
        manage=hosts.get((id_, "manage"), ()),
        storage=hosts.get((id_, "storage"), ()),
        state=State(state),
        tags=_tags_from_json(tags),
        pending=_pending_from_row(pending),
    )


def device_to_row(device: Device) -> Row:
    """Return the row of a device."""
    return (
        *(device.id, device.node, device.name, device.total, device.foreign, device.extent, device.pv_uuid),
        *(_to_json(device.paths), device.state.value, _tags_to_json(device.tags), *_pending_to_row(device.pending)),
    )


def device_from_row(row: Row) -> Device:
    """Return the device of a row."""
    id_, node, name, total, foreign, extent, pv_uuid, paths, state, tags, *pending = row
    return Device(
        id=id_,
        node=node,
        name=name,
        total=total,
        foreign=foreign,
        extent=extent,
        pv_uuid=pv_uuid,
        paths=tuple(_from_json(paths)),
        state=State(state),
        tags=_tags_from_json(tags),
        pending=_pending_from_row(pending),
    )


def volume_to_row(volume: Volume) -> Row:
    """Return the row of a volume."""
    request = volume.durability_request
    return (
        *(volume.id, volume.cluster, volume.name, volume.size_gib, str(volume.durability)),
        _to_json([request.type, request.replica, request.data, request.redundancy]),
        *(volume.gid, _to_json(volume.options), volume.snapshot.enabled, volume.snapshot.factor, volume.block),
        *(_to_json(volume.brick_sets), *_pending_to_row(volume.pending)),
        *(volume.reserved_gib, volume.restriction, _to_json(volume.requested_clusters), volume.sets_guessed),
    )


def volume_from_row(row: Row) -> Volume:
    """Return the volume of a row."""
    id_, cluster, name, size_gib, durability, request, gid, options, enabled, factor, block, sets, *rest = row
    *pending, reserved, restriction, clusters, guessed = rest
    type_, replica, data, redundancy = _from_json(request)
    return Volume(
        id=id_,
        name=name,
        cluster=cluster,
        size_gib=size_gib,
        durability=parse_durability(durability),
        durability_request=DurabilityRequest(type=type_, replica=replica, data=data, redundancy=redundancy),
        gid=gid,
        options=tuple(_from_json(options)),
        snapshot=Snapshot(bool(enabled), factor),
        block=bool(block),
        brick_sets=tuple(map(tuple, _from_json(sets))),
        pending=_pending_from_row(pending),
        reserved_gib=reserved,
        restriction=restriction,
        requested_clusters=tuple(_from_json(clusters)),
        sets_guessed=bool(guessed),
    )


def brick_to_row(brick: Brick) -> Row:
    """Return the row of a brick."""
    return (
        *(brick.id, brick.device, brick.volume, brick.size, brick.pool_size),
        *(brick.metadata_size, brick.thin_pool, brick.gid, brick.given_name, brick.given_path),
    )


def brick_from_row(row: Row) -> Brick:
    """Return the brick of a row."""
    id_, device, volume, size, pool_size, metadata_size, thin_pool, gid, given_name, given_path = row
    return Brick(
        id=id_,
        device=device,
        volume=volume,
        size=size,
        pool_size=pool_size,
        metadata_size=metadata_size,
        thin_pool=thin_pool,
        gid=gid,
        given_name=given_name,
        given_path=given_path,
    )


def block_volume_to_row(block: BlockVolume) -> Row:
    """Return the row of a block volume."""
    return (
        *(block.id, block.cluster, block.hosting, block.name, block.size_gib, block.usable_gib, block.claimed_gib),
        *(block.ha_count, block.auth, _to_json(block.hosts), block.iqn, block.lun, block.username, block.password),
        *(_to_json(block.requested_clusters), *_pending_to_row(block.pending)),
    )


def block_volume_from_row(row: Row) -> BlockVolume:
    """Return the block volume of a row."""
    id_, cluster, hosting, name, size_gib, usable, claimed, ha_count, auth, hosts, *rest = row
    iqn, lun, username, password, clusters, *pending = rest
    return BlockVolume(
        id=id_,
        name=name,
        cluster=cluster,
        hosting=hosting,
        size_gib=size_gib,
        usable_gib=usable,
        claimed_gib=claimed,
        ha_count=ha_count,
        auth=bool(auth),
        hosts=tuple(_from_json(hosts)),
        iqn=iqn,
        lun=lun,
        username=username,
        password=password,
        requested_clusters=tuple(_from_json(clusters)),
        pending=_pending_from_row(pending),
    )


def operation_to_row(operation: Operation) -> Row:
    """Return the row of an operation. Finished ones keep their steps: they are history."""
    return (
        *(operation.id, operation.kind.value, operation.subject, operation.state.value),
        _to_json(codec.groups_to_json(operation.groups)),
        *(operation.result, operation.error, operation.created_at, operation.updated_at),
        *(operation.asker.role, operation.asker.address),
    )


def operation_from_row(row: Row) -> Operation:
    """Return the operation of a row.

    Raises:
        ValueError: its steps were written by a newer version.
    """
    id_, kind, subject, state, steps, result, error, created_at, updated_at, role, address = row
    return Operation(
        id=id_,
        kind=Kind(kind),
        subject=subject,
        state=OperationState(state),
        groups=codec.groups_from_json(_from_json(steps)),
        result=result,
        error=error,
        created_at=created_at,
        updated_at=updated_at,
        asker=Asker(role=role, address=address),
    )


def history_to_row(operation: Operation) -> Row:
    """Return the row in the history of an operation that has ended."""
    return (
        *(operation.updated_at, operation.id, operation.kind.value, operation.subject, operation.state.value),
        *(operation.error, operation.created_at, operation.asker.role, operation.asker.address),
    )


def operation_from_history(row: Row) -> Operation:
    """Return the operation of a row in the history: what is known of it, without its steps and its result.

    Raises:
        ValueError: it was written by a newer version.
    """
    ended_at, id_, kind, subject, state, error, asked_at, role, address = row
    return Operation(
        id=id_,
        kind=Kind(kind),
        subject=subject,
        state=OperationState(state),
        error=error,
        created_at=asked_at,
        updated_at=ended_at,
        asker=Asker(role=role, address=address),
    )


def parse_durability(text: str) -> Durability:
    """Return the durability that ``str`` turned into ``text``.

    Raises:
        ValueError: the text is none of those.
    """
    match text.replace("+", " ").split():
        case ["distribute"]:
            return Distribute()
        case ["replica", count]:
            return Replicate(int(count))
        case ["replica", count, "arbiter", "1"]:
            return Replicate(int(count), arbiter=True)
        case ["disperse", data, redundancy]:
            return Disperse(int(data), int(redundancy))
        case _:
            raise ValueError(f"unknown durability {text!r}")


def _tags_to_json(tags: Tags) -> str:
    return _to_json(dict(tags)) if tags else "{}"


def _tags_from_json(text: str) -> Tags:
    return tuple(sorted(_from_json(text).items())) if text != "{}" else ()


def _pending_to_row(pending: Pending | None) -> Row:
    return (pending.operation, pending.hidden) if pending else (None, None)


def _pending_from_row(row: Row) -> Pending | None:
    operation, hidden = row
    return None if operation is None else Pending(operation, bool(hidden))
