"""What a check of the database found (db.md §6)."""

from pyheketi.wire.base import Int64, Items, Strings, WireModel


class Findings(WireModel):
    """What was found in one kind of entries."""

    total: Int64 = 0
    pending: Int64 = 0
    """Entries that an operation is at work on."""
    ok: Int64 = 0
    notok: Int64 = 0
    inconsistencies: Strings = ()
    """A sentence for each; null if there is none."""


class ExplainedFinding(WireModel):
    """A contradiction, for a person who is to do something about it. Heketi 10 has no such thing."""

    rule: str = ""
    """Stable name of the rule that is broken."""
    kind: str = ""
    """Of the object: ``cluster``, ``node``, ``device``, ``brick``, ``volume``, ``blockvolume`` or ``operation``."""
    object: str = ""
    """Id of the object whose entry is wrong."""
    other_kind: str = ""
    other: str = ""
    """Id of another object that it is about; empty if there is none."""
    text: str = ""
    """What ``GET /db/check`` says of it."""
    means: str = ""
    repair: str = ""
    """What would be changed; empty if no change is surely right."""
    commands: Strings = ()
    """What does it, on the database of a running server."""
    advice: str = ""
    """What to do where no command does it, or before."""


class ExplainedCheck(WireModel):
    """Answer to ``GET /db/check/explain``."""

    findings: Items[ExplainedFinding] = ()
    total: Int64 = 0
    repairable: Int64 = 0
    """How many of them a command repairs."""


class Check(WireModel):
    """Answer to ``GET /db/check``."""

    clusters: Findings = Findings()
    volumes: Findings = Findings()
    bricks: Findings = Findings()
    nodes: Findings = Findings()
    devices: Findings = Findings()
    blockvolumes: Findings = Findings()
    dbattributes: Findings = Findings()
    pendingoperations: Findings = Findings()
    totalinconsistencies: Int64 = 0
