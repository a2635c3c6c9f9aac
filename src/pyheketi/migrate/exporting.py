"""Make Heketi's document of our topology and operations (db.md §4): the way back, and what ``/db/dump`` shows."""

from collections.abc import Iterable, Iterator, Sequence

from pyheketi.domain.durability import arbiter_position
from pyheketi.domain.entities import BlockVolume, Brick, Cluster, Device, Node, Pending, Volume
from pyheketi.domain.topology import Topology
from pyheketi.migrate import unfinished
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.operations.steps import Step
from pyheketi.wire import bricks, clusters, dump
from pyheketi.wire.block_volumes import BlockTarget
from pyheketi.wire.devices import Storage
from pyheketi.wire.nodes import Hostnames
from pyheketi.wire.volumes import BlockHosting, Disperse, Durability, GlusterMount, Mount, Replicate, Snapshot

_ADDS = frozenset({Kind.ADD_NODE, Kind.ADD_DEVICE})
"""Operations that Heketi keeps no record of; what they are making does not exist for it."""
_ATTRIBUTES = {
    "DB_BRICK_HAS_SUBTYPE_FIELD": "yes",
    "DB_CLUSTER_HAS_FILE_BLOCK_FLAG": "yes",
    "DB_DEVICE_HAS_ID_META": "yes",
    "DB_HAS_PENDING_OPS_BUCKET": "yes",
}


def exported(
    topology: Topology, operations: Sequence[Operation], generation: str, *, at_rest: bool = False
) -> dump.Dump:
    """Return everything as Heketi keeps it. ``operations`` are those that have not ended.

    ``at_rest`` says that no server is at work, so that marks of other operations tell of ones that do not exist: they
    are shown. A server at work knows of an operation a moment later than of its marks.
    """
    return _Exporter(topology, operations, at_rest=at_rest).document(generation)


class _Exporter:
    def __init__(self, topology: Topology, operations: Sequence[Operation], *, at_rest: bool) -> None:
        self._topology = topology
        self._known = {each.id for each in operations} if at_rest else None
        self._operations = [each for each in operations if each.kind.value in unfinished.KIND_NUMBERS]
        self._recorded = {each.id for each in self._operations}
        self._unmade = {each.subject for each in operations if each.kind in _ADDS}
        self._at_work = dict(self._bricks_at_work())

    def document(self, generation: str) -> dump.Dump:
        topology = self._topology
        attributes = dict(sorted((_ATTRIBUTES | {"DB_GENERATION_ID": generation}).items()))
        return dump.Dump(
            clusterentries={each.id: self._cluster(each) for each in topology.clusters()},
            volumeentries={each.id: self._volume(each) for each in topology.volumes()},
            brickentries={each.id: self._brick(each) for each in topology.bricks()},
            nodeentries={each.id: self._node(each) for each in topology.nodes() if each.id not in self._unmade},
            deviceentries={each.id: self._device(each) for each in topology.devices() if each.id not in self._unmade},
            blockvolumeentries={each.id: self._block_volume(each) for each in topology.block_volumes()},
            dbattributeentries={key: dump.AttributeEntry(Key=key, Value=value) for key, value in attributes.items()},
            pendingoperations={
                each.id: _operation(each) for each in sorted(self._operations, key=lambda each: each.id)
            },
        )

    def _bricks_at_work(self) -> Iterator[tuple[str, str]]:
        """Yield bricks that operations make or remove, with the operation."""
        for operation in self._operations:
            for step in operation.steps:
                match step:
                    case steps.CreateBrick() | steps.DestroyBrick():
                        yield step.place.brick, operation.id
                    case steps.CloneVolume():
                        yield from ((each.clone, operation.id) for each in step.bricks)

    def _cluster(self, cluster: Cluster) -> dump.ClusterEntry:
        topology = self._topology
        return dump.ClusterEntry(
            Info=clusters.Cluster(
                id=cluster.id,
                nodes=tuple(each.id for each in self._nodes_of(cluster)),
                volumes=tuple(each.id for each in topology.volumes_of(cluster.id)),
                block=cluster.block,
                file=cluster.file,
                blockvolumes=tuple(each.id for each in topology.block_volumes_in(cluster.id)),
            )
        )

    def _nodes_of(self, cluster: Cluster) -> list[Node]:
        return [each for each in self._topology.nodes_of(cluster.id) if each.id not in self._unmade]

    def _node(self, node: Node) -> dump.NodeEntry:
        devices = (each.id for each in self._topology.devices_of(node.id) if each.id not in self._unmade)
        return dump.NodeEntry(
            State=node.state.value,
            Info=dump.NodeContents(
                zone=node.zone,
                hostnames=Hostnames(manage=node.manage, storage=node.storage),
                cluster=node.cluster,
                tags=dict(node.tags),
                id=node.id,
            ),
            Devices=tuple(devices),
        )

    def _device(self, device: Device) -> dump.DeviceEntry:
        topology = self._topology
        return dump.DeviceEntry(
            State=device.state.value,
            Info=dump.DeviceContents(
                name=device.name,
                tags=dict(device.tags),
                storage=Storage(total=device.total, free=topology.free(device), used=topology.used(device)),
                id=device.id,
                paths=device.paths,
                pv_uuid=device.pv_uuid,
            ),
            Bricks=tuple(each.id for each in topology.bricks_on(device.id)),
            NodeId=device.node,
            ExtentSize=device.extent,
        )

    def _volume(self, volume: Volume) -> dump.VolumeEntry:
        topology, request = self._topology, volume.durability_request
        cluster = topology.cluster(volume.cluster)
        hosts = tuple(each.storage_host for each in self._nodes_of(cluster)) if cluster else ()
        mount = GlusterMount(
            hosts=hosts,
            device=f"{hosts[0] if hosts else ''}:{volume.name}",
            options={"backup-volfile-servers": ",".join(hosts[1:])},
        )
        hosting = BlockHosting()
        if volume.block:
            hosting = BlockHosting(
                freesize=topology.block_free_gib(volume),
                reservedsize=volume.reserved_gib,
                blockvolume=tuple(each.id for each in topology.block_volumes_on(volume.id)),
                restriction=volume.restriction,
            )
        contents = dump.VolumeContents(
            size=volume.size_gib,
            clusters=volume.requested_clusters,
            name=volume.name,
            durability=Durability(
                type=request.type,
                replicate=Replicate(replica=request.replica),
                disperse=Disperse(data=request.data, redundancy=request.redundancy),
            ),
            gid=volume.gid,
            block=volume.block,
            snapshot=Snapshot(enable=volume.snapshot.enabled, factor=volume.snapshot.factor),
            id=volume.id,
            cluster=volume.cluster,
            mount=Mount(glusterfs=mount),
            blockinfo=hosting,
        )
        return dump.VolumeEntry(
            Info=contents,
            Bricks=tuple(each.id for each in topology.bricks_of(volume.id)),
            GlusterVolumeOptions=volume.options,
            Pending=self._mark(volume.pending, volume.id),
        )

    def _mark(self, pending: Pending | None, id_: str) -> dump.Mark:
        """Return Heketi's mark: an expansion or a move does not mark the volume, an unrecorded operation nothing."""
        if pending and self._known is not None and pending.operation not in self._known:
            return dump.Mark(Id=pending.operation)
        if pending is None or pending.operation not in self._recorded:
            return dump.Mark()
        marks = pending.hidden or any(
            each.id == pending.operation and each.kind is Kind.CLONE_VOLUME for each in self._operations
        )
        return dump.Mark(Id=pending.operation if marks and id_ else "")

    def _brick(self, brick: Brick) -> dump.BrickEntry:
        topology = self._topology
        device, volume = topology.device(brick.device), topology.volume(brick.volume)
        return dump.BrickEntry(
            Info=bricks.Brick(
                id=brick.id,
                path=brick.path,
                device=brick.device,
                node=device.node if device else "",
                volume=brick.volume,
                size=brick.size,
            ),
            TpSize=brick.pool_size,
            PoolMetadataSize=brick.metadata_size,
            Pending=dump.Mark(Id=self._at_work.get(brick.id, "")),
            LvmThinPool=brick.thin_pool,
            LvmLv=brick.given_name,
            SubType=2 if volume and _is_arbiter(volume, brick) else 1,
        )

    def _block_volume(self, block: BlockVolume) -> dump.BlockVolumeEntry:
        contents = dump.BlockVolumeContents(
            size=block.size_gib,
            clusters=block.requested_clusters,
            name=block.name,
            hacount=block.ha_count,
            auth=block.auth,
            id=block.id,
            blockvolume=BlockTarget(
                hosts=block.hosts, iqn=block.iqn, lun=block.lun, username=block.username, password=block.password
            ),
            cluster=block.cluster,
            blockhostingvolume=block.hosting,
            usablesize=block.usable_gib,
        )
        return dump.BlockVolumeEntry(Info=contents, Pending=self._mark(block.pending, block.id))


def _is_arbiter(volume: Volume, brick: Brick) -> bool:
    at = arbiter_position(volume.durability)
    return at is not None and any(len(each) > at and each[at] == brick.id for each in volume.brick_sets)


def _operation(operation: Operation) -> dump.OperationEntry:
    return dump.OperationEntry(
        Id=operation.id,
        Timestamp=int(operation.created_at),
        Type=operation.kind.value,
        Actions=tuple(_actions(operation)),
        Status="failed" if operation.state is OperationState.STUCK else "",
    )


def _actions(operation: Operation) -> Iterable[dump.Action]:
    if operation.kind is Kind.REMOVE_DEVICE:
        yield dump.Action(Change=unfinished.REMOVE_DEVICE, Id=operation.subject)
    for step in operation.steps:
        yield from _of_step(operation, step)


def _of_step(operation: Operation, step: Step) -> Iterator[dump.Action]:
    match step:
        case steps.CreateBrick():
            yield dump.Action(Change=unfinished.ADD_BRICK, Id=step.place.brick)
        case steps.CreateVolume():
            yield dump.Action(Change=unfinished.ADD_VOLUME, Id=step.volume)
        case steps.DestroyBrick():
            yield dump.Action(Change=unfinished.DELETE_BRICK, Id=step.place.brick)
        case steps.DeleteVolume():
            yield dump.Action(Change=unfinished.DELETE_VOLUME, Id=operation.subject)
        case steps.AddBricks():
            yield dump.Action(Change=unfinished.EXPAND_VOLUME, Id=operation.subject, Delta=step.grow_gib)
        case steps.CreateBlock():
            yield dump.Action(Change=unfinished.ADD_BLOCK_VOLUME, Id=operation.subject)
        case steps.DeleteBlock():
            yield dump.Action(Change=unfinished.DELETE_BLOCK_VOLUME, Id=operation.subject)
        case steps.ExpandBlock():
            yield dump.Action(Change=unfinished.EXPAND_BLOCK_VOLUME, Id=operation.subject, Delta=step.size_gib)
        case steps.CloneVolume():
            yield dump.Action(Change=unfinished.ADD_CLONE, Id=step.volume)
            yield from (dump.Action(Change=unfinished.ADD_BRICK, Id=each.clone) for each in step.bricks)
