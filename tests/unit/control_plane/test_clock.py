"""The clock of the host jumps: what is kept for a time stays kept, and what is done now and then goes on."""

import asyncio
import time
from dataclasses import replace

import pytest
from tests.house import House

from pyheketi.control_plane.health import HealthSchedule
from pyheketi.executors.faults import Lose, Rule, matching

pytestmark = pytest.mark.anyio
YEAR = 365 * 24 * 3600.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("jump", [10 * YEAR, -10 * YEAR])
async def test_a_job_that_has_just_ended_is_still_told(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    house = House()
    house.rules = replace(house.rules, job_retention=0.01)
    await house.start()
    await house.furnish()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    job = await house.plane.volumes.delete(await house.create())
    await house.done(job)
    monkeypatch.setattr(time, "time", lambda: real() - jump)
    await asyncio.sleep(0.05)  # old jobs are looked for meanwhile
    assert await house.plane.job(job) is not None


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
async def test_nodes_are_looked_after_all_the_same(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    house = House()
    house.rules = replace(house.rules, health=HealthSchedule(start=0, every=0.01, retry=0.01), cleaner_start=0)
    await house.start()
    await house.furnish()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    house.break_(Rule(matching("", "node0"), Lose()))
    while not house.plane.health.avoid.nodes:
        await asyncio.sleep(0.01)
    monkeypatch.setattr(time, "time", lambda: real() - jump)
    house.break_()
    while house.plane.health.avoid.nodes:
        await asyncio.sleep(0.01)
