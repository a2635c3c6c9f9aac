"""Every wish with what has to be there for it, and what is done for it when nothing goes wrong."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tests import wishes
from tests.mishaps import Deed, Mishap, MortalHouse
from tests.wishes import Wish

from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.planning.limits import Limits
from pyheketi.store.memory import MemoryStore

Preparation: TypeAlias = Callable[[MortalHouse], Awaitable[None]]


async def _nothing(_: MortalHouse) -> None:
    pass


async def _a_clone(house: MortalHouse) -> None:
    await house.done(await wishes.clone(house, 0))


async def _a_hosting_volume(house: MortalHouse) -> None:
    await house.done(await wishes.create_hosting(house, 0))


async def _a_block_volume(house: MortalHouse) -> None:
    await house.done(await wishes.create_block(house, 0))


async def _a_spare_cluster(house: MortalHouse) -> None:
    await wishes.create_cluster(house, 0)


async def _a_spare_node(house: MortalHouse) -> None:
    await house.done(await wishes.add_node(house, 0))


async def _a_failed_device(house: MortalHouse) -> None:
    await house.done(await wishes.add_device(house, 0))
    await house.done(await wishes.fail_empty_device(house, 0))


async def _something_stuck(house: MortalHouse) -> None:
    house.break_(Rule(matching("umount", "node1"), Fail(32, "umount: target is busy")))
    job = await house.job(await wishes.delete(house, 0))
    assert "target is busy" in job.error
    house.break_()


WISHES: dict[Wish, Preparation] = {
    wishes.create: _nothing,
    wishes.create_distributed: _nothing,
    wishes.create_of_two: _nothing,
    wishes.create_dispersed: _nothing,
    wishes.create_with_arbiter: _nothing,
    wishes.expand: _nothing,
    wishes.delete: _nothing,
    wishes.clone: _nothing,
    wishes.delete_clone: _a_clone,
    wishes.delete_cloned: _a_clone,
    wishes.restrict: _a_hosting_volume,
    wishes.create_block: _nothing,
    wishes.create_block_on_hosting_volume: _a_hosting_volume,
    wishes.expand_block: _a_block_volume,
    wishes.delete_block: _a_block_volume,
    wishes.create_cluster: _nothing,
    wishes.delete_cluster: _a_spare_cluster,
    wishes.set_flags: _nothing,
    wishes.add_node: _nothing,
    wishes.delete_node: _a_spare_node,
    wishes.set_node_state: _nothing,
    wishes.tag_node: _nothing,
    wishes.remove_node: _nothing,
    wishes.add_device: _nothing,
    wishes.delete_device: _a_failed_device,
    wishes.forget_device: _a_failed_device,
    wishes.set_device_state: _nothing,
    wishes.tag_device: _nothing,
    wishes.resync: _nothing,
    wishes.remove_device: _nothing,
    wishes.evict: _nothing,
    wishes.remove_orphans: _nothing,
    wishes.mend_bricks: _nothing,
    wishes.clean_up: _something_stuck,
}
"""Each with what has to be there."""


async def furnished(wish: Wish) -> MortalHouse:
    limits = Limits(block_hosting_creation=True, block_hosting_size_gib=20)
    house = MortalHouse(store=MemoryStore(), limits=limits)
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    await house.create()
    await house.create()
    await WISHES[wish](house)
    return house


async def deeds_of(wish: Wish) -> list[Deed]:
    """Return what a wish does if nothing goes wrong."""
    house = await furnished(wish)
    deeds: list[Deed] = []

    async def granted() -> str:
        id_ = await wish(house, 0)
        if id_:
            await house.done(id_)
        deeds.extend(house.fate.deeds)
        return id_

    house.doom(-1, Mishap.ERROR)
    await house.survive(granted)
    house.require_agreement()
    return deeds
