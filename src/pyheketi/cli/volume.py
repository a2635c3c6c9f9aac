"""``heketi-cli volume`` (cli.md §5.1, §5.2, §6.4)."""

import json
import math

from pyheketi.cli import persistent_volume
from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.layout import boolean, brackets, mount_options
from pyheketi.cli.session import Session
from pyheketi.wire.base import END_OF_FLOAT32, escaped, to_json
from pyheketi.wire.volumes import (
    DISPERSE,
    REPLICATE,
    BlockRestriction,
    Disperse,
    Durability,
    Replicate,
    Snapshot,
    Volume,
    VolumeClone,
    VolumeCreate,
    VolumeExpand,
)

_MISSING = "Volume id missing"
_RESTRICTIONS = {"": "(none)", "locked": "locked", "locked-by-update": "locked-by-update"}


def create(session: Session) -> None:
    """Make a volume; show it, or a persistent volume for Kubernetes."""
    wanted = _wanted(session)
    endpoint = session.text("persistent-volume-endpoint")
    if session.switch("persistent-volume") and not endpoint:
        session.terminal.complain("--persistent-volume-endpoint must be provided when using --persistent-volume")
        raise Problem("Missing endpoint")
    with connect(session) as client:
        volume = client.create_volume(wanted)
    file = session.text("persistent-volume-file")
    if session.switch("persistent-volume"):
        session.write(persistent_volume.document(volume, endpoint) + "\n")
    elif file:
        persistent_volume.write(session, file, persistent_volume.document(volume, endpoint))
    else:
        _tell(session, volume)
        if session.terminal.interactive and not session.simulated and volume.mount.glusterfs.device:
            session.terminal.complain(f"Note: mount it with {_mount_command(volume)}")


def _mount_command(volume: Volume) -> str:
    """Return what a person types: mount(8) wants colons between servers, where Heketi prints commas."""
    mount = volume.mount.glusterfs
    options = mount_options(mount.options).replace(",", ":")
    return f"mount -t glusterfs {f'-o {options} ' if options else ''}{mount.device} /mnt"


def delete(session: Session) -> None:
    """Delete a volume."""
    volume = session.argument(_MISSING)
    with connect(session) as client:
        client.delete_volume(volume)
    session.write(f"Volume {volume} deleted\n")


def expand(session: Session) -> None:
    """Make a volume larger."""
    size = session.integer("expand-size")
    if not size:
        raise Problem("Missing volume amount to expand")
    name = session.text("volume") or session.argument("Missing volume id")
    with connect(session) as client:
        volume = client.expand_volume(name, VolumeExpand(expand_size=size))
    _tell(session, volume)


def clone(session: Session) -> None:
    """Make a volume that begins as a copy of another."""
    source = session.argument(_MISSING)
    with connect(session) as client:
        volume = client.clone_volume(source, VolumeClone(name=session.text("name")))
    _tell(session, volume)


def lock(session: Session) -> None:
    """Have a block hosting volume take no more block volumes."""
    _restrict(session, "locked")


def unlock(session: Session) -> None:
    """Have a block hosting volume take block volumes again."""
    _restrict(session, "")


def _restrict(session: Session, restriction: str) -> None:
    name = session.argument(_MISSING)
    with connect(session) as client:
        volume = client.restrict_volume(name, BlockRestriction(restriction=restriction))
    _tell(session, volume)


def patch_endpoint(session: Session) -> None:
    """Print what adds a volume's hosts to an endpoint of Kubernetes."""
    name = session.argument(_MISSING)
    with connect(session) as client:
        hosts = client.volume(name).mount.glusterfs.hosts
    subsets = [{"addresses": [{"ip": host}], "ports": [{"port": 1}]} for host in hosts]
    document = escaped(json.dumps(subsets, ensure_ascii=False, separators=(",", ":")))
    session.write(f'{{"subsets": {document}}}')


def show(session: Session) -> None:
    """Show a volume."""
    name = session.argument(_MISSING)
    with connect(session) as client:
        volume = client.volume(name)
    _tell(session, volume)


def show_all(session: Session) -> None:
    """List all volumes, each as soon as it is known."""
    with connect(session) as client:
        if session.json:
            session.write(to_json(client.volume_ids()))
            return
        for volume in client.volume_summaries():
            block = " [block]" if volume.block else ""
            session.write(f"Id:{volume.id:<35} Cluster:{volume.cluster:<35} Name:{volume.name}{block}\n")


def _wanted(session: Session) -> VolumeCreate:
    size = session.integer("size")
    if not size:
        raise Problem("Missing volume size")
    return VolumeCreate(
        size=size,
        name=session.text("name"),
        clusters=_split(session.text("clusters")),
        durability=Durability(
            type=session.text("durability"),
            replicate=Replicate(replica=session.integer("replica")),
            disperse=Disperse(data=session.integer("disperse-data"), redundancy=session.integer("redundancy")),
        ),
        gid=session.integer("gid"),
        glustervolumeoptions=_split(session.text("gluster-volume-options")),
        block=session.switch("block"),
        snapshot=_snapshot(session.number("snapshot-factor")),
    )


def _split(listed: str) -> tuple[str, ...]:
    """Split at commas and nothing else; blanks belong to the items."""
    return tuple(listed.split(",")) if listed else ()


def _snapshot(factor: float) -> Snapshot:
    """Ask for snapshots if there is to be more room than the volume's; whatever else is no factor is ignored."""
    if math.isnan(factor) or factor <= 1:
        return Snapshot()
    if factor >= END_OF_FLOAT32:
        raise Problem("json: unsupported value: +Inf")
    return Snapshot(enable=True, factor=factor)


def _tell(session: Session, volume: Volume) -> None:
    if session.json:
        session.write(to_json(volume))
    else:
        session.write(_text(volume))


def _text(volume: Volume) -> str:
    mount, hosting, durability = volume.mount.glusterfs, volume.blockinfo, volume.durability
    lines = [
        f"Name: {volume.name}",
        f"Size: {volume.size}",
        f"Volume Id: {volume.id}",
        f"Cluster Id: {volume.cluster}",
        f"Mount: {mount.device}",
        f"Mount Options: {mount_options(mount.options)}",
        f"Block: {boolean(volume.block)}",
        f"Free Size: {hosting.freesize}",
        f"Reserved Size: {hosting.reservedsize}",
        f"Block Hosting Restriction: {_RESTRICTIONS.get(hosting.restriction, 'unknown')}",
        f"Block Volumes: {brackets(hosting.blockvolume)}",
        f"Durability Type: {durability.type}",
        f"Distribute Count: {_brick_sets(volume)}",
    ]
    if durability.type == REPLICATE:
        lines.append(f"Replica Count: {durability.replicate.replica}")
    if durability.type == DISPERSE:
        lines.append(f"Disperse Data Count: {durability.disperse.data}")
        lines.append(f"Disperse Redundancy Count: {durability.disperse.redundancy}")
    if volume.snapshot.enable:
        lines += [f"Snapshot Factor: {volume.snapshot.factor:.2f}", ""]
    return "\n".join([*lines, ""])


def _brick_sets(volume: Volume) -> int:
    """Return over how many brick sets the volume is spread; 0 if the answer does not tell."""
    durability = volume.durability
    set_size = {
        "none": 1,
        REPLICATE: durability.replicate.replica,
        DISPERSE: durability.disperse.data + durability.disperse.redundancy,
    }.get(durability.type, 0)
    return len(volume.bricks) // set_size if set_size > 0 else 0
