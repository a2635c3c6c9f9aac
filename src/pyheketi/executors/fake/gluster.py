"""Simulated gluster, with the words of GlusterFS 10. What it shows stands in ``gluster_reports``."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pyheketi.executors.fake import gluster_reports as reports
from pyheketi.executors.fake import lvm
from pyheketi.executors.fake.answers import Failed, unknown
from pyheketi.executors.fake.state import (
    Directory,
    FakeNode,
    FileSystem,
    GlusterVolume,
    LogicalVolume,
    Pool,
    Snapshot,
    stable_uuid,
)

_NO_SUCH_VOLUME = 30806
_ANY_ERROR = 30800

_OPTION_DOMAINS = re.compile(
    r"(auth|changelog|client|cluster|config|cooperative|ctr|debug|dht|diagnostics|disperse|features|ganesha"
    r"|geo-replication|locks|network|nfs|performance|server|snap|ssl|storage|transport|user)\..+"
)
"""What names of options look like; ``foo`` and ``foo.bar`` are none."""

_Call: TypeAlias = Callable[[FakeNode, list[str], bool], str]
"""Takes the node, the words after the two of the command, and whether XML is wanted."""


class _Refused(Exception):
    """The answer of glusterd that it will not; ``lead`` is what the command line says before."""

    def __init__(self, lead: str, text: str, code: int = _ANY_ERROR) -> None:
        super().__init__(text)
        self.lead = lead
        self.text = text
        self.code = code


def run(node: FakeNode, args: Sequence[str]) -> str:
    """Run ``gluster`` with its arguments."""
    words = [arg for arg in args if not arg.startswith(("--mode=", "--timeout="))]
    xml = "--xml" in words
    if xml:
        words = [word for word in words if word != "--xml"]
    call = _COMMANDS.get((words[0], words[1])) if len(words) > 1 else None
    if call is None:
        unknown("gluster", args)
    if not node.glusterd:
        raise Failed(1, "Connection failed. Please check if gluster daemon is operational.\n")
    try:
        return call(node, words[2:], xml)
    except _Refused as refused:
        if xml:
            return reports.answer("", code=refused.code, text=refused.text)
        raise Failed(1, f"{refused.lead}{refused.text}\n") from None


def _done(xml: bool, text: str) -> str:
    return reports.answer("") if xml else f"{text}\n"


def _volume(node: FakeNode, lead: str, name: str) -> GlusterVolume:
    found = node.pool.volumes.get(name)
    if found is None:
        raise _Refused(lead, f"Volume {name} does not exist", _NO_SUCH_VOLUME)
    return found


# -- peers -------------------------------------------------------------------------------------------------------


def _peer_probe(node: FakeNode, words: list[str], xml: bool) -> str:
    (name,) = _exactly(words, 1, "peer probe")
    peer = node.resolve(name)
    if peer is node:
        return _done(xml, "peer probe: Probe on localhost not needed")
    if peer in node.pool.members:
        return _done(xml, f"peer probe: Host {name} port 24007 already in peer list")
    if not peer.connected:
        raise _Refused("peer probe: failed: ", "Probe returned with Transport endpoint is not connected")
    if len(peer.pool.members) > 1 or peer.pool.volumes:
        raise _Refused(
            "peer probe: failed: ", f"{name} is either already part of another cluster or having volumes configured"
        )
    join(node.pool, peer, name)
    return _done(xml, "peer probe: success")


def join(pool: Pool, peer: FakeNode, name: str) -> None:
    """Make ``peer`` a member without asking."""
    pool.members[peer] = name
    peer.pool = pool


def _peer_detach(node: FakeNode, words: list[str], xml: bool) -> str:
    lead = "peer detach: failed: "
    force = words[-1:] == ["force"]
    (name,) = _exactly(words[:-1] if force else words, 1, "peer detach")
    peer = node.resolve(name)
    if peer is node:
        raise _Refused(lead, f"{name} is localhost")
    if peer not in node.pool.members:
        raise _Refused(lead, f"{name} is not part of cluster")
    if any(node.resolve(brick.partition(":")[0]) is peer for brick in node.pool.bricks):
        raise _Refused(
            lead,
            f"Peer {name} hosts one or more bricks. If the peer is in not recoverable state then use either "
            "replace-brick or remove-brick command with force to remove all bricks from the peer and attempt the peer "
            "detach again.",
        )
    if not force and not all(
        member.connected and node.befriended(member) for member in node.pool.members if member is not peer
    ):
        raise _Refused(lead, "One of the peers is probably down. Check with 'peer status'")
    del node.pool.members[peer]
    peer.pool = Pool({peer: ""})
    return _done(xml, "peer detach: success")


def _peer_status(node: FakeNode, words: list[str], xml: bool) -> str:
    _exactly(words, 0, "peer status")
    return reports.peer_status(node, xml=xml)


def _pool_list(node: FakeNode, words: list[str], xml: bool) -> str:
    _exactly(words, 0, "pool list")
    return reports.pool_list(node, xml=xml)


def _exactly(words: list[str], count: int, command: str) -> list[str]:
    if len(words) != count:
        unknown(f"gluster {command}", words)
    return words


# -- bricks of volumes -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _NewBrick:
    """A brick that is about to be used."""

    name: str
    node: FakeNode
    file_system: FileSystem
    path: str
    """Path from the root of the file system."""

    def take(self, volume: GlusterVolume, pool: Pool) -> None:
        """Use it: make the directory if need be and write the volume's id on it."""
        directory = self.file_system.directories.get(self.path)
        take_brick(volume, pool, self.name, directory or self.file_system.add(self.path))


def take_brick(volume: GlusterVolume, pool: Pool, name: str, directory: Directory) -> None:
    """Write the volume's id on a directory; the caller puts the brick into the volume."""
    directory.brick_of = volume
    pool.bricks[name] = volume


def _new_bricks(node: FakeNode, lead: str, names: Sequence[str], *, force: bool) -> list[_NewBrick]:
    if len(set(names)) != len(names):
        raise Failed(1, "Found duplicate exports\n")
    return [_new_brick(node, lead, name, force=force) for name in names]


def _new_brick(node: FakeNode, lead: str, name: str, *, force: bool) -> _NewBrick:
    host, _, path = name.partition(":")
    peer = node.resolve(host)
    if peer not in node.pool.members or not node.befriended(peer):
        raise _Refused(lead, f"Host {host} is not in 'Peer in Cluster' state")
    if not peer.connected:
        raise _Refused(lead, f"Host {host} is not connected")
    where = "" if peer is node else f"Staging failed on {host}. Error: "
    if name in node.pool.bricks:
        raise _Refused(
            lead,
            f"{where}Brick: {name} not available. Brick may be containing or be contained by an existing brick.",
        )
    file_system, inner = peer.locate(path)
    directory = file_system.directories.get(inner)
    if directory is None and (inner.rpartition("/")[0] or "/") not in file_system.directories:
        raise _Refused(
            lead, f"{where}Failed to create brick directory for brick {name}. Reason : No such file or directory "
        )
    override = "Or use 'force' at the end of the command if you want to override this behavior."
    if inner == "/" and not force:
        raise _Refused(
            lead,
            f"{where}The brick {name} is a mount point. Please create a sub-directory under the mount point and use "
            f"that as the brick directory. {override}",
        )
    if file_system is peer.root and not force:
        raise _Refused(
            lead,
            f"{where}The brick {name} is being created in the root partition. It is recommended that you don't use "
            f"the system's root partition for storage backend. {override}",
        )
    if directory is not None and directory.brick_of is not None:
        raise _Refused(lead, f"{where}{path} is already part of a volume")
    return _NewBrick(name, peer, file_system, inner)


def _require_apart(lead: str, bricks: Sequence[_NewBrick], volume: GlusterVolume) -> None:
    kind = "disperse" if volume.disperse else "replicate"
    for start in range(0, len(bricks), volume.set_size):
        if len({brick.node for brick in bricks[start : start + volume.set_size]}) < volume.set_size:
            raise _Refused(
                lead,
                f"Multiple bricks of a {kind} volume are present on the same server. This setup is not optimal. Bricks "
                "should be on different nodes to have best fault tolerant configuration. Use 'force' at the end of the "
                "command if you want to override this behavior. ",
            )


# -- making and changing volumes ---------------------------------------------------------------------------------


def _volume_create(node: FakeNode, words: list[str], xml: bool) -> str:
    name, *rest = words or [""]
    lead = f"volume create: {name}: failed: "
    volume, bricks, force = _described(name, rest)
    if not bricks or len(bricks) % volume.set_size:
        what = "disperse" if volume.disperse else "replica"
        raise Failed(1, f"number of bricks is not a multiple of {what} count\n")
    if name in node.pool.volumes:
        raise _Refused(lead, f"Volume {name} already exists")
    new = _new_bricks(node, lead, bricks, force=force)
    if not force:
        _require_apart(lead, new, volume)
    add_volume(node.pool, volume)
    volume.bricks.extend(bricks)
    for brick in new:
        brick.take(volume, node.pool)
    return _done(xml, f"volume create: {name}: success: please start the volume to access data")


def add_volume(pool: Pool, volume: GlusterVolume) -> None:
    """Take a volume into a pool without asking, with the options that gluster gives every volume."""
    pool.volumes_made += 1
    volume.uuid = stable_uuid("volume", volume.name, str(pool.volumes_made))
    volume.options = {
        "transport.address-family": "inet",
        "storage.fips-mode-rchecksum": "on",
        "nfs.disable": "on",
    }
    if volume.replica > 1:
        volume.options["performance.client-io-threads"] = "off"
    pool.volumes[volume.name] = volume


def _described(name: str, words: Sequence[str]) -> tuple[GlusterVolume, list[str], bool]:
    """Read what follows the name: the kind of volume, the bricks, ``force``."""
    counts = dict.fromkeys(("replica", "arbiter", "disperse-data", "redundancy"), 0)
    bricks = [word for word in words if ":/" in word]
    rest = iter(word for word in words if ":/" not in word and word != "force")
    for word in rest:
        value = next(rest, "")
        if word in counts:
            counts[word] = _count(word, value)
        elif (word, value) != ("transport", "tcp"):
            unknown("gluster volume create", [name, *words])
    if counts["replica"] < 2 and "replica" in words:
        raise Failed(1, "replica count should be greater than 1\n")
    data, redundancy = counts["disperse-data"], counts["redundancy"]
    volume = GlusterVolume(
        name,
        "",
        replica=counts["replica"] or 1,
        arbiter=counts["arbiter"],
        disperse=data and data + redundancy,
        redundancy=redundancy,
    )
    return volume, bricks, "force" in words


def _count(word: str, text: str) -> int:
    if not text.isdigit():
        raise Failed(1, f"wrong {word} count: {text}\n")
    return int(text)


def _volume_add_brick(node: FakeNode, words: list[str], xml: bool) -> str:
    lead = "volume add-brick: failed: "
    name, *bricks = words or [""]
    force = bricks[-1:] == ["force"]
    bricks = bricks[:-1] if force else bricks
    if not bricks or not all(":/" in brick for brick in bricks):
        unknown("gluster volume add-brick", words)
    volume = _volume(node, lead, name)
    if len(bricks) % volume.set_size:
        raise _Refused(lead, f"Incorrect number of bricks supplied {len(bricks)} with count {volume.set_size}")
    new = _new_bricks(node, lead, bricks, force=force)
    if not force:
        _require_apart(lead, new, volume)
    for brick in new:
        brick.take(volume, node.pool)
    volume.bricks.extend(bricks)
    return _done(xml, "volume add-brick: success")


def _volume_remove_brick(node: FakeNode, words: list[str], xml: bool) -> str:
    if len(words) < 3 or words[-1] not in {"start", "status", "stop", "commit", "force"}:
        unknown("gluster volume remove-brick", words)
    name, *bricks, action = words
    lead = f"volume remove-brick {action}: failed: "
    volume = _volume(node, lead, name)
    _require_whole_sets(lead, volume, bricks)
    if action == "commit" and set(bricks) - set(volume.leaving):
        raise _Refused(lead, f"Brick {bricks[0]} is not decommissioned. Use start or force option")
    if action == "status":
        return _done(xml, "".join(f"{brick} completed\n" for brick in bricks))
    volume.leaving = list(bricks) if action == "start" else []
    if action in {"commit", "force"}:
        volume.bricks = [brick for brick in volume.bricks if brick not in bricks]
        for brick in bricks:
            _release(node, brick)
    return _done(xml, f"volume remove-brick {action}: success")


def _require_whole_sets(lead: str, volume: GlusterVolume, bricks: Sequence[str]) -> None:
    for brick in bricks:
        if brick not in volume.bricks:
            raise _Refused(lead, f"Incorrect brick {brick} for volume {volume.name}")
    if len(bricks) % volume.set_size:
        raise _Refused(
            lead, f"Remove brick incorrect brick count of {len(bricks)} for {volume.set_size} bricks in a set"
        )
    if len(bricks) == len(volume.bricks):
        raise _Refused(lead, "Deleting all the bricks of the volume is not allowed")


def _release(node: FakeNode, brick: str) -> None:
    """Take a brick out of its volume, and the volume's id off its directory as far as the node can be reached."""
    del node.pool.bricks[brick]
    host, _, path = brick.partition(":")
    peer = node.resolve(host)
    directory = peer.directory(path) if peer.connected and node.befriended(peer) else None
    if directory is not None:
        directory.brick_of = None


def _volume_replace_brick(node: FakeNode, words: list[str], xml: bool) -> str:
    lead = "volume replace-brick: failed: "
    if len(words) != 5 or words[3:] != ["commit", "force"]:
        unknown("gluster volume replace-brick", words)
    name, old, new = words[:3]
    volume = _volume(node, lead, name)
    if old not in volume.bricks:
        raise _Refused(lead, f"brick: {old} does not exist in volume: {name}")
    if not volume.started:
        raise _Refused(lead, f"volume: {name} is not started")
    (brick,) = _new_bricks(node, lead, [new], force=False)
    brick.take(volume, node.pool)
    volume.bricks[volume.bricks.index(old)] = new
    _release(node, old)
    return _done(xml, "volume replace-brick: success: replace-brick commit force operation successful")


def _volume_start(node: FakeNode, words: list[str], xml: bool) -> str:
    name, *force = words or [""]
    lead = f"volume start: {name}: failed: "
    if force not in ([], ["force"]):
        unknown("gluster volume start", words)
    volume = _volume(node, lead, name)
    if not force and volume.started:
        raise _Refused(lead, f"Volume {name} already started")
    for brick in [] if force else volume.bricks:
        host, _, path = brick.partition(":")
        peer = node.resolve(host)
        directory = peer.directory(path)
        if (
            peer.connected
            and node.befriended(peer)
            and (directory is None or directory.brick_of is None or directory.brick_of.uuid != volume.uuid)
        ):
            where = "" if peer is node else f"Staging failed on {host}. Error: "
            reason = "No such file or directory" if directory is None else "No data available"
            raise _Refused(lead, f"{where}Failed to find brick directory {path} for volume {name}. Reason : {reason}")
    volume.status = "Started"
    volume.start_bricks(lambda peer: peer.connected and node.befriended(peer), node.resolve)
    return _done(xml, f"volume start: {name}: success")


def _volume_stop(node: FakeNode, words: list[str], xml: bool) -> str:
    name, *force = words or [""]
    lead = f"volume stop: {name}: failed: "
    if force not in ([], ["force"]):
        unknown("gluster volume stop", words)
    volume = _volume(node, lead, name)
    if not force and not volume.started:
        raise _Refused(lead, f"Volume {name} is not in the started state")
    volume.status = "Stopped"
    return _done(xml, f"volume stop: {name}: success")


def _volume_delete(node: FakeNode, words: list[str], xml: bool) -> str:
    (name,) = _exactly(words, 1, "volume delete")
    lead = f"volume delete: {name}: failed: "
    volume = _volume(node, lead, name)
    if volume.started:
        raise _Refused(lead, f"Volume {name} has been started.Volume needs to be stopped before deletion.")
    if not all(member.connected for member in node.pool.members):
        raise _Refused(lead, "Some of the peers are down")
    if count := sum(each.volume is volume for each in node.pool.snapshots.values()):
        raise _Refused(
            lead,
            f"Cannot delete Volume {name} ,as it has {count} snapshots. "
            "To delete the volume, first delete all the snapshots under it.",
        )
    del node.pool.volumes[name]
    for brick in volume.bricks:
        node.pool.bricks.pop(brick, None)
    return _done(xml, f"volume delete: {name}: success")


def _volume_set(node: FakeNode, words: list[str], xml: bool) -> str:
    lead = "volume set: failed: "
    name, *pairs = words or [""]
    if not pairs or len(pairs) % 2:
        raise Failed(1, "Usage:\nvolume set <VOLNAME> <KEY> <VALUE>\n")
    volume = _volume(node, lead, name)
    options = dict(zip(pairs[::2], pairs[1::2], strict=True))
    for key in options:
        if key != "group" and not _OPTION_DOMAINS.fullmatch(key):
            raise _Refused(lead, f"option : {key} does not exist")
    if volume.cloned and volume.set_size > 1 and volume.status == "Created":
        raise _Refused(lead, "Commit failed on localhost. Please check the log file for more details.")
    volume.options.update(options)
    return _done(xml, "volume set: success")


def _volume_reset(node: FakeNode, words: list[str], xml: bool) -> str:
    name, *keys = words or [""]
    volume = _volume(node, "volume reset: failed: ", name)
    for key in keys or list(volume.options):
        volume.options.pop(key, None)
    return _done(xml, "volume reset: success: reset volume successful")


def _volume_rebalance(node: FakeNode, words: list[str], xml: bool) -> str:
    name, action = _exactly(words, 2, "volume rebalance")
    lead = f"volume rebalance: {name}: failed: "
    volume = _volume(node, lead, name)
    if action not in {"start", "status", "stop"}:
        unknown("gluster volume rebalance", words)
    if len(volume.bricks) <= volume.set_size:
        raise _Refused(
            lead, f"Volume {name} is not a distribute volume or contains only 1 brick.\nNot performing rebalance"
        )
    if not volume.started:
        raise _Refused(lead, f"Volume {name} needs to be started to perform rebalance")
    if action == "start":
        return _done(
            xml,
            f"volume rebalance: {name}: success: Rebalance on {name} has been started successfully. "
            "Use rebalance status command to check status of the rebalance process.\n"
            f"ID: {stable_uuid('rebalance', name)}",
        )
    return _done(xml, f"volume rebalance: {name}: success\nstatus: completed")


# -- looking -----------------------------------------------------------------------------------------------------


def _volume_info(node: FakeNode, words: list[str], xml: bool) -> str:
    if words in ([], ["all"]):
        return reports.volume_info(node, list(node.pool.volumes.values()), xml=xml)
    (name,) = _exactly(words, 1, "volume info")
    return reports.volume_info(node, [_volume(node, "", name)], xml=xml)


def _volume_list(node: FakeNode, words: list[str], xml: bool) -> str:
    _exactly(words, 0, "volume list")
    return reports.volume_list(sorted(node.pool.volumes), xml=xml)


def _volume_status(node: FakeNode, words: list[str], xml: bool) -> str:
    names = [] if words == ["all"] else words
    if len(names) > 1:
        unknown("gluster volume status", words)
    if not names:
        return reports.volume_status(node, [each for each in node.pool.volumes.values() if each.started], xml=xml)
    volume = _volume(node, "", names[0])
    if not volume.started:
        raise _Refused("", f"Volume {names[0]} is not started")
    return reports.volume_status(node, [volume], xml=xml)


def _volume_heal(node: FakeNode, words: list[str], xml: bool) -> str:
    if not words or words[1:] not in ([], ["info"]):
        unknown("gluster volume heal", words)
    volume = _volume(node, "", words[0])
    if not volume.started:
        raise _Refused("", f"Volume {words[0]} is not started.")
    if volume.set_size == 1:
        raise _Refused("", f"Volume {words[0]} is not of type replicate/disperse")
    if words[1:]:
        return reports.heal_info(node, volume, xml=xml)
    return _done(
        xml,
        f"Launching heal operation to perform index self heal on volume {words[0]} has been successful\n"
        "Use heal info commands to check status.",
    )


# -- snapshots and clones ----------------------------------------------------------------------------------------

_SNAPSHOTS = "/run/gluster/snaps"


def _snapshot_list(node: FakeNode, words: list[str], xml: bool) -> str:
    if len(words) > 1:
        unknown("gluster snapshot list", words)
    if words and words[0] not in node.pool.volumes:
        raise _Refused("snapshot list: failed: ", f"Volume ({words[0]}) does not exist", _NO_SUCH_VOLUME)
    names = [each.name for each in node.pool.snapshots.values() if not words or each.volume.name == words[0]]
    return reports.snapshot_list(names, xml=xml)


def _snapshot_create(node: FakeNode, words: list[str], xml: bool) -> str:
    lead = "snapshot create: failed: "
    name, of, no_timestamp = _exactly(words, 3, "snapshot create")
    if no_timestamp != "no-timestamp":
        unknown("gluster snapshot create", words)
    volume = node.pool.volumes.get(of)
    if volume is None:
        raise _Refused(lead, f"Volume ({of}) does not exist", _NO_SUCH_VOLUME)
    if name in node.pool.snapshots:
        raise _Refused(lead, f"Snapshot {name} already exists")
    if not volume.started:
        raise _Refused(lead, f"volume {of} is not in started state. Please start the volume before taking a snapshot")
    bricks = [_logical_volume(node, lead, brick) for brick in volume.bricks]
    for peer, origin in bricks:
        group = peer.groups.get(origin.group)
        if group is None or group.disk.read_only or group.volumes[origin.pool].full:
            where = "localhost" if peer is node else peer.name
            raise _Refused(lead, f"Commit failed on {where}. Please check log file for details.")
    made = Snapshot(name, volume, stable_uuid("snapshot", of, name))
    made.volumes = _copies(bricks, made.uuid)
    node.pool.snapshots[name] = made
    return _done(xml, f"snapshot create: success: Snap {name} created successfully")


def _logical_volume(node: FakeNode, lead: str, brick: str) -> tuple[FakeNode, LogicalVolume]:
    host, _, path = brick.partition(":")
    peer = node.resolve(host)
    if not peer.connected or not node.befriended(peer):
        raise _Refused(lead, f"Host {host} is not connected")
    mounted = next((each for point, each in peer.mounts.items() if path.startswith(f"{point}/")), None)
    if mounted is None or mounted.volume.kind != "thin":
        raise _Refused(
            lead, "Snapshot is supported only for thin provisioned LV. Ensure that all bricks of the volume are thin LV"
        )
    return peer, mounted.volume


def _copies(bricks: Sequence[tuple[FakeNode, LogicalVolume]], uuid: str) -> list[tuple[FakeNode, LogicalVolume]]:
    """Make a thin snapshot of every LV, numbered on each node."""
    count: dict[FakeNode, int] = {}
    made = []
    for peer, origin in bricks:
        number = count[peer] = count.get(peer, -1) + 1
        volume = LogicalVolume(f"{uuid.replace('-', '')}_{number}", origin.group, "thin", origin.size, pool=origin.pool)
        volume.file_system = origin.file_system.copy() if origin.file_system else None
        lvm.add_volume(peer, peer.groups[origin.group], volume)
        made.append((peer, volume))
    return made


def _snapshot(node: FakeNode, lead: str, name: str) -> Snapshot:
    found = node.pool.snapshots.get(name)
    if found is None:
        raise _Refused(lead, f"Snapshot ({name}) does not exist")
    return found


def _snapshot_activate(node: FakeNode, words: list[str], xml: bool) -> str:
    (name,) = _exactly(words, 1, "snapshot activate")
    lead = "Snapshot activate: failed: "
    snapshot = _snapshot(node, lead, name)
    if snapshot.active:
        raise _Refused(lead, f"Snapshot {name} is already activated.")
    snapshot.active = True
    return _done(xml, f"Snapshot activate: {name}: Snap activated successfully")


def _snapshot_clone(node: FakeNode, words: list[str], xml: bool) -> str:
    name, of = _exactly(words, 2, "snapshot clone")
    lead = "snapshot clone: failed: "
    if of not in node.pool.snapshots:
        raise _Refused(lead, f"Failed to find :{of} snap")
    snapshot = node.pool.snapshots[of]
    if name in node.pool.volumes:
        raise _Refused(lead, f"Volume with name:{name} already exists")
    if not snapshot.active:
        raise _Refused(lead, f"Snapshot {of} is not activated")
    source = snapshot.volume
    clone = GlusterVolume(
        name,
        "",
        replica=source.replica,
        arbiter=source.arbiter,
        disperse=source.disperse,
        redundancy=source.redundancy,
        cloned=True,
    )
    add_volume(node.pool, clone)
    clone.options = dict(source.options)
    folder = f"{_SNAPSHOTS}/{clone.uuid.replace('-', '')}"
    hosts = [brick.partition(":")[0] for brick in source.bricks]
    for number, (peer, volume) in enumerate(_copies(snapshot.volumes, clone.uuid)):
        point = f"{folder}/brick{number + 1}"
        peer.root.add_all(point)
        peer.clone_bricks[point] = volume
        file_system = volume.file_system or FileSystem()
        peer.attach(volume, file_system, point, "rw,nouuid")
        directory = file_system.directories.get("/brick") or file_system.add("/brick")
        brick = f"{hosts[number]}:{point}/brick"
        take_brick(clone, node.pool, brick, directory)
        clone.bricks.append(brick)
    return _done(xml, f"snapshot clone: success: Clone {name} created successfully")


def _snapshot_delete(node: FakeNode, words: list[str], xml: bool) -> str:
    (name,) = _exactly(words, 1, "snapshot delete")
    lead = "snapshot delete: failed: "
    snapshot = _snapshot(node, lead, name)
    if not all(member.connected for member in node.pool.members):
        raise _Refused(lead, "Some of the peers are down")
    for peer, volume in snapshot.volumes:
        lvm.remove_volume(peer, peer.groups[volume.group], volume)
    del node.pool.snapshots[name]
    return _done(xml, f"snapshot delete: {name}: snap removed successfully")


def _snapshot_config(node: FakeNode, words: list[str], xml: bool) -> str:
    if len(words) != 2 or words[0] not in {"snap-max-hard-limit", "snap-max-soft-limit"} or not words[1].isdigit():
        unknown("gluster snapshot config", words)
    node.pool.settings[words[0]] = words[1]
    return _done(xml, f"snapshot config: {words[0]} for System set successfully")


_COMMANDS: Mapping[tuple[str, str], _Call] = {
    ("peer", "probe"): _peer_probe,
    ("peer", "detach"): _peer_detach,
    ("peer", "status"): _peer_status,
    ("pool", "list"): _pool_list,
    ("volume", "create"): _volume_create,
    ("volume", "add-brick"): _volume_add_brick,
    ("volume", "remove-brick"): _volume_remove_brick,
    ("volume", "replace-brick"): _volume_replace_brick,
    ("volume", "start"): _volume_start,
    ("volume", "stop"): _volume_stop,
    ("volume", "delete"): _volume_delete,
    ("volume", "set"): _volume_set,
    ("volume", "reset"): _volume_reset,
    ("volume", "rebalance"): _volume_rebalance,
    ("volume", "info"): _volume_info,
    ("volume", "list"): _volume_list,
    ("volume", "status"): _volume_status,
    ("volume", "heal"): _volume_heal,
    ("snapshot", "list"): _snapshot_list,
    ("snapshot", "create"): _snapshot_create,
    ("snapshot", "activate"): _snapshot_activate,
    ("snapshot", "clone"): _snapshot_clone,
    ("snapshot", "delete"): _snapshot_delete,
    ("snapshot", "config"): _snapshot_config,
}
