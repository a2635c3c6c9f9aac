"""Quirks of Heketi's interface that lose something (rest-api.md §14), and weaknesses that its history knows.

The number of the item in the specification stands in the name of each test.
"""

from dataclasses import replace

import pytest
from tests import gates
from tests.losses import homes

from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.durability import Distribute
from pyheketi.domain.entities import Volume
from pyheketi.domain.ids import VolumeId
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.wire.block_volumes import BlockVolumeCreate as BlockRequest
from pyheketi.wire.volumes import VolumeCreate as VolumeRequest

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_quirk_1_a_read_only_database_says_so_at_every_change() -> None:
    house = await homes.furnished(limits=homes.HOSTING)
    made = await house.create()
    await house.crash()
    house.rules = replace(house.rules, read_only=True)
    await house.start()
    device = next(house.topology.devices()).id
    before = house.inventory()
    wishes = (
        house.plane.clusters.create(file=True, block=True),
        house.plane.volumes.create(homes.WISH),
        house.plane.volumes.delete(made),
        house.plane.volumes.expand(made, 1),
        house.plane.devices.set_state(device, homes.OFFLINE),
        house.plane.devices.change_tags(device, "set", {"a": "b"}),
        house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3)),
    )
    for wish in wishes:
        with pytest.raises(errors.ReadOnly, match="open for reading only"):
            await wish
    assert house.inventory() == before


async def test_quirk_2_what_is_being_made_can_neither_be_cloned_nor_locked() -> None:
    house = await homes.furnished()
    gate = gates.close(house, "mkfs")
    making = await house.plane.volumes.create(homes.WISH)
    await gate.reached.wait()
    hidden = next(house.plane.tip.volumes()).id
    with pytest.raises(errors.NotFound):
        await house.plane.volumes.clone(hidden, "")
    with pytest.raises(errors.NotFound):
        await house.plane.volumes.restrict(hidden, "locked")
    gate.opened.set()
    await house.done(making)


async def test_quirk_8_a_volume_without_bricks_can_be_deleted() -> None:
    house = await homes.furnished()
    template = homes.volume(house, await house.create())
    bare = Volume(
        id=VolumeId("f" * 32),
        name="bare",
        cluster=template.cluster,
        size_gib=1,
        durability=Distribute(),
        durability_request=template.durability_request,
    )
    await house.plane.work.commit([Put(bare)])
    await house.done(await house.plane.volumes.delete(bare.id))
    homes.require_settled(house)


@pytest.mark.parametrize(
    "name", ["a b", "a;id", "$(id)", "`id`", "-a", "--all", "../x", "a/b", "a\nb", "a'b", 'a"b', "a|b"]
)
@pytest.mark.parametrize("kind", [VolumeRequest, BlockRequest], ids=["volume", "block volume"])
def test_history_1_no_name_reaches_a_shell(kind: type[VolumeRequest] | type[BlockRequest], name: str) -> None:
    assert kind(size=1, name=name).problem()
