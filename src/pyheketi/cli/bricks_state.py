"""``heketi-cli server state bricks``: bricks that do not serve as they should, and how they are mended."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyheketi.cli.connect import beyond_heketi, look_after
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.wire import base
from pyheketi.wire.brick_service import BrickMending, BrickService, FaultyBrick

if TYPE_CHECKING:
    from pyheketi.client.upkeep import Upkeep

FOUND, INCOMPLETE = 1, 2
"""Exit statuses: some brick does not serve; some node could not tell, or an error."""
_MEANINGS = {
    "lost": "its logical volume is gone",
    "unmounted": "it is not mounted",
    "unlisted": "it is not in fstab, so that a reboot would leave it unmounted",
    "dead": "gluster's process for it does not run",
}


def run(session: Session) -> None:
    """List bricks that do not serve as they should, or mend those that are named, or all."""
    mends = session.switch("mend")
    if session.switch("all") and (not mends or session.arguments):
        raise Problem("--all goes with --mend, and instead of names")
    if session.arguments and not mends:
        raise Problem("bricks are named to mend them: add --mend, or leave them out")
    if mends and not session.arguments and not session.switch("all"):
        raise Problem("name the bricks to mend, or say --all; 'heketi-cli server state bricks' lists them")
    with look_after(session) as client:
        found = _asked(session, client)
        if mends:
            _mend(session, client, found)
        else:
            _list(session, found)


def _asked(session: Session, client: "Upkeep") -> BrickService:
    with beyond_heketi():
        found = client.faulty_bricks()
    node = session.text("node")
    if not node:
        return found
    bricks = tuple(each for each in found.bricks if node in (each.node, each.host))
    return found.model_copy(
        update={"bricks": bricks, "silent": tuple(each for each in found.silent if node in (each.node, each.host))}
    )


def _list(session: Session, found: BrickService) -> None:
    if session.json:
        session.write(base.to_json(found) + "\n")
    else:
        session.write("".join(map(_line, found.bricks)))
        for brick in found.bricks:
            session.terminal.complain(f"{brick.brick}: {_explained(brick)}")
        for node in found.silent:
            session.terminal.complain(f"Node {node.host} ({node.node}) could not tell: {node.reason}")
        session.terminal.complain(_summary(found))
    if found.silent:
        session.status = INCOMPLETE
    elif found.bricks:
        session.status = FOUND


def _line(brick: FaultyBrick) -> str:
    return (
        f"Brick:{brick.brick} State:{','.join(brick.faults):<19} Node:{brick.host} Volume:{brick.volume_name}"
        f" Path:{brick.path}\n"
    )


def _explained(brick: FaultyBrick) -> str:
    said = ", ".join(_MEANINGS.get(fault, fault) for fault in brick.faults)
    if brick.mendable:
        return said
    return (
        f"{said}. If its disk does not come back, have gluster fill another one: heketi-cli brick evict {brick.brick}"
        " (a volume without copies has lost this part of its data)"
    )


def _summary(found: BrickService) -> str:
    if not found.bricks:
        return f"All {found.looked_at} bricks that could be looked at serve as they should."
    said = f"{len(found.bricks)} of {found.looked_at} bricks do not serve as they should."
    ids = " ".join(each.brick for each in found.bricks if each.mendable)
    return f"{said} To mount and start them:\n  heketi-cli server state bricks --mend {ids}" if ids else said


def _mend(session: Session, client: "Upkeep", found: BrickService) -> None:
    chosen = _named(session, found)
    if not chosen:
        session.terminal.complain(_summary(found))
        return
    client.mend_bricks(BrickMending(bricks=tuple(each.brick for each in chosen)))
    for brick in chosen:
        session.write(f"Brick {brick.brick} of volume {brick.volume_name} serves on {brick.host}\n")


def _named(session: Session, found: BrickService) -> Sequence[FaultyBrick]:
    """Return the bricks that are to be mended. Raises ``Problem`` if one is not among those found."""
    if session.switch("all"):
        return [each for each in found.bricks if each.mendable]
    by_id = {each.brick: each for each in found.bricks}
    for name in session.arguments:
        if name not in by_id:
            raise Problem(f"brick {name} serves as it should, or there is none of that id")
        if not by_id[name].mendable:
            raise Problem(f"brick {name} cannot be mended: {_explained(by_id[name])}")
    return [by_id[name] for name in session.arguments]
