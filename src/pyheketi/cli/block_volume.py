"""``heketi-cli blockvolume`` (cli.md §5.3, §5.4, §6.5)."""

from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.layout import brackets
from pyheketi.cli.session import Session
from pyheketi.wire.base import to_json
from pyheketi.wire.block_volumes import BlockVolume, BlockVolumeCreate, BlockVolumeExpand

_MISSING = "Volume id missing"


def create(session: Session) -> None:
    """Make a block volume."""
    size, ha_count = session.integer("size"), session.integer("ha")
    if not size:
        raise Problem("Missing volume size")
    if ha_count < 0:
        raise Problem("Invalid HA count")
    clusters = session.text("clusters")
    wanted = BlockVolumeCreate(
        size=size,
        clusters=tuple(clusters.split(",")) if clusters else (),
        name=session.text("name"),
        hacount=ha_count,
        auth=session.switch("auth"),
    )
    with connect(session) as client:
        block = client.create_block_volume(wanted)
    _tell(session, block)


def delete(session: Session) -> None:
    """Delete a block volume."""
    block = session.argument(_MISSING)
    with connect(session) as client:
        client.delete_block_volume(block)
    session.write(f"Volume {block} deleted\n")


def expand(session: Session) -> None:
    """Make a block volume larger."""
    name = session.text("blockvolume") or session.argument("Missing block volume id")
    size = session.integer("new-size")
    if not size:
        raise Problem("Missing block volume net new size")
    with connect(session) as client:
        block = client.expand_block_volume(name, BlockVolumeExpand(new_size=size))
    _tell(session, block)


def show(session: Session) -> None:
    """Show a block volume."""
    name = session.argument(_MISSING)
    with connect(session) as client:
        block = client.block_volume(name)
    _tell(session, block)


def show_all(session: Session) -> None:
    """List all block volumes, each as soon as it is known."""
    with connect(session) as client:
        if session.json:
            session.write(to_json(client.block_volume_ids()))
            return
        for block in client.block_volume_summaries():
            session.write(f"Id:{block.id:<35} Cluster:{block.cluster:<35} Name:{block.name}\n")


def _tell(session: Session, block: BlockVolume) -> None:
    session.write(to_json(block) if session.json else _text(block))


def _text(block: BlockVolume) -> str:
    target = block.blockvolume
    lines = [
        f"Name: {block.name}",
        f"Size: {block.size}",
        f"UsableSize: {block.usablesize}",
        f"Volume Id: {block.id}",
        f"Cluster Id: {block.cluster}",
        f"Hosts: {brackets(target.hosts)}",
        f"IQN: {target.iqn}",
        f"LUN: {target.lun}",
        f"Hacount: {block.hacount}",
        f"Username: {target.username}",
        f"Password: {target.password}",
        f"Block Hosting Volume: {block.blockhostingvolume}",
    ]
    return "\n".join([*lines, ""])
