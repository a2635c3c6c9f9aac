"""Everything that can go wrong, as one tree.

Error:
    ├─ RequestError     the wish itself is wrong
    ├─ NotFound         no such object
    ├─ Conflict         the object's state forbids it
    ├─ Refused          not now: too much work, shutting down
    ├─ NoSpace          no placement exists, and why
    ├─ NodeError        a node did not do what it was asked
    │  ├─ Unreachable   could not talk to it
    │  ├─ TimedOut      it did not finish within the limit
    │  ├─ CommandFailed a command ended with an error
    │  ├─ SeveralFailed all nodes that were asked refused
    │  └─ Unexpected    an answer that makes no sense
    ├─ StoreError       the database
    │  ├─ StoreLocked   another server owns it
    │  ├─ StaleRevision another server wrote to it
    │  ├─ DamagedStore  it has to be restored
    │  └─ ReadOnly      it is only to be read
    └─ BrokenInvariant  a bug of ours

HTTP statuses belong to ``api.errors``, exit codes to the command line. ``code`` is a stable word for machines.
"""

from typing import ClassVar


class Error(Exception):
    """Base of all errors a person may see; its text is a sentence for that person."""

    code: ClassVar[str] = "error"
    transient: ClassVar[bool] = False
    """Whether the same wish may succeed a moment later, elsewhere."""


class RequestError(Error):
    """The wish is wrong and can never be granted as it is."""

    code = "bad-request"


class NotFound(Error):
    """No object has that id."""

    code = "not-found"


class Conflict(Error):
    """The state of the object, or of another, forbids it."""

    code = "conflict"


class Protected(Conflict):
    """The object must not be touched, whatever state it is in."""

    code = "protected"


class Taken(Conflict):
    """Something that is not ours has a name that something of ours was to get; another try gets another name."""

    code = "taken"
    transient = True


class InUse(Conflict):
    """Something else is being done to the object, or it holds others (rest-api.md §13)."""

    code = "in-use"

    def __init__(self, reason: str = "") -> None:
        """``reason`` says what is in the way; it stands on a line of its own, below the text scripts know."""
        text = "The target exists, contains other items, or is in use."
        super().__init__(f"{text}\n{reason}" if reason else text)


class Refused(Error):
    """Not now."""

    code = "refused"
    transient = True


class TooManyOperations(Refused):
    """The limit of operations in flight is reached (operations.md §10)."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("Server busy. Retry operation later.")


class ShuttingDown(Refused):
    """The server is stopping and takes no new work."""

    code = "shutting-down"

    def __init__(self) -> None:
        super().__init__("Server is shutting down. Retry operation later.")


class NoSpace(Error):
    """No placement exists. The first line is what Heketi said, the lines below say why."""

    code = "no-space"


class NodeError(Error):
    """A node did not do what it was asked."""

    code = "node"

    def __init__(self, host: str, text: str) -> None:
        """``host`` is the node's management name."""
        super().__init__(text)
        self.host = host


class Unreachable(NodeError):
    """The node could not be reached, or the connection broke."""

    code = "node-unreachable"
    transient = True

    def __init__(self, host: str, reason: str, *, sent: bool = False) -> None:
        """``sent`` tells whether commands may have run before the connection was lost."""
        super().__init__(host, f"Unable to reach node {host}: {reason}")
        self.reason = reason
        self.sent = sent


class TimedOut(NodeError):
    """A node did not finish within the limit; what it ran was killed."""

    code = "node-timeout"
    transient = True

    def __init__(self, host: str, what: str, seconds: float) -> None:
        super().__init__(host, f"Node {host} did not finish within {seconds:g} s, it was stopped: {what}")


class CommandFailed(NodeError):
    """A command on a node ended with an error."""

    code = "command-failed"
    transient = True

    def __init__(self, host: str, command: str, status: int, output: str) -> None:
        """``command`` is the text as a person would type it; ``output`` is what it said, without surrounding blanks."""
        said = output or f"it said nothing, exit status {status}"
        super().__init__(host, f"{said} (node {host}, command: {command})")
        self.command = command
        self.status = status
        self.output = output


class OptionRefused(CommandFailed):
    """Gluster does not take an option, or not this value of it. Other nodes and bricks would not change that."""

    transient = False


class SeveralFailed(NodeError):
    """Several nodes were asked for the same, and none did it."""

    transient = True


class Unexpected(NodeError):
    """A node answered something that makes no sense."""

    code = "node-unexpected"


class StoreError(Error):
    """The database failed."""

    code = "store"


class StoreLocked(StoreError):
    """Another server owns the database."""

    code = "store-locked"


class StaleRevision(StoreError):
    """Another server wrote to the database since it was read; this one must stop."""

    code = "stale-revision"


class DamagedStore(StoreError):
    """The database is damaged: it has to be restored from a backup."""

    code = "store-damaged"


class ReadOnly(StoreError):
    """The database is only to be read. The first line is what Heketi says in its read-only mode."""

    code = "read-only"

    def __init__(self) -> None:
        super().__init__("Service disabled for maintenance\nThe database is open for reading only (db_read_only).")


class BrokenInvariant(Error):
    """A change would break a rule of the model: a bug, refused before it reaches the database."""

    code = "bug"
