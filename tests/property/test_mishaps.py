"""Every operation, every command and commit of it, every mishap: nothing leaks, nothing is lost, nothing stays at work.

The runs are counted in a table at the end of the report (``conftest.py``).
"""

import dataclasses
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from tests import leaping, mishap_table, wishes
from tests.mishap_table import Cell
from tests.mishaps import Deed, Mishap, MortalHouse
from tests.wishes import Wish

from pyheketi.domain import errors
from pyheketi.executors.faults import Fail, Rule, matching
from pyheketi.planning.limits import Limits
from pyheketi.planning.orphans import Verdict
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
    wishes.clean_up: _something_stuck,
}
"""Each with what has to be there."""


async def _furnished(wish: Wish) -> MortalHouse:
    limits = Limits(block_hosting_creation=True, block_hosting_size_gib=20)
    house = MortalHouse(store=MemoryStore(), limits=limits)
    await house.start()
    await house.furnish(zones=(1, 2, 3, 4))
    await house.create()
    await house.create()
    await WISHES[wish](house)
    return house


async def _deeds_of(wish: Wish) -> list[Deed]:
    """Return what a wish does if nothing goes wrong."""
    house = await _furnished(wish)
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


def _left_by_design(wish: Wish, deed: Deed) -> tuple[str, ...]:
    """Return words for what may stay: what a client said need not be asked for, and empty mount points."""
    if wish is wishes.forget_device:
        return ("physical_volumes", "directories")
    return ("directories",) if wish is wishes.remove_orphans or str(deed) in {"rmdir", "test"} else ()


async def _meet(wish: Wish, at: int, deed: Deed, mishap: Mishap, lateness: int) -> None:
    house = await _furnished(wish)
    house.doom(at, mishap, lateness)
    id_ = await house.survive(lambda: wish(house, 0))
    assert house.fate_was_fulfilled
    if wish is wishes.remove_orphans or (mishap is Mishap.ERROR and str(deed) == "lvm lvremove"):
        await _remove_orphans(house)
    house.require_agreement(aside=_left_by_design(wish, deed))
    if id_:
        job = await house.plane.job(id_)
        assert job is not None
        assert not job.pending
    await house.create()
    if wish is wishes.add_device and all(device.name != "/dev/new" for device in house.topology.devices()):
        await house.done(await wish(house, 0))


async def _remove_orphans(house: MortalHouse) -> None:
    """Remove what was put there for a removal that did not begin, and thin pools that LVM refused to remove."""
    found = (await house.plane.orphans.search()).bricks
    if left := [each.place.brick for each in found if each.verdict is Verdict.ORPHAN]:
        await house.done(await house.plane.orphans.remove(left))


@pytest.mark.parametrize("mishap", Mishap, ids=lambda mishap: mishap.value)
@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.__name__)
def test_mishap_at_every_deed(wish: Wish, mishap: Mishap, record_property: Callable[[str, object], None]) -> None:
    deeds = leaping.run(_deeds_of(wish))
    assert deeds
    late = (1, 2, 3, 5) if mishap is Mishap.LATER else (1,)
    met = [(at, deed, lateness) for at, deed in enumerate(deeds) if mishap.may_meet(deed) for lateness in late]
    failures, runs, failed = [], Counter[str](), Counter[str]()
    for at, deed, lateness in met:
        runs[str(deed)] += 1
        try:
            leaping.run(_meet(wish, at, deed, mishap, lateness))
        except (AssertionError, errors.Error) as failure:
            failed[str(deed)] += 1
            failures.append(f"{at} {deed} {lateness}: {''.join(traceback.format_exception(failure)[-1:])}")
    cell = Cell(wish.__name__, mishap.value, dict(runs), dict(failed))
    record_property(mishap_table.PROPERTY, dataclasses.asdict(cell))
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)
