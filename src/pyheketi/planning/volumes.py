"""What plans for volumes share: bricks on devices, their names on nodes, and where gluster is run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pyheketi.domain import durability as durabilities
from pyheketi.domain import errors, size
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.durability import Durability
from pyheketi.domain.entities import Brick, Device, Node, is_hidden
from pyheketi.domain.ids import BrickId, ClusterId, IdSource, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Outcomes
from pyheketi.placement import brick_sets, filters, rings
from pyheketi.placement.brick_sets import NoPlacement, PlacedBrick, Wish
from pyheketi.placement.rings import Avoid
from pyheketi.planning.limits import Limits

MIN_ARBITER = 300 * 1024
"""KiB of the smallest arbiter brick: mkfs.xfs since 5.19 makes no smaller file systems. Heketi's was 16 MiB."""
MAX_BRICKS = "Maximum number of bricks reached."
MIN_BRICK = "Minimum brick size limit reached.  Out of space."


class NoFit(errors.NoSpace):
    """One cluster cannot take the bricks; ``headline`` is Heketi's text, ``why`` the lines below it."""

    def __init__(self, headline: str, why: tuple[str, ...]) -> None:
        super().__init__("\n".join([headline, *(f"  {line}" for line in why)]))
        self.headline, self.why = headline, why


def place(
    topology: Topology,
    cluster: ClusterId,
    *,
    size_gib: int,
    durability: Durability,
    factor: float,
    rules: tuple[filters.Filter, ...],
    bricks_before: int,
    limits: Limits,
    average_file_size: int,
    avoid: Avoid,
    ids: IdSource,
) -> tuple[tuple[PlacedBrick, ...], ...]:
    """Return places for the bricks of ``size_gib``, split as little as possible; ``average_file_size`` is KiB.

    Raises:
        NoFit: nothing fits within the limits (placement.md §3).
        Conflict: files larger than bricks are expected on an arbiter volume.
    """
    why: tuple[str, ...] = ()
    for sets, brick_size in durabilities.splits(durability, size_gib * size.KIB_PER_GIB, limits.brick_max):
        if brick_size < limits.brick_min:
            break
        bricks = sets * durability.set_size + bricks_before
        if bricks > limits.max_bricks_per_volume:
            limit = f"{bricks} bricks would be needed, a volume may have {limits.max_bricks_per_volume}"
            raise NoFit(MAX_BRICKS, (*why, limit))
        _require_devices(topology, cluster, avoid)
        wish = Wish(
            sets=sets,
            set_size=durability.set_size,
            brick_size=brick_size,
            arbiter_size=_arbiter_size(durability, brick_size, average_file_size),
            factor=factor,
            filters=rules,
        )
        placed = brick_sets.place(topology, cluster, wish, avoid, ids)
        if not isinstance(placed, NoPlacement):
            return placed
        why = placed.reasons
    raise NoFit(MIN_BRICK, (*why, f"smaller bricks are not made: the minimum is {size.text(limits.brick_min)}"))


def _arbiter_size(durability: Durability, brick_size: int, average_file_size: int) -> int:
    """Return KiB of arbiter bricks beside bricks of ``brick_size`` (placement.md §10); 0 if there are none."""
    if durabilities.arbiter_position(durability) is None:
        return 0
    if brick_size < average_file_size:
        raise errors.Conflict(f"Average file size ({average_file_size}) is greater than Brick size ({brick_size})")
    return max(brick_size // average_file_size, MIN_ARBITER)


def _require_devices(topology: Topology, cluster: ClusterId, avoid: Avoid) -> None:
    if rings.ring_of(topology, cluster, avoid):
        return
    if not topology.nodes_of(cluster):
        raise NoFit("No nodes in cluster", ())
    raise NoFit("No online storage devices in cluster", brick_sets.unavailable(topology, cluster, avoid))


def make_bricks(
    placed: Iterable[Iterable[PlacedBrick]], volume: VolumeId, gid: int, ids: IdSource
) -> tuple[tuple[tuple[Brick, Node, Device], ...], ...]:
    """Return bricks with fresh ids for the places, set by set."""
    return tuple(tuple(_brick(each, BrickId(ids.new()), volume, gid) for each in places) for places in placed)


def _brick(place_: PlacedBrick, id_: BrickId, volume: VolumeId, gid: int) -> tuple[Brick, Node, Device]:
    device, node = place_.where.device, place_.where.node
    brick = Brick(
        id=id_,
        device=device.id,
        volume=volume,
        size=place_.size,
        pool_size=place_.pool_size,
        metadata_size=place_.metadata_size,
        thin_pool=f"tp_{id_}",
        gid=gid,
    )
    return brick, node, device


def create_steps(
    sets: tuple[tuple[tuple[Brick, Node, Device], ...], ...], arbiter_at: int | None
) -> tuple[steps.CreateBrick, ...]:
    """Return a step for every brick; ``arbiter_at`` is where in each set the arbiter stands, if there is one."""
    return tuple(
        steps.CreateBrick(
            place=steps.place_of(brick, device, node),
            size=brick.size,
            pool_size=brick.pool_size,
            metadata_size=brick.metadata_size,
            gid=brick.gid,
            arbiter=at == arbiter_at,
        )
        for brick_set in sets
        for at, (brick, node, device) in enumerate(brick_set)
    )


def gluster_names(sets: tuple[tuple[tuple[Brick, Node, Device], ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Return gluster's names of the bricks, set by set."""
    return tuple(tuple(f"{node.storage_host}:{brick.path}" for brick, node, _ in brick_set) for brick_set in sets)


def hosts_of(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Return management names of nodes, each once, in order."""
    return tuple(dict.fromkeys(node.manage_host for node in nodes))


def gluster_hosts(topology: Topology, cluster: ClusterId, avoid: Avoid) -> tuple[str, ...]:
    """Return management names of a cluster's nodes for running gluster: those that answer first."""
    nodes = [node for node in topology.nodes_of(cluster) if not is_hidden(node)]
    return hosts_of(sorted(nodes, key=lambda node: bool(avoid.node(node))))


def locate(topology: Topology, brick: Brick) -> steps.BrickPlace:
    """Return a brick's names on its node."""
    device = topology.device(brick.device)
    node = topology.node(device.node) if device else None
    if device is None or node is None:
        raise errors.BrokenInvariant(f"brick {brick.id} is on device {brick.device}, which is on no node")
    return steps.place_of(brick, device, node)


def remove_bricks(topology: Topology, bricks: Sequence[Brick], outcomes: Outcomes) -> tuple[Change, ...]:
    """Return the changes that forget destroyed bricks.

    A pool that stayed on its device because of something that is not ours is from now on counted as such.
    """
    kept = {
        step.place.brick: outcome
        for step, outcome in outcomes.items()
        if isinstance(step, steps.DestroyBrick) and outcome == steps.Reclaimed(pool_removed=False)
    }
    foreign = frozenset(brick.id for brick in bricks if brick.id in kept and not topology.shares_pool(brick))
    return tuple(_forget_bricks(topology, bricks, foreign))


def _forget_bricks(topology: Topology, bricks: Sequence[Brick], kept: frozenset[str]) -> Iterator[Change]:
    left_behind: dict[str, int] = {}
    for brick in bricks:
        yield Remove(brick)
        if brick.id in kept:
            left_behind[brick.device] = left_behind.get(brick.device, 0) + brick.space
    for device_id, kib in left_behind.items():
        if device := topology.device(device_id):
            yield Put(replace(device, foreign=device.foreign + kib))
