"""Every operation, every command and commit of it, every mishap: nothing leaks, nothing is lost, nothing stays at work.

The runs are counted in a table at the end of the report (``conftest.py``).
"""

import dataclasses
import traceback
from collections import Counter
from collections.abc import Callable

import pytest
from tests import leaping, mishap_table, wishes
from tests.mishap_table import Cell
from tests.mishaps import Deed, Mishap, MortalHouse
from tests.rehearsal import WISHES, deeds_of, furnished
from tests.wishes import Wish

from pyheketi.domain import errors
from pyheketi.planning.orphans import Verdict


def _left_by_design(wish: Wish, deed: Deed) -> tuple[str, ...]:
    """Return words for what may stay: what a client said need not be asked for, and empty mount points."""
    if wish is wishes.forget_device:
        return ("physical_volumes", "directories")
    return ("directories",) if wish is wishes.remove_orphans or str(deed) in {"rmdir", "test"} else ()


async def _meet(wish: Wish, at: int, deed: Deed, mishap: Mishap, lateness: int) -> None:
    house = await furnished(wish)
    house.doom(at, mishap, lateness)
    id_ = await house.survive(lambda: wish(house, 0))
    assert house.fate_was_fulfilled
    if wish is wishes.remove_orphans or (mishap is Mishap.ERROR and str(deed) == "lvm lvremove"):
        await _remove_orphans(house)
    if wish is wishes.mend_bricks:
        await house.mend()
    house.require_agreement(but=lambda line: line.startswith(_left_by_design(wish, deed)))
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
    deeds = leaping.run(deeds_of(wish))
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
