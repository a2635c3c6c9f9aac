"""``heketi-cli server state``: what there is beside what there should be (tools.md §1, §4)."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pyheketi.cli.comparison import advice, bricks, gluster, known, volumes
from pyheketi.cli.comparison.findings import Category, Finding
from pyheketi.cli.comparison.gluster import Gluster
from pyheketi.cli.comparison.known import Known
from pyheketi.cli.connect import look_after
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.kubernetes import persistent_volumes
from pyheketi.kubernetes.persistent_volumes import PersistentVolume
from pyheketi.wire import base
from pyheketi.wire.examination import Examination

DIFFERENT, INCOMPLETE = 1, 2
"""Exit statuses: there are differences; something could not be compared, or an error."""


def compare(session: Session) -> None:
    """Compare the database with what gluster has, and with persistent volumes."""
    claims = _claims(session)
    examination = _examination(session)
    ours = known.read(examination.heketidb)
    theirs = _gluster(session, examination, ours)
    if session.switch("bricks"):
        found = bricks.compare(ours, theirs)
    else:
        of_class, ignored = _of_classes(session, claims)
        found = [each for each in volumes.compare(ours, theirs, of_class) if not ignored & {each.name, each.id}]
    found = _without_ignored(session, found)
    if session.switch("skip-block"):
        found = [each for each in found if each.kind != "block volume"]
    _tell(session, found)
    if any(each.category is Category.UNKNOWN for each in found):
        session.status = INCOMPLETE
    elif any(each.differs for each in found):
        session.status = DIFFERENT


def _examination(session: Session) -> Examination:
    if not (path := session.text("heketi")):
        with look_after(session) as client:
            document: bytes | str = client.examination()
    else:
        document = _text_of(path)
    try:
        found = base.parse(Examination, document)
        if not found.clusters and not found.heketidb.clusterentries:  # a dump is the database without a frame
            found = Examination(heketidb=base.parse(type(found.heketidb), document))
    except base.Malformed as error:
        raise Problem(f"{path or 'the answer of the server'} is no dump of a database: {error}") from error
    return found


def _gluster(session: Session, examination: Examination, ours: Known) -> Gluster:
    paths = session.texts("gluster")
    if not paths and not examination.clusters and ours.clusters:
        raise Problem("a dump does not tell what gluster has: say --gluster FILE, too")
    if not paths:
        return gluster.of_server(examination, ours)
    parts = []
    for path in paths:
        try:
            parts.append(gluster.of_text(_text_of(path), ours))
        except gluster.Unreadable as error:
            raise Problem(f"{path} {error}") from error
    return Gluster(
        told=frozenset().union(*(part.told for part in parts)),
        volumes={key: volume for part in parts for key, volume in part.volumes.items()},
    )


def _claims(session: Session) -> tuple[PersistentVolume, ...] | None:
    if not (path := session.text("pv")):
        return None
    try:
        return persistent_volumes.read(_text_of(path))
    except persistent_volumes.Unreadable as error:
        raise Problem(f"{'standard input' if path == '-' else path} {error}") from error


def _of_classes(
    session: Session, claims: Sequence[PersistentVolume] | None
) -> tuple[Sequence[PersistentVolume] | None, set[str]]:
    """Return the persistent volumes of the wanted classes, and ids and names of the volumes of other classes."""
    wanted = session.texts("storage-class")
    if claims is None or not wanted:
        return claims, set()
    others = [each for each in claims if each.storage_class not in wanted]
    for each in others:
        session.terminal.complain(f'ignoring: {each.volume} from storage class "{each.storage_class}"')
    return (
        [each for each in claims if each.storage_class in wanted],
        {each.volume_id or each.volume for each in others},
    )


def _without_ignored(session: Session, found: list[Finding]) -> list[Finding]:
    ignored = frozenset(session.texts("ignore"))
    left = []
    for each in found:
        if ignored & {each.name, each.id, *each.volumes.values()}:
            session.terminal.complain(f"ignoring: {each.name}")
        else:
            left.append(each)
    return left


def _text_of(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _tell(session: Session, found: Sequence[Finding]) -> None:
    shown = [each for each in found if not (session.switch("skip-ok") and each.category is Category.SAME)]
    if session.json:
        session.write(json.dumps([_item(each) for each in shown], indent=4) + "\n")
        return
    if shown and not session.switch("no-header"):
        names = (
            ("Brick-Path", "Match", "Volumes") if session.switch("bricks") else ("Volume-Name", "Match", "Volume-ID")
        )
        first = shown[0]
        widths = (len(first.name), len(first.match), 0)
        session.write(" ".join(name.ljust(width) for name, width in zip(names, widths, strict=True)) + "\n")
    session.write("".join(f"{each.line()}\n" for each in shown))
    for each in shown:
        if said := advice.explain(each):
            session.terminal.complain(f"{each.name}: {said}")
    if not any(each.category is not Category.SAME for each in found):
        session.terminal.complain(f"{len(found)} {'bricks' if session.switch('bricks') else 'volumes'}, no differences")


def _item(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "name": finding.name,
        "id": finding.id,
        "cluster": finding.cluster,
        "match": finding.match,
        "category": finding.category.value,
        "sources": sorted(finding.sources),
        "pending": finding.pending,
        "block_hosting": finding.hosting,
        "persistent_volumes": list(finding.claims),
        "bricks_only_in_heketi": list(finding.only_heketi),
        "bricks_only_in_gluster": list(finding.only_gluster),
        "volumes": dict(finding.volumes),
        "advice": advice.explain(finding),
    }
