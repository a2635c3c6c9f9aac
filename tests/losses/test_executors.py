"""Where Heketi 10 can be attacked through its commands, or takes a wrong answer for a right one (executors.md §17).

The number of the item in the specification stands in the name of each test.
"""

import logging

import pytest
from tests import agreement, gates
from tests.losses import homes

from pyheketi.commands import shell
from pyheketi.commands.command import Program, Script
from pyheketi.domain import errors
from pyheketi.executors.faults import Fail, Lose, Rule, matching
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.orphans import Verdict
from pyheketi.planning.volume_create import VolumeCreate

pytestmark = pytest.mark.anyio

NASTY = (
    "user.x y; id > /tmp/pwn",
    "user.x $(reboot)",
    "user.x `id`",
    "user.x a|b&c>d<e",
    "user.x 'q' \"r\" \\",
    "user.x *",
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("option", NASTY)
async def test_1_an_option_is_one_argument_whatever_is_in_it(option: str) -> None:
    house = await homes.furnished(nodes=3)
    lines: list[str] = []

    def watch(host: str, command: object) -> bool:
        lines.append(str(command))
        return False

    house.break_(Rule(watch, Fail()))
    wish = VolumeCreate(size_gib=1, durability=homes.WISH.durability, options=(option,))
    made = await house.done(await house.plane.volumes.create(wish))
    key, _, value = option.partition(" ")
    assert house.nodes.node("node0").pool.volumes[f"vol_{made}"].options[key] == value
    assert {line.split(" ")[0] for line in lines} <= {program.value for program in Program}


async def test_1_an_option_that_looks_like_a_flag_reaches_no_node() -> None:
    house = await homes.furnished(nodes=3)
    for option in ("--mode=script x", "user.x --force", "user.x", "user.x a\nb", "user.x a\0b"):
        with pytest.raises(errors.RequestError):
            await house.plane.volumes.create(
                VolumeCreate(size_gib=1, durability=homes.WISH.durability, options=(option,))
            )
    homes.require_settled(house)


async def test_4_no_log_and_no_error_tells_the_password_of_a_block_volume(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house = await homes.furnished(limits=homes.HOSTING)
    made = await house.done(await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3, auth=True)))
    found = house.topology.block_volume(made)
    assert found is not None
    assert found.password
    secret = f'{{"RESULT": "???", "PASSWORD": "{found.password}"'
    house.break_(Rule(matching("gluster-block"), Fail(1, stdout=secret)))
    jobs = [
        await house.plane.block_volumes.expand(made, 5),
        await house.plane.block_volumes.create(BlockVolumeCreate(size_gib=3, auth=True)),
    ]
    told = [(await house.job(job)).error for job in jobs]
    assert all(told)
    assert not any(found.password in text for text in (*told, caplog.text, repr(found)))


@pytest.mark.parametrize("at", ["lvcreate", "mkfs", "awk", "mount -o", "mkdir /.*/brick$"])
async def test_5_a_brick_that_fails_half_way_leaves_nothing(at: str) -> None:
    house = await homes.furnished(nodes=3)
    before = house.inventory()
    house.break_(Rule(matching(at, host="node1"), Fail(1, stderr="no luck")))
    assert "no luck" in (await house.job(await house.plane.volumes.create(homes.WISH))).error
    assert house.inventory() == before
    homes.require_settled(house)


def test_6_answers_are_in_one_language() -> None:
    text = shell.program("nonce", Script(commands=())).decode()
    assert "export LC_ALL=C" in text


async def test_7_a_pool_that_cannot_be_removed_is_counted_found_and_removed_later() -> None:
    house = await homes.furnished(nodes=3)
    made = await house.create()
    old = homes.brick(house, made)
    house.break_(Rule(matching(f"lvremove .*{old.thin_pool}"), Fail(5, stderr="in use")))
    await house.done(await house.plane.volumes.delete(made))
    device = house.topology.device(old.device)
    assert device is not None
    assert house.topology.used(device) == old.space
    house.break_()
    (left,) = (await house.plane.orphans.search()).bricks
    assert left.verdict is Verdict.ORPHAN
    await house.done(await house.plane.orphans.remove([old.id]))
    assert homes.used(house) == 0
    homes.require_settled(house)


async def test_8_a_node_that_cannot_leave_the_pool_stays_in_the_topology() -> None:
    house = await homes.furnished(nodes=3)
    last = next(node for node in house.topology.nodes() if node.manage_host == "node2")
    for device in house.topology.devices_of(last.id):
        await house.done(await house.plane.devices.set_state(device.id, homes.OFFLINE))
        await house.done(await house.plane.devices.set_state(device.id, homes.FAILED))
        await house.done(await house.plane.devices.delete(device.id, force_forget=False))
    house.break_(Rule(matching("peer detach"), Fail(1, stderr="peer detach: failed: no luck")))
    job = await house.job(await house.plane.nodes.delete(last.id))
    assert "no luck" in job.error
    found = house.topology.node(last.id)
    assert found is not None
    assert found.pending is None
    house.break_()
    await house.done(await house.plane.nodes.delete(last.id))
    assert len(house.nodes.node("node0").pool.members) == 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        *((answer, "makes no sense") for answer in ("", "<", "garbage", "<cliOutput/>", "<volInfo/>")),
        ("<cliOutput><opRet>0</opRet><volInfo/></cliOutput>", "target is busy"),  # "no volume", but bricks in use
    ],
)
async def test_9_an_answer_that_makes_no_sense_ends_no_server_and_no_data(answer: str, told: str) -> None:
    house = await homes.furnished(nodes=3)
    made = await house.create()
    before = house.inventory()
    house.break_(Rule(matching("volume info"), Fail(0, stdout=answer)))
    job = await house.job(await house.plane.volumes.delete(made))
    assert told in job.error
    assert house.inventory() == before
    house.break_()
    await house.done(await house.plane.clean_up([]))
    assert house.topology.volume(made) is None
    homes.require_settled(house)


async def test_10_a_command_whose_answer_is_lost_is_asked_about_not_taken_for_failed() -> None:
    house = await homes.furnished(nodes=3)
    before = house.inventory()
    house.break_(Rule(matching("lvcreate", host="node1"), Lose(sent=True)))
    assert (await house.job(await house.plane.volumes.create(homes.WISH))).error
    assert house.inventory() == before
    house.break_()
    made = await house.create()
    house.break_(Rule(matching("volume delete"), Lose(sent=True), times=1))
    await house.job(await house.plane.volumes.delete(made))
    house.break_()
    await house.done(await house.plane.clean_up([]))
    assert house.inventory() == before
    homes.require_settled(house)


async def test_12_only_the_lines_of_the_brick_leave_fstab() -> None:
    house = await homes.furnished(nodes=3)
    machine = house.nodes.node("node0")
    own = ["# by hand", "/dev/sda1 / ext4 defaults 0 1", f"/dev/mapper/vg_{'0' * 32}-brick_{'0' * 32} /data xfs ro 0 0"]
    machine.files["/etc/fstab"][:] = own
    made = await house.create()
    assert len(machine.files["/etc/fstab"]) == 4
    await house.done(await house.plane.volumes.delete(made))
    assert machine.files["/etc/fstab"] == own
    assert set(house.inventory().fstab) == {f"node0 {line}" for line in own}


async def test_17_a_slow_command_on_a_node_holds_up_no_other_on_it() -> None:
    house = await homes.furnished(nodes=3)
    gate = gates.close(house, "mkfs", host="node1")
    slow = await house.plane.volumes.create(homes.WISH)
    await gate.reached.wait()
    await house.plane.health.look_at(["node1"])
    assert not house.plane.work.avoid.nodes
    gate.opened.set()
    await house.done(slow)
    homes.require_settled(house)


async def test_18_all_options_of_a_volume_are_set_by_one_call() -> None:
    house = await homes.furnished(nodes=3)
    calls: list[str] = []

    def watch(host: str, command: object) -> bool:
        calls.extend([str(command)] * (" volume set " in str(command)))
        return False

    house.break_(Rule(watch, Fail()))
    options = ("user.a 1", "user.b 2", "performance.readdir-ahead on")
    await house.done(
        await house.plane.volumes.create(VolumeCreate(size_gib=1, durability=homes.WISH.durability, options=options))
    )
    assert len(calls) == 1
    assert agreement.pending(house) == []
