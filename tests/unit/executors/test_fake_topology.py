"""Nodes filled from a topology, and nodes that were sent commands, hold the same."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import World, seeded

from pyheketi.commands.options import NodeOptions
from pyheketi.domain.change import Put, Remove
from pyheketi.domain.durability import Disperse, Distribute, Durability, DurabilityRequest, Replicate
from pyheketi.domain.entities import Brick, Volume, pool_sizes
from pyheketi.domain.ids import BrickId, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.engine.perform import Performer
from pyheketi.executors.fake import FakeExecutor, FakeNodes
from pyheketi.operations import steps
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volume_clone

OPTIONS = NodeOptions()
NODES = 4
BRICK_KIB = 1024**2


@dataclass(frozen=True)
class Wish:
    durability: Durability
    sets: int
    gid: int
    first: int
    """Node that gets the first brick."""
    options: tuple[str, ...]


wishes = st.builds(
    Wish,
    durability=st.sampled_from([Distribute(), Replicate(1), Replicate(2), Replicate(3), Disperse(2, 1)]),
    sets=st.integers(1, 3),
    gid=st.sampled_from([0, 2000]),
    first=st.integers(0, NODES - 1),
    options=st.sampled_from([(), ("",), ("performance.cache-size 1GB", "user.note some words")]),
)


def with_volumes(world: World, topology: Topology, wanted: Sequence[Wish]) -> Topology:
    """Return a topology with these volumes; bricks go round the nodes, on alternating devices."""
    for number, wish in enumerate(wanted):
        count = wish.sets * wish.durability.set_size
        ids = [BrickId(f"b{number:02x}{at:02x}".ljust(32, "0")) for at in range(count)]
        width = wish.durability.set_size
        volume = Volume(
            id=VolumeId(f"e{number:02x}".ljust(32, "0")),
            name=f"vol_{number}",
            cluster=world.cluster_id,
            size_gib=1,
            durability=wish.durability,
            durability_request=DurabilityRequest(),
            gid=wish.gid,
            options=wish.options,
            brick_sets=tuple(tuple(ids[at : at + width]) for at in range(0, count, width)),
        )
        pool, metadata = pool_sizes(BRICK_KIB, 1.0, 4096)
        bricks = [
            Brick(
                id=id_,
                device=world.device_id((wish.first + at) % NODES, at % len(world.devices_gib)),
                volume=volume.id,
                size=BRICK_KIB,
                pool_size=pool,
                metadata_size=metadata,
                thin_pool=f"tp_{id_}",
                gid=wish.gid,
            )
            for at, id_ in enumerate(ids)
        ]
        topology = topology.apply([Put(volume), *map(Put, bricks)])
    return topology


def place(topology: Topology, brick: Brick) -> steps.BrickPlace:
    device = topology.device(brick.device)
    assert device is not None
    node = topology.node(device.node)
    assert node is not None
    return steps.place_of(brick, device, node)


def gluster_name(topology: Topology, id_: BrickId) -> str:
    brick = topology.brick(id_)
    assert brick is not None
    return place(topology, brick).gluster_name


async def build(topology: Topology, nodes: FakeNodes) -> None:
    """Make everything by commands."""
    performer = Performer(FakeExecutor(nodes), OPTIONS, pauses=())
    first, *others = topology.nodes()
    for node in (first, *others):
        nodes.alias(node.manage_host, *node.storage)
    for node in others:
        step = steps.ProbePeer(hosts=(first.manage_host,), storage_host=node.storage_host)
        await performer.do(step, sure=True)
    for device in topology.devices():
        home = topology.node(device.node)
        assert home is not None
        nodes.node(home.manage_host).disk_size = device.total
        handle = steps.DeviceHandle(host=home.manage_host, volume_group=device.volume_group, name=device.name)
        await performer.do(steps.SetUpDevice(device=handle), sure=True)
    for brick in topology.bricks():
        await performer.do(
            steps.CreateBrick(
                place=place(topology, brick),
                size=brick.size,
                pool_size=brick.pool_size,
                metadata_size=brick.metadata_size,
                gid=brick.gid,
            ),
            sure=True,
        )
    for volume in topology.volumes():
        sets = tuple(tuple(gluster_name(topology, id_) for id_ in each) for each in volume.brick_sets)
        step_ = steps.CreateVolume(
            hosts=(first.manage_host,),
            volume=volume.id,
            name=volume.name,
            durability=volume.durability,
            brick_sets=sets,
            options=volume.options,
        )
        await performer.do(step_, sure=True)


async def remove(topology: Topology, nodes: FakeNodes, volume: Volume) -> Topology:
    """Delete a volume by commands, and return the topology without it."""
    performer = Performer(FakeExecutor(nodes), OPTIONS, pauses=())
    hosts = tuple(node.manage_host for node in topology.nodes())
    await performer.do(steps.DeleteVolume(hosts=hosts, name=volume.name), sure=True)
    bricks = topology.bricks_of(volume.id)
    for brick in bricks:
        await performer.do(steps.DestroyBrick(place=place(topology, brick)), sure=True)
    return topology.apply([*map(Remove, bricks), Remove(volume)])


@settings(max_examples=40, deadline=None)
@given(wanted=st.lists(wishes, max_size=4))
def test_commands_and_topology_agree(wanted: list[Wish]) -> None:
    world = World(zones=(1,) * NODES, devices_gib=(100, 64))
    topology = with_volumes(world, world.topology(), wanted)
    nodes = FakeNodes()
    asyncio.run(build(topology, nodes))
    assert nodes.inventory().lines == FakeNodes.from_topology(topology).inventory().lines

    restarted = FakeNodes.from_topology(topology)
    for volume in list(topology.volumes()):
        topology = asyncio.run(remove(topology, restarted, volume))
        assert restarted.inventory().lines == FakeNodes.from_topology(topology).inventory().lines


def test_what_is_not_ours_is_in_use_and_what_is_not_made_yet_is_not_there() -> None:
    world = World(zones=(1,))
    topology = world.topology()
    device = topology.device(world.device_id(0))
    assert device is not None
    used = type(device)(id=device.id, node=device.node, name=device.name, total=8192 * 10, foreign=8192, pv_uuid="u")
    fresh = type(device)(id=world.device_id(0, 1), node=device.node, name="/dev/sdc")
    nodes = FakeNodes.from_topology(topology.apply([Put(used), Put(fresh)]))
    node = nodes.node("n1-0")
    assert [(group.used, group.extents, group.disk.pv_uuid) for group in node.groups.values()] == [(2, 20, "u")]
    assert node.disks["/dev/sdc"].group is None


def test_a_clone_that_is_being_made_is_not_there() -> None:
    world = World(zones=(1,) * NODES, devices_gib=(100, 64))
    wish = Wish(durability=Replicate(3), sets=2, gid=0, first=0, options=())
    topology = with_volumes(world, world.topology(), [wish])
    plan = volume_clone.plan(
        topology,
        next(topology.volumes()),
        "copy",
        volume=VolumeId("c" * 32),
        operation=OperationId("f" * 32),
        avoid=Avoid(),
        ids=seeded(),
    )
    restarted = FakeNodes.from_topology(topology.apply(plan.begin))
    assert restarted.inventory().lines == FakeNodes.from_topology(topology).inventory().lines
