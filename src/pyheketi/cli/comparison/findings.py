"""What a comparison finds of one volume, block volume or brick."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

HEKETI, GLUSTER, CLAIMS, BRICKS_DIFFER = "heketi", "gluster", "pvs", "bricks-differ"
"""Words of the column ``Match``; those of the original's script, but for the last."""
BLOCK_VOLUME = "BV"


class Category(StrEnum):
    """How the sources differ."""

    SAME = "same"
    PENDING = "pending"
    UNKNOWN = "unknown"
    ONLY_HEKETI = "only in heketi"
    ONLY_GLUSTER = "only in gluster"
    ONLY_CLAIMS = "only PV"
    UNUSED = "no PV"
    LOST = "missing in gluster"
    FORGOTTEN = "missing in heketi"
    BRICKS = "brick set differs"
    OTHER_VOLUME = "in another volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a comparison."""

    kind: str
    """``volume``, ``block volume`` or ``brick``."""
    name: str
    """Of bricks ``host:path``."""
    id: str = ""
    """In heketi; empty if heketi does not have it."""
    cluster: str = ""
    category: Category = Category.SAME
    sources: frozenset[str] = frozenset()
    """Which sources have it."""
    pending: str = ""
    """Id of the operation at work on it."""
    hosting: bool = False
    claims: tuple[str, ...] = ()
    """Names of the persistent volumes that use it."""
    only_heketi: tuple[str, ...] = ()
    """Bricks that only heketi has."""
    only_gluster: tuple[str, ...] = ()
    """Bricks that only gluster has."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Name of a brick's volume in each source."""

    @property
    def differs(self) -> bool:
        """Whether something is to be done or waited for."""
        return self.category not in (Category.SAME, Category.UNKNOWN)

    @property
    def match(self) -> str:
        """The second column."""
        if self.category is Category.SAME:
            return "ok"
        words = set(self.sources)
        if self.kind == "block volume":
            words.add(BLOCK_VOLUME)
        if self.only_heketi or self.only_gluster:
            words.add(BRICKS_DIFFER)
        return ",".join(sorted(words))

    @property
    def last_column(self) -> str:
        """The third column: the id with what is special about it; of bricks their volumes."""
        if self.kind == "brick":
            said = sorted(self.volumes.items())
            if len({name for _, name in said}) == 1 and len(said) > 1:
                return f"match={said[0][1]}"
            return ",".join(f"{source}={name}" for source, name in said)
        marks = ("/pending" if self.pending else "") + ("/block-hosting" if self.hosting else "")
        return f"{self.id}{marks}"

    def line(self) -> str:
        """Return the three columns."""
        return f"{self.name} {self.match} {self.last_column}".rstrip()
