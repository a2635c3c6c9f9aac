"""What an import mends of a document on the way, and says of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from pyheketi.migrate.findings import Finding, Rule
from pyheketi.wire.base import WireModel
from pyheketi.wire.dump import Dump, OperationEntry

E = TypeVar("E", bound=WireModel)

_SECTIONS = (
    "clusterentries",
    "nodeentries",
    "deviceentries",
    "volumeentries",
    "brickentries",
    "blockvolumeentries",
    "pendingoperations",
)
_SHOWN = 10
"""Notes of one kind that are shown; of more, only how many there are."""


def by_own_ids(document: Dump, refused: list[str]) -> Dump:
    """Return the document with every entry under the id that it says it has, as Heketi reads it (db.md §8).

    One that says none gets that which it stands under. ``refused`` gets those that two entries claim.
    """
    sections = {name: _by_own_ids(name, getattr(document, name), refused) for name in _SECTIONS}
    return document.model_copy(update=sections)


def _by_own_ids(section: str, entries: Mapping[str, E], refused: list[str]) -> dict[str, E]:
    found: dict[str, E] = {}
    for key, entry in entries.items():
        id_ = _own_id(entry)
        if (id_ or key) in found:
            refused.append(f"two of the {section} say that they are {id_ or key}")
        found[id_ or key] = entry if id_ else _named(entry, key)
    return found


def _own_id(entry: WireModel) -> str:
    return entry.Id if isinstance(entry, OperationEntry) else str(getattr(entry, "Info").id)  # noqa: B009  # all have one


def _named(entry: E, id_: str) -> E:
    if isinstance(entry, OperationEntry):
        return entry.model_copy(update={"Id": id_})
    contents: WireModel = getattr(entry, "Info")  # noqa: B009  # all have one
    return entry.model_copy(update={"Info": contents.model_copy(update={"id": id_})})


_MENDED: Mapping[Rule, str] = {
    Rule.OWN_ID: "it was taken by the id inside",
    Rule.LIST_UNKNOWN: "it was taken off the list",
    Rule.LIST_FOREIGN: "it was taken off the list, and stays where it says that it belongs",
    Rule.LIST_TWICE: "it was taken once",
    Rule.PARENT_SILENT: "it was put there",
    Rule.BRICK_NODE: "its device tells the node",
    Rule.MARK_UNKNOWN: (
        "the mark was dropped. See whether the nodes have it all: heketi-cli server state examine gluster"
    ),
}
"""What an import does about findings of a rule, for those that it does not tell of by itself."""


def notes(document: Dump, found: Iterable[Finding]) -> Iterator[str]:
    """Yield what an import has done about findings, the first of each kind one by one."""
    by_rule: dict[Rule, list[Finding]] = {}
    for finding in found:
        if finding.rule in _MENDED and not _is_told_otherwise(document, finding):
            by_rule.setdefault(finding.rule, []).append(finding)
    for rule, same in by_rule.items():
        yield from (f"{finding.text}: {_MENDED[rule]}" for finding in same[:_SHOWN])
        if len(same) > _SHOWN:
            yield f"{len(same) - _SHOWN} more like these ({rule}): heketi db consistency-check --explain tells of all"


def _is_told_otherwise(document: Dump, finding: Finding) -> bool:
    """Tell whether the importer has words of its own for it, or nothing is wrong: old bricks tell no volume."""
    if (finding.kind, finding.other_kind) != ("volume", "brick"):
        return False
    brick = document.brickentries.get(finding.other)
    return finding.rule is Rule.LIST_UNKNOWN or (brick is not None and not brick.Info.volume)
