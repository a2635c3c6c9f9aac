"""What a check can find: rules with stable names, what breaking one means, and what to do about it (db.md §6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Rule(StrEnum):
    """A rule that a document keeps. Programs know the names: never change one."""

    OWN_ID = "own-id"
    LIST_UNKNOWN = "list-unknown"
    LIST_FOREIGN = "list-foreign"
    LIST_TWICE = "list-twice"
    PARENT_UNKNOWN = "parent-unknown"
    PARENT_SILENT = "parent-silent"
    BRICK_NODE = "brick-node"
    MARK_UNKNOWN = "mark-unknown"
    DEVICE_TOTAL = "device-total"
    DEVICE_USED = "device-used"
    MOUNT_HOSTS = "mount-hosts"
    BLOCK_SIZE = "block-size"
    BLOCK_FLAG = "block-flag"
    CHANGE_UNMARKED = "change-unmarked"
    CHANGE_UNKNOWN = "change-unknown"
    CHANGE_KIND = "change-kind"
    OPERATION_KIND = "operation-kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One contradiction."""

    rule: Rule
    kind: str
    """Of the object: ``cluster``, ``node``, ``device``, ``brick``, ``volume``, ``blockvolume`` or ``operation``."""
    object: str
    """Id of the object whose entry is wrong."""
    other_kind: str = ""
    """Of the other object; empty if there is none."""
    other: str = ""
    """Id of another object that it is about."""
    text: str
    """Heketi's words, or such as it would have."""

    @property
    def key(self) -> tuple[str, ...]:
        """What tells findings apart, whatever numbers their texts hold."""
        return (self.rule, self.kind, self.object, self.other_kind, self.other)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule for a person."""

    means: str
    """What it means that the rule is broken."""
    do: str
    """What to do about it."""


EXPLANATIONS: Mapping[Rule, Explanation] = MappingProxyType(
    {
        Rule.OWN_ID: Explanation(
            "An entry stands under one id and says that it has another; the file was edited by hand.",
            "heketi db import goes by the id inside the entry.",
        ),
        Rule.LIST_UNKNOWN: Explanation(
            "A list names something that does not exist, usually the remains of an operation that was cut short.",
            "The name can go from the list: nothing is lost. heketi db import leaves it out.",
        ),
        Rule.LIST_FOREIGN: Explanation(
            "A list names something that says itself that it belongs elsewhere.",
            "The thing itself is right as a rule: heketi db import goes by it. Compare with gluster volume info.",
        ),
        Rule.LIST_TWICE: Explanation(
            "A list names the same thing twice.",
            "One of the two can go: nothing is lost. heketi db import keeps one.",
        ),
        Rule.PARENT_UNKNOWN: Explanation(
            "Something belongs to nothing: what it says it belongs to does not exist.",
            "See on the nodes whether it is in use. heketi db import leaves it out and keeps its space in use.",
        ),
        Rule.PARENT_SILENT: Explanation(
            "Something says what it belongs to, but is missing in the list there.",
            "It can be added to the list. heketi db import does, as it keeps no such lists.",
        ),
        Rule.BRICK_NODE: Explanation(
            "A brick is said to be on a node that does not exist.",
            "Its device tells the node: heketi db import goes by that.",
        ),
        Rule.MARK_UNKNOWN: Explanation(
            "Something is marked as being worked on by an operation that does not exist, and so is locked for ever.",
            "See whether gluster has it (heketi-cli server state examine gluster). The mark can be dropped: heketi db"
            " import does, in a database of pyheketi heketi db scrub --all does.",
        ),
        Rule.DEVICE_TOTAL: Explanation(
            "What is free and what is in use on a device are not its size.",
            "heketi db import works out what is free; heketi-cli device resync reads the numbers from the node.",
        ),
        Rule.DEVICE_USED: Explanation(
            "More or less of a device is in use than its bricks take. More may be right: something else is on it.",
            "heketi-cli device resync reads the numbers from the node. heketi db import raises what is less than the"
            " bricks take, and keeps what is more as space that is not ours.",
        ),
        Rule.MOUNT_HOSTS: Explanation(
            "A volume names other hosts for mounting than its cluster has nodes, usually because a node came later.",
            "Harmless. heketi db import names all nodes.",
        ),
        Rule.BLOCK_SIZE: Explanation(
            "The free space of a block hosting volume does not fit its block volumes.",
            "heketi db import works it out of the block volumes and locks the volume, as Heketi does at its start; see"
            " gluster-block list, then heketi-cli volume set-block-hosting-restriction unlocked.",
        ),
        Rule.BLOCK_FLAG: Explanation(
            "A volume holds block volumes, but is not meant to.",
            "heketi db import makes it a block hosting volume, and locks it; then heketi-cli volume"
            " set-block-hosting-restriction unlocked, or move what is on it and delete it.",
        ),
        Rule.CHANGE_UNMARKED: Explanation(
            "An unfinished operation is at work on something that does not exist or does not carry its mark.",
            "Let the server end the operation: heketi-cli server operations cleanup. If the nodes are gone for ever:"
            " heketi db scrub.",
        ),
        Rule.CHANGE_UNKNOWN: Explanation(
            "An unfinished operation is at work on something that does not exist.",
            "Let the server end the operation: heketi-cli server operations cleanup. If the nodes are gone for ever:"
            " heketi db scrub.",
        ),
        Rule.CHANGE_KIND: Explanation(
            "An unfinished operation makes a change that is not known; the file is of a newer Heketi, or was edited.",
            "Let the Heketi that wrote it end the operation.",
        ),
        Rule.OPERATION_KIND: Explanation(
            "An unfinished operation is of a kind that is not known; the file is of a newer Heketi, or was edited.",
            "Let the Heketi that wrote it end the operation; heketi db import refuses the file until then.",
        ),
    }
)
