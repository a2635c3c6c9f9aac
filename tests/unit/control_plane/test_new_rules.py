"""Limits and rules are replaced while the house is kept: what is asked from then on keeps to the new ones."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests import leaping
from tests.house import House

from pyheketi.control_plane.alarm import Alarm
from pyheketi.control_plane.health import HealthSchedule
from pyheketi.control_plane.jobs import Jobs
from pyheketi.control_plane.rules import Rules
from pyheketi.domain import errors
from pyheketi.domain.size import KIB_PER_GIB
from pyheketi.executors.faults import Fail, Lose, Rule, matching
from pyheketi.planning.limits import Limits
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store.memory import MemoryStore

QUIET = HealthSchedule(enabled=False)
WATCHFUL = HealthSchedule(start=10, every=100, retry=10)
NEVER = 10.0**9
HOUR = 3600.0


async def house(rules: Rules, limits: Limits | None = None) -> House:
    made = House(rules=replace(rules, job_patience=0), limits=limits or Limits())
    await made.start()
    await made.furnish()
    return made


async def until(is_so: Callable[[], bool], most: float) -> float:
    """Return how many seconds it took, at most so many."""
    now = asyncio.get_running_loop().time
    began = now()
    while not is_so() and now() - began < most:
        await asyncio.sleep(1)
    return now() - began


def test_limits() -> None:
    async def story() -> None:
        made = await house(Rules(health=QUIET), Limits(brick_max=4 * KIB_PER_GIB))
        many = await made.create(8)
        made.plane.keep_to(Limits(brick_max=8 * KIB_PER_GIB), made.rules)
        few = await made.create(8)
        sets = [len(volume.brick_sets) for id_ in (many, few) if (volume := made.topology.volume(id_))]
        assert sets == [2, 1]
        made.plane.keep_to(Limits(max_volumes_per_cluster=2), made.rules)
        with pytest.raises(errors.Error):
            await made.create()

    leaping.run(story())


def test_slots() -> None:
    async def story() -> None:
        made = await house(Rules(health=QUIET, max_in_flight=100))
        made.plane.keep_to(made.limits, Rules(health=QUIET, max_in_flight=0))
        with pytest.raises(errors.TooManyOperations):
            await made.create()
        made.plane.keep_to(made.limits, made.rules)
        await made.create()

    leaping.run(story())


def test_retries() -> None:
    async def story() -> None:
        made, tries = await house(Rules(health=QUIET, create_retries=0)), Counter[str]()

        def starts(host: str, command: object) -> bool:
            found = "volume start" in str(command)
            tries[str(made.plane.work.rules.create_retries)] += found
            return found

        made.break_(Rule(starts, Fail(stderr="no luck")))
        for retries in (0, 3, 1):
            made.plane.keep_to(made.limits, replace(made.rules, create_retries=retries))
            assert (await made.job(await made.plane.volumes.create(VolumeCreate(size_gib=1)))).error
        assert tries == {"0": 1, "3": 4, "1": 2}

    leaping.run(story())


def test_what_is_only_read_stays_so() -> None:
    async def story() -> None:
        store = MemoryStore()
        made = House(rules=Rules(health=QUIET, read_only=True), store=store)
        await made.start()
        made.plane.keep_to(made.limits, Rules(health=QUIET))
        with pytest.raises(errors.ReadOnly):
            await made.plane.clusters.create(file=True, block=True)

    leaping.run(story())


def test_nodes_are_looked_after_from_now_on_and_at_other_times() -> None:
    async def story() -> None:
        made = await house(Rules(health=QUIET))

        def down() -> bool:
            return bool(made.plane.health.avoid.nodes)

        made.break_(Rule(matching("", "node0"), Lose()))
        assert await until(down, HOUR) == HOUR
        made.plane.keep_to(made.limits, replace(made.rules, health=WATCHFUL))
        assert await until(down, HOUR) <= 2, "the first look was due long ago"
        made.break_()
        assert await until(lambda: not down(), HOUR) <= WATCHFUL.retry + 1
        made.plane.keep_to(made.limits, replace(made.rules, health=replace(WATCHFUL, every=NEVER)))
        made.break_(Rule(matching("", "node0"), Lose()))
        assert await until(down, HOUR) == HOUR
        made.plane.keep_to(made.limits, replace(made.rules, health=WATCHFUL))
        assert await until(down, HOUR) <= 2
        made.plane.keep_to(made.limits, made.rules)
        assert not down(), "nobody would see it come back"

    leaping.run(story())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Rules(cleaner_enabled=False), Rules(cleaner_start=60)),
        (Rules(cleaner_start=NEVER), Rules(cleaner_start=60)),
        (Rules(cleaner_start=0, cleaner_every=NEVER), Rules(cleaner_start=0, cleaner_every=60)),
    ],
    ids=["enabled", "earlier", "oftener"],
)
def test_what_is_stuck_is_tried_again_by_the_new_rules(before: Rules, after: Rules) -> None:
    async def story() -> None:
        made = await house(replace(before, health=QUIET))
        volume = await made.create()
        made.break_(Rule(matching("", "node0"), Lose()))
        await made.job(await made.plane.volumes.delete(volume))
        assert made.plane.operations
        made.break_()
        gone = lambda: not made.plane.operations  # noqa: E731
        assert await until(gone, HOUR) == HOUR
        made.plane.keep_to(made.limits, replace(after, health=QUIET))
        assert await until(gone, HOUR) <= 2

    leaping.run(story())


def test_the_cleaner_can_be_turned_off() -> None:
    async def story() -> None:
        made = await house(Rules(health=QUIET, cleaner_start=60))
        volume = await made.create()
        made.break_(Rule(matching("", "node0"), Lose()))
        await made.job(await made.plane.volumes.delete(volume))
        made.break_()
        made.plane.keep_to(made.limits, Rules(health=QUIET, cleaner_enabled=False))
        assert await until(lambda: not made.plane.operations, HOUR) == HOUR

    leaping.run(story())


def test_jobs_are_forgotten_by_the_new_rule_at_once() -> None:
    async def story() -> None:
        asked: list[float] = []

        class Store(MemoryStore):
            async def forget_finished(self, before: float) -> int:
                asked.append(asyncio.get_running_loop().time())
                return await super().forget_finished(before)

        kept, alarm = [(NEVER, NEVER)], Alarm()
        task = asyncio.create_task(Jobs(Store()).forget_old(lambda: kept[0], alarm))
        await asyncio.sleep(30)
        kept[:] = [(20.0, NEVER)]
        alarm.moved()
        await asyncio.sleep(1)
        assert asked == [0, 30]
        task.cancel()

    leaping.run(story())


def test_an_alarm_that_moved_away_and_back_rings_in_time() -> None:
    async def story() -> None:
        alarm, at = Alarm(), [100.0]
        now = asyncio.get_running_loop().time
        waiting = asyncio.create_task(alarm.at(lambda: at[0]))
        for when in (50.0, 20.0, float("inf"), 7.0):
            await asyncio.sleep(1)
            at[0] = when
            alarm.moved()
        await waiting
        assert now() == 7

    leaping.run(story())
