"""PostgreSQL: one connection, which also holds the lock that makes this server the owner.

The lock is taken as the connection is made, before anybody can use it, and PostgreSQL frees it when the connection
ends. So a commit that goes through was made by the owner; there is no time between looking and writing. A pooler
between the server and PostgreSQL has to work per session, not per transaction.
"""

import os
import socket
from typing import Any

import sqlalchemy as sa

from pyheketi.domain import errors
from pyheketi.store.sql import Database

_LOCK = {"first": int.from_bytes(b"heke"), "second": 1}
"""Key of the advisory lock. It counts per database, so every server needs a database of its own."""

_TRY_LOCK = "SELECT pg_try_advisory_lock(%(first)s, %(second)s)"
_TRY_SHARE = "SELECT pg_try_advisory_lock_shared(%(first)s, %(second)s)"
_OWNER = """
    SELECT activity.application_name, host(activity.client_addr)
    FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE locktype = 'advisory' AND classid = %(first)s AND objid = %(second)s AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_DEFAULTS = {
    # A commit may not wait for ever for a host that is gone: about half a minute.
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}


def postgresql_database(url: sa.URL, *, read_only: bool = False) -> Database:
    """Return the database at an address ``postgresql+psycopg://…``; the address may set what libpq knows.

    ``read_only`` changes nothing in it, shares it with others that only read, and may be a standby.

    Raises:
        StoreError: the driver is not installed.
    """
    name = url.set(query={}).render_as_string(hide_password=True)
    defaults = _DEFAULTS | {"application_name": f"heketi {os.getpid()} on {socket.gethostname()}"[:63]}
    try:
        engine = sa.create_engine(
            url.set(query=defaults | dict(url.query)),
            poolclass=sa.NullPool,
            hide_parameters=True,  # no password of a block volume in a traceback
        )
    except ModuleNotFoundError as error:
        raise errors.StoreError(
            f"Database {name}: the driver for PostgreSQL is not installed."
            " Install it: pip install 'pyheketi[postgresql]'"
        ) from error

    @sa.event.listens_for(engine, "connect")
    def own(connection: Any, record: object) -> None:  # noqa: ARG001  # SQLAlchemy's signature
        try:
            _own(connection, name, shared=read_only)
            if read_only:
                connection.read_only = True
        except BaseException:
            connection.close()  # the pool does not know it yet
            raise

    return Database(name=name, engine=engine, release=engine.dispose, upgrade=not read_only)


def _own(connection: Any, name: str, *, shared: bool) -> None:
    with connection.cursor() as cursor:
        locked = cursor.execute(_TRY_SHARE if shared else _TRY_LOCK, _LOCK).fetchone()[0]
        owner = None if locked else cursor.execute(_OWNER, _LOCK).fetchone()
    connection.commit()  # the lock belongs to the session and stays
    if not locked:
        who = f" ({owner[0]}, from {owner[1] or 'this host'})" if owner else ""
        raise errors.StoreLocked(
            f"Database {name} is in use by another heketi server{who}. Stop that one first, or give this one a database"
            " of its own. If the other's host was just lost, PostgreSQL needs a while to notice."
        )
