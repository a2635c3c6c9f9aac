"""The list of what may still be on nodes, for a person and for a program."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pyheketi.planning.leftovers import LeftBrick, Leftovers


def as_json(left: Iterable[Leftovers]) -> list[dict[str, Any]]:
    """Return the list as plain values, each brick with the names that it has on its node."""
    return [
        {
            "id": each.about,
            "kind": each.kind,
            "done": each.said,
            "look_first": list(each.doubts),
            "left": {
                "volumes": [asdict(volume) for volume in each.volumes],
                "snapshots": [asdict(snapshot) for snapshot in each.snapshots],
                "block_volumes": [asdict(block) for block in each.block_volumes],
                "bricks": [_brick_json(brick) for brick in each.bricks],
                "devices": [asdict(device) for device in each.devices],
                "peers": [asdict(peer) for peer in each.peers],
            },
        }
        for each in left
    ]


def _brick_json(brick: LeftBrick) -> dict[str, Any]:
    place = brick.place
    return {
        "id": place.brick,
        "volume": brick.volume,
        "node": place.host,
        "brick": place.gluster_name if brick.known_by_name else "",
        "volume_group": place.volume_group,
        "logical_volume": place.logical_volume if brick.known_by_name else "",
        "thin_pool": place.thin_pool,
        "pool_also_holds": list(brick.pool_also_holds),
        "mount_point": place.mount_point if brick.known_by_name else "",
        "fstab": brick.fstab,
    }


def as_text(left: Iterable[Leftovers]) -> Iterator[str]:
    """Yield the lines of the list."""
    for each in left:
        yield each.said if each.kind == "volume" else f"Operation {each.about}: {each.said}"
        yield from (f"  look first: {doubt}" for doubt in each.doubts)
        for block in each.block_volumes:
            iqn = block.iqn or "not known"
            yield f"  block volume {block.hosting}/{block.name}, iqn {iqn}{_on(block.hosts)}"
        for volume in each.volumes:
            yield f"  gluster volume {volume.name}{_on(volume.hosts)}"
        for snapshot in each.snapshots:
            yield f"  gluster snapshot {snapshot.name}{_on(snapshot.hosts)}"
        for brick in each.bricks:
            yield from _brick_lines(brick)
        for device in each.devices:
            yield f"  on node {device.host}: volume group {device.volume_group} on {device.name}"
        for peer in each.peers:
            yield f"  gluster peer {peer.storage_host}{_on(peer.hosts)}"


def _on(hosts: Sequence[str]) -> str:
    return f"  (ask {', '.join(hosts)})" if hosts else ""


def _brick_lines(brick: LeftBrick) -> Iterator[str]:
    place = brick.place
    pool = f"thin pool {place.volume_group}/{place.thin_pool}"
    if brick.pool_also_holds:
        pool += f" (leave the pool: volume {', '.join(brick.pool_also_holds)} is in it)"
    if not brick.known_by_name:
        yield f"  on node {place.host}: an LV of volume {brick.volume} in {pool}; gluster chose its name"
        return
    yield f"  on node {place.host}: brick {place.gluster_name}"
    yield f"    LV {place.volume_group}/{place.logical_volume} in {pool}"
    if brick.fstab:
        yield f"    fstab {brick.fstab}…"
