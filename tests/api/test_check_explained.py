"""``GET /db/check/explain``: what is wrong in a running server's database, what it means, and what repairs it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.api import asgi
from tests.house import House

from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import Pending
from pyheketi.domain.ids import OperationId
from pyheketi.migrate.remedies import _ADVICE, _COMMANDS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def explained(house: House) -> dict[str, Any]:
    reply = await asgi.request(asgi.application(house.plane), "GET", "/db/check/explain")
    assert reply.status == 200, reply.text
    found: dict[str, Any] = reply.json
    return found


async def broken(*changes: Change) -> House:
    house = House()
    await house.start()
    await house.furnish()
    await house.create()
    await house.plane.work.commit(changes)
    return house


async def test_a_whole_database_needs_no_words() -> None:
    assert await explained(await broken()) == {"findings": [], "total": 0, "repairable": 0}


async def test_a_device_whose_numbers_drifted_is_repaired_by_the_command_that_is_told() -> None:
    house = await broken()
    device = next(iter(house.topology.devices()))
    await house.plane.work.commit([Put(replace(device, foreign=device.foreign + 4096))])

    found = await explained(house)

    (finding,) = found["findings"]
    assert (finding["rule"], finding["kind"], finding["object"]) == ("device-used", "device", device.id)
    assert finding["text"].startswith(f"Device {device.id} size values differ Used(")
    assert finding["means"].startswith("More or less of a device is in use")
    assert finding["commands"] == [f"heketi-cli device resync {device.id}"]
    assert (found["total"], found["repairable"]) == (1, 1)
    await house.done(await house.plane.devices.resync(device.id))
    assert (await explained(house))["total"] == 0


async def test_a_mark_of_an_operation_that_does_not_exist() -> None:
    house = await broken()
    volume = next(iter(house.topology.volumes()))
    await house.plane.work.commit([Put(replace(volume, pending=Pending(OperationId("f" * 32), hidden=False)))])

    (finding,) = (await explained(house))["findings"]

    assert (finding["rule"], finding["object"], finding["other"]) == ("mark-unknown", volume.id, "f" * 32)
    assert finding["repair"] == f"the mark of operation {'f' * 32} goes from volume {volume.id}"
    assert finding["commands"][1].startswith("heketi db scrub --all --dbfile=")


async def test_operations_that_are_beginning_at_work_or_ending_are_no_contradictions() -> None:
    house = await broken()
    app = asgi.application(house.plane)
    creating = asyncio.ensure_future(house.create())
    looks = 0
    while not creating.done():
        reply = await asgi.request(app, "GET", "/db/check/explain")
        assert reply.json["findings"] == []
        looks += 1
        await asyncio.sleep(0)
    await creating
    assert looks > 5


def test_what_has_commands_has_words_of_its_own() -> None:
    assert set(_COMMANDS) <= set(_ADVICE)
