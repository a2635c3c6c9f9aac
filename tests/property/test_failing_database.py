"""The database fails for a while, at any commit: what is refused leaves nothing, all else ends without a restart."""

from collections.abc import Sequence

import pytest
from tests import leaping, wishes
from tests.doubles import StoreAround
from tests.mishaps import MortalHouse
from tests.rehearsal import WISHES, furnished
from tests.wishes import Wish

from pyheketi.domain import errors
from pyheketi.domain.change import Change
from pyheketi.executors.base import Executor
from pyheketi.operations.operation import Operation
from pyheketi.store.base import Store

FULL = "the disk is full"


class FullStore(StoreAround):
    """Takes some commits, then no more until it has room again."""

    def __init__(self, inner: Store, room: int) -> None:
        super().__init__(inner)
        self.room = room

    async def commit(self, changes: Sequence[Change], operations: Sequence[Operation], *, expected: int) -> int:
        if self.room <= 0:
            raise errors.StoreError(FULL)
        self.room -= 1
        return await super().commit(changes, operations, expected=expected)


class CrampedHouse(MortalHouse):
    """A house whose database has room for a number of commits only."""

    room = 10**6

    def doors(self) -> tuple[Executor, Store]:
        executor, _ = super().doors()
        self.full = FullStore(self.store, self.room)
        return executor, self.full


async def _wish(house: CrampedHouse, wish: Wish) -> str | None:
    """Make a wish and wait for its end; return why it failed."""
    try:
        id_ = await wish(house, 0)
    except errors.StoreError as refusal:
        return str(refusal)
    return (await house.job(id_)).error if id_ else ""


REFUSABLE = [wish for wish in WISHES if wish not in (wishes.clean_up, wishes.remove_orphans, wishes.mend_bricks)]
"""Not what was there before: something stuck, what belongs to nobody, what does not serve."""


@pytest.mark.parametrize("wish", REFUSABLE, ids=lambda wish: wish.__name__)
def test_full_at_every_commit(wish: Wish) -> None:
    async def fill(room: int) -> bool:
        """Return whether the wish was granted in spite of it."""
        before = await furnished(wish)
        house = CrampedHouse(store=before.store, limits=before.limits)
        house.nodes, house.executor = before.nodes, before.executor
        house.nodes.find_manage = house._manage_host
        await before.crash()
        await house.start()
        house.full.room = room
        why = await _wish(house, wish)
        await house.plane.settle()
        assert not why or FULL in why
        for _ in range(2):  # as the cleaner does by itself, once in vain
            house.plane.work.try_again(house.plane.work.stuck)
            await house.plane.settle()
            house.full.room = 10**6
        assert house.plane.operations == []
        assert (await house.store.load()).unfinished == ()
        house.require_agreement()
        await house.create()
        return not why

    async def everywhere() -> None:
        room = 0
        while not await fill(room):
            room += 1
        assert room > 0

    leaping.run(everywhere())
