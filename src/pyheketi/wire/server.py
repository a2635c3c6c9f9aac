"""The server's mode and log level on the wire (rest-api.md §7.10, §7.11)."""

from pydantic import Field

from pyheketi.wire import checks
from pyheketi.wire.base import WireModel

MODES = ("normal", "read-only", "local-client")
LOGGER = "glusterfs"
"""The only logger there is to clients."""


class AdminStatus(WireModel):
    """The server's mode."""

    state: str = ""
    """``normal``; ``read-only``: nothing can be changed; ``local-client``: only by clients on the server's host."""

    def problem(self) -> str | None:
        """Return why the request is refused, or None."""
        return checks.refusal({"state": checks.one_of(self.state, MODES)})


class LogLevel(WireModel):
    """What is logged."""

    loglevel: dict[str, str] = Field(default_factory=dict)
    """Of ``glusterfs``: none, critical, error, warning, info or debug; empty changes nothing."""
