"""Tables, by name and columns, and the statements made of them.

The tables themselves, with their constraints, are made by ``migrations``. All SQL here is constant text that SQLite and
PostgreSQL both take, with ``?`` for values: a commit stands between a person and the answer, and text that is put
together once costs nothing then.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column is its key, or begins it."""

    name: str
    columns: tuple[str, ...]
    insert: str = field(init=False)
    """Adds a row; takes all columns."""
    put: str = field(init=False)
    """Adds a row or replaces the one of the same key; takes all columns."""
    remove: str = field(init=False)
    """Removes a row; takes its key."""
    select: str = field(init=False)
    """Reads all columns of all rows."""

    def __post_init__(self) -> None:
        names, marks = ", ".join(self.columns), ", ".join("?" for _ in self.columns)
        replaced = ", ".join(f"{column} = excluded.{column}" for column in self.columns[1:])
        key = self.columns[0]
        insert = f"INSERT INTO {self.name} ({names}) VALUES ({marks})"  # noqa: S608  # our own names
        texts = {
            "insert": insert,
            "put": f"{insert} ON CONFLICT ({key}) DO UPDATE SET {replaced}",
            "remove": f"DELETE FROM {self.name} WHERE {key} = ?",  # noqa: S608  # our own names
            "select": f"SELECT {names} FROM {self.name}",  # noqa: S608  # our own names
        }
        for name, text in texts.items():
            object.__setattr__(self, name, text)


_PENDING = ("pending_operation", "pending_hidden")

CLUSTERS = Table("clusters", ("id", "file", "block"))
NODES = Table("nodes", ("id", "cluster", "zone", "state", "tags", *_PENDING))
DEVICES = Table(
    "devices",
    ("id", "node", "name", "total", "foreign_use", "extent", "pv_uuid", "paths", "state", "tags", *_PENDING),
)
VOLUMES = Table(
    "volumes",
    (
        *("id", "cluster", "name", "size_gib", "durability", "durability_request", "gid", "options"),
        *("snapshot_enabled", "snapshot_factor", "block", "brick_sets", *_PENDING),
        *("reserved_gib", "restriction", "requested_clusters", "sets_guessed"),
    ),
)
BRICKS = Table(
    "bricks",
    (
        *("id", "device", "volume", "size", "pool_size", "metadata_size", "thin_pool", "gid"),
        *("given_name", "given_path"),
    ),
)
BLOCK_VOLUMES = Table(
    "block_volumes",
    (
        *("id", "cluster", "hosting", "name", "size_gib", "usable_gib", "claimed_gib", "ha_count", "auth", "hosts"),
        *("iqn", "lun", "username", "password", "requested_clusters", *_PENDING),
    ),
)
OPERATIONS = Table(
    "operations",
    (
        "id",
        "kind",
        "subject",
        "state",
        "steps",
        "result",
        "error",
        "created_at",
        "updated_at",
        "asked_by",
        "asked_from",
    ),
)
HISTORY = Table(
    "history",
    ("ended_at", "operation", "kind", "subject", "state", "error", "asked_at", "asked_by", "asked_from"),
)

ADD_HOST = "INSERT INTO node_hosts (node, role, position, host) VALUES (?, ?, ?, ?)"
REMOVE_HOSTS = "DELETE FROM node_hosts WHERE node = ?"
SELECT_HOSTS = "SELECT node, role, host FROM node_hosts ORDER BY node, role, position"

# The conditions on the state are those of the partial indexes, to the letter: parameters would hide that from planners.
SELECT_UNFINISHED = OPERATIONS.select + " WHERE state NOT IN ('done', 'abandoned') ORDER BY created_at, id"
SELECT_OPERATION = OPERATIONS.select + " WHERE id = ?"
FORGET_FINISHED = "DELETE FROM operations WHERE state IN ('done', 'abandoned') AND updated_at < ?"

# What is in the history stays as it was written: a row is only ever added, or forgotten with all that are as old.
ADD_TO_HISTORY = f"{HISTORY.insert} ON CONFLICT DO NOTHING"
SELECT_HISTORY = (
    f"{HISTORY.select} WHERE ended_at >= ? AND (ended_at < ? OR (ended_at = ? AND operation < ?))"
    " ORDER BY ended_at DESC, operation DESC LIMIT ?"
)
FORGET_HISTORY = "DELETE FROM history WHERE ended_at < ?"

SELECT_REVISION = "SELECT revision FROM meta"
SELECT_GENERATION = "SELECT generation FROM meta"
ADVANCE_REVISION = "UPDATE meta SET revision = ? WHERE revision = ?"
