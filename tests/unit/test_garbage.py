"""The collector: what lasts is gone through once, and cycles that die late are found once a day."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from tests import leaping

from pyheketi import garbage


class Cycle:
    """Something that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_nothing_is_collected_while_starting_and_what_was_made_is_left_alone() -> None:
    with garbage.none_while_starting():
        assert not gc.isenabled()
        made = [Cycle() for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)


def test_an_error_while_starting_leaves_the_collector_on() -> None:
    with pytest.raises(ValueError, match="no"), garbage.none_while_starting():
        raise ValueError("no")
    assert gc.isenabled()


def test_survivors_are_left_alone_until_the_daily_look() -> None:
    async def story() -> None:
        async with garbage.collected_once():
            cycle = Cycle()
            early, late = weakref.ref(Cycle()), weakref.ref(cycle)
            gc.collect()
            assert early() is None  # dead already
            frozen = gc.get_freeze_count()
            assert frozen > 0
            del cycle
            gc.collect()
            assert late() is not None  # died after the collection that it survived
            await asyncio.sleep(garbage.DAY + 1)
            assert late() is None
            assert gc.get_freeze_count() > 0

    leaping.run(story())
    assert gc.get_freeze_count() == 0


def test_a_server_that_has_stopped_leaves_the_collector_as_it_was() -> None:
    before = list(gc.callbacks)

    async def story() -> None:
        async with garbage.collected_once():
            assert len(gc.callbacks) == len(before) + 1

    leaping.run(story())
    assert gc.callbacks == before
