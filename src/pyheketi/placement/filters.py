"""Rules that a device must pass for a brick set, each with the reason it gives when it refuses."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pyheketi.domain import errors
from pyheketi.domain.ids import DeviceId
from pyheketi.placement.rings import Candidate

Filter: TypeAlias = Callable[[Candidate, Sequence[Candidate]], str]
"""Return why a device is refused next to the bricks already placed in the set; empty if it is welcome."""

_TAG_RULE = re.compile(r"([a-zA-Z0-9.-_]+)(!?=)([a-zA-Z0-9.-_]+)")
"""As Heketi reads it, the range from ``.`` to ``_`` included (placement.md §9)."""


def other_node(candidate: Candidate, chosen: Sequence[Candidate]) -> str:
    """No two bricks of a set on one node."""
    if any(each.node.id == candidate.node.id for each in chosen):
        return "its node already has a brick of the set"
    return ""


def other_zone(candidate: Candidate, chosen: Sequence[Candidate]) -> str:
    """No two bricks of a set in one zone: zone checking ``strict``."""
    if any(each.node.zone == candidate.node.zone for each in chosen):
        return f"zone {candidate.node.zone} already has a brick of the set (zone checking is strict)"
    return ""


@dataclass(frozen=True, slots=True)
class OtherDevice:
    """Not the device that a brick is to leave."""

    device: DeviceId

    def __call__(self, candidate: Candidate, chosen: Sequence[Candidate]) -> str:
        """Return why the device is refused, or nothing."""
        return "holds the brick that is to be replaced" if candidate.device.id == self.device else ""


@dataclass(frozen=True, slots=True)
class TagMatch:
    """Only devices whose tags, laid over those of their node, satisfy ``key=value`` or ``key!=value``."""

    key: str
    equal: bool
    value: str

    @classmethod
    def parse(cls, rule: str) -> "TagMatch":
        """Read a rule of the option ``user.heketi.device-tag-match``.

        Raises:
            Conflict: it is none.
        """
        match = _TAG_RULE.fullmatch(rule)
        if match is None:
            raise errors.Conflict(f"Invalid tag matching rule: Invalid tag match rule: {rule}")
        return cls(match[1], match[2] == "=", match[3])

    def __call__(self, candidate: Candidate, chosen: Sequence[Candidate]) -> str:
        """Return why the device is refused, or nothing."""
        value = candidate.tags.get(self.key, "")
        if (value == self.value) is not self.equal:
            return f"tag {self.key} is {value!r} (wanted: {self.key}{'=' if self.equal else '!='}{self.value})"
        return ""
