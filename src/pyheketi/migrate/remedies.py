"""What to do about contradictions in the database of a running server: in words, and as commands.

For databases that nobody runs, and for those of Heketi, ``findings`` and ``repairing`` have the words.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pyheketi.migrate import checking, repairing
from pyheketi.migrate.findings import EXPLANATIONS, Finding, Rule
from pyheketi.wire.check import ExplainedCheck, ExplainedFinding
from pyheketi.wire.dump import Dump

_RESYNC = ("heketi-cli device resync {object}",)
_CLEAN_UP = ("heketi-cli server operations cleanup {object}",)
_SCRUB = ("systemctl stop heketi", "heketi db scrub --all --dbfile=HEKETI_DB", "systemctl start heketi")

_COMMANDS: Mapping[Rule, tuple[str, ...]] = MappingProxyType(
    {
        Rule.DEVICE_TOTAL: _RESYNC,
        Rule.DEVICE_USED: _RESYNC,
        Rule.MARK_UNKNOWN: _SCRUB,
        Rule.CHANGE_UNMARKED: _CLEAN_UP,
        Rule.CHANGE_UNKNOWN: _CLEAN_UP,
    }
)
"""What repairs a database of ours: what is not named here cannot come about in one but by a bug or by hand."""

_ADVICE: Mapping[Rule, str] = MappingProxyType(
    {
        Rule.DEVICE_TOTAL: "Read the numbers from the node.",
        Rule.DEVICE_USED: (
            "Read the numbers from the node. If more is in use than the bricks take after that, too, something else is"
            " on the device, and all is well."
        ),
        Rule.MARK_UNKNOWN: (
            "See first whether gluster has it (heketi-cli server state compare). Then drop the mark, with the server"
            " stopped; the database is copied beside itself first. HEKETI_DB is the file of the setting db."
        ),
        Rule.CHANGE_UNMARKED: "Let the server end the operation. If its nodes are gone for ever: heketi db scrub.",
        Rule.CHANGE_UNKNOWN: "Let the server end the operation. If its nodes are gone for ever: heketi db scrub.",
        Rule.BLOCK_SIZE: (
            "See what there is (gluster-block list), and delete block volumes until the rest fits. Lock the volume"
            " until then: heketi-cli volume set-block-hosting-restriction locked."
        ),
        Rule.BLOCK_FLAG: "Move what is on the volume, and delete it.",
    }
)
_OTHERWISE = (
    "A server of ours does not write such a thing: the file was edited by hand, or this is a bug, please report it. Go"
    " back to a backup (heketi db restore), or export the database, mend it, and import it (heketi db export, import)."
)


def explained(document: Dump) -> ExplainedCheck:
    """Return what is wrong in the document of a running server, what that means, and what repairs it."""
    found = tuple(_explained(document, each) for each in checking.findings(document))
    return ExplainedCheck(findings=found, total=len(found), repairable=sum(each.commands != () for each in found))


def _explained(document: Dump, finding: Finding) -> ExplainedFinding:
    return ExplainedFinding(
        rule=finding.rule.value,
        kind=finding.kind,
        object=finding.object,
        other_kind=finding.other_kind,
        other=finding.other,
        text=finding.text,
        means=EXPLANATIONS[finding.rule].means,
        repair=repairing.change(document, finding),
        commands=tuple(each.format(object=finding.object) for each in _COMMANDS.get(finding.rule, ())),
        advice=_ADVICE.get(finding.rule, _OTHERWISE),
    )
