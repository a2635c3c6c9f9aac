"""Nodes on the wire; also changes of state and tags, which devices share (rest-api.md §7.3)."""

from typing import Annotated

from pydantic import Field

from pyheketi.wire import checks
from pyheketi.wire.base import OMIT, Int64, Items, Strings, WireModel
from pyheketi.wire.bricks import heal_check_problem
from pyheketi.wire.devices import Device

STATES = ("online", "offline", "failed")
TAG_CHANGES = ("set", "update", "delete")


class Hostnames(WireModel):
    """Names of a node; the first of each list is the one used."""

    manage: Strings = ()
    """For commands."""
    storage: Strings = ()
    """For gluster; Kubernetes wants one IP address here."""


class NodeAdd(WireModel):
    """Body of ``POST /nodes``."""

    zone: Int64 = 0
    hostnames: Hostnames = Hostnames()
    cluster: str = ""
    tags: Annotated[dict[str, str], OMIT] = Field(default_factory=dict)

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        names = checks.faults_text(
            {
                "manage": checks.host_names(self.hostnames.manage, "manage"),
                "storage": checks.host_names(self.hostnames.storage, "storage"),
            }
        )
        return checks.refusal(
            {
                "zone": checks.at_least_one(self.zone),
                "hostnames": f"({names})" if names else None,
                "cluster": checks.uuid(self.cluster),
                "tags": checks.tags(self.tags),
            }
        )


class BareNode(NodeAdd):
    """A node without what is in it."""

    id: str = ""
    state: str = ""


class Node(BareNode):
    """A node of a cluster."""

    devices: Items[Device] = ()


class StateChange(WireModel):
    """Body of ``POST /nodes/{id}/state`` and ``POST /devices/{id}/state``."""

    state: str = ""
    """``online``, ``offline``, or ``failed``: everything is moved away."""
    healcheck: str = ""
    """``disable``: move bricks even if others still need them to heal."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None; a bad heal check is told alone."""
        if problem := heal_check_problem(self.healcheck):
            return problem
        return checks.refusal({"state": checks.one_of(self.state, STATES, f"{self.state} is not valid state")})


class TagsChange(WireModel):
    """Body of ``POST /nodes/{id}/tags`` and ``POST /devices/{id}/tags``."""

    tags: dict[str, str] = Field(default_factory=dict)
    """To ``delete``, only their names count."""
    change_type: str = ""
    """``set`` replaces all tags, ``update`` those given, ``delete`` removes those given."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal(
            {"change_type": checks.one_of(self.change_type, TAG_CHANGES), "tags": checks.tags(self.tags)}
        )
