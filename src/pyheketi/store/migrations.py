"""The schema, step by step (docs/decisions/0004-migrations.md). The SQL is plain: SQLite and PostgreSQL both take it.

A step that was released is never edited: a change of the schema is a new step at the end. ``tables`` names the columns
as they are after the last step.
"""

import secrets
from collections.abc import Sequence
from typing import TypeAlias

import sqlalchemy as sa

from pyheketi.domain import errors

Migration: TypeAlias = tuple[int, tuple[str, ...]]
"""The schema's version after the step, and its statements."""

_FIRST = (
    """
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        schema_version INTEGER NOT NULL,
        revision BIGINT NOT NULL
    )
    """,
    "INSERT INTO meta (id, schema_version, revision) VALUES (1, 0, 0)",
    """
    CREATE TABLE clusters (
        id TEXT PRIMARY KEY NOT NULL,
        file BOOLEAN NOT NULL,
        block BOOLEAN NOT NULL
    )
    """,
    """
    CREATE TABLE nodes (
        id TEXT PRIMARY KEY NOT NULL,
        cluster TEXT NOT NULL REFERENCES clusters (id),
        zone BIGINT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('online', 'offline', 'failed')),
        tags TEXT NOT NULL,
        pending_operation TEXT,
        pending_hidden BOOLEAN
    )
    """,
    """
    CREATE TABLE node_hosts (
        node TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
        role TEXT NOT NULL CHECK (role IN ('manage', 'storage')),
        position INTEGER NOT NULL,
        host TEXT NOT NULL,
        PRIMARY KEY (node, role, position),
        UNIQUE (role, host)
    )
    """,
    """
    CREATE TABLE devices (
        id TEXT PRIMARY KEY NOT NULL,
        node TEXT NOT NULL REFERENCES nodes (id),
        name TEXT NOT NULL,
        total BIGINT NOT NULL CHECK (total >= 0),
        foreign_use BIGINT NOT NULL,
        extent BIGINT NOT NULL CHECK (extent > 0),
        pv_uuid TEXT NOT NULL,
        paths TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('online', 'offline', 'failed')),
        tags TEXT NOT NULL,
        pending_operation TEXT,
        pending_hidden BOOLEAN
    )
    """,
    """
    CREATE TABLE volumes (
        id TEXT PRIMARY KEY NOT NULL,
        cluster TEXT NOT NULL REFERENCES clusters (id),
        name TEXT NOT NULL,
        size_gib BIGINT NOT NULL CHECK (size_gib > 0),
        durability TEXT NOT NULL,
        durability_request TEXT NOT NULL,
        gid BIGINT NOT NULL,
        options TEXT NOT NULL,
        snapshot_enabled BOOLEAN NOT NULL,
        snapshot_factor DOUBLE PRECISION NOT NULL,
        block BOOLEAN NOT NULL,
        brick_sets TEXT NOT NULL,
        pending_operation TEXT,
        pending_hidden BOOLEAN,
        UNIQUE (cluster, name)
    )
    """,
    """
    CREATE TABLE bricks (
        id TEXT PRIMARY KEY NOT NULL,
        device TEXT NOT NULL REFERENCES devices (id),
        volume TEXT NOT NULL REFERENCES volumes (id),
        size BIGINT NOT NULL CHECK (size > 0),
        pool_size BIGINT NOT NULL CHECK (pool_size > 0),
        metadata_size BIGINT NOT NULL CHECK (metadata_size >= 0),
        thin_pool TEXT NOT NULL,
        gid BIGINT NOT NULL
    )
    """,
    # Removing a volume asks whether bricks still name it, and volumes come and go all day. Devices do not.
    "CREATE INDEX bricks_of_volume ON bricks (volume)",
    """
    CREATE TABLE operations (
        id TEXT PRIMARY KEY NOT NULL,
        kind INTEGER NOT NULL,
        subject TEXT NOT NULL,
        state TEXT NOT NULL,
        steps TEXT NOT NULL,
        result TEXT NOT NULL,
        error TEXT NOT NULL,
        created_at DOUBLE PRECISION NOT NULL,
        updated_at DOUBLE PRECISION NOT NULL
    )
    """,
    "CREATE INDEX operations_unfinished ON operations (created_at) WHERE state NOT IN ('done', 'abandoned')",
    "CREATE INDEX operations_finished ON operations (updated_at) WHERE state IN ('done', 'abandoned')",
)

_CLONES_AND_BLOCK_VOLUMES = (
    "ALTER TABLE meta ADD COLUMN generation TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE bricks ADD COLUMN given_name TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE bricks ADD COLUMN given_path TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE volumes ADD COLUMN reserved_gib BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE volumes ADD COLUMN restriction TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE volumes ADD COLUMN requested_clusters TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE volumes ADD COLUMN sets_guessed BOOLEAN NOT NULL DEFAULT FALSE",
    # Those that were made before took nothing for themselves: the same split as of new ones (placement.md §15).
    "UPDATE volumes SET reserved_gib = size_gib - size_gib * 98 / 100 WHERE block",
    """
    CREATE TABLE block_volumes (
        id TEXT PRIMARY KEY NOT NULL,
        cluster TEXT NOT NULL REFERENCES clusters (id),
        hosting TEXT NOT NULL REFERENCES volumes (id),
        name TEXT NOT NULL,
        size_gib BIGINT NOT NULL CHECK (size_gib > 0),
        usable_gib BIGINT NOT NULL,
        claimed_gib BIGINT NOT NULL,
        ha_count BIGINT NOT NULL,
        auth BOOLEAN NOT NULL,
        hosts TEXT NOT NULL,
        iqn TEXT NOT NULL,
        lun BIGINT NOT NULL,
        username TEXT NOT NULL,
        password TEXT NOT NULL,
        requested_clusters TEXT NOT NULL,
        pending_operation TEXT,
        pending_hidden BOOLEAN,
        UNIQUE (hosting, name)
    )
    """,
)

_HISTORY = (
    "ALTER TABLE operations ADD COLUMN asked_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE operations ADD COLUMN asked_from TEXT NOT NULL DEFAULT ''",
    # In the order of the ends, so that a new row goes to the end of the file, and old ones are forgotten together.
    """
    CREATE TABLE history (
        ended_at DOUBLE PRECISION NOT NULL,
        operation TEXT NOT NULL,
        kind INTEGER NOT NULL,
        subject TEXT NOT NULL,
        state TEXT NOT NULL,
        error TEXT NOT NULL,
        asked_at DOUBLE PRECISION NOT NULL,
        asked_by TEXT NOT NULL,
        asked_from TEXT NOT NULL,
        PRIMARY KEY (ended_at, operation)
    )
    """,
    # Jobs that are remembered still are the history so far; nobody knows who asked for them.
    """
    INSERT INTO history (ended_at, operation, kind, subject, state, error, asked_at, asked_by, asked_from)
    SELECT updated_at, id, kind, subject, state, error, created_at, '', ''
    FROM operations WHERE state IN ('done', 'abandoned')
    """,
)

MIGRATIONS: tuple[Migration, ...] = ((1, _FIRST), (2, _CLONES_AND_BLOCK_VOLUMES), (3, _HISTORY))
LATEST = MIGRATIONS[-1][0]
_WITH_GENERATION = 2


def migrate(connection: sa.Connection, name: str, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the database to the latest schema, inside the caller's transaction. ``name`` is for error texts.

    Raises:
        StoreError: the schema is newer than this server, or the database holds something else.
    """
    present = schema_version(connection, name)
    latest = migrations[-1][0]
    if present > latest:
        raise errors.StoreError(
            f"Database {name} was written by a newer heketi (its schema is {present}, this server knows up to"
            f" {latest}). Start that version or a later one, or restore a copy made before the upgrade."
        )
    for version, statements in migrations:
        if version > present:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"UPDATE meta SET schema_version = {version}")  # noqa: S608  # a number of ours
    if latest >= _WITH_GENERATION:
        generation = secrets.token_hex(16)
        connection.execute(sa.text("UPDATE meta SET generation = :id WHERE generation = ''"), {"id": generation})


def require_latest(connection: sa.Connection, name: str) -> None:
    """Refuse a database that would have to be changed first. ``name`` is for error texts.

    Raises:
        StoreError: its schema is not the latest, or it holds something else.
    """
    if (present := schema_version(connection, name)) != LATEST:
        raise errors.StoreError(
            f"Database {name} cannot be read as it is: its schema is {present}, this server knows {LATEST}."
            " Start a server of this version once without db_read_only, which brings the schema up to date."
        )


def schema_version(connection: sa.Connection, name: str) -> int:
    """Return the number of the last step that was made; 0 for an empty database.

    Raises:
        StoreError: the database holds tables of something else.
    """
    present = set(sa.inspect(connection).get_table_names())
    if "meta" in present and "operations" in present:
        return int(connection.exec_driver_sql("SELECT schema_version FROM meta").scalar_one())
    if present:
        some = ", ".join(sorted(present)[:3])
        raise errors.StoreError(
            f"Database {name} belongs to another program: it has tables ({some}), but not those of heketi."
            " Give heketi a database of its own."
        )
    return 0
