"""What a check of the database found (db.md §6)."""

from pyheketi.wire.base import Int64, Strings, WireModel


class Findings(WireModel):
    """What was found in one kind of entries."""

    total: Int64 = 0
    pending: Int64 = 0
    """Entries that an operation is at work on."""
    ok: Int64 = 0
    notok: Int64 = 0
    inconsistencies: Strings = ()
    """A sentence for each; null if there is none."""


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
