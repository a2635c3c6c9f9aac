"""Whatever a crash left of a brick, destroying removes it and completing repairs it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyheketi.commands import bricks
from pyheketi.commands.bricks import BrickFacts
from pyheketi.commands.command import Program, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.operations.steps import BrickPlace, CreateBrick

MOUNT_POINT = "/var/lib/heketi/mounts/vg_d/brick_b"
PLACE = BrickPlace(
    brick="b",
    host="n1",
    storage_host="h1",
    volume_group="vg_d",
    thin_pool="tp_b",
    logical_volume="brick_b",
    mount_point=MOUNT_POINT,
    path=f"{MOUNT_POINT}/brick",
)
STEP = CreateBrick(place=PLACE, size=4096, pool_size=4096, metadata_size=4096)
FACTS = st.builds(
    BrickFacts,
    mounts=st.integers(0, 3),
    in_fstab=st.booleans(),
    has_volume=st.booleans(),
    has_pool=st.booleans(),
    pool_is_shared=st.booleans(),
    has_directory=st.booleans(),
)


def programs(script: Script) -> list[Program | str]:
    return [command.args[1] if command.program is Program.FLOCK else command.program for command in script.commands]


@given(FACTS)
def test_a_node_that_loses_power_while_a_brick_is_destroyed_still_boots(facts: BrickFacts) -> None:
    order = programs(bricks.destroy(PLACE, facts, NodeOptions()))
    rank = {Program.UMOUNT: 0, "sed": 1, Program.LVM: 2, Program.RMDIR: 3}
    assert [rank[each] for each in order] == sorted(rank[each] for each in order)


@given(FACTS)
def test_only_what_exists_is_removed(facts: BrickFacts) -> None:
    order = programs(bricks.destroy(PLACE, facts, NodeOptions()))
    assert order.count(Program.UMOUNT) == facts.mounts
    assert order.count("sed") == facts.in_fstab
    assert order.count(Program.LVM) == facts.has_volume + (facts.has_pool and not facts.pool_is_shared)
    assert order.count(Program.RMDIR) == facts.has_directory


@given(FACTS)
def test_a_mounted_brick_is_never_formatted(facts: BrickFacts) -> None:
    order = programs(bricks.complete(STEP, facts, NodeOptions()))
    assert (Program.MKFS_XFS in order) is (facts.mounts == 0)
    assert (Program.MOUNT in order) is (facts.mounts == 0)
    assert ("awk" in order) is not facts.in_fstab


@given(FACTS)
def test_a_pool_with_other_bricks_is_never_removed(facts: BrickFacts) -> None:
    shared = replace(facts, pool_is_shared=True)
    for script in (bricks.destroy(PLACE, shared, NodeOptions()), bricks.complete(STEP, shared, NodeOptions())):
        assert not any("lvremove" in command.args and "vg_d/tp_b" in command.args for command in script.commands)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PLACE, brick="b; reboot"),
        replace(PLACE, brick=""),
        replace(PLACE, volume_group="vg-d"),
        replace(PLACE, thin_pool="../tp"),
        replace(PLACE, logical_volume="brick b"),
        replace(PLACE, mount_point="/mnt/../etc", path="/mnt/../etc/brick"),
        replace(PLACE, mount_point="mnt", path="mnt/brick"),
        replace(PLACE, path=MOUNT_POINT),
    ],
)
def test_names_that_no_brick_of_ours_has(wrong: BrickPlace) -> None:
    with pytest.raises(ValueError, match="not "):
        bricks.look(wrong, NodeOptions())
    with pytest.raises(ValueError, match="not "):
        bricks.create(replace(STEP, place=wrong), NodeOptions())
