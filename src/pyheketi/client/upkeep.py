"""What the server tells of itself, its database and its operations, typed: for those who look after it.

It is no part of ``client``, because half of all models are for this, and most commands need none of them.
"""

from pyheketi.client.asking import Asking, path
from pyheketi.client.connection import NO_CONTENT, OK
from pyheketi.wire import base, brick_service, check, operations, orphans, server


class Upkeep(Asking):
    """A server, asked about itself; raises what ``Asking`` does."""

    def operation_counts(self) -> operations.OperationCounts:
        """Return how many operations have not ended."""
        return self._get(operations.OperationCounts, "/operations")

    def pending_operations(self) -> operations.PendingOperations:
        """List operations that have not ended."""
        return self._get(operations.PendingOperations, "/operations/pending")

    def pending_operation(self, operation: str) -> operations.OperationDetails:
        """Return what an operation does that has not ended."""
        return self._get(operations.OperationDetails, path("operations", "pending", operation))

    def operation_steps(self, operation: str) -> operations.OperationSteps:
        """Return how far an operation is that has not ended, and what it waits for."""
        return self._get(operations.OperationSteps, path("operations", "pending", operation, "steps"))

    def history(self, *, limit: int, since: float = 0, before: str = "") -> operations.History:
        """Return operations that have ended, the latest first.

        Args:
            limit: how many at most, 1 to 1000.
            since: those that ended at this time or later, seconds since the epoch.
            before: ``next`` of another answer.
        """
        return self._get(operations.History, f"/operations/history?limit={limit}&since={since:.6f}&before={before}")

    def clean_up_operations(self, wanted: operations.OperationsCleanup) -> None:
        """Bring stuck operations to an end."""
        self._connection.job("POST", "/operations/pending/cleanup", base.dump(wanted), expect=NO_CONTENT, at_once=OK)

    def database_dump(self) -> bytes:
        """Return the whole database as JSON, as the server wrote it."""
        return self._connection.call("GET", "/db/dump")

    def database_check(self) -> bytes:
        """Return what is wrong in the database as JSON, as the server wrote it."""
        return self._connection.call("GET", "/db/check")

    def database_check_explained(self) -> check.ExplainedCheck:
        """Return what is wrong in the database, what it means, and what repairs it."""
        return self._get(check.ExplainedCheck, "/db/check/explain")

    def database_backup(self) -> bytes:
        """Return a copy of the database."""
        return self._connection.call("GET", "/backup/db")

    def examination(self) -> bytes:
        """Return what the nodes have, compared with the database, as JSON, as the server wrote it."""
        return self._connection.call("GET", "/internal/state/examine/gluster")

    def orphan_bricks(self) -> orphans.Orphans:
        """Return the bricks that nodes have and the database does not."""
        return self._get(orphans.Orphans, "/internal/state/orphans")

    def faulty_bricks(self) -> brick_service.BrickService:
        """Return which bricks do not serve as they should; only pyheketi's server tells."""
        return self._get(brick_service.BrickService, "/internal/state/bricks")

    def mend_bricks(self, wanted: brick_service.BrickMending) -> None:
        """Mount bricks, and start their processes."""
        self._finish("POST", "/internal/state/bricks/mend", wanted)

    def remove_orphan_bricks(self, wanted: orphans.OrphanRemoval) -> None:
        """Destroy bricks that belong to nobody."""
        self._finish("POST", "/internal/state/orphans/remove", wanted)

    def mode(self) -> server.AdminStatus:
        """Return the server's mode."""
        return self._get(server.AdminStatus, "/admin")

    def set_mode(self, wanted: server.AdminStatus) -> None:
        """Change the server's mode."""
        self._connection.call("POST", "/admin", base.dump(wanted), expect=(OK, NO_CONTENT))

    def log_level(self) -> server.LogLevel:
        """Return what is logged."""
        return self._get(server.LogLevel, "/internal/logging")

    def set_log_level(self, wanted: server.LogLevel) -> None:
        """Change what is logged."""
        self._connection.call("POST", "/internal/logging", base.dump(wanted))
