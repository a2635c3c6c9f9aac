"""Compare bricks one by one: ``--bricks``."""

from pyheketi.cli.comparison import gluster as gluster_side
from pyheketi.cli.comparison.findings import GLUSTER, HEKETI, Category, Finding
from pyheketi.cli.comparison.gluster import Gluster
from pyheketi.cli.comparison.known import Brick, Known, Volume


def compare(known: Known, gluster: Gluster) -> list[Finding]:
    """Return a finding for each brick that heketi or gluster has."""
    ours = {brick.place: (volume, brick) for volume in known.volumes for brick in volume.bricks}
    theirs = {known.place(name): (key, name) for key, volume in gluster.volumes.items() for name in volume.bricks}
    found = [_known(gluster, volume, brick, theirs.get(place)) for place, (volume, brick) in ours.items()]
    found += [
        Finding(
            kind="brick",
            name=name,
            cluster=cluster,
            category=Category.ONLY_GLUSTER,
            sources=frozenset({GLUSTER}),
            volumes={GLUSTER: volume_name},
        )
        for place, ((cluster, volume_name), name) in theirs.items()
        if place not in ours and not gluster_side.is_of_hosts(volume_name)
    ]
    return sorted(found, key=lambda each: each.name)


def _known(gluster: Gluster, volume: Volume, brick: Brick, there: tuple[tuple[str, str], str] | None) -> Finding:
    pending = brick.pending or volume.pending
    if there:
        category = Category.SAME if there[0] == (volume.cluster, volume.name) else Category.OTHER_VOLUME
    elif pending:
        category = Category.PENDING
    else:
        category = Category.ONLY_HEKETI if volume.cluster in gluster.told else Category.UNKNOWN
    return Finding(
        kind="brick",
        name=brick.name,
        id=brick.id,
        cluster=volume.cluster,
        category=category,
        sources=frozenset({HEKETI, GLUSTER} if there else {HEKETI}),
        pending=pending,
        volumes={HEKETI: volume.name} | ({GLUSTER: there[0][1]} if there else {}),
    )
