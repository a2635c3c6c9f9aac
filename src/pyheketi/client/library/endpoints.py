"""Every call of the importable clients, once for both: names, parameters and returns are the official client's.

Where the official client has no call, the names follow its style (clients.md §6).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, Generic, TypeAlias, TypeVar

from pyheketi.client.library.looks import Looks, path, topology

TAGS_SET, TAGS_UPDATE, TAGS_DELETE = "set", "update", "delete"

Options: TypeAlias = Mapping[str, Any]
"""A JSON object to send."""


class Gives(Enum):
    """What a call returns."""

    JSON = auto()
    """The answer's JSON if the status is as expected, else None."""
    SUCCESS = auto()
    """Whether the status is as expected."""
    RESPONSE = auto()
    """The whole answer if the status is as expected, else None."""
    BYTES = auto()
    """The answer's body if the status is as expected, else None."""


JsonT = TypeVar("JsonT")
SuccessT = TypeVar("SuccessT")
ResponseT = TypeVar("ResponseT")
BytesT = TypeVar("BytesT")


class Endpoints(ABC, Generic[JsonT, SuccessT, ResponseT, BytesT]):
    """All calls. They return what ``Gives`` says; those of the async client return a coroutine of it.

    A status of 400 or more raises the HTTP library's error, whose text ends with what the server said.
    """

    @abstractmethod
    def _call(self, method: str, uri: str, data: Options | None = None, *, expect: Sequence[int], gives: Gives) -> Any:
        """Send a request, wait for the job that it may start, and return what is wanted of the answer."""

    @abstractmethod
    def _look(self, looks: Looks) -> JsonT:
        """Ask all questions and return what comes of them."""

    def _json(self, method: str, uri: str, data: Options | None = None, expect: int = 200) -> JsonT:
        answer: JsonT = self._call(method, uri, data, expect=(expect,), gives=Gives.JSON)
        return answer

    def _success(self, method: str, uri: str, data: Options | None = None, expect: Sequence[int] = (204,)) -> SuccessT:
        done: SuccessT = self._call(method, uri, data, expect=expect, gives=Gives.SUCCESS)
        return done

    # -- clusters ------------------------------------------------------------------------------------------------

    def cluster_create(self, cluster_options: Options | None = None) -> JsonT:
        """Create a cluster; return it. Without options it takes no volumes: give ``{"file": True, "block": True}``."""
        return self._json("POST", "/clusters", cluster_options or {}, 201)

    def cluster_setflags(self, cluster_id: str, cluster_options: Options | None = None) -> SuccessT:
        """Say what kinds of volumes a cluster takes; return whether it was done."""
        return self._success("POST", path("clusters", cluster_id, "flags"), cluster_options or {}, (200,))

    def cluster_info(self, cluster_id: str) -> JsonT:
        """Return a cluster."""
        return self._json("GET", path("clusters", cluster_id))

    def cluster_list(self) -> JsonT:
        """Return the ids of all clusters, as ``clusters``."""
        return self._json("GET", "/clusters")

    def cluster_delete(self, cluster_id: str) -> SuccessT:
        """Delete an empty cluster; return whether it was done."""
        return self._success("DELETE", path("clusters", cluster_id), expect=(200,))

    # -- nodes ---------------------------------------------------------------------------------------------------

    def node_add(self, node_options: Options | None = None) -> JsonT:
        """Add a node; return it."""
        return self._json("POST", "/nodes", node_options or {})

    def node_info(self, node_id: str) -> JsonT:
        """Return a node with its devices and bricks."""
        return self._json("GET", path("nodes", node_id))

    def node_delete(self, node_id: str) -> SuccessT:
        """Delete a node without devices; return whether it was done."""
        return self._success("DELETE", path("nodes", node_id))

    def node_state(self, node_id: str, state_request: Options | None = None) -> SuccessT:
        """Set a node online, offline or failed, ``{"state": …}``; return whether it was done."""
        return self._success("POST", path("nodes", node_id, "state"), state_request or {})

    def node_set_tags(self, node_id: str, tags_options: Options) -> SuccessT:
        """Change tags, ``{"change_type": TAGS_UPDATE, "tags": {…}}``; return whether it was done."""
        return self._success("POST", path("nodes", node_id, "tags"), tags_options, (200,))

    # -- devices -------------------------------------------------------------------------------------------------

    def device_add(self, device_options: Options | None = None) -> SuccessT:
        """Add a device to a node; return whether it was done."""
        return self._success("POST", "/devices", device_options or {})

    def device_info(self, device_id: str) -> JsonT:
        """Return a device with its bricks."""
        return self._json("GET", path("devices", device_id))

    def device_delete(self, device_id: str, options: Options | None = None) -> SuccessT:
        """Delete a device that is failed and empty; ``{"forceforget": True}`` if it is gone for good."""
        return self._success("DELETE", path("devices", device_id), options or {})

    def device_state(self, device_id: str, state_request: Options | None = None) -> SuccessT:
        """Set a device online, offline or failed, ``{"state": …}``; return whether it was done."""
        return self._success("POST", path("devices", device_id, "state"), state_request or {})

    def device_resync(self, device_id: str) -> SuccessT:
        """Have a device's numbers read from its node; return whether it was done."""
        return self._success("GET", path("devices", device_id, "resync"))

    def device_set_tags(self, device_id: str, tags_options: Options) -> SuccessT:
        """Change tags, ``{"change_type": TAGS_UPDATE, "tags": {…}}``; return whether it was done."""
        return self._success("POST", path("devices", device_id, "tags"), tags_options, (200,))

    def brick_evict(self, brick_id: str, options: Options | None = None) -> SuccessT:
        """Move a brick to another device; return whether it was done."""
        return self._success("POST", path("bricks", "to-evict", brick_id), options or {})

    # -- volumes -------------------------------------------------------------------------------------------------

    def volume_create(self, volume_options: Options | None = None) -> JsonT:
        """Create a volume; return it."""
        return self._json("POST", "/volumes", volume_options or {})

    def volume_list(self) -> JsonT:
        """Return the ids of all volumes, as ``volumes``."""
        return self._json("GET", "/volumes")

    def volume_info(self, volume_id: str) -> JsonT:
        """Return a volume."""
        return self._json("GET", path("volumes", volume_id))

    def volume_expand(self, volume_id: str, expand_size: Options | None = None) -> JsonT:
        """Make a volume larger, ``{"expand_size": GiB}``; return it."""
        return self._json("POST", path("volumes", volume_id, "expand"), expand_size or {})

    def volume_clone(self, volume_id: str, clone_options: Options | None = None) -> JsonT:
        """Make a volume that begins as a copy of another; return it."""
        return self._json("POST", path("volumes", volume_id, "clone"), clone_options or {})

    def volume_block_restriction(self, volume_id: str, restriction: Options | None = None) -> JsonT:
        """Lock a block hosting volume, ``{"restriction": "locked"}``, or unlock it; return it."""
        return self._json("POST", path("volumes", volume_id, "block-restriction"), restriction or {})

    def volume_delete(self, volume_id: str) -> SuccessT:
        """Delete a volume; return whether it was done."""
        return self._success("DELETE", path("volumes", volume_id))

    # -- block volumes -------------------------------------------------------------------------------------------

    def block_volume_create(self, volume_options: Options | None = None) -> JsonT:
        """Create a block volume; return it."""
        return self._json("POST", "/blockvolumes", volume_options or {})

    def block_volume_list(self) -> JsonT:
        """Return the ids of all block volumes, as ``blockvolumes``."""
        return self._json("GET", "/blockvolumes")

    def block_volume_info(self, volume_id: str) -> JsonT:
        """Return a block volume."""
        return self._json("GET", path("blockvolumes", volume_id))

    def block_volume_expand(self, volume_id: str, new_size: Options | None = None) -> JsonT:
        """Make a block volume larger, ``{"new_size": GiB in all}``; return it."""
        return self._json("POST", path("blockvolumes", volume_id, "expand"), new_size or {})

    def block_volume_delete(self, volume_id: str) -> SuccessT:
        """Delete a block volume; return whether it was done."""
        return self._success("DELETE", path("blockvolumes", volume_id))

    # -- everything at once --------------------------------------------------------------------------------------

    def topology(self) -> JsonT:
        """Return ``clusters`` with their whole volumes and nodes, as ``heketi-cli topology info --json`` does.

        One request for everything, or of a Heketi server one for each object; what is deleted meanwhile is left out.
        """
        return self._look(topology())

    # -- operations and the server itself ------------------------------------------------------------------------

    def operations_info(self) -> JsonT:
        """Return how many operations have not ended."""
        return self._json("GET", "/operations")

    def operations_list(self) -> JsonT:
        """Return the operations that have not ended, as ``pendingoperations``."""
        return self._json("GET", "/operations/pending")

    def operation_details(self, operation_id: str) -> JsonT:
        """Return what an operation does that has not ended."""
        return self._json("GET", path("operations", "pending", operation_id))

    def operations_cleanup(self, operations: Options | None = None) -> SuccessT:
        """Bring stuck operations to an end, ``{"operations": [id, …]}`` or all; return whether it was tried."""
        return self._success("POST", "/operations/pending/cleanup", operations or {}, (200, 204))

    def server_mode_get(self) -> JsonT:
        """Return the server's mode, as ``state``."""
        return self._json("GET", "/admin")

    def server_mode_set(self, mode: Options) -> SuccessT:
        """Change the server's mode, ``{"state": …}``; return whether it was done."""
        return self._success("POST", "/admin", mode, (200, 204))

    def loglevel_get(self) -> JsonT:
        """Return what the server logs, as ``loglevel``."""
        return self._json("GET", "/internal/logging")

    def loglevel_set(self, level: Options) -> JsonT:
        """Change what the server logs, ``{"loglevel": {"glusterfs": "debug"}}``; return it."""
        return self._json("POST", "/internal/logging", level)

    def db_dump(self) -> ResponseT:
        """Return the HTTP library's whole answer: its ``json()`` or ``text`` is the database, passwords included."""
        answer: ResponseT = self._call("GET", "/db/dump", expect=(200,), gives=Gives.RESPONSE)
        return answer

    def db_check(self) -> JsonT:
        """Return what is wrong in the database."""
        return self._json("GET", "/db/check")

    def backup_db(self) -> BytesT:
        """Return a copy of the database, as bytes."""
        copy: BytesT = self._call("GET", "/backup/db", expect=(200,), gives=Gives.BYTES)
        return copy

    def state_examine_gluster(self) -> JsonT:
        """Return the database and what all nodes have."""
        return self._json("GET", "/internal/state/examine/gluster")
