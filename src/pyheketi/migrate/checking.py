"""Look for contradictions in Heketi's document, with the texts of the original (db.md §6).

Two false alarms of the original's are not given: bricks of clones share a thin pool, which is charged once, and a
removal of a device that is just moving a brick is no contradiction.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from pyheketi.migrate import unfinished
from pyheketi.wire.base import WireModel
from pyheketi.wire.check import Check, Findings
from pyheketi.wire.dump import (
    BlockVolumeEntry,
    BrickEntry,
    ClusterEntry,
    DeviceEntry,
    Dump,
    NodeEntry,
    OperationEntry,
    VolumeEntry,
)

_Rule: TypeAlias = "Callable[[_Links, str], Iterator[str]]"
"""Yields what is wrong with the entry of an id."""


def check(document: Dump) -> Check:
    """Return what is wrong in a document."""
    links = _Links(document)
    found = {
        "clusters": _findings(links, document.clusterentries, _cluster),
        "volumes": _findings(links, document.volumeentries, _volume),
        "bricks": _findings(links, document.brickentries, _brick),
        "nodes": _findings(links, document.nodeentries, _node),
        "devices": _findings(links, document.deviceentries, _device),
        "blockvolumes": _findings(links, document.blockvolumeentries, _block_volume),
        "pendingoperations": _findings(links, document.pendingoperations, _operation),
    }
    total = sum(len(each.inconsistencies) for each in found.values())
    return Check(**found, totalinconsistencies=total)


class _Links:
    """A document, and who names whom in it, looked up once."""

    def __init__(self, document: Dump) -> None:
        self.document = document
        clusters, nodes, devices = document.clusterentries, document.nodeentries, document.deviceentries
        volumes, bricks, blocks = document.volumeentries, document.brickentries, document.blockvolumeentries
        self.cluster_of_node = {id_: each.Info.cluster for id_, each in nodes.items()}
        self.cluster_of_volume = {id_: each.Info.cluster for id_, each in volumes.items()}
        self.cluster_of_block = {id_: each.Info.cluster for id_, each in blocks.items()}
        self.node_of_device = {id_: each.NodeId for id_, each in devices.items()}
        self.device_of_brick = {id_: each.Info.device for id_, each in bricks.items()}
        self.volume_of_brick = {id_: each.Info.volume for id_, each in bricks.items()}
        self.host_of_block = {id_: each.Info.blockhostingvolume for id_, each in blocks.items()}
        self.nodes_in = {id_: frozenset(each.Info.nodes) for id_, each in clusters.items()}
        self.volumes_in = {id_: frozenset(each.Info.volumes) for id_, each in clusters.items()}
        self.blocks_in = {id_: frozenset(each.Info.blockvolumes) for id_, each in clusters.items()}
        self.devices_of = {id_: frozenset(each.Devices) for id_, each in nodes.items()}
        self.bricks_on = {id_: frozenset(each.Bricks) for id_, each in devices.items()}
        self.bricks_of = {id_: frozenset(each.Bricks) for id_, each in volumes.items()}
        self.blocks_on = {id_: frozenset(each.Info.blockinfo.blockvolume or ()) for id_, each in volumes.items()}


def _findings(links: _Links, entries: Mapping[str, WireModel], rule: _Rule) -> Findings:
    wrong = {id_: list(rule(links, id_)) for id_ in entries}
    marked = sum(bool(_mark(entry)) for entry in entries.values())
    bad = sum(bool(texts) for texts in wrong.values())
    texts = tuple(text for each in wrong.values() for text in each)
    found = Findings(total=len(entries), pending=marked, ok=len(entries) - bad, notok=bad)
    return found.model_copy(update={"inconsistencies": texts}) if texts else found


def _mark(entry: WireModel) -> str:
    return entry.Pending.Id if isinstance(entry, VolumeEntry | BrickEntry | BlockVolumeEntry) else ""


def _cluster(links: _Links, id_: str) -> Iterator[str]:
    told, label = links.document.clusterentries[id_].Info, f"Cluster {id_}"
    yield from _children(label, "cluster", "node", told.nodes, links.cluster_of_node, id_)
    yield from _children(label, "cluster", "volume", told.volumes, links.cluster_of_volume, id_)
    yield from _children(label, "cluster", "blockvolume", told.blockvolumes, links.cluster_of_block, id_)


def _children(
    label: str, own: str, kind: str, listed: Collection[str], parents: Mapping[str, str], id_: str
) -> Iterator[str]:
    """Yield what is wrong with the ids that an entry lists."""
    for child in listed:
        if child not in parents:
            yield f"{label} unknown {kind} {child}"
        elif parents[child] != id_:
            yield f"{label} no link back to {own} from {kind} {child}"


def _parent(
    label: str, own: str, kind: str, parent: str, lists: Mapping[str, Collection[str]], id_: str
) -> Iterator[str]:
    """Yield what is wrong with the entry that an entry belongs to."""
    if parent not in lists:
        yield f"{label} unknown {kind} {parent}"
    elif id_ not in lists[parent]:
        yield f"{label} no link back to {own} from {kind} {parent}"


def _marked(links: _Links, label: str, mark: str) -> Iterator[str]:
    if mark and mark not in links.document.pendingoperations:
        yield f"{label} marked pending but no pending op {mark}"


def _node(links: _Links, id_: str) -> Iterator[str]:
    entry: NodeEntry = links.document.nodeentries[id_]
    yield from _children(f"Node {id_}", "node", "device", entry.Devices, links.node_of_device, id_)
    yield from _parent(f"Node {id_}", "node", "cluster", entry.Info.cluster, links.nodes_in, id_)


def _device(links: _Links, id_: str) -> Iterator[str]:
    entry: DeviceEntry = links.document.deviceentries[id_]
    storage, label = entry.Info.storage, f"Device {id_}"
    yield from _parent(label, "device", "node", entry.NodeId, links.devices_of, id_)
    yield from _children(label, "device", "brick", entry.Bricks, links.device_of_brick, id_)
    if storage.total != storage.free + storage.used:
        yield (f"{label} size values differ Total({storage.total}) != Free({storage.free}) + Used({storage.used})")
    bricks = [brick for each in entry.Bricks if (brick := links.document.brickentries.get(each))]
    pools = {brick.LvmThinPool or brick.Info.id: brick.TpSize + brick.PoolMetadataSize for brick in bricks}
    if storage.used != sum(pools.values()):
        yield f"{label} size values differ Used({storage.used}) != aggregateBricksSize({sum(pools.values())})"


def _brick(links: _Links, id_: str) -> Iterator[str]:
    entry: BrickEntry = links.document.brickentries[id_]
    told, label = entry.Info, f"Brick {id_}"
    yield from _marked(links, label, entry.Pending.Id)
    if told.node not in links.document.nodeentries:
        yield f"{label} unknown node {told.node}"
    yield from _parent(label, "brick", "volume", told.volume, links.bricks_of, id_)
    yield from _parent(label, "brick", "device", told.device, links.bricks_on, id_)


def _volume(links: _Links, id_: str) -> Iterator[str]:
    entry: VolumeEntry = links.document.volumeentries[id_]
    told, label = entry.Info, f"Volume {id_}"
    yield from _marked(links, label, entry.Pending.Id)
    yield from _parent(label, "volume", "cluster", told.cluster, links.volumes_in, id_)
    cluster: ClusterEntry | None = links.document.clusterentries.get(told.cluster)
    hosts = told.mount.glusterfs.hosts
    if cluster is not None and len(hosts) != len(cluster.Info.nodes):
        yield (
            f"{label} mount hosts list([{' '.join(hosts)}]) is not same as list of all nodes of the"
            f" cluster([{' '.join(cluster.Info.nodes)}])"
        )
    yield from _children(label, "volume", "brick", entry.Bricks, links.volume_of_brick, id_)
    held = told.blockinfo.blockvolume or ()
    yield from _children(label, "volume", "blockvolume", held, links.host_of_block, id_)
    used = sum(block.Info.size for each in held if (block := links.document.blockvolumeentries.get(each)))
    free, reserved = told.blockinfo.freesize, told.blockinfo.reservedsize
    if told.block and used != told.size - free - reserved:
        yield (
            f"{label} blocksize differs aggregateSize {used} != volumeSize {told.size} - freeSize {free}"
            f" - reservedSize {reserved}"
        )
    if not told.block and used:
        yield f"{label} has blockvolumes but not block flag"


def _block_volume(links: _Links, id_: str) -> Iterator[str]:
    entry: BlockVolumeEntry = links.document.blockvolumeentries[id_]
    told, label = entry.Info, f"BlockVolume {id_}"
    yield from _marked(links, label, entry.Pending.Id)
    yield from _parent(label, "blockVolume", "cluster", told.cluster, links.blocks_in, id_)
    yield from _parent(label, "blockVolume", "volume", told.blockhostingvolume, links.blocks_on, id_)


_MARKS: Mapping[int, str] = {
    unfinished.ADD_BRICK: "bricks",
    unfinished.DELETE_BRICK: "bricks",
    unfinished.ADD_VOLUME: "volumes",
    unfinished.DELETE_VOLUME: "volumes",
    unfinished.CLONE_VOLUME: "volumes",
    unfinished.SNAPSHOT_VOLUME: "volumes",
    unfinished.ADD_CLONE: "volumes",
    unfinished.ADD_BLOCK_VOLUME: "blockvolumes",
    unfinished.DELETE_BLOCK_VOLUME: "blockvolumes",
}
"""Changes of objects that are marked meanwhile, with the kind of the object."""
_SIZES = {unfinished.EXPAND_VOLUME: "volumes", unfinished.EXPAND_BLOCK_VOLUME: "blockvolumes"}
_FREE = frozenset({unfinished.REMOVE_DEVICE, unfinished.CHILD, unfinished.PARENT})


def _operation(links: _Links, id_: str) -> Iterator[str]:
    entry: OperationEntry = links.document.pendingoperations[id_]
    entries: Mapping[str, Mapping[str, WireModel]] = {
        "bricks": links.document.brickentries,
        "volumes": links.document.volumeentries,
        "blockvolumes": links.document.blockvolumeentries,
    }
    for action in entry.Actions:
        if action.Change in _MARKS:
            kind = _MARKS[action.Change]
            marked = entries[kind].get(action.Id)
            if marked is None or _mark(marked) != id_:
                yield f"pending op {id_} id in change missing {action.Id} not found in {kind}"
        elif action.Change in _SIZES:
            kind = _SIZES[action.Change]
            if action.Id not in entries[kind]:
                yield f"pending op {id_}: change id missing {action.Id} not found in {kind}"
        elif action.Change not in _FREE:
            yield f"Pending Op {id_} unexpected change type {action.Change}"
