"""``GET /operations/pending/{id}/steps``: what is done of an operation, and what it waits for."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.api import asgi
from tests.house import REPLICA_3, House

from pyheketi.api.endpoint import Application
from pyheketi.domain.entities import State
from pyheketi.executors.faults import Fail, Lose, Pause, Rule, matching
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio

FOR_EVER = Pause(10_000)
NOTHING_MORE: dict[str, Any] = {"waits": [], "error": "", "since": ""}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def furnished(zones: tuple[int, ...] = (1, 2, 3)) -> House:
    house = House()
    await house.start()
    await house.furnish(zones)
    return house


async def shown(house: House, id_: str) -> dict[str, Any]:
    return await asked(asgi.application(house.plane), id_)


async def asked(app: Application, id_: str) -> dict[str, Any]:
    reply = await asgi.request(app, "GET", f"/operations/pending/{id_}/steps")
    assert reply.status == 200, reply.text
    found: dict[str, Any] = reply.json
    return found


async def until(house: House, id_: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return how an operation stands once the condition says yes."""
    app = asgi.application(house.plane)
    async with asyncio.timeout(60):
        while not condition(found := await asked(app, id_)):
            await asyncio.sleep(0)
    return found


def waiting(found: dict[str, Any]) -> list[Any]:
    return [wait for step in found["steps"] for wait in step["waits"] or ()]


async def create(house: House) -> str:
    return await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=REPLICA_3))


async def test_a_step_that_hangs_tells_node_and_commands_and_the_others_are_done() -> None:
    house = await furnished()
    house.break_(Rule(matching("mkfs", host="node1"), FOR_EVER))
    id_ = await create(house)

    found = await until(house, id_, lambda each: sum(step["state"] == "done" for step in each["steps"]) == 2)

    assert (found["id"], found["type_name"], found["state"], found["attempt"]) == (id_, "create-volume", "running", 1)
    (stuck,) = [step for step in found["steps"] if step["state"] == "running"]
    assert (stuck["name"], stuck["nodes"], stuck["group"]) == ("CreateBrick", ["node1"], 1)
    assert stuck["does"].startswith("make brick ")
    (wait,) = stuck["waits"]
    assert (wait["node"], wait["pause"]) == ("node1", "")
    assert any(command.startswith("mkfs.xfs ") for command in wait["commands"])
    assert stuck["since"] <= wait["since"]
    last = found["steps"][-1]
    assert last == last | {"name": "CreateVolume", "group": 2, "state": "waiting", **NOTHING_MORE}
    assert last["does"].startswith("create and start volume vol_")
    assert sorted(last["nodes"]) == ["node0", "node1", "node2"]
    await house.crash()


async def test_a_busy_node_is_told_with_what_is_tried_again() -> None:
    house = await furnished()
    house.plane.work._runner._performer._nodes._pauses = (10_000.0,)  # type: ignore[attr-defined]
    busy = "volume create: x: failed: Another transaction is in progress for x. Please try again after some time."
    house.break_(Rule(matching("gluster .*volume create"), Fail(1, stderr=busy)))
    id_ = await create(house)

    found = await until(house, id_, lambda each: any(wait["pause"] for wait in waiting(each)))

    (wait,) = waiting(found)
    assert wait["pause"] == f"the node is busy: {busy}"
    assert " volume create " in wait["commands"][0]
    await house.crash()


async def test_what_is_undone_is_told_with_what_failed() -> None:
    house = await furnished()
    house.break_(
        Rule(matching("gluster .*volume create"), Fail(1, stderr="no")),
        Rule(matching("lvremove", host="node2"), FOR_EVER),
    )
    id_ = await create(house)

    found = await until(house, id_, lambda each: sum(step["state"] == "undone" for step in each["steps"]) == 3)

    assert found["state"] == "undoing"
    assert found["error"].startswith("no (node ")
    (undoing,) = [step for step in found["steps"] if step["state"] == "undoing"]
    assert undoing["nodes"] == ["node2"]
    assert [wait["node"] for wait in undoing["waits"]] == ["node2"]
    await house.crash()


async def test_a_stuck_operation_shows_the_step_that_failed_and_after_a_restart_that_nobody_knows() -> None:
    house = await furnished()
    volume = await house.create()
    house.break_(Rule(matching("lvremove", host="node1"), Lose()))
    id_ = await house.plane.volumes.delete(volume)
    await house.job(id_)

    found = await shown(house, id_)
    assert found["state"] == "stuck"
    (failed,) = [step for step in found["steps"] if step["state"] == "failed"]
    assert (failed["name"], failed["nodes"]) == ("DestroyBrick", ["node1"])
    assert "Unable to reach node node1" in failed["error"]
    assert [step["state"] for step in found["steps"] if step != failed] == ["done"] * (len(found["steps"]) - 1)

    await house.crash()
    await house.start()
    again = await shown(house, id_)
    assert again["state"] == "stuck"
    assert {step["state"] for step in again["steps"]} == {"unknown"}
    assert again["error"] == found["error"]

    house.break_()
    await house.plane.clean_up([])
    await house.plane.settle()
    gone = await asgi.request(asgi.application(house.plane), "GET", f"/operations/pending/{id_}/steps")
    assert (gone.status, gone.text.strip()) == (404, f"Id not found: {id_}")


async def test_another_plan_is_another_attempt() -> None:
    house = await furnished()
    house.break_(
        Rule(matching("gluster .*volume create"), Fail(1, stderr="no"), times=1),
        Rule(matching("mkfs"), FOR_EVER, skip=3),
    )
    id_ = await create(house)

    found = await until(house, id_, lambda each: each["attempt"] == 2 and len(waiting(each)) == 3)

    assert found["state"] == "running"
    assert [step["state"] for step in found["steps"]] == ["running"] * 3 + ["waiting"]
    await house.crash()


async def test_a_removal_names_the_eviction_that_is_at_work_for_it() -> None:
    house = await furnished((1, 2, 3, 4))
    volume = await house.create()
    found = house.topology.volume(volume)
    assert found is not None
    brick = house.topology.brick(found.bricks[0])
    assert brick is not None
    await house.done(await house.plane.devices.set_state(brick.device, State.OFFLINE))
    house.break_(Rule(matching("mkfs"), FOR_EVER))
    id_ = await house.plane.devices.set_state(brick.device, State.FAILED)

    removal = await until(house, id_, lambda each: bool(each["part"]))
    eviction = await until(house, removal["part"], lambda each: bool(waiting(each)))

    assert (removal["type_name"], removal["subject"], removal["steps"]) == ("remove-device", brick.device, [])
    assert (eviction["type_name"], eviction["subject"]) == ("evict-brick", brick.id)
    await house.crash()
