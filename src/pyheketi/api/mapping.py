"""Wire to wishes, entities to wire. The only module that knows both."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.entities import (
    BlockVolume,
    Brick,
    Cluster,
    Device,
    Node,
    Snapshot,
    Tags,
    Volume,
    float32,
    is_hidden,
)
from pyheketi.domain.ids import ClusterId, NodeId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.operations.steps import Step
from pyheketi.planning import block_create, volume_create
from pyheketi.planning import devices as device_plans
from pyheketi.planning import nodes as node_plans
from pyheketi.wire import base, block_volumes, bricks, clusters, devices, nodes, volumes
from pyheketi.wire import operations as wire_operations

# -- wishes ----------------------------------------------------------------------------------------------------


def volume_create_from_wire(request: volumes.VolumeCreate) -> volume_create.VolumeCreate:
    """Return the wish for a volume."""
    factor = float32(request.snapshot.factor) if request.snapshot.enable else 1.0
    return volume_create.VolumeCreate(
        size_gib=request.size,
        name=request.name,
        clusters=tuple(request.clusters or ()),
        durability=DurabilityRequest(
            type=request.durability.type,
            replica=request.durability.replicate.replica,
            data=request.durability.disperse.data,
            redundancy=request.durability.disperse.redundancy,
        ),
        gid=request.gid,
        options=tuple(request.glustervolumeoptions or ()),
        snapshot=Snapshot(request.snapshot.enable, factor),
        block=request.block,
    )


def block_volume_create_from_wire(request: block_volumes.BlockVolumeCreate) -> block_create.BlockVolumeCreate:
    """Return the wish for a block volume."""
    return block_create.BlockVolumeCreate(
        size_gib=request.size,
        name=request.name,
        clusters=tuple(request.clusters or ()),
        ha_count=request.hacount,
        auth=request.auth,
    )


def node_add_from_wire(request: nodes.NodeAdd) -> node_plans.NodeAdd:
    """Return the wish for a node."""
    return node_plans.NodeAdd(
        cluster=ClusterId(request.cluster),
        zone=request.zone,
        manage=tuple(request.hostnames.manage or ()),
        storage=tuple(request.hostnames.storage or ()),
        tags=_tags(request.tags),
    )


def device_add_from_wire(request: devices.DeviceAdd) -> device_plans.DeviceAdd:
    """Return the wish for a device."""
    return device_plans.DeviceAdd(
        node=NodeId(request.node), name=request.name, tags=_tags(request.tags), destroy_data=request.destroydata
    )


def _tags(tags: dict[str, str] | None) -> Tags:
    return tuple(sorted((tags or {}).items()))


# -- answers ---------------------------------------------------------------------------------------------------


def cluster_to_wire(topology: Topology, cluster: Cluster) -> clusters.Cluster:
    """Return a cluster; volumes and nodes that are being made or removed are left out."""
    return clusters.Cluster(
        id=cluster.id,
        nodes=tuple(node.id for node in topology.nodes_of(cluster.id) if not is_hidden(node)),
        volumes=tuple(volume.id for volume in topology.volumes_of(cluster.id) if not is_hidden(volume)),
        block=cluster.block,
        file=cluster.file,
        blockvolumes=tuple(block.id for block in topology.block_volumes_in(cluster.id) if not is_hidden(block)),
    )


def cluster_list_to_wire(topology: Topology) -> clusters.ClusterList:
    """Return the ids of all clusters."""
    return clusters.ClusterList(clusters=tuple(cluster.id for cluster in topology.clusters()))


def node_to_wire(topology: Topology, node: Node) -> nodes.Node:
    """Return a node with its devices and their bricks."""
    return nodes.Node(
        **dict(bare_node_to_wire(node)),
        devices=tuple(
            device_to_wire(topology, device) for device in topology.devices_of(node.id) if not is_hidden(device)
        ),
    )


def bare_node_to_wire(node: Node) -> nodes.BareNode:
    """Return a node without its devices."""
    return nodes.BareNode(
        zone=node.zone,
        hostnames=nodes.Hostnames(manage=node.manage, storage=node.storage),
        cluster=node.cluster,
        tags=dict(node.tags),
        id=node.id,
        state=node.state.value,
    )


def device_to_wire(topology: Topology, device: Device) -> devices.Device:
    """Return a device with its bricks."""
    return devices.Device(
        **dict(bare_device_to_wire(topology, device)),
        bricks=tuple(_brick_to_wire(brick, device.node) for brick in topology.bricks_on(device.id)),
    )


def bare_device_to_wire(topology: Topology, device: Device) -> devices.BareDevice:
    """Return a device without its bricks."""
    return devices.BareDevice(
        name=device.name,
        tags=dict(device.tags),
        storage=devices.Storage(total=device.total, free=topology.free(device), used=topology.used(device)),
        id=device.id,
        paths=device.paths,
        pv_uuid=device.pv_uuid,
        state=device.state.value,
    )


_DONE_BY: Mapping[type[Step], str] = {
    steps.CreateBrick: "Add brick",
    steps.DestroyBrick: "Delete brick",
    steps.CreateVolume: "Add volume",
    steps.DeleteVolume: "Delete volume",
    steps.AddBricks: "Expand volume",
    steps.CloneVolume: "Expand volume to",
    steps.CreateBlock: "Add block volume",
    steps.DeleteBlock: "Delete block volume",
    steps.ExpandBlock: "Expand block volume",
}


def operation_counts_to_wire(pending: Sequence[Operation]) -> wire_operations.OperationCounts:
    """Return how many operations have not ended."""
    stuck = sum(each.state is OperationState.STUCK for each in pending)
    at_work = len(pending) - stuck
    return wire_operations.OperationCounts(total=len(pending), in_flight=at_work, failed=stuck, new=at_work)


def operations_to_wire(pending: Sequence[Operation]) -> wire_operations.PendingOperations:
    """Return operations that have not ended."""
    return wire_operations.PendingOperations(
        pendingoperations=tuple(
            wire_operations.PendingOperation(
                id=each.id,
                type_name=each.kind.type_name,
                status=_status(each),
                sub_status="" if each.state is OperationState.STUCK else "in-flight",
            )
            for each in pending
        )
    )


def operation_to_wire(operation: Operation) -> wire_operations.OperationDetails:
    """Return an operation with what it does."""
    changes = [
        wire_operations.OperationChange(id=_object_of(operation, step), description=_DONE_BY[type(step)])
        for step in operation.steps
        if type(step) in _DONE_BY
    ]
    if operation.kind is Kind.REMOVE_DEVICE:
        changes = [wire_operations.OperationChange(id=operation.subject, description="Remove device")]
    return wire_operations.OperationDetails(
        id=operation.id, type_name=operation.kind.type_name, status=_status(operation), changes=tuple(changes)
    )


def _status(operation: Operation) -> str:
    return "failed" if operation.state is OperationState.STUCK else ""


def _object_of(operation: Operation, step: Step) -> str:
    match step:
        case steps.CreateBrick() | steps.DestroyBrick():
            return step.place.brick
        case steps.CreateVolume():
            return step.volume
        case _:
            return operation.subject


def volume_list_to_wire(topology: Topology) -> volumes.VolumeList:
    """Return the ids of all volumes that are not being made or removed."""
    return volumes.VolumeList(volumes=tuple(volume.id for volume in topology.volumes() if not is_hidden(volume)))


def volume_to_wire(topology: Topology, volume: Volume) -> volumes.Volume:
    """Return a volume; the mount data is that of the cluster's present nodes (rest-api.md §6.7)."""
    settled = frozenset(volume.bricks)
    held = [brick for brick in topology.bricks_of(volume.id) if brick.id in settled]
    return volumes.Volume(
        size=volume.size_gib,
        name=volume.name,
        durability=_durability_to_wire(volume.durability_request),
        gid=volume.gid,
        glustervolumeoptions=volume.options,
        block=volume.block,
        snapshot=_snapshot_to_wire(volume.snapshot),
        id=volume.id,
        cluster=volume.cluster,
        mount=volumes.mounted(mount_hosts(topology, volume.cluster), volume.name),
        blockinfo=_block_hosting(topology, volume),
        bricks=tuple(_brick_to_wire(brick, _node_of(topology, brick)) for brick in held),
    )


def volume_overview_row(topology: Topology, volume: Volume) -> dict[str, object]:
    """Return the fields of ``wire.topology.VolumeOverview`` in order, but those omitted: see ``brick_row``."""
    row = {
        "size": volume.size_gib,
        "name": volume.name,
        "durability": _durability_row(volume.durability_request),
        "gid": volume.gid,
        "glustervolumeoptions": volume.options,
        "block": volume.block,
        "snapshot": _snapshot_row(volume.snapshot),
        "id": volume.id,
        "blockinfo": base.plain(_block_hosting(topology, volume)) if volume.block else {},
        "bricks": sorted(volume.bricks),
    }
    for name in _OMITTED:
        if not row[name]:
            del row[name]
    return row


_OMITTED = ("gid", "glustervolumeoptions", "block")
"""Fields of a volume that are not written while empty."""


def volume_summary_to_wire(volume: Volume) -> volumes.VolumeSummary:
    """Return what tells a volume from others."""
    return volumes.VolumeSummary(
        id=volume.id, name=volume.name, cluster=volume.cluster, size=volume.size_gib, block=volume.block
    )


def mount_hosts(topology: Topology, cluster: ClusterId) -> tuple[str, ...]:
    """Return what the volumes of a cluster are mounted from."""
    return tuple(node.storage_host for node in topology.nodes_of(cluster) if not is_hidden(node))


@lru_cache
def _durability_to_wire(request: DurabilityRequest) -> volumes.Durability:
    return volumes.Durability(
        type=request.type,
        replicate=volumes.Replicate(replica=request.replica),
        disperse=volumes.Disperse(data=request.data, redundancy=request.redundancy),
    )


@lru_cache
def _snapshot_to_wire(snapshot: Snapshot) -> volumes.Snapshot:
    return volumes.Snapshot(enable=snapshot.enabled, factor=snapshot.factor)


@lru_cache
def _durability_row(request: DurabilityRequest) -> dict[str, object]:
    return base.plain(_durability_to_wire(request))


@lru_cache
def _snapshot_row(snapshot: Snapshot) -> dict[str, object]:
    return base.plain(_snapshot_to_wire(snapshot))


_NO_BLOCKS = volumes.BlockHosting()


def _block_hosting(topology: Topology, volume: Volume) -> volumes.BlockHosting:
    if not volume.block:
        return _NO_BLOCKS
    return volumes.BlockHosting(
        freesize=topology.block_free_gib(volume),
        reservedsize=volume.reserved_gib,
        blockvolume=tuple(block.id for block in topology.block_volumes_on(volume.id) if not is_hidden(block)),
        restriction=volume.restriction,
    )


def block_volume_list_to_wire(topology: Topology) -> block_volumes.BlockVolumeList:
    """Return the ids of all block volumes that are not being made or removed."""
    return block_volumes.BlockVolumeList(
        blockvolumes=tuple(block.id for block in topology.block_volumes() if not is_hidden(block))
    )


def block_volume_to_wire(block: BlockVolume) -> block_volumes.BlockVolume:
    """Return a block volume. Whether it has a password is not told, as in Heketi: the password tells."""
    return block_volumes.BlockVolume(
        size=block.size_gib,
        name=block.name,
        hacount=block.ha_count,
        id=block.id,
        blockvolume=block_volumes.BlockTarget(
            hosts=block.hosts, iqn=block.iqn, lun=block.lun, username=block.username, password=block.password
        ),
        cluster=block.cluster,
        blockhostingvolume=block.hosting,
        usablesize=block.usable_gib or block.size_gib,
    )


def block_volume_summary_to_wire(block: BlockVolume) -> block_volumes.BlockVolumeSummary:
    """Return what tells a block volume from others."""
    return block_volumes.BlockVolumeSummary(
        id=block.id, name=block.name, cluster=block.cluster, size=block.size_gib, blockhostingvolume=block.hosting
    )


def _brick_to_wire(brick: Brick, node: str) -> bricks.Brick:
    return bricks.Brick.model_validate(brick_row(brick, node))


def brick_row(brick: Brick, node: str) -> dict[str, str | int]:
    """Return the fields of ``bricks.Brick`` in order, for answers with so many that a model of each takes too long."""
    return {
        "id": brick.id,
        "path": brick.path,
        "device": brick.device,
        "node": node,
        "volume": brick.volume,
        "size": brick.size,
    }


def _node_of(topology: Topology, brick: Brick) -> str:
    device = topology.device(brick.device)
    return device.node if device else ""
