"""What simulated gluster shows: text and XML of peers and volumes, laid out as GlusterFS 10 does."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from pyheketi.executors.fake.state import FakeNode, GlusterVolume

_STATUS = {"Created": 0, "Started": 1, "Stopped": 2}


def answer(body: str, *, code: int = 0, text: str = "") -> str:
    """Return an XML answer; ``code`` and ``text`` tell of an error."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<cliOutput>\n'
        f"  <opRet>{-1 if code else 0}</opRet>\n  <opErrno>{code}</opErrno>\n"
        f"  <opErrstr>{escape(text)}</opErrstr>\n{body}\n</cliOutput>\n"
    )


# -- peers -------------------------------------------------------------------------------------------------------


def _state(member: FakeNode) -> str:
    return "Connected" if member.connected else "Disconnected"


def peer_status(node: FakeNode, *, xml: bool) -> str:
    """Return the other peers of the pool."""
    peers = [(member, name or member.name) for member, name in node.pool.members.items() if member is not node]
    if xml:
        return _xml_peers(node, peers)
    said = f"Number of Peers: {len(peers)}\n"
    for member, name in peers:
        said += f"\nHostname: {name}\nUuid: {member.uuid}\nState: {_standing(node, member)[1]} ({_state(member)})\n"
    return said


def pool_list(node: FakeNode, *, xml: bool) -> str:
    """Return all peers of the pool."""
    others = [(member, name or member.name) for member, name in node.pool.members.items() if member is not node]
    peers = [*others, (node, "localhost")]
    if xml:
        return _xml_peers(node, peers)
    rows = [("UUID", "Hostname", "State"), *((member.uuid, name, _state(member)) for member, name in peers)]
    return "".join(f"{uuid:<36}\t{name}\t{state}\n" for uuid, name, state in rows)


def _standing(node: FakeNode, member: FakeNode) -> tuple[int, str]:
    """Return glusterd's number and words for what a member is to it."""
    return (3, "Peer in Cluster") if node.befriended(member) else (6, "Peer Rejected")


def _xml_peers(node: FakeNode, peers: Sequence[tuple[FakeNode, str]]) -> str:
    return answer(
        "<peerStatus>"
        + "".join(
            f"<peer><uuid>{member.uuid}</uuid><hostname>{escape(name)}</hostname>"
            f"<hostnames><hostname>{escape(name)}</hostname></hostnames>"
            f"<connected>{int(member.connected)}</connected><state>{_standing(node, member)[0]}</state>"
            f"<stateStr>{_standing(node, member)[1]}</stateStr></peer>"
            for member, name in peers
        )
        + "</peerStatus>"
    )


# -- volumes -----------------------------------------------------------------------------------------------------


def _type(volume: GlusterVolume) -> tuple[int, str]:
    distributed = len(volume.bricks) > volume.set_size
    if volume.disperse:
        return (9, "Distributed-Disperse") if distributed else (4, "Disperse")
    if volume.replica > 1:
        return (7, "Distributed-Replicate") if distributed else (2, "Replicate")
    return 0, "Distribute"


def _is_arbiter(volume: GlusterVolume, position: int) -> bool:
    return bool(volume.arbiter) and position % volume.replica == volume.replica - 1


def volume_info(node: FakeNode, volumes: Sequence[GlusterVolume], *, xml: bool) -> str:
    """Return everything about the volumes that does not change by itself."""
    if xml:
        each = "".join(_xml_volume(node, volume) for volume in volumes)
        return answer(f"<volInfo><volumes>{each}<count>{len(volumes)}</count></volumes></volInfo>")
    return "".join(_text_volume(node, volume) for volume in volumes) or "No volumes present\n"


def _xml_volume(node: FakeNode, volume: GlusterVolume) -> str:
    number, kind = _type(volume)
    bricks = ""
    for position, brick in enumerate(volume.bricks):
        uuid, name = node.resolve(brick.partition(":")[0]).uuid, escape(brick)
        bricks += (
            f'<brick uuid="{uuid}">{name}<name>{name}</name><hostUuid>{uuid}</hostUuid>'
            f"<isArbiter>{int(_is_arbiter(volume, position))}</isArbiter></brick>"
        )
    options = "".join(
        f"<option><name>{escape(key)}</name><value>{escape(value)}</value></option>"
        for key, value in volume.options.items()
    )
    return (
        f"<volume><name>{escape(volume.name)}</name><id>{volume.uuid}</id>"
        f"<status>{_STATUS[volume.status]}</status><statusStr>{volume.status}</statusStr>"
        f"<snapshotCount>{snapshots(node, volume)}</snapshotCount><brickCount>{len(volume.bricks)}</brickCount>"
        f"<distCount>{volume.set_size}</distCount><stripeCount>1</stripeCount>"
        f"<replicaCount>{volume.replica}</replicaCount><arbiterCount>{volume.arbiter}</arbiterCount>"
        f"<disperseCount>{volume.disperse}</disperseCount><redundancyCount>{volume.redundancy}</redundancyCount>"
        f"<type>{number}</type><typeStr>{kind}</typeStr><transport>0</transport><bricks>{bricks}</bricks>"
        f"<optCount>{len(volume.options)}</optCount><options>{options}</options></volume>"
    )


def _text_volume(node: FakeNode, volume: GlusterVolume) -> str:
    count = len(volume.bricks)
    number = str(count)
    if volume.set_size > 1:
        parts = str(volume.set_size)
        if volume.disperse:
            parts = f"({volume.disperse - volume.redundancy} + {volume.redundancy})"
        elif volume.arbiter:
            parts = f"({volume.replica - volume.arbiter} + {volume.arbiter})"
        number = f"{count // volume.set_size} x {parts} = {count}"
    bricks = "".join(
        f"Brick{position + 1}: {brick}{' (arbiter)' if _is_arbiter(volume, position) else ''}\n"
        for position, brick in enumerate(volume.bricks)
    )
    options = "".join(f"{key}: {value}\n" for key, value in volume.options.items())
    return (
        f" \nVolume Name: {volume.name}\nType: {_type(volume)[1]}\nVolume ID: {volume.uuid}\nStatus: {volume.status}\n"
        f"Snapshot Count: {snapshots(node, volume)}\nNumber of Bricks: {number}\nTransport-type: tcp\nBricks:\n{bricks}"
        f"Options Reconfigured:\n{options}"
    )


def snapshots(node: FakeNode, volume: GlusterVolume) -> int:
    """Return how many snapshots a volume has."""
    return sum(each.volume is volume for each in node.pool.snapshots.values())


def snapshot_list(names: Sequence[str], *, xml: bool) -> str:
    """Return the names of snapshots."""
    if xml:
        each = "".join(f"<snapshot>{escape(name)}</snapshot>" for name in names)
        return answer(f"<snapList><count>{len(names)}</count>{each}</snapList>")
    return "".join(f"{name}\n" for name in names) or "No snapshots present\n"


def volume_list(names: Sequence[str], *, xml: bool) -> str:
    """Return the names of the volumes."""
    if xml:
        each = "".join(f"<volume>{escape(name)}</volume>" for name in names)
        return answer(f"<volList><count>{len(names)}</count>{each}</volList>")
    return "".join(f"{name}\n" for name in names) or "No volumes present in cluster\n"


def volume_status(node: FakeNode, volumes: Sequence[GlusterVolume], *, xml: bool) -> str:
    """Return which brick processes run."""
    if xml:
        each = "".join(_xml_status(node, volume) for volume in volumes)
        return answer(f"<volStatus><volumes>{each}</volumes></volStatus>")
    return "".join(_text_status(node, volume) for volume in volumes)


def _processes(node: FakeNode, volume: GlusterVolume) -> list[tuple[str, FakeNode, bool]]:
    """Return name and node of the bricks whose glusterd can be asked, and whether they run."""
    named = [(brick, node.resolve(brick.partition(":")[0])) for brick in volume.bricks]
    return [(brick, peer, brick not in volume.dead) for brick, peer in named if peer.connected]


def _xml_status(node: FakeNode, volume: GlusterVolume) -> str:
    processes = _processes(node, volume)
    each = "".join(
        f"<node><hostname>{escape(brick.partition(':')[0])}</hostname><path>{escape(brick.partition(':')[2])}</path>"
        f"<peerid>{peer.uuid}</peerid><status>{int(runs)}</status><port>{49152 + at if runs else 'N/A'}</port>"
        f"<ports><tcp>{49152 + at if runs else 'N/A'}</tcp><rdma>N/A</rdma></ports>"
        f"<pid>{4711 + at if runs else -1}</pid></node>"
        for at, (brick, peer, runs) in enumerate(processes)
    )
    return (
        f"<volume><volName>{escape(volume.name)}</volName><nodeCount>{len(processes)}</nodeCount>{each}"
        "<tasks/></volume>"
    )


def _text_status(node: FakeNode, volume: GlusterVolume) -> str:
    line = "-" * 78
    rows = "".join(
        f"Brick {brick} " + (f"{49152 + at} 0 Y {4711 + at}\n" if runs else "N/A N/A N N/A\n")
        for at, (brick, _, runs) in enumerate(_processes(node, volume))
    )
    return (
        f"Status of volume: {volume.name}\n"
        "Gluster process                             TCP Port  RDMA Port  Online  Pid\n"
        f"{line}\n{rows} \nTask Status of Volume {volume.name}\n{line}\nThere are no active volume tasks\n \n"
    )


def heal_info(node: FakeNode, volume: GlusterVolume, *, xml: bool) -> str:
    """Return what self-heal has still to do, per brick, as ``volume.unhealed`` says."""
    bricks = [(brick, node.resolve(brick.partition(":")[0])) for brick in volume.bricks]
    if xml:
        each = "".join(
            f'<brick hostUuid="{peer.uuid}"><name>{escape(brick)}</name><status>Connected</status>'
            f"<numberOfEntries>{volume.unhealed}</numberOfEntries></brick>"
            if peer.powered
            else '<brick hostUuid="-"><name>information not available</name>'
            "<status>Transport endpoint is not connected</status><numberOfEntries>-</numberOfEntries></brick>"
            for brick, peer in bricks
        )
        return answer(f"<healInfo><bricks>{each}</bricks></healInfo>")
    return "".join(
        f"Brick {brick}\nStatus: Connected\nNumber of entries: {volume.unhealed}\n\n"
        if peer.powered
        else f"Brick {brick}\nStatus: Transport endpoint is not connected\nNumber of entries: -\n\n"
        for brick, peer in bricks
    )
