"""Planning alone, on values: one volume among a hundred thousand, and emptying a device of a thousand bricks."""

import itertools
import random
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.server import timed
from pyheketi.control_plane.ids import SeededIds
from pyheketi.domain.durability import DurabilityRequest, Replicate
from pyheketi.domain.entities import Brick, Cluster, Device, Entity, Node, Volume
from pyheketi.domain.ids import BrickId, ClusterId, DeviceId, NodeId, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.placement.rings import Avoid
from pyheketi.planning import brick_evict, volume_create
from pyheketi.planning.limits import UNLIMITED, Limits
from pyheketi.planning.volume_create import VolumeCreate

_GIB = 1024 * 1024
LIMITS = Limits(max_volumes_per_cluster=UNLIMITED)
REPLICA_3 = DurabilityRequest(type="replicate", replica=3)


def measure(rounds: int = 30) -> list[Figure]:
    """Return all figures."""
    ids = SeededIds(1)
    figures = []
    for nodes, devices, volumes in ((100, 10, 10_000), (1000, 24, 100_000)):
        topology = Topology(entities(ids, nodes, devices, volumes))

        def plan(topology: Topology = topology) -> None:
            volume_create.plan(
                topology,
                VolumeCreate(size_gib=1, durability=REPLICA_3),
                volume=VolumeId(ids.new()),
                operation=OperationId(ids.new()),
                limits=LIMITS,
                avoid=Avoid(),
                ids=ids,
            )

        plan()
        name = f"planning a replica 3 volume, {nodes:,} nodes x {devices}, {volumes:,} volumes"
        values = [timed(plan) * 1000 for _ in range(rounds)]
        figures.append(Figure(name=name, unit="ms", values=values, target=10))
    topology = Topology(entities(ids, 100, 1, 100_000 // 3))
    values = [timed(lambda: _empty(topology, ids)) for _ in range(5)]
    return [*figures, Figure(name="planning the removal of 1,000 bricks", unit="s", values=values, target=1)]


def _empty(topology: Topology, ids: SeededIds) -> None:
    device = next(iter(topology.devices()))
    for brick in itertools.islice(topology.bricks_on(device.id), 1000):
        operation = OperationId(ids.new())
        plan = brick_evict.plan(
            topology, brick, operation=operation, limits=LIMITS, avoid=Avoid(), ids=ids, check_heal=True
        )
        del plan


def entities(ids: SeededIds, nodes: int, devices: int, volumes: int) -> Iterator[Entity]:
    """Yield a cluster whose volumes have a brick on each of three nodes, chosen at random."""
    cluster = Cluster(id=ClusterId(ids.new()), file=True, block=True)
    yield cluster
    made = [
        Node(id=NodeId(ids.new()), cluster=cluster.id, zone=1 + n % 3, manage=(f"n{n}",), storage=(f"10.{n}",))
        for n in range(nodes)
    ]
    yield from made
    disks = {
        node.id: [
            Device(id=DeviceId(ids.new()), node=node.id, name=f"/dev/sd{n}", total=8000 * _GIB) for n in range(devices)
        ]
        for node in made
    }
    yield from itertools.chain.from_iterable(disks.values())
    choose = random.Random(1)
    for number in range(volumes):
        id_ = VolumeId(f"{number:032x}")
        bricks = [
            _brick(id_, f"{number:030x}{n:02x}", choose.choice(disks[node.id]))
            for n, node in enumerate(choose.sample(made, 3))
        ]
        yield from bricks
        yield Volume(
            id=id_,
            name=f"vol_{id_}",
            cluster=cluster.id,
            size_gib=1,
            durability=Replicate(3),
            durability_request=REPLICA_3,
            brick_sets=(tuple(brick.id for brick in bricks),),
        )


def _brick(volume: VolumeId, id_: str, device: Device) -> Brick:
    return Brick(
        id=BrickId(id_),
        device=device.id,
        volume=volume,
        size=_GIB,
        pool_size=_GIB,
        metadata_size=8192,
        thin_pool=f"tp_{id_}",
    )
