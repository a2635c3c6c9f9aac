"""pyheketi: GlusterFS volumes on demand.

``from pyheketi import HeketiClient`` (or ``AsyncHeketiClient``) for programs that call a server.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyheketi.client.library.asynchronous import AsyncHeketiClient
    from pyheketi.client.library.endpoints import TAGS_DELETE, TAGS_SET, TAGS_UPDATE
    from pyheketi.client.library.sync import HeketiClient

__version__ = "10.5.0"

__all__ = ["TAGS_DELETE", "TAGS_SET", "TAGS_UPDATE", "AsyncHeketiClient", "HeketiClient", "__version__"]

_HOMES = {
    "HeketiClient": "sync",
    "AsyncHeketiClient": "asynchronous",
    "TAGS_SET": "endpoints",
    "TAGS_UPDATE": "endpoints",
    "TAGS_DELETE": "endpoints",
}


def __getattr__(name: str) -> object:
    """Load what is imported, and nothing else: the command line starts without the clients."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # as above

    return getattr(import_module(f"pyheketi.client.library.{_HOMES[name]}"), name)
