"""Answers that are kept are those that would be made."""

import pytest
from tests import leaping, wishes
from tests.house import House

from pyheketi.api import mapping
from pyheketi.api.remembered import Remembered
from pyheketi.control_plane.rules import Rules
from pyheketi.domain import errors
from pyheketi.planning.limits import Limits
from pyheketi.wire import base

CHANGES = [
    wishes.create,
    wishes.create_block,
    wishes.expand,
    wishes.clone,
    wishes.restrict,
    wishes.evict,
    wishes.add_node,
    wishes.set_node_state,
    wishes.delete_block,
    wishes.remove_device,
    wishes.delete,
]


def require_truth(remembered: Remembered, house: House) -> None:
    topology = house.topology
    for _ in range(2):
        assert remembered.volume_ids(topology) == base.dump(mapping.volume_list_to_wire(topology))
        for cluster in topology.clusters():
            assert remembered.cluster(topology, cluster) == base.dump(mapping.cluster_to_wire(topology, cluster))
    for volume in topology.volumes():
        for _ in range(2):
            assert remembered.volume(topology, volume) == base.dump(mapping.volume_to_wire(topology, volume))


@pytest.mark.parametrize("first", range(len(CHANGES)))
def test_whatever_changes_the_answers_are_true(first: int) -> None:
    async def story() -> None:
        house = House(
            rules=Rules(job_patience=0), limits=Limits(block_hosting_creation=True, block_hosting_size_gib=20)
        )
        await house.start()
        await house.furnish(zones=(1, 2, 3, 4))
        await house.create()
        await house.create()
        remembered = Remembered()
        require_truth(remembered, house)
        for wish in CHANGES[first:] + CHANGES[:first]:
            try:
                id_ = await wish(house, 0)
            except (LookupError, errors.Error):  # there is no such thing, or no place for it
                continue
            require_truth(remembered, house)
            if id_:
                await house.job(id_)
            require_truth(remembered, house)

    leaping.run(story())


def test_an_answer_is_made_once() -> None:
    async def story() -> None:
        house = House()
        await house.start()
        await house.furnish()
        await house.create()
        remembered, (volume,) = Remembered(), house.topology.volumes()
        first = remembered.volume(house.topology, volume)
        await house.create()
        assert remembered.volume(house.topology, volume) is first

    leaping.run(story())
