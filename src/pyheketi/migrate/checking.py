"""Look for contradictions in Heketi's document: one checker for the server, the command line and imports (db.md §6).

Its rules are those of Heketi's own check, with its texts, and those of its helper script (tools.md §2): own ids, names
listed twice, all kinds of changes. Three false alarms of the original's are not given: bricks of clones share a thin
pool, which is charged once, a removal of a device that is just moving a brick is no contradiction, and neither is the
space that an unfinished expansion of a block volume has claimed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pyheketi.migrate import unfinished
from pyheketi.migrate.findings import Finding, Rule
from pyheketi.wire.base import WireModel
from pyheketi.wire.check import Check, Findings
from pyheketi.wire.dump import (
    Action,
    BlockVolumeEntry,
    BrickEntry,
    ClusterEntry,
    DeviceEntry,
    Dump,
    NodeEntry,
    OperationEntry,
    VolumeEntry,
)

_Rules: TypeAlias = "Callable[[_Links, _Subject], Iterator[Finding]]"
"""Yields what is wrong with the entry of an id."""


def check(document: Dump) -> Check:
    """Return what is wrong in a document, as the server tells it."""
    links = _Links(document)
    found = {
        section: _counted(entries, [list(rules(links, _Subject(kind, label, id_))) for id_ in entries])
        for section, (kind, label, entries, rules) in _sections(document).items()
    }
    total = sum(len(each.inconsistencies) for each in found.values())
    return Check(**found, totalinconsistencies=total)


def findings(document: Dump) -> tuple[Finding, ...]:
    """Return what is wrong in a document, for programs."""
    links = _Links(document)
    return tuple(
        finding
        for kind, label, entries, rules in _sections(document).values()
        for id_ in entries
        for finding in rules(links, _Subject(kind, label, id_))
    )


def _sections(document: Dump) -> Mapping[str, tuple[str, str, Mapping[str, WireModel], _Rules]]:
    return {
        "clusters": ("cluster", "Cluster", document.clusterentries, _cluster),
        "volumes": ("volume", "Volume", document.volumeentries, _volume),
        "bricks": ("brick", "Brick", document.brickentries, _brick),
        "nodes": ("node", "Node", document.nodeentries, _node),
        "devices": ("device", "Device", document.deviceentries, _device),
        "blockvolumes": ("blockvolume", "BlockVolume", document.blockvolumeentries, _block_volume),
        "pendingoperations": ("operation", "Pending Op", document.pendingoperations, _operation),
    }


def _counted(entries: Mapping[str, WireModel], wrong: list[list[Finding]]) -> Findings:
    marked = sum(bool(_mark(entry)) for entry in entries.values())
    bad = sum(map(bool, wrong))
    texts = tuple(finding.text for each in wrong for finding in each)
    found = Findings(total=len(entries), pending=marked, ok=len(entries) - bad, notok=bad)
    return found.model_copy(update={"inconsistencies": texts}) if texts else found


@dataclass(frozen=True, slots=True)
class _Subject:
    """An object that is looked at."""

    kind: str
    label: str
    """Heketi's word for the kind."""
    id: str

    def wrong(self, rule: Rule, text: str, other_kind: str = "", other: str = "") -> Finding:
        """Return a finding; ``text`` goes on after the object's name."""
        return self.found(rule, f"{self.label} {self.id} {text}", other_kind, other)

    def found(self, rule: Rule, text: str, other_kind: str, other: str) -> Finding:
        """Return a finding with words of its own."""
        return Finding(rule=rule, kind=self.kind, object=self.id, other_kind=other_kind, other=other, text=text)

    def told(self, told: str) -> Iterator[Finding]:
        """Yield what is wrong with the id inside the entry."""
        if told != self.id:
            yield self.wrong(Rule.OWN_ID, f"says that its id is {told!r}", self.kind, told)

    def children(self, own: str, kind: str, listed: Collection[str], parents: Mapping[str, str]) -> Iterator[Finding]:
        """Yield what is wrong with the ids that the entry lists; ``own`` is Heketi's word for it there."""
        for child, times in Counter(listed).items():
            for _ in range(times):  # Heketi tells of each
                if child not in parents:
                    yield self.wrong(Rule.LIST_UNKNOWN, f"unknown {kind} {child}", kind, child)
                elif parents[child] != self.id:
                    yield self.wrong(Rule.LIST_FOREIGN, f"no link back to {own} from {kind} {child}", kind, child)
            if times > 1:
                yield self.wrong(Rule.LIST_TWICE, f"lists {kind} {child} {times} times", kind, child)

    def parent(self, own: str, kind: str, parent: str, lists: Mapping[str, Collection[str]]) -> Iterator[Finding]:
        """Yield what is wrong with the entry that the entry belongs to."""
        if parent not in lists:
            yield self.wrong(Rule.PARENT_UNKNOWN, f"unknown {kind} {parent}", kind, parent)
        elif self.id not in lists[parent]:
            yield self.wrong(Rule.PARENT_SILENT, f"no link back to {own} from {kind} {parent}", kind, parent)

    def marked(self, links: "_Links", mark: str) -> Iterator[Finding]:
        """Yield what is wrong with the mark of an operation."""
        if mark and mark not in links.document.pendingoperations:
            yield self.wrong(Rule.MARK_UNKNOWN, f"marked pending but no pending op {mark}", "operation", mark)


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
        self.block_size_wanted = {
            action.Id: action.Delta or 0
            for operation in document.pendingoperations.values()
            for action in operation.Actions
            if action.Change == unfinished.EXPAND_BLOCK_VOLUME
        }
        """GiB that block volumes have at the end of an expansion, whose space is booked from its beginning."""


def _mark(entry: WireModel) -> str:
    return entry.Pending.Id if isinstance(entry, VolumeEntry | BrickEntry | BlockVolumeEntry) else ""


def _cluster(links: _Links, cluster: _Subject) -> Iterator[Finding]:
    told = links.document.clusterentries[cluster.id].Info
    yield from cluster.told(told.id)
    yield from cluster.children("cluster", "node", told.nodes, links.cluster_of_node)
    yield from cluster.children("cluster", "volume", told.volumes, links.cluster_of_volume)
    yield from cluster.children("cluster", "blockvolume", told.blockvolumes, links.cluster_of_block)


def _node(links: _Links, node: _Subject) -> Iterator[Finding]:
    entry: NodeEntry = links.document.nodeentries[node.id]
    yield from node.told(entry.Info.id)
    yield from node.children("node", "device", entry.Devices, links.node_of_device)
    yield from node.parent("node", "cluster", entry.Info.cluster, links.nodes_in)


def _device(links: _Links, device: _Subject) -> Iterator[Finding]:
    entry: DeviceEntry = links.document.deviceentries[device.id]
    storage = entry.Info.storage
    yield from device.told(entry.Info.id)
    yield from device.parent("device", "node", entry.NodeId, links.devices_of)
    yield from device.children("device", "brick", entry.Bricks, links.device_of_brick)
    if storage.total != storage.free + storage.used:
        yield device.wrong(
            Rule.DEVICE_TOTAL,
            f"size values differ Total({storage.total}) != Free({storage.free}) + Used({storage.used})",
        )
    taken = space_of_bricks(links.document, entry)
    if storage.used != taken:
        yield device.wrong(
            Rule.DEVICE_USED,
            f"size values differ Used({storage.used}) != aggregateBricksSize({taken})",
        )


def space_of_bricks(document: Dump, device: DeviceEntry) -> int:
    """Return KiB that the bricks which a device lists take, thin pools that they share once."""
    bricks = [brick for each in device.Bricks if (brick := document.brickentries.get(each))]
    return sum({brick.LvmThinPool or brick.Info.id: brick.TpSize + brick.PoolMetadataSize for brick in bricks}.values())


def _brick(links: _Links, brick: _Subject) -> Iterator[Finding]:
    entry: BrickEntry = links.document.brickentries[brick.id]
    told = entry.Info
    yield from brick.told(told.id)
    yield from brick.marked(links, entry.Pending.Id)
    if told.node not in links.document.nodeentries:
        yield brick.wrong(Rule.BRICK_NODE, f"unknown node {told.node}", "node", told.node)
    yield from brick.parent("brick", "volume", told.volume, links.bricks_of)
    yield from brick.parent("brick", "device", told.device, links.bricks_on)


def _volume(links: _Links, volume: _Subject) -> Iterator[Finding]:
    entry: VolumeEntry = links.document.volumeentries[volume.id]
    told = entry.Info
    yield from volume.told(told.id)
    yield from volume.marked(links, entry.Pending.Id)
    yield from volume.parent("volume", "cluster", told.cluster, links.volumes_in)
    cluster: ClusterEntry | None = links.document.clusterentries.get(told.cluster)
    hosts = told.mount.glusterfs.hosts
    if cluster is not None and len(hosts) != len(cluster.Info.nodes):
        yield volume.wrong(
            Rule.MOUNT_HOSTS,
            f"mount hosts list([{' '.join(hosts)}]) is not same as list of all nodes of the"
            f" cluster([{' '.join(cluster.Info.nodes)}])",
            "cluster",
            told.cluster,
        )
    yield from volume.children("volume", "brick", entry.Bricks, links.volume_of_brick)
    yield from _hosting(links, volume, entry)


def _hosting(links: _Links, volume: _Subject, entry: VolumeEntry) -> Iterator[Finding]:
    """Yield what is wrong with the block volumes that a volume holds."""
    told, hosting = entry.Info, entry.Info.blockinfo
    held = hosting.blockvolume or ()
    yield from volume.children("volume", "blockvolume", held, links.host_of_block)
    blocks = links.document.blockvolumeentries
    there = {each: block.Info.size for each in held if (block := blocks.get(each))}
    used, booked = sum(there.values()), told.size - hosting.freesize - hosting.reservedsize
    claimed = sum(links.block_size_wanted.get(each, size) for each, size in there.items())
    if told.block and booked not in {used, claimed}:
        yield volume.wrong(
            Rule.BLOCK_SIZE,
            f"blocksize differs aggregateSize {used} != volumeSize {told.size} - freeSize {hosting.freesize}"
            f" - reservedSize {hosting.reservedsize}",
        )
    if not told.block and used:
        yield volume.wrong(Rule.BLOCK_FLAG, "has blockvolumes but not block flag")


def _block_volume(links: _Links, block: _Subject) -> Iterator[Finding]:
    entry: BlockVolumeEntry = links.document.blockvolumeentries[block.id]
    told = entry.Info
    yield from block.told(told.id)
    yield from block.marked(links, entry.Pending.Id)
    yield from block.parent("blockVolume", "cluster", told.cluster, links.blocks_in)
    yield from block.parent("blockVolume", "volume", told.blockhostingvolume, links.blocks_on)


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
_THERE: Mapping[int, str] = {
    unfinished.EXPAND_VOLUME: "volumes",
    unfinished.EXPAND_BLOCK_VOLUME: "blockvolumes",
    unfinished.REMOVE_DEVICE: "devices",
    unfinished.CHILD: "pendingoperations",
    unfinished.PARENT: "pendingoperations",
}
"""Changes of objects that are not marked, with the kind of the object."""
_KINDS: Mapping[str, str] = {
    "bricks": "brick",
    "volumes": "volume",
    "blockvolumes": "blockvolume",
    "devices": "device",
    "pendingoperations": "operation",
}
"""Kinds of objects by the sections of the document."""


def _operation(links: _Links, operation: _Subject) -> Iterator[Finding]:
    entry: OperationEntry = links.document.pendingoperations[operation.id]
    yield from operation.told(entry.Id)
    if entry.Type not in unfinished.KIND_NUMBERS:
        yield operation.wrong(Rule.OPERATION_KIND, f"unexpected type {entry.Type}")
    for action in entry.Actions:
        yield from _action(links, operation, action)


def _action(links: _Links, operation: _Subject, action: Action) -> Iterator[Finding]:
    entries: Mapping[str, Mapping[str, WireModel]] = {
        "bricks": links.document.brickentries,
        "volumes": links.document.volumeentries,
        "blockvolumes": links.document.blockvolumeentries,
        "devices": links.document.deviceentries,
        "pendingoperations": links.document.pendingoperations,
    }
    if section := _MARKS.get(action.Change):
        marked = entries[section].get(action.Id)
        if marked is None or _mark(marked) != operation.id:
            text = f"pending op {operation.id} id in change missing {action.Id} not found in {section}"
            yield operation.found(Rule.CHANGE_UNMARKED, text, _KINDS[section], action.Id)
    elif section := _THERE.get(action.Change):
        if action.Id not in entries[section]:
            text = f"pending op {operation.id}: change id missing {action.Id} not found in {section}"
            yield operation.found(Rule.CHANGE_UNKNOWN, text, _KINDS[section], action.Id)
    else:
        yield operation.wrong(Rule.CHANGE_KIND, f"unexpected change type {action.Change}")
