"""Plan repairs of a document: what could be changed safely, and what an import would do about each contradiction.

A plan is all there is: files of Heketi's are never written to, an import makes a new database of them. What it does is
not foretold but tried.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pyheketi.domain import errors
from pyheketi.migrate import checking, exporting, importing
from pyheketi.migrate.findings import Finding, Rule
from pyheketi.wire.dump import Dump


class Import(StrEnum):
    """What ``heketi db import`` does about a finding."""

    MENDS = "mends"
    LEAVES_OUT = "leaves out"
    """The object with the fault is not taken over; space that it takes stays in use."""
    KEEPS = "keeps"
    REFUSES = "refuses"
    """It refuses the whole file, for the reasons that the plan tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What could be done about a finding."""

    finding: Finding
    change: str
    """What would be changed; empty if no change is surely right."""
    by_import: Import


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """Repairs of all findings, in order."""

    repairs: tuple[Repair, ...]
    refusal: str = ""
    """Why an import refuses the document; empty if it does not."""


def plan(document: Dump) -> RepairPlan:
    """Plan repairs of a document, which need not make sense."""
    found = checking.findings(document)
    try:
        taken = importing.imported(document)
    except errors.StoreError as error:
        repairs = (Repair(finding=each, change=change(document, each), by_import=Import.REFUSES) for each in found)
        return RepairPlan(repairs=tuple(repairs), refusal=str(error))
    after = exporting.exported(taken.topology, taken.operations, "", at_rest=True)
    left = {each.key for each in checking.findings(after)}
    repairs = (
        Repair(finding=each, change=change(document, each), by_import=_outcome(after, left, each)) for each in found
    )
    return RepairPlan(repairs=tuple(repairs))


def _outcome(after: Dump, left: set[tuple[str, ...]], finding: Finding) -> Import:
    if finding.key in left:
        return Import.KEEPS
    sections: dict[str, Mapping[str, object]] = {
        "cluster": after.clusterentries,
        "node": after.nodeentries,
        "device": after.deviceentries,
        "brick": after.brickentries,
        "volume": after.volumeentries,
        "blockvolume": after.blockvolumeentries,
        "operation": after.pendingoperations,
    }
    there = sections[finding.kind]
    renamed = finding.rule is Rule.OWN_ID and finding.other in there
    return Import.MENDS if finding.object in there or renamed else Import.LEAVES_OUT


def change(document: Dump, finding: Finding) -> str:
    """Return what would be changed about a finding; empty if no change is surely right."""
    if finding.rule in (Rule.DEVICE_TOTAL, Rule.DEVICE_USED, Rule.BLOCK_SIZE):
        return next(_numbers(document, finding), "")
    if finding.rule is Rule.OWN_ID and not finding.other:
        return ""
    own, other = f"{finding.kind} {finding.object}", f"{finding.other_kind} {finding.other}"
    return _CHANGES.get(finding.rule, "").format(own=own, other=other)


_CHANGES: Mapping[Rule, str] = MappingProxyType(
    {
        Rule.LIST_UNKNOWN: "{other} goes from the list of {own}",
        Rule.LIST_FOREIGN: "{other} goes from the list of {own}, and stays where it says that it belongs",
        Rule.LIST_TWICE: "{other} stands in the list of {own} once",
        Rule.PARENT_SILENT: "{own} is added to the list of {other}",
        Rule.MARK_UNKNOWN: "the mark of {other} goes from {own}",
        Rule.BRICK_NODE: "{own} is said to be on the node of its device",
        Rule.MOUNT_HOSTS: "{own} names all nodes of its cluster for mounting",
        Rule.OWN_ID: "the entry of {own} goes under the id inside, that of {other}",
        Rule.BLOCK_FLAG: "{own} becomes a block hosting volume, and takes no block volumes until it is unlocked",
    }
)
"""What would be changed where that is the same in every case."""


def _numbers(document: Dump, finding: Finding) -> Iterator[str]:
    """Yield which number becomes what, where one is surely wrong."""
    own = f"{finding.kind} {finding.object}"
    if finding.rule is Rule.BLOCK_SIZE:
        told = document.volumeentries[finding.object].Info
        held = (document.blockvolumeentries.get(each) for each in dict.fromkeys(told.blockinfo.blockvolume or ()))
        free = told.size - told.blockinfo.reservedsize - sum(block.Info.size for block in held if block)
        if 0 <= free <= told.size:
            yield f"the free size of {own} becomes {free} GiB, and it takes no block volumes until it is unlocked"
        return
    entry = document.deviceentries[finding.object]
    storage, taken = entry.Info.storage, checking.space_of_bricks(document, entry)
    if finding.rule is Rule.DEVICE_USED and storage.used < taken:
        yield f"what is in use on {own} becomes {taken} KiB, which its bricks take"
    if finding.rule is Rule.DEVICE_TOTAL:
        yield f"what is free on {own} becomes {storage.total - storage.used} KiB"
