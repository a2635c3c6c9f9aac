"""Cut a step anywhere, on simulated nodes: undo leaves nothing of it, and doing it again completes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from pyheketi.commands.command import Result, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.domain.durability import Replicate
from pyheketi.engine.perform import Performer
from pyheketi.executors.fake import FakeExecutor, FakeNodes
from pyheketi.executors.fake.inventory import Inventory
from pyheketi.operations.steps import (
    AddBricks,
    BrickPlace,
    CreateBrick,
    CreateVolume,
    DeleteVolume,
    DestroyBrick,
    DeviceHandle,
    DeviceReport,
    InspectDevice,
    ProbePeer,
    Reclaimed,
    SetUpDevice,
    Step,
    TearDownDevice,
)

GIB = 1024 * 1024


@dataclass
class CutExecutor(FakeExecutor):
    """Loses the connection after some commands, whatever script they are in. Then all is well again."""

    nodes: FakeNodes
    commands_left: int
    delay: float = 0.0
    _closed: bool = False

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        if len(script.commands) <= self.commands_left:
            self.commands_left -= len(script.commands)
            return await super().run(host, script)
        sent, self.commands_left = script.commands[: self.commands_left], 10**6
        await super().run(host, replace(script, commands=sent))
        raise errors.Unreachable(host, "connection lost", sent=True)


def place(node: int, name: str = "a") -> BrickPlace:
    group = f"vg_d{node}"
    mount_point = f"/var/lib/heketi/mounts/{group}/brick_{node}{name}"
    return BrickPlace(
        brick=f"{node}{name}",
        host=f"n{node}",
        storage_host=f"10.0.0.{node}",
        volume_group=group,
        thin_pool=f"tp_{node}{name}",
        logical_volume=f"brick_{node}{name}",
        mount_point=mount_point,
        path=f"{mount_point}/brick",
    )


def brick(node: int, name: str = "a") -> CreateBrick:
    return CreateBrick(place=place(node, name), size=GIB, pool_size=GIB, metadata_size=8192, gid=2000)


def device(node: int) -> SetUpDevice:
    return SetUpDevice(device=DeviceHandle(host=f"n{node}", volume_group=f"vg_d{node}", name="/dev/sdb"))


HOSTS = ("n1", "n2")
NAMES = ((place(1).gluster_name, place(2).gluster_name), (place(1, "b").gluster_name, place(2, "b").gluster_name))
VOLUME = CreateVolume(
    hosts=HOSTS, volume="v", name="vol_v", durability=Replicate(2), brick_sets=NAMES[:1], options=("user.x y",)
)
WIDE = replace(VOLUME, brick_sets=NAMES)
GROWTH = AddBricks(hosts=HOSTS, name="vol_v", durability=Replicate(2), brick_sets=NAMES[1:])
DEVICES: tuple[Step, ...] = (device(1), device(2))
BRICKS: tuple[Step, ...] = (*DEVICES, brick(1), brick(2))
ALL_BRICKS: tuple[Step, ...] = (*BRICKS, brick(1, "b"), brick(2, "b"))


def world(*before: Step) -> FakeNodes:
    """Return two peers on which these steps are done."""
    nodes = FakeNodes()
    for number in (1, 2):
        nodes.alias(f"n{number}", f"10.0.0.{number}")
    performer = Performer(FakeExecutor(nodes), NodeOptions(), pauses=())

    async def prepare() -> None:
        await performer.do(ProbePeer(hosts=("n1",), storage_host="10.0.0.2"), sure=True)
        for step in before:
            await performer.do(step, sure=True)

    asyncio.run(prepare())
    return nodes


async def cut(nodes: FakeNodes, step: Step, after: int, *, sure: bool = True) -> bool:
    """Do a step, cut after some commands; return whether it was cut."""
    try:
        await Performer(CutExecutor(nodes, after), NodeOptions(), pauses=()).do(step, sure=sure)
    except errors.NodeError:
        return True
    return False


def done(step: Step, *before: Step) -> Inventory:
    """Return what is there when a step was done without trouble."""
    return world(*before, step).inventory()


def known_device() -> DeviceHandle:
    """Return the device of the first node with LVM's id of it, as a server has it."""
    handle = device(1).device
    report = asyncio.run(
        Performer(FakeExecutor(world(*DEVICES)), NodeOptions()).do(InspectDevice(device=handle), sure=True)
    )
    assert isinstance(report, DeviceReport)
    return replace(handle, pv_uuid=report.pv_uuid)


UNDOABLE: list[tuple[Step, tuple[Step, ...]]] = [
    (device(1), ()),
    (brick(1), DEVICES),
    (VOLUME, BRICKS),
    (WIDE, ALL_BRICKS),
]


def ids(value: object) -> str:
    return type(value).__name__ if not isinstance(value, tuple) else f"after {len(value)} steps"


@pytest.mark.parametrize(("step", "before"), UNDOABLE, ids=ids)
def test_undo_leaves_nothing_wherever_it_was_cut(step: Step, before: tuple[Step, ...]) -> None:
    expected = world(*before).inventory()
    for after in range(100):
        nodes = world(*before)
        was_cut = asyncio.run(cut(nodes, step, after))
        asyncio.run(Performer(FakeExecutor(nodes), NodeOptions(), pauses=()).undo(step))
        left = nodes.inventory().beyond(expected)
        # What pvcreate alone has made cannot be told from what was there before.
        assert [line for line in left if line != "physical_volumes: n1 /dev/sdb"] == []
        assert expected.beyond(nodes.inventory()) == ()
        if not was_cut:
            break


@pytest.mark.parametrize(
    ("step", "before"),
    [
        *UNDOABLE,
        (GROWTH, (*ALL_BRICKS, VOLUME)),
        (DeleteVolume(hosts=HOSTS, name="vol_v"), (*BRICKS, VOLUME)),
        (DestroyBrick(place=place(1)), BRICKS),
        (TearDownDevice(device=known_device()), DEVICES),
    ],
    ids=ids,
)
def test_a_step_done_again_completes_it_wherever_it_was_cut(step: Step, before: tuple[Step, ...]) -> None:
    expected = done(step, *before)
    for after in range(100):
        nodes = world(*before)
        was_cut = asyncio.run(cut(nodes, step, after))
        performer = Performer(FakeExecutor(nodes), NodeOptions(), pauses=())
        asyncio.run(performer.do(step, sure=False))
        assert nodes.inventory() == expected
        asyncio.run(performer.do(step, sure=False))
        assert nodes.inventory() == expected
        if not was_cut:
            break


def test_undo_of_a_volume_leaves_another_of_that_name_alone() -> None:
    nodes = world(*BRICKS, VOLUME)
    before = nodes.inventory()
    other = replace(VOLUME, volume="w", brick_sets=NAMES[1:])
    performer = Performer(FakeExecutor(nodes), NodeOptions(), pauses=())
    with pytest.raises(errors.Conflict, match="has a volume vol_v already"):
        asyncio.run(performer.do(other, sure=True))
    asyncio.run(performer.undo(other))
    assert nodes.inventory() == before


def test_a_brick_gives_its_space_back() -> None:
    nodes = world(*BRICKS)
    performer = Performer(FakeExecutor(nodes), NodeOptions(), pauses=())
    destroy = DestroyBrick(place=place(1))
    assert asyncio.run(performer.do(destroy, sure=True)) == Reclaimed(pool_removed=True)
    assert asyncio.run(performer.do(destroy, sure=False)) == Reclaimed(pool_removed=True)
    assert nodes.inventory() == world(*DEVICES, brick(2)).inventory()


def test_effects_of_steps_without_return() -> None:
    nodes = world(*ALL_BRICKS, VOLUME)
    performer = Performer(FakeExecutor(nodes), NodeOptions(), pauses=())
    delete = DeleteVolume(hosts=HOSTS, name="vol_v")

    async def look(step: Step) -> tuple[bool, bool]:
        before = await performer.has_effect(step)
        await performer.do(step, sure=True)
        return before, await performer.has_effect(step)

    assert asyncio.run(look(GROWTH)) == (False, True)
    assert asyncio.run(look(delete)) == (False, True)
