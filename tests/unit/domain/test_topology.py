from dataclasses import replace

import pytest
from tests.builders import World

from pyheketi.domain import errors
from pyheketi.domain.change import Put, Remove
from pyheketi.domain.durability import DurabilityRequest, Replicate
from pyheketi.domain.entities import Brick, Volume
from pyheketi.domain.ids import BrickId, NodeId, VolumeId
from pyheketi.domain.topology import Topology

WORLD = World()
VOLUME = Volume(
    id=VolumeId("1" * 32),
    name="vol",
    cluster=WORLD.cluster_id,
    size_gib=1,
    durability=Replicate(1),
    durability_request=DurabilityRequest(type="replicate", replica=1),
)
BRICK = Brick(
    id=BrickId("b" * 32),
    device=WORLD.device_id(0),
    volume=VOLUME.id,
    size=1048576,
    pool_size=1048576,
    metadata_size=8192,
    thin_pool="tp",
)


def test_space_follows_bricks() -> None:
    topology = WORLD.topology().apply([Put(VOLUME), Put(BRICK)])
    device = topology.device(WORLD.device_id(0))
    assert device is not None
    assert topology.used(device) == 1056768
    assert topology.free(device) == device.total - 1056768
    assert topology.apply([Remove(BRICK), Remove(VOLUME)]) == WORLD.topology()


def test_room_leaves_the_spare_metadata_volume_its_place() -> None:
    topology = WORLD.topology()
    device = topology.device(WORLD.device_id(0))
    assert device is not None
    assert topology.room(device, 8192) == device.total - 8192
    topology = topology.apply([Put(VOLUME), Put(BRICK)])
    assert topology.room(device, 4096) == topology.free(device) - 8192
    assert topology.room(device, 12288) == topology.free(device) - 12288


def test_spare_that_a_look_at_the_node_counted_is_not_counted_twice() -> None:
    topology = WORLD.topology().apply([Put(VOLUME), Put(BRICK)])
    device = topology.device(WORLD.device_id(0))
    assert device is not None
    seen = replace(device, foreign=8192)
    topology = topology.apply([Put(seen)])
    assert topology.room(seen, 8192) == topology.free(seen)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Put(BRICK), "belongs to volume"),
        (Put(replace(VOLUME, cluster="nowhere")), "belongs to cluster nowhere"),  # type: ignore[arg-type]  # on purpose
    ],
)
def test_orphans_are_refused(change: Put, text: str) -> None:
    with pytest.raises(errors.BrokenInvariant, match=text):
        WORLD.topology().apply([change])


def test_names_and_hosts_are_unique() -> None:
    topology = WORLD.topology().apply([Put(VOLUME)])
    with pytest.raises(errors.BrokenInvariant, match="name vol belongs to volume"):
        topology.apply([Put(replace(VOLUME, id=VolumeId("2" * 32)))])
    node = topology.node(WORLD.node_id(0))
    assert node is not None
    with pytest.raises(errors.BrokenInvariant, match="host name n1-0 belongs to node"):
        topology.apply([Put(replace(node, id=WORLD.node_id(9)))])


def test_parents_with_children_stay() -> None:
    topology = WORLD.topology().apply([Put(VOLUME), Put(BRICK)])
    for entity in (VOLUME, topology.device(WORLD.device_id(0)), topology.node(WORLD.node_id(0))):
        assert entity is not None
        with pytest.raises(errors.BrokenInvariant, match="still holds"):
            topology.apply([Remove(entity)])


def test_renamed_volume_frees_its_name() -> None:
    topology = WORLD.topology().apply([Put(VOLUME)]).apply([Put(replace(VOLUME, name="other"))])
    assert topology.volume_named(WORLD.cluster_id, "vol") is None
    assert topology.volume_named(WORLD.cluster_id, "other") == VOLUME.id


def test_built_at_once_or_by_changes_is_the_same() -> None:
    grown = WORLD.topology().apply([Put(VOLUME), Put(BRICK)])
    assert Topology(grown.entities()) == grown


def test_nodes_of_a_cluster_are_looked_up_once_for_all_that_happens_to_volumes() -> None:
    before = WORLD.topology()
    nodes = before.nodes_of(WORLD.cluster_id)
    assert before.apply([Put(VOLUME), Put(BRICK)]).nodes_of(WORLD.cluster_id) is nodes


def test_nodes_of_a_cluster_are_those_of_the_topology_that_is_asked() -> None:
    before = WORLD.topology()
    first, *others = before.nodes_of(WORLD.cluster_id)
    moved = replace(first, zone=first.zone + 1)
    after = before.apply([Put(moved)])
    assert after.nodes_of(WORLD.cluster_id) == (moved, *others)
    assert before.nodes_of(WORLD.cluster_id) == (first, *others)
    fresh = replace(first, id=NodeId("f" * 32), manage=("another",), storage=("another",))
    assert fresh in after.apply([Put(fresh)]).nodes_of(WORLD.cluster_id)
    assert fresh not in after.nodes_of(WORLD.cluster_id)
