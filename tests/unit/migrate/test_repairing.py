"""Every fault that a document may have: how it is told, how it would be repaired, and what an import does about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from tests.unit.migrate.odd_documents import documents
from tests.unit.migrate.test_importing import GIB, NONE, REPLICA_3, C, K, Story, V

from pyheketi.domain import invariants
from pyheketi.migrate import checking, exporting, repairing
from pyheketi.migrate.findings import EXPLANATIONS, Rule
from pyheketi.migrate.repairing import Import
from pyheketi.wire import base
from pyheketi.wire.dump import Dump

X, OP = "f" * 32, "0" * 32
N, D, B = f"{1:032x}", f"d{1:031x}", f"b5{0:030x}"
"""Of the first node, its device and the volume's brick on it."""


def sound() -> Story:
    story = Story()
    story.volume(REPLICA_3, 3, block=True, size=100, blockinfo={"freesize": 95, "reservedsize": 2})
    story.block_volume(3)
    return story


def contents(story: Story, section: str, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = story.document[section][id_]["Info"]
    return found


@dataclass(frozen=True)
class Fault:
    make: Callable[[Story], object]
    finding: tuple[Rule, str, str, str]
    """Rule, kind, object, other."""
    text: str
    repair: str
    """Beginning; empty if there is none."""
    by_import: Import
    note: str = ""
    """Part of what an import says."""


def _operation(kind: int, *actions: tuple[int, str, float | None]) -> Callable[[Story], object]:
    return lambda story: story.operation(kind, *actions)


def _brick_of_nothing(story: Story) -> None:
    story.brick(X, 0, "e" * 32)


def _unflagged(story: Story) -> None:
    contents(story, "volumeentries", V)["block"] = False


def _no_own_id(story: Story) -> None:
    contents(story, "nodeentries", N)["id"] = ""


def _another_id(story: Story) -> None:
    story.document["volumeentries"][X] = story.document["volumeentries"].pop(V)


def _drop_node(story: Story) -> None:
    contents(story, "brickentries", B)["node"] = X


def _used(kib: int) -> Callable[[Story], object]:
    def make(story: Story) -> None:
        storage = contents(story, "deviceentries", D)["storage"]
        storage["used"] += kib
        storage["free"] -= kib

    return make


FAULTS: dict[str, Fault] = {
    "cluster lists what is not there": Fault(
        lambda story: contents(story, "clusterentries", C)["volumes"].append(X),
        (Rule.LIST_UNKNOWN, "cluster", C, X),
        f"Cluster {C} unknown volume {X}",
        f"volume {X} goes from the list of cluster {C}",
        Import.MENDS,
        f"Cluster {C} unknown volume {X}: it was taken off the list",
    ),
    "cluster lists a node twice": Fault(
        lambda story: contents(story, "clusterentries", C)["nodes"].append(N),
        (Rule.LIST_TWICE, "cluster", C, N),
        f"Cluster {C} lists node {N} 2 times",
        f"node {N} stands in the list of cluster {C} once",
        Import.MENDS,
        "it was taken once",
    ),
    "device lists a brick twice": Fault(
        lambda story: story.document["deviceentries"][D]["Bricks"].append(B),
        (Rule.LIST_TWICE, "device", D, B),
        f"Device {D} lists brick {B} 2 times",
        f"brick {B} stands in the list of device {D} once",
        Import.MENDS,
        "it was taken once",
    ),
    "volume lists a block volume twice": Fault(
        lambda story: contents(story, "volumeentries", V)["blockinfo"]["blockvolume"].append(K),
        (Rule.LIST_TWICE, "volume", V, K),
        f"Volume {V} lists blockvolume {K} 2 times",
        f"blockvolume {K} stands in the list of volume {V} once",
        Import.MENDS,
        "it was taken once",
    ),
    "volume lists a brick that is not there": Fault(
        lambda story: story.document["volumeentries"][V]["Bricks"].append(X),
        (Rule.LIST_UNKNOWN, "volume", V, X),
        f"Volume {V} unknown brick {X}",
        f"brick {X} goes from the list of volume {V}",
        Import.MENDS,
        f"names brick {X}, which does not exist; it was passed over",
    ),
    "node lists another's device": Fault(
        lambda story: story.document["nodeentries"][f"{2:032x}"]["Devices"].append(D),
        (Rule.LIST_FOREIGN, "node", f"{2:032x}", D),
        f"Node {2:032x} no link back to node from device {D}",
        f"device {D} goes from the list of node {2:032x}, and stays",
        Import.MENDS,
        "stays where it says that it belongs",
    ),
    "cluster does not list its volume": Fault(
        lambda story: contents(story, "clusterentries", C)["volumes"].clear(),
        (Rule.PARENT_SILENT, "volume", V, C),
        f"Volume {V} no link back to volume from cluster {C}",
        f"volume {V} is added to the list of cluster {C}",
        Import.MENDS,
        "it was put there",
    ),
    "brick of a volume that is not there": Fault(
        _brick_of_nothing,
        (Rule.PARENT_UNKNOWN, "brick", X, "e" * 32),
        f"Brick {X} unknown volume {'e' * 32}",
        "",
        Import.LEAVES_OUT,
        f"Left out: brick {X}",
    ),
    "brick on a node that is not there": Fault(
        _drop_node,
        (Rule.BRICK_NODE, "brick", B, X),
        f"Brick {B} unknown node {X}",
        f"brick {B} is said to be on the node of its device",
        Import.MENDS,
        "its device tells the node",
    ),
    "volume is marked by nothing": Fault(
        lambda story: story.document["volumeentries"][V].update(Pending={"Id": X}),
        (Rule.MARK_UNKNOWN, "volume", V, X),
        f"Volume {V} marked pending but no pending op {X}",
        f"the mark of operation {X} goes from volume {V}",
        Import.MENDS,
        "the mark was dropped",
    ),
    "more is free on a device than there is": Fault(
        lambda story: contents(story, "deviceentries", D)["storage"].update(free=500 * GIB),
        (Rule.DEVICE_TOTAL, "device", D, ""),
        f"Device {D} size values differ Total({500 * GIB}) != Free({500 * GIB}) + Used({10 * GIB + 53248})",
        f"what is free on device {D} becomes {490 * GIB - 53248} KiB",
        Import.MENDS,
        "what is used was kept",
    ),
    "less is in use on a device than bricks take": Fault(
        _used(-GIB),
        (Rule.DEVICE_USED, "device", D, ""),
        f"Device {D} size values differ Used({9 * GIB + 53248}) != aggregateBricksSize({10 * GIB + 53248})",
        f"what is in use on device {D} becomes {10 * GIB + 53248} KiB",
        Import.MENDS,
        f"its bricks take {10 * GIB + 53248} KiB; that was booked",
    ),
    "more is in use on a device than bricks take": Fault(
        _used(GIB),
        (Rule.DEVICE_USED, "device", D, ""),
        f"Device {D} size values differ Used({11 * GIB + 53248}) != aggregateBricksSize({10 * GIB + 53248})",
        "",
        Import.KEEPS,
    ),
    "a volume mounts from too few hosts": Fault(
        lambda story: contents(story, "volumeentries", V)["mount"]["glusterfs"].update(hosts=["10.0.0.0"]),
        (Rule.MOUNT_HOSTS, "volume", V, C),
        f"Volume {V} mount hosts list([10.0.0.0]) is not same as list of all nodes of the cluster([",
        f"volume {V} names all nodes of its cluster",
        Import.MENDS,
    ),
    "the free size of a hosting volume is wrong": Fault(
        lambda story: contents(story, "volumeentries", V)["blockinfo"].update(freesize=50),
        (Rule.BLOCK_SIZE, "volume", V, ""),
        f"Volume {V} blocksize differs aggregateSize 3 != volumeSize 100 - freeSize 50 - reservedSize 2",
        f"the free size of volume {V} becomes 95 GiB",
        Import.MENDS,
        "50 GiB free are told, 95 are",
    ),
    "a volume hosts without being meant to": Fault(
        _unflagged,
        (Rule.BLOCK_FLAG, "volume", V, ""),
        f"Volume {V} has blockvolumes but not block flag",
        f"volume {V} becomes a block hosting volume",
        Import.MENDS,
        "it was made a block hosting volume",
    ),
    "a node tells no id": Fault(
        _no_own_id,
        (Rule.OWN_ID, "node", N, ""),
        f"Node {N} says that its id is ''",
        "",
        Import.MENDS,
        "says that its id is ''",
    ),
    "a volume stands under another id": Fault(
        _another_id,
        (Rule.OWN_ID, "volume", X, V),
        f"Volume {X} says that its id is '{V}'",
        f"the entry of volume {X} goes under the id inside, that of volume {V}",
        Import.MENDS,
        "it was taken by the id inside",
    ),
    "an operation on what is not marked": Fault(
        _operation(2, (4, V, None)),
        (Rule.CHANGE_UNMARKED, "operation", OP, V),
        f"pending op {OP} id in change missing {V} not found in volumes",
        "",
        Import.MENDS,
    ),
    "an expansion of what is not there": Fault(
        _operation(3, (5, X, 10)),
        (Rule.CHANGE_UNKNOWN, "operation", OP, X),
        f"pending op {OP}: change id missing {X} not found in volumes",
        "",
        Import.LEAVES_OUT,
    ),
    "a removal of a device that is not there": Fault(
        _operation(6, (8, X, None)),
        (Rule.CHANGE_UNKNOWN, "operation", OP, X),
        f"pending op {OP}: change id missing {X} not found in devices",
        "",
        Import.LEAVES_OUT,
    ),
    "a child of an operation that is not there": Fault(
        _operation(8, (13, X, None)),
        (Rule.CHANGE_UNKNOWN, "operation", OP, X),
        f"pending op {OP}: change id missing {X} not found in pendingoperations",
        "",
        Import.LEAVES_OUT,
    ),
    "a change that nobody knows": Fault(
        _operation(2, (77, V, None)),
        (Rule.CHANGE_KIND, "operation", OP, ""),
        f"Pending Op {OP} unexpected change type 77",
        "",
        Import.LEAVES_OUT,
    ),
    "an operation that nobody knows": Fault(
        _operation(77),
        (Rule.OPERATION_KIND, "operation", OP, ""),
        f"Pending Op {OP} unexpected type 77",
        "",
        Import.REFUSES,
    ),
}


def document_of(story: Story) -> Dump:
    return base.validated(Dump, story.document)


def test_what_is_sound_needs_no_repair() -> None:
    assert repairing.plan(document_of(sound())) == repairing.RepairPlan(repairs=())


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_are_told_and_mended(fault: Fault) -> None:
    story = sound()
    fault.make(story)
    document = document_of(story)

    plan = repairing.plan(document)

    repair = next(
        each
        for each in plan.repairs
        if (each.finding.rule, each.finding.kind, each.finding.object) == fault.finding[:3]
    )
    assert (repair.finding.rule, repair.finding.kind, repair.finding.object, repair.finding.other) == fault.finding
    assert repair.finding.text.startswith(fault.text)
    assert repair.change.startswith(fault.repair)
    assert bool(repair.change) == bool(fault.repair)
    assert repair.by_import is fault.by_import
    assert bool(plan.refusal) == (fault.by_import is Import.REFUSES)
    if fault.by_import is Import.REFUSES:
        return
    found = story.imported()
    assert any(fault.note in note for note in found.notes) or not fault.note
    assert invariants.check(found.topology) == []
    left = checking.findings(exporting.exported(found.topology, found.operations, "g", at_rest=True))
    assert [each.rule for each in left if fault.by_import is Import.MENDS] == []


def test_every_rule_is_explained_and_has_a_fault_in_the_table() -> None:
    assert set(EXPLANATIONS) == set(Rule) == {fault.finding[0] for fault in FAULTS.values()}


def test_an_import_tells_only_the_first_of_many_faults_of_a_kind() -> None:
    story = Story()
    story.volume(NONE, 1)
    unknown = [f"e{number:031x}" for number in range(25)]
    contents(story, "clusterentries", C)["nodes"].extend(unknown)
    notes = [note for note in story.imported().notes if "unknown node" in note or "more like these" in note]
    assert (len(notes), notes[-1]) == (
        11,
        "15 more like these (list-unknown): heketi db consistency-check --explain tells of all",
    )


def test_two_entries_that_claim_an_id_are_refused() -> None:
    story = Story()
    story.document["clusterentries"]["x"] = story.document["clusterentries"][C]
    plan = repairing.plan(document_of(story))
    assert plan.refusal.splitlines()[1:] == [f"  two of the clusterentries say that they are {C}"]


@settings(max_examples=200, deadline=None)
@given(documents)
def test_a_plan_never_raises(document: Dump) -> None:
    plan = repairing.plan(document)
    assert [each.finding for each in plan.repairs] == list(checking.findings(document))
    assert all((each.by_import is Import.REFUSES) == bool(plan.refusal) for each in plan.repairs)
