"""Compare volumes and block volumes: which source has which, and whether they mean the same bricks."""

from collections.abc import Iterable, Mapping, Sequence

from pyheketi.cli.comparison import gluster as gluster_side
from pyheketi.cli.comparison import known as heketi_side
from pyheketi.cli.comparison.findings import CLAIMS, GLUSTER, HEKETI, Category, Finding
from pyheketi.cli.comparison.gluster import Gluster
from pyheketi.cli.comparison.known import Known
from pyheketi.kubernetes.persistent_volumes import PersistentVolume

DATABASE_VOLUME = "heketidbstorage"
"""Volume of Heketi's own database: no persistent volume ever names it."""


def compare(known: Known, gluster: Gluster, claims: Sequence[PersistentVolume] | None) -> list[Finding]:
    """Return a finding for each volume and block volume that any source has.

    Args:
        known: the database.
        gluster: what gluster has.
        claims: the persistent volumes; None if nobody asked for them.
    """
    of_files = None if claims is None else [each for each in claims if not each.block]
    of_blocks = None if claims is None else [each for each in claims if each.block]
    found = _Volumes(known, gluster, of_files).findings()
    found += _blocks(known, gluster, of_blocks)
    return sorted(found, key=lambda each: (each.name, each.cluster, each.id))


class _Volumes:
    """Volumes of all sources."""

    def __init__(self, known: Known, gluster: Gluster, claims: list[PersistentVolume] | None) -> None:
        self._known, self._gluster = known, gluster
        self._with_claims = claims is not None
        self._claims, self._loose = _assigned(known.volumes, claims or ())

    def findings(self) -> list[Finding]:
        ours = {(each.cluster, each.name) for each in self._known.volumes}
        strange = [key for key in self._gluster.volumes if key not in ours and not gluster_side.is_of_hosts(key[1])]
        found = [self._known_volume(each) for each in self._known.volumes]
        found += [self._strange_volume(cluster, name) for cluster, name in strange]
        return found + [
            Finding(kind="volume", name=name, category=Category.ONLY_CLAIMS, sources=frozenset({CLAIMS}), claims=users)
            for name, users in self._loose.items()
            if name not in {name for _, name in strange}
        ]

    def _known_volume(self, volume: heketi_side.Volume) -> Finding:
        there = self._gluster.volumes.get((volume.cluster, volume.name))
        claims = self._claims.get(volume.id, ())
        ours = {brick.place: brick.name for brick in volume.bricks}
        theirs = {self._known.place(name): name for name in there.bricks} if there else {}
        sources = {HEKETI} | ({GLUSTER} if there else set()) | ({CLAIMS} if claims else set())
        only_ours = tuple(ours[place] for place in sorted(ours.keys() - theirs.keys())) if there else ()
        only_theirs = tuple(theirs[place] for place in sorted(theirs.keys() - ours.keys())) if there else ()
        needs_claim = self._with_claims and not volume.hosting and volume.name != DATABASE_VOLUME
        return Finding(
            kind="volume",
            name=volume.name,
            id=volume.id,
            cluster=volume.cluster,
            category=_category(
                volume,
                told=volume.cluster in self._gluster.told,
                in_gluster=bool(there),
                claimed=bool(claims),
                needs_claim=needs_claim,
                same_bricks=not (only_ours or only_theirs),
            ),
            sources=frozenset(sources),
            pending=volume.pending,
            hosting=volume.hosting,
            claims=claims,
            only_heketi=only_ours,
            only_gluster=only_theirs,
        )

    def _strange_volume(self, cluster: str, name: str) -> Finding:
        claims = self._loose.get(name, ())
        return Finding(
            kind="volume",
            name=name,
            cluster=cluster,
            category=Category.FORGOTTEN if claims else Category.ONLY_GLUSTER,
            sources=frozenset({GLUSTER, CLAIMS} if claims else {GLUSTER}),
            claims=claims,
        )


def _blocks(known: Known, gluster: Gluster, claims: list[PersistentVolume] | None) -> list[Finding]:
    users, loose = _assigned(known.block_volumes, claims or ())
    found = []
    for block in known.block_volumes:
        told = block.hosted_by in gluster.blocks_told
        in_gluster = (block.hosted_by, block.name) in gluster.blocks
        claimed = users.get(block.id, ())
        sources = {HEKETI} | ({GLUSTER} if in_gluster else set()) | ({CLAIMS} if claimed else set())
        found.append(
            Finding(
                kind="block volume",
                name=block.name,
                id=block.id,
                cluster=block.cluster,
                category=_category(
                    block,
                    told=True,
                    in_gluster=in_gluster or not told,  # the text of "gluster volume info" knows no block volumes
                    claimed=bool(claimed),
                    needs_claim=claims is not None,
                    same_bricks=True,
                ),
                sources=frozenset(sources),
                pending=block.pending,
                claims=claimed,
            )
        )
    ours = {(each.hosted_by, each.name) for each in known.block_volumes}
    for hosting, name in sorted(gluster.blocks - ours):
        there = {GLUSTER, CLAIMS} if name in loose else {GLUSTER}
        category = Category.FORGOTTEN if name in loose else Category.ONLY_GLUSTER
        found.append(
            Finding(
                kind="block volume",
                name=name,
                category=category,
                sources=frozenset(there),
                claims=loose.pop(name, ()),
                volumes={GLUSTER: hosting},
            )
        )
    return found + [
        Finding(
            kind="block volume", name=name, category=Category.ONLY_CLAIMS, sources=frozenset({CLAIMS}), claims=users_
        )
        for name, users_ in loose.items()
    ]


def _category(
    volume: heketi_side.Volume, *, told: bool, in_gluster: bool, claimed: bool, needs_claim: bool, same_bricks: bool
) -> Category:
    """Return how the sources differ about what heketi has."""
    if told and in_gluster and same_bricks and (claimed or not needs_claim):
        return Category.SAME
    if volume.pending:
        return Category.PENDING
    if not told:
        return Category.UNKNOWN
    if not in_gluster:
        return Category.LOST if claimed else Category.ONLY_HEKETI
    return Category.UNUSED if same_bricks else Category.BRICKS


def _assigned(
    volumes: Iterable[heketi_side.Volume], claims: Iterable[PersistentVolume]
) -> tuple[Mapping[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return the persistent volumes of each known volume, by its id, and those of none, by the name they give."""
    ids = {each.id for each in volumes}
    named: dict[str, list[str]] = {}
    for each in volumes:
        named.setdefault(each.name, []).append(each.id)
    users: dict[str, tuple[str, ...]] = {}
    loose: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        meant = [claim.volume_id] if claim.volume_id in ids else named.get(claim.volume, [])
        for id_ in meant:
            users[id_] = (*users.get(id_, ()), claim.name)
        if not meant:
            loose[claim.volume] = (*loose.get(claim.volume, ()), claim.name)
    return users, loose
