"""``heketi-cli server state orphans``: bricks that belong to nobody (tools.md §4)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyheketi.cli import layout
from pyheketi.cli.connect import beyond_heketi, look_after
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.wire import base
from pyheketi.wire.orphans import OrphanRemoval, Orphans, StrayBrick

if TYPE_CHECKING:
    from pyheketi.client.upkeep import Upkeep

FOUND, INCOMPLETE = 1, 2
"""Exit statuses: there are orphans; some node could not tell, or an error."""
_ORPHAN, _UNKNOWN = "orphan", "unknown"


def run(session: Session) -> None:
    """List bricks that belong to nobody, or remove those that are named."""
    if session.arguments and not session.switch("delete"):
        raise Problem("bricks are named to remove them: add --delete, or leave them out")
    if session.switch("yes") and not session.switch("delete"):
        raise Problem("--yes goes with --delete")
    if session.switch("delete") and not session.arguments:
        raise Problem("name the bricks to remove; 'heketi-cli server state orphans' lists them")
    with look_after(session) as client:
        found = _asked(session, client)
        if not session.switch("delete"):
            _list(session, found)
        elif session.switch("yes"):
            _remove(session, client, found)
        else:
            _preview(session, found)


def _asked(session: Session, client: "Upkeep") -> Orphans:
    with beyond_heketi():
        found = client.orphan_bricks()
    cluster, node = session.text("cluster"), session.text("node")
    if not cluster and not node:
        return found
    bricks = tuple(each for each in found.bricks if node in ("", each.node) and cluster in ("", each.cluster))
    silent = tuple(each for each in found.silent if node in ("", each.node))
    return found.model_copy(update={"bricks": bricks, "silent": silent})


def _list(session: Session, found: Orphans) -> None:
    orphans = [each for each in found.bricks if each.state == _ORPHAN]
    if session.json:
        session.write(base.to_json(found) + "\n")
    else:
        session.write("".join(map(_line, found.bricks)))
        for node in found.silent:
            session.terminal.complain(f"Node {node.host} ({node.node}) could not tell: {node.reason}")
        session.terminal.complain(_summary(found, orphans))
    if found.silent or any(each.state == _UNKNOWN for each in found.bricks):
        session.status = INCOMPLETE
    elif orphans:
        session.status = FOUND


def _line(brick: StrayBrick) -> str:
    size = f"{brick.size / layout.KIB_PER_GIB:.2f}"
    parts = ",".join(brick.parts)
    return (
        f"Brick:{brick.brick} State:{brick.state:<8}Size (GiB):{size:<9}Node:{brick.host} Group:{brick.volume_group}"
        f" Has:{parts} Why:{brick.reason}\n"
    )


def _summary(found: Orphans, orphans: Sequence[StrayBrick]) -> str:
    said = f"{found.known} bricks are as the database says, {len(found.bricks)} others were found"
    if not orphans:
        return f"{said}, none of which can be removed." if found.bricks else f"{said}."
    ids = " ".join(each.brick for each in orphans)
    size = sum(each.size for each in orphans) / layout.KIB_PER_GIB
    return (
        f"{said}; {len(orphans)} of them belong to nobody and hold {size:.2f} GiB. To see how they would be removed:\n"
        f"  heketi-cli server state orphans --delete {ids}"
    )


def _named(session: Session, found: Orphans) -> list[StrayBrick]:
    """Return the bricks that are named. Raises ``Problem`` if one cannot be removed."""
    chosen = []
    for name in session.arguments:
        ours = [each for each in found.bricks if name in (each.brick, f"{each.volume_group}/brick_{each.brick}")]
        if not ours:
            raise Problem(f"brick {name} is not among those found: it is in use, or already gone")
        if kept := next((each for each in ours if each.state != _ORPHAN), None):
            raise Problem(f"brick {name} on {kept.host} is left alone: {kept.reason}")
        chosen += ours
    return chosen


def _preview(session: Session, found: Orphans) -> None:
    chosen = _named(session, found)
    if session.json:
        session.write(base.to_json(found.model_copy(update={"bricks": tuple(chosen)})) + "\n")
    else:
        for brick in chosen:
            session.write(f"On {brick.host}:\n" + "".join(f"  {command}\n" for command in brick.commands))
    session.terminal.complain("Nothing was done. Add --yes to remove them.")


def _remove(session: Session, client: "Upkeep", found: Orphans) -> None:
    chosen = _named(session, found)
    client.remove_orphan_bricks(
        OrphanRemoval(bricks=tuple(f"{each.volume_group}/brick_{each.brick}" for each in chosen))
    )
    for brick in chosen:
        session.write(f"Brick {brick.brick} removed from {brick.host}\n")
