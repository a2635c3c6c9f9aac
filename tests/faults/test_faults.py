"""Every fault during every operation: what comes of it, what is said, that nothing is half-done, and how it ends.

A cell that is not in the table below is an operation that is done in spite of the fault.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import pytest
from tests import agreement
from tests.faults import stage as stages
from tests.faults.faults import FAULTS
from tests.faults.operations import OPERATIONS
from tests.faults.stage import Stage

from pyheketi.domain import errors
from pyheketi.planning.orphans import Verdict

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class End(Enum):
    """How an operation ends, or does not."""

    DONE = "done"
    FAILED = "failed"
    """It was undone, or refused; it can be repeated once the fault is gone."""
    LATER = "later"
    """It can go neither on nor back, and comes to its end once the fault is gone, without being asked for again."""


@dataclass(frozen=True)
class Outcome:
    """What comes of an operation."""

    end: End
    words: tuple[str, ...] = ()
    """What is said: what is wrong, with what, and what a person can do."""
    leaves: bool = False
    """Whether bricks that the node of the fault keeps belong to nobody from then on."""


def done(*, leaves: bool = False) -> Outcome:
    return Outcome(End.DONE, leaves=leaves)


def failed(*words: str) -> Outcome:
    return Outcome(End.FAILED, words)


def later(*words: str) -> Outcome:
    return Outcome(End.LATER, words)


_AWAY = ("gluster peer status", "Start it and try again")
_UNREACHABLE = ("Unable to reach node {host}", *_AWAY)
_NO_PEER = ("10.0.0.{number} is not connected", *_AWAY)
_UNEXPORTED = ("10.0.0.{number}", "Transport endpoint is not connected", *_AWAY)
_WAITS = ("peers are down", *_AWAY, "goes on by itself as soon as that is back")
_SLOW = ("Node {host} did not finish within", "dmesg")
_BUSY = ("target is busy", "{host}", "peer that is rejected", "lsof")
_STOPPED = ("subject", "started", "gluster volume start")
_DELETED = ("subject", "heketi-cli volume delete")
_NO_BRICK = ("subject", "thin provisioned LV", "is not mounted", "server state bricks")
_NO_GROUP = ("Volume group", "not found", "{host}", "lsblk, vgs", "heketi-cli device remove")
_RENAMED = ("{brick}", "old_{group} on node {host}", "vgrename old_{group} {group}")
_REFUSED = ("Commit failed on {host}", "glusterd.log", "lvs")
_READ_ONLY = ("for writing", "{host}", "read-only or failing (dmesg)", "heketi-cli device remove")
_NOT_FOUND = ("{stray} was found on no node that could be asked",)

_DOWN = {
    "delete": later(*_WAITS),
    "clone": failed("snapshot of volume subject", *_NO_PEER),
    "evict": done(leaves=True),
    "remove": done(leaves=True),
    "block_create": failed(*_UNEXPORTED),
    "block_delete": later(*_UNEXPORTED, "goes on by itself"),
    "device_add": failed(*_UNREACHABLE),
    "device_delete": failed(*_UNREACHABLE),
    "resync": failed(*_UNREACHABLE),
    "orphans": failed(*_NOT_FOUND),
}
_SLUGGISH = {
    "expand": later(*_SLOW),
    "delete": later(*_SLOW),
    "clone": later(*_SLOW),
    "evict": later(*_SLOW),
    "remove": later(*_SLOW),
    "device_add": later(*_SLOW),
    "device_delete": later(*_SLOW),
    "resync": failed(*_SLOW),
    "orphans": failed(*_NOT_FOUND),
}

EXPECTED: Mapping[str, Mapping[str, Outcome]] = {
    "node down": _DOWN,
    "node known to be down": _DOWN,
    "node hangs": _SLUGGISH,
    "node ends too late": _SLUGGISH,
    "glusterd down": {
        "delete": later(*_WAITS),
        "clone": failed("snapshot of volume subject", *_NO_PEER),
        "block_create": failed(*_UNEXPORTED),
        "block_delete": later(*_UNEXPORTED, "goes on by itself"),
        "orphans": failed("{stray} on {host} is left alone", "gluster on its node could not be asked"),
    },
    "peer rejected": {
        "delete": later(*_BUSY),
        "clone": failed("snapshot of volume subject", *_NO_PEER),
        "evict": later(*_BUSY),
        "remove": later(*_BUSY),
    },
    "volume stopped": {
        "clone": failed(*_STOPPED),
        "evict": failed(*_STOPPED),
        "remove": failed(*_STOPPED),
    },
    "volume deleted": {
        "expand": failed(*_DELETED),
        "clone": failed(*_DELETED),
        "evict": failed(*_DELETED),
        "remove": failed(*_DELETED),
        "orphans": failed("{stray}", "gluster on its node does not know volume subject"),
    },
    "volume name taken": {
        "create": failed("has a volume wanted already", "Choose another name", "gluster volume info wanted"),
        "clone": failed("has a volume copy already", "Choose another name", "gluster volume info copy"),
    },
    "brick unmounted": {"clone": failed(*_NO_BRICK)},
    "LV missing": {"clone": failed(*_NO_BRICK)},
    "VG missing": {
        "delete": done(leaves=True),
        "clone": failed(*_REFUSED),
        "evict": done(leaves=True),
        "remove": done(leaves=True),
        "device_add": failed("Failed to find device", "/dev/sdy", "lsblk"),
        "device_delete": done(leaves=True),
        "resync": failed(*_NO_GROUP),
        "orphans": failed(*_NO_GROUP),
    },
    "VG renamed": {
        "delete": later(*_RENAMED),
        "clone": later(*_NO_GROUP),
        "evict": later(*_RENAMED),
        "remove": later("lies in volume group", "vgrename old_{group} {group}"),
        "resync": failed(*_NO_GROUP),
        "orphans": failed("{stray}", "vgrename old_{group} {group}"),
    },
    "thin pool full": {
        "clone": failed(*_REFUSED),
        "block_create": failed("No space left on device", "thin pool is full", "lvextend"),
    },
    "VG full": {},
    "device read-only": {
        "delete": later(*_READ_ONLY),
        "clone": failed(*_REFUSED),
        "evict": later(*_READ_ONLY),
        "remove": later(*_READ_ONLY),
        "device_add": failed(*_READ_ONLY),
        "device_delete": failed(*_READ_ONLY),
        "orphans": failed(*_READ_ONLY),
    },
    "fstab edited": {},
    "leftover LV": {},
}
"""Words are filled in with names of the stage."""

CELLS = list(itertools.product(FAULTS, OPERATIONS))


def expected(fault: str, operation: str) -> Outcome:
    return EXPECTED[fault].get(operation, done())


async def attempt(stage: Stage, operation: str) -> tuple[End, str]:
    """Do an operation; return how it ended and what was said."""
    try:
        job = await stage.house.job(await OPERATIONS[operation](stage))
    except errors.Error as refusal:
        return End.FAILED, str(refusal)
    if stage.house.plane.work.stuck:
        return End.LATER, job.error
    return (End.FAILED, job.error) if job.error else (End.DONE, "")


def require_words(stage: Stage, wanted: Outcome, said: str) -> None:
    names = {
        "host": stage.host,
        "number": stage.host.removeprefix("node"),
        "brick": stage.brick.id,
        "group": stage.device.volume_group,
        "stray": stage.stray,
    }
    missing = [word for word in (each.format(**names) for each in wanted.words) if word not in said]
    assert missing == [], said


def require_nothing_half_done(stage: Stage, before: tuple[set[str], set[str]], wanted: Outcome) -> None:
    """Nodes and topology differ no more than the fault itself makes them, and nothing is marked as at work."""
    more = [now - then for now, then in zip(restated(stage.differences()), restated(before), strict=True)]
    of_the_fault = {line for line in more[0] if belongs_to_the_fault(stage, line, wanted)}
    counted = {line for line in more[1] if f"{stage.device.volume_group}/foreign " in line}
    assert (more[0] - of_the_fault, more[1] - counted) == (set(), set())
    assert agreement.pending(stage.house) == []


def belongs_to_the_fault(stage: Stage, line: str, wanted: Outcome) -> bool:
    """Tell whether something is on nodes because of the fault: kept, planted, or of old in a peer that is rejected."""
    kept = wanted.leaves and f" {stage.host} " in f"{line} "
    planted = " linear 4096 KiB" in line
    return kept or planted or (stage.machine.rejected and line.startswith(f"gluster_volumes: {stages.VOLUME} "))


def restated(differences: tuple[set[str], set[str]]) -> tuple[set[str], set[str]]:
    """Return differences without those that are only about whether a volume is started."""
    now, wanted = ({line.replace(" Stopped ", " Started ") for line in lines} for lines in differences)
    return now - wanted, wanted - now


async def put_in_order(stage: Stage) -> None:
    """Do what a person does in the end: remove what belongs to nobody, and have all devices read."""
    house = stage.house
    found = (await house.plane.orphans.search()).bricks
    if left := [each.place.brick for each in found if each.verdict is Verdict.ORPHAN]:
        await house.done(await house.plane.orphans.remove(left))
    for device in list(house.topology.devices()):
        await house.done(await house.plane.devices.resync(device.id))


@pytest.mark.parametrize(("fault", "operation"), CELLS, ids=[f"{fault}-{operation}" for fault, operation in CELLS])
async def test_what_comes_of_it(fault: str, operation: str) -> None:
    wanted, wrong = expected(fault, operation), FAULTS[fault]
    stage = await stages.build()
    house = stage.house
    await wrong.strike(stage)
    before = stage.differences()
    end, said = await attempt(stage, operation)
    assert (end, said) == (wanted.end, said)
    require_words(stage, wanted, said)
    if end is not End.LATER:
        require_nothing_half_done(stage, before, wanted)

    await wrong.cure(stage)
    await house.plane.settle()  # what waited for a node has gone on by itself
    if not wrong.node_returns:
        await house.done(await house.plane.clean_up([]))  # as the server does every hour
    assert [each.error for each in house.plane.operations] == []
    assert agreement.pending(house) == []
    await wrong.mend(stage)
    if end is End.FAILED and not wrong.for_good:
        assert await attempt(stage, operation) == (End.DONE, "")
    await put_in_order(stage)
    gone = {f"physical_volumes: {stage.host} {stages.SPARE}"} if operation == "device_delete" else set()
    more, less = stage.differences()
    assert ({line for line in more if not any(line.startswith(each) for each in gone)}, less) == (set(), set())
    assert {device.foreign for device in house.topology.devices()} == {0}


def test_the_table_has_no_row_that_nothing_belongs_to() -> None:
    assert EXPECTED.keys() == FAULTS.keys()
    assert {operation for row in EXPECTED.values() for operation in row} <= OPERATIONS.keys()
