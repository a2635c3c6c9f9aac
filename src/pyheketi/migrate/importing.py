"""Make entities and operations of Heketi's document (db.md §1, §7, §8).

What contradicts itself is told, and left out only where it cannot be kept: a brick of no volume, say. The space that it
takes is kept in any case, as space that is not ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pyheketi.domain import errors
from pyheketi.domain.durability import Durability, DurabilityRequest, Replicate
from pyheketi.domain.entities import (
    BlockVolume,
    Brick,
    Cluster,
    Device,
    Entity,
    Node,
    Snapshot,
    State,
    Tags,
    Volume,
    float32,
)
from pyheketi.domain.ids import BlockVolumeId, BrickId, ClusterId, DeviceId, NodeId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.migrate import checking, guessing, mending, unfinished
from pyheketi.operations.operation import Operation
from pyheketi.planning import hosting
from pyheketi.wire.dump import BlockVolumeEntry, BrickEntry, DeviceEntry, Dump, NodeEntry, VolumeEntry

KNOWN_ATTRIBUTES = frozenset(
    {
        "DB_BRICK_HAS_SUBTYPE_FIELD",
        "DB_CLUSTER_HAS_FILE_BLOCK_FLAG",
        "DB_DEVICE_HAS_ID_META",
        "DB_GENERATION_ID",
        "DB_HAS_PENDING_OPS_BUCKET",
    }
)
"""Attributes up to Heketi 10; others are of a newer one."""
_HAS_FLAGS = "DB_CLUSTER_HAS_FILE_BLOCK_FLAG"
_ARBITER = 2


class Unusable(errors.StoreError):
    """The document cannot be taken over as it is; tells all reasons."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made of a document."""

    topology: Topology
    operations: tuple[Operation, ...]
    """Operations that Heketi left unfinished: stuck, to be undone or finished as soon as a server runs."""
    notes: tuple[str, ...]
    """What a person should know: what was left out, mended, or looked odd."""


def imported(document: Dump) -> Imported:
    """Return everything that a document holds.

    Raises:
        Unusable: it is of a newer Heketi, or two objects claim the same name.
    """
    newer = sorted(document.dbattributeentries.keys() - KNOWN_ATTRIBUTES)
    if newer:
        raise Unusable(f"The database was written by a newer Heketi than 10: it has attributes {', '.join(newer)}")
    unfinished.require_known(document)
    importer = _Importer(document)
    importer.document = mending.by_own_ids(document, importer.refused)
    importer.notes.extend(mending.notes(document, checking.findings(document)))
    document = importer.document
    topology = importer.topology()
    try:
        operations, changes = unfinished.operations(document, topology, importer.notes)
        return Imported(topology.apply(changes), operations, tuple(importer.notes))
    except errors.BrokenInvariant as error:
        raise Unusable(f"The database contradicts itself: {error}") from error


@dataclass(slots=True)
class _Importer:
    """Collects entities, parents first."""

    document: Dump
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why the document cannot be taken over; told all at once."""
    clusters: dict[str, Cluster] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    bricks: dict[str, Brick] = field(default_factory=dict)
    blocks: dict[str, BlockVolume] = field(default_factory=dict)

    def topology(self) -> Topology:
        self._clusters()
        for node in self.document.nodeentries.values():
            self._node(node)
        for device in self.document.deviceentries.values():
            self._device(device)
        for volume in self.document.volumeentries.values():
            self._volume(volume)
        self._bricks()
        for block in self.document.blockvolumeentries.values():
            self._block_volume(block)
        self._guess_sets()
        self._mend_hosting()
        self._require_names()
        kinds = (self.clusters, self.nodes, self.devices, self.volumes, self.bricks, self.blocks)
        entities: list[Entity] = [entity for kind in kinds for entity in kind.values()]
        try:
            return self._with_use(Topology(entities))
        except errors.BrokenInvariant as error:
            raise Unusable(f"The database contradicts itself: {error}") from error

    def _clusters(self) -> None:
        attribute = self.document.dbattributeentries.get(_HAS_FLAGS)
        has_flags = attribute is not None and attribute.Value == "yes"
        for entry in self.document.clusterentries.values():
            told = entry.Info
            file, block = (told.file, told.block) if has_flags else (True, True)
            self.clusters[told.id] = Cluster(id=ClusterId(told.id), file=file, block=block)
        if self.clusters and not has_flags:
            self.notes.append("The database is older than Heketi 6: all clusters may hold volumes of all kinds")

    def _node(self, entry: NodeEntry) -> None:
        told = entry.Info
        if self._lacks("node", told.id, "cluster", told.cluster, self.clusters):
            return
        if not told.hostnames.manage or not told.hostnames.storage:
            self.notes.append(f"Left out: node {told.id}, it has no host names")
            return
        self.nodes[told.id] = Node(
            id=NodeId(told.id),
            cluster=ClusterId(told.cluster),
            zone=told.zone,
            manage=tuple(told.hostnames.manage),
            storage=tuple(told.hostnames.storage),
            state=self._state("node", told.id, entry.State),
            tags=_tags(told.tags),
        )

    def _device(self, entry: DeviceEntry) -> None:
        told, storage = entry.Info, entry.Info.storage
        if self._lacks("device", told.id, "node", entry.NodeId, self.nodes):
            return
        if storage.total != storage.free + storage.used:
            self.notes.append(
                f"Device {told.id}: {storage.free} KiB free and {storage.used} KiB used are not its {storage.total}"
                " KiB; what is used was kept. Read its numbers from the node: heketi-cli device resync"
            )
        self.devices[told.id] = Device(
            id=DeviceId(told.id),
            node=NodeId(entry.NodeId),
            name=told.name,
            total=max(0, storage.total),
            extent=entry.ExtentSize if entry.ExtentSize > 0 else 4096,
            pv_uuid=told.pv_uuid,
            paths=tuple(told.paths or ()),
            state=self._state("device", told.id, entry.State),
            tags=_tags(told.tags),
        )

    def _volume(self, entry: VolumeEntry) -> None:
        told = entry.Info
        if self._lacks("volume", told.id, "cluster", told.cluster, self.clusters):
            return
        request = DurabilityRequest(
            type=told.durability.type,
            replica=told.durability.replicate.replica,
            data=told.durability.disperse.data,
            redundancy=told.durability.disperse.redundancy,
        )
        try:
            durability = self._durability(entry, request)
        except ValueError as error:
            self.refused.append(f"volume {told.id}: {error}")
            return
        options = tuple(entry.GlusterVolumeOptions or ())
        self.volumes[told.id] = Volume(
            id=VolumeId(told.id),
            name=told.name or f"vol_{told.id}",
            cluster=ClusterId(told.cluster),
            size_gib=max(1, told.size),
            durability=durability,
            durability_request=request,
            gid=told.gid,
            options=options,
            snapshot=Snapshot(told.snapshot.enable, float32(told.snapshot.factor) if told.snapshot.factor else 1.0),
            block=told.block,
            reserved_gib=told.blockinfo.reservedsize,
            restriction=told.blockinfo.restriction,
            requested_clusters=tuple(told.clusters or ()),
        )

    def _durability(self, entry: VolumeEntry, request: DurabilityRequest) -> Durability:
        """Return what the bricks are: one of them being an arbiter tells that all sets have one."""
        effective = request.effective()
        bricks = (self.document.brickentries.get(id_) for id_ in entry.Bricks)
        if isinstance(effective, Replicate) and any(brick and brick.SubType == _ARBITER for brick in bricks):
            return replace(effective, arbiter=True)
        return effective

    def _bricks(self) -> None:
        owner = {id_: entry.Info.id for entry in self.document.volumeentries.values() for id_ in entry.Bricks}
        for id_ in sorted(owner.keys() - self.document.brickentries.keys()):
            self.notes.append(f"Volume {owner[id_]} names brick {id_}, which does not exist; it was passed over")
        for entry in self.document.brickentries.values():
            self._brick(entry, entry.Info.volume or owner.get(entry.Info.id, ""))

    def _brick(self, entry: BrickEntry, volume: str) -> None:
        told = entry.Info
        if self._lacks("brick", told.id, "device", told.device, self.devices):
            return
        if self._lacks("brick", told.id, "volume", volume, self.volumes):
            return
        if entry.TpSize <= 0 or told.size <= 0:
            self.notes.append(f"Left out: brick {told.id} of volume {volume}, it has no size")
            return
        brick = Brick(
            id=BrickId(told.id),
            device=DeviceId(told.device),
            volume=VolumeId(volume),
            size=told.size,
            pool_size=entry.TpSize,
            metadata_size=max(0, entry.PoolMetadataSize),
            thin_pool=entry.LvmThinPool or f"tp_{told.id}",
            gid=self.volumes[volume].gid,
            given_name=entry.LvmLv,
        )
        self.bricks[told.id] = replace(brick, given_path=told.path) if told.path not in ("", brick.path) else brick

    def _block_volume(self, entry: BlockVolumeEntry) -> None:
        told, target = entry.Info, entry.Info.blockvolume
        host = self.volumes.get(told.blockhostingvolume)
        if host is None:
            self._lacks("block volume", told.id, "hosting volume", told.blockhostingvolume, self.volumes)
            return
        self.blocks[told.id] = BlockVolume(
            id=BlockVolumeId(told.id),
            name=told.name or f"blockvol_{told.id}",
            cluster=host.cluster,
            hosting=host.id,
            size_gib=max(1, told.size),
            usable_gib=told.usablesize or told.size,
            ha_count=told.hacount,
            auth=told.auth or bool(target.password),
            hosts=tuple(target.hosts),
            iqn=target.iqn,
            lun=target.lun,
            username=target.username,
            password=target.password,
            requested_clusters=tuple(told.clusters or ()),
        )

    # -- what the database does not tell -------------------------------------------------------------------------

    def _guess_sets(self) -> None:
        pending = unfinished.added_bricks(self.document)
        arbiters = frozenset(id_ for id_, entry in self.document.brickentries.items() if entry.SubType == _ARBITER)
        held: dict[str, list[Brick]] = {}
        for brick in self.bricks.values():
            if pending.get(brick.id) != unfinished.EXPANSION:
                held.setdefault(brick.volume, []).append(brick)
        for id_, volume in self.volumes.items():
            bricks = [brick for brick in held.get(id_, ()) if pending.get(brick.id) != unfinished.REPLACEMENT]
            sets = guessing.sets_of(bricks, volume.durability.set_size, self._node_of, arbiters)
            if any(len(each) != volume.durability.set_size for each in sets):
                self.notes.append(f"Volume {id_}: {len(bricks)} bricks do not make whole sets for {volume.durability}")
            self.volumes[id_] = replace(volume, brick_sets=sets, sets_guessed=len(bricks) > 1)

    def _node_of(self, brick: Brick) -> str:
        return self.devices[brick.device].node

    def _mend_hosting(self) -> None:
        """Do for hosting volumes what Heketi does at every start (db.md §7, steps 5 and 6)."""
        hosted: dict[str, int] = {}
        for block in self.blocks.values():
            hosted[block.hosting] = hosted.get(block.hosting, 0) + block.size_gib
        for id_, volume in self.volumes.items():
            entry = self.document.volumeentries[id_]
            if not volume.block and id_ in hosted:
                self.volumes[id_] = replace(volume, block=True, restriction=hosting.LOCKED_BY_UPDATE)
                self.notes.append(
                    f"Volume {id_} holds block volumes, but was not meant to: it was made a block hosting volume. It"
                    " takes no further ones until it is unlocked"
                )
            elif volume.block and entry.Pending.Id not in self.document.pendingoperations:
                self.volumes[id_] = self._hosting_mended(volume, entry, hosted.get(id_, 0))

    def _hosting_mended(self, volume: Volume, entry: VolumeEntry, used: int) -> Volume:
        """Return a hosting volume whose free space is what its block volumes of ``used`` GiB leave."""
        free = volume.size_gib - volume.reserved_gib - used
        if entry.Info.blockinfo.freesize != free:
            said = f"{entry.Info.blockinfo.freesize} GiB free are told, {free} are"
            self.notes.append(
                f"Block hosting volume {volume.id}: {said}. It takes no block volumes until it is unlocked"
            )
            return replace(volume, restriction=hosting.LOCKED_BY_UPDATE)
        if volume.reserved_gib or volume.restriction == hosting.LOCKED_BY_UPDATE:
            return volume
        reserve = hosting.reserve(volume.size_gib)
        if free >= reserve:
            return replace(volume, reserved_gib=reserve)
        return replace(volume, restriction=hosting.LOCKED_BY_UPDATE)

    def _with_use(self, topology: Topology) -> Topology:
        """Return the topology with what devices hold beyond our bricks."""
        changed = []
        for device in topology.devices():
            told, bricks = self.document.deviceentries[device.id].Info.storage, topology.used(device)
            if told.used < bricks:
                self.notes.append(
                    f"Device {device.id}: {told.used} KiB are said to be in use, but its bricks take {bricks} KiB; that"
                    " was booked. Read its numbers from the node: heketi-cli device resync"
                )
            changed.append(replace(device, foreign=max(0, told.used - bricks)))
        return Topology([*(each for each in topology.entities() if not isinstance(each, Device)), *changed])

    # -- what is wrong -------------------------------------------------------------------------------------------

    def _lacks(self, kind: str, id_: str, parent: str, parent_id: str, known: Mapping[str, object]) -> bool:
        if parent_id in known:
            return False
        named = f"{parent} {parent_id}, which is not there" if parent_id else f"no {parent}"
        self.notes.append(f"Left out: {kind} {id_}, it belongs to {named}")
        return True

    def _state(self, kind: str, id_: str, state: str) -> State:
        try:
            return State(state or "online")
        except ValueError:
            self.notes.append(f"The {kind} {id_} has the unknown state {state!r}; it was taken for offline")
            return State.OFFLINE

    def _require_names(self) -> None:
        reasons = [*self.refused, *self._claimed_twice()]
        if reasons:
            lines = (f"  {reason}" for reason in reasons)
            raise Unusable("\n".join(["The database contradicts itself; mend it with the old server first:", *lines]))

    def _claimed_twice(self) -> Iterator[str]:
        taken: dict[tuple[str, ...], str] = {}
        for node in self.nodes.values():
            for role, names in (("management", node.manage), ("storage", node.storage)):
                for name in names:
                    if taken.setdefault((role, name), node.id) != node.id:
                        yield f"nodes {taken[role, name]} and {node.id} have the same {role} host name {name}"
        for volume in self.volumes.values():
            if taken.setdefault((volume.cluster, volume.name), volume.id) != volume.id:
                other = taken[volume.cluster, volume.name]
                yield f"volumes {other} and {volume.id} of one cluster have the same name {volume.name}"


def _tags(tags: Mapping[str, str] | None) -> Tags:
    return tuple(sorted((tags or {}).items()))
