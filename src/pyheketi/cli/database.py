"""``heketi-cli db`` (cli.md §6.6)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyheketi.cli.connect import beyond_heketi, look_after
from pyheketi.cli.session import Session
from pyheketi.wire import base
from pyheketi.wire.check import ExplainedCheck, ExplainedFinding

if TYPE_CHECKING:
    from pyheketi.client.upkeep import Upkeep


def dump(session: Session) -> None:
    """Print the whole database."""
    with look_after(session) as client:
        document = client.database_dump()
    session.write(document.decode("utf-8", "replace"))


def check(session: Session) -> None:
    """Print what is wrong in the database; in words, or with the commands that repair it, if that is wanted."""
    explain, repair = session.switch("explain"), session.switch("repair")
    with look_after(session) as client:
        if not (explain or repair):
            session.write(client.database_check().decode("utf-8", "replace"))
            return
        found = _explained(client)
    if session.json:
        session.write(base.to_json(found) + "\n")
    else:
        lines = _plan(found) if repair else _words(found)
        session.write("".join(f"{line}\n" for line in lines))


def _explained(client: "Upkeep") -> ExplainedCheck:
    with beyond_heketi():
        return client.database_check_explained()


def _words(found: ExplainedCheck) -> Iterator[str]:
    """Yield findings by rule, each rule with what it means and what to do."""
    by_rule: dict[str, list[ExplainedFinding]] = {}
    for each in found.findings:
        by_rule.setdefault(each.rule, []).append(each)
    if not by_rule:
        yield "No contradictions were found"
    for rule, same in by_rule.items():
        yield f"{rule}: {same[0].means}"
        yield f"  What to do: {same[0].advice}"
        yield from (f"  {each.kind} {each.object}: {each.text}" for each in same)
    if found.repairable:
        yield "The commands: heketi-cli db check --repair"


def _plan(found: ExplainedCheck) -> Iterator[str]:
    """Yield what would be repaired, then the commands that do it, each once."""
    yield f"{found.total} contradictions, {found.repairable} of them can be repaired by commands. Nothing was done."
    for each in found.findings:
        yield f"{each.rule}: {each.text}"
        if each.repair:
            yield f"  repair: {each.repair}"
        yield f"  {each.advice}"
    commands = dict.fromkeys(each.commands for each in found.findings if each.commands)
    if commands:
        yield "Commands:"
    yield from (f"  {line}" for lines in commands for line in lines)
