"""``heketi-cli brick`` (cli.md §6.4), and the heal check of all that moves bricks."""

import time

from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.wire.bricks import BrickEvict

_RECONSIDER = 10
"""Seconds to think again before bricks are moved without regard to healing."""


def evict(session: Session) -> None:
    """Move a brick to another device."""
    brick = session.argument("Brick id missing")
    if len(session.arguments) > 1:
        raise Problem("Too many arguments provided")
    wish = BrickEvict(healcheck=heal_check(session))
    with connect(session) as client:
        client.evict_brick(brick, wish)
    session.write(f"Brick {brick} evicted\n")


def heal_check(session: Session) -> str:
    """Return whether the server is to look at what heals; without it, there is time to think again."""
    if not session.switch("expert-option-disable-heal-check"):
        return ""
    session.write(
        "Skipping the heal check may be dangerous and increase the risk of data loss.\n"
        f" Press CTRL-C within {_RECONSIDER} seconds to cancel this action.\n"
    )
    time.sleep(_RECONSIDER)
    return "disable"
