"""``heketi-cli server`` and ``loglevel`` (cli.md §6.6)."""

from pyheketi.cli.connect import look_after
from pyheketi.cli.session import Session
from pyheketi.wire.operations import OperationsCleanup
from pyheketi.wire.server import LOGGER, AdminStatus, LogLevel

_CLEANUP_NOTE = """\
Note: Operation clean up is a batch operation.
* The results of individual operation clean ups are not reported here.
* Use 'heketi-cli server operations [list|info]' to view operations."""


def mode_get(session: Session) -> None:
    """Show the server's mode."""
    with look_after(session) as client:
        session.write(f"{client.mode().state}\n")


def mode_set(session: Session) -> None:
    """Change the server's mode."""
    wanted = session.only_argument("missing mode argument")
    with look_after(session) as client:
        client.set_mode(AdminStatus(state=wanted))


def log_level_get(session: Session) -> None:
    """Show what the server logs."""
    with look_after(session) as client:
        session.write(f"{client.log_level().loglevel.get(LOGGER, '')}\n")


def log_level_set(session: Session) -> None:
    """Change what the server logs."""
    wanted = session.only_argument("missing log-level argument")
    with look_after(session) as client:
        client.set_log_level(LogLevel(loglevel={LOGGER: wanted}))
    session.write("Server log level updated\n")


def operations_info(session: Session) -> None:
    """Count operations that have not ended, or show one."""
    with look_after(session) as client:
        if session.arguments:
            found = client.pending_operation(session.arguments[0])
            status = f"{found.status or 'New'} {found.sub_status}"
            session.write(f"\nId: {found.id}\nType: {found.type_name}\nStatus: {status}\nChanges:\n")
            for change in found.changes:
                session.write(f"    {change.description}: {change.id}\n")
            return
        counts = client.operation_counts()
    session.write(
        f"Operation Counts:\n  Total: {counts.total}\n  In-Flight: {counts.in_flight}\n  New: {counts.new}\n"
        f"  Failed: {counts.failed}\n  Stale: {counts.stale}\n"
    )


def operations_list(session: Session) -> None:
    """List operations that have not ended."""
    with look_after(session) as client:
        listed = client.pending_operations()
    for each in listed.pendingoperations:
        session.write(f"Id:{each.id}  Type:{each.type_name}  Status:{each.status or 'New'} {each.sub_status}\n")


def operations_cleanup(session: Session) -> None:
    """Bring stuck operations to an end."""
    with look_after(session) as client:
        client.clean_up_operations(OperationsCleanup(operations=tuple(session.arguments)))
    session.terminal.complain(_CLEANUP_NOTE)


def examine(session: Session) -> None:
    """Print what all nodes have, beside the database."""
    with look_after(session) as client:
        document = client.examination()
    session.write(document.decode("utf-8", "replace"))
