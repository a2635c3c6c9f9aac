from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import World

from pyheketi.placement.rings import Avoid, candidates, ring


def _nodes(world: World) -> list[str]:
    offered = ring(candidates(world.topology(), world.cluster_id, Avoid()))
    return [f"z{each.node.zone}{each.node.manage_host[-2:]}" for each in offered]


def test_nodes_of_a_zone_take_turns() -> None:
    assert _nodes(World(zones=[1, 1, 1], devices_gib=[1, 1])) == ["z1-0", "z1-1", "z1-2"] * 2


def test_zones_take_turns_and_in_a_zone_its_nodes() -> None:
    found = _nodes(World(zones=[1, 1, 2, 2], devices_gib=[1, 1]))
    assert found == ["z1-0", "z2-2", "z1-1", "z2-3"] * 2


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.integers(1, 3))
def test_every_device_once_and_neighbours_in_different_zones(zones: list[int], devices: int) -> None:
    found = _nodes(World(zones=zones, devices_gib=[1] * devices))
    assert len(found) == len(zones) * devices
    smallest = min(Counter(zones).values()) * devices
    width = len(set(zones))
    for turn in range(smallest):
        assert len({each[:2] for each in found[turn * width : (turn + 1) * width]}) == width


def test_what_is_offline_or_down_is_left_out() -> None:
    world = World(zones=[1, 1, 1], offline_nodes=[0])
    offered = candidates(world.topology(), world.cluster_id, Avoid(nodes=frozenset({world.node_id(2)})))
    assert [each.node.id for each in offered] == [world.node_id(1)]
