"""What is special about PostgreSQL: the connection is the ownership, and it may break."""

import pytest
import sqlalchemy as sa
from tests.contract.store import homes

from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster
from pyheketi.domain.ids import ClusterId
from pyheketi.store.opening import open_store

pytestmark = pytest.mark.anyio

CLUSTER = Cluster(id=ClusterId("c1"), file=True, block=True)


def cut_connections(server: sa.Engine, place: str) -> None:
    with server.connect() as connection:
        cut = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (sa.make_url(place).database,),
        )
        assert cut.scalars().all() == [True]


async def test_a_lost_connection_is_told_and_made_again(postgresql: sa.Engine, postgresql_place: str) -> None:
    async with homes.opened(homes.Sql(postgresql_place)) as store:
        cut_connections(postgresql, postgresql_place)
        with pytest.raises(errors.StoreError, match="the connection was lost"):
            await store.commit([Put(CLUSTER)], [], expected=0)

        assert (await store.load()).entities == ()
        assert await store.commit([Put(CLUSTER)], [], expected=0) == 1
        with pytest.raises(errors.StoreLocked):
            await open_store(postgresql_place)


async def test_whoever_lost_the_database_to_another_cannot_write(postgresql: sa.Engine, postgresql_place: str) -> None:
    async with homes.opened(homes.Sql(postgresql_place)) as first:
        cut_connections(postgresql, postgresql_place)
        async with homes.opened(homes.Sql(postgresql_place)) as second:
            for refusal in (errors.StoreError, errors.StoreLocked):
                with pytest.raises(refusal):
                    await first.commit([Put(CLUSTER)], [], expected=0)
            await second.commit([], [], expected=0)

        with pytest.raises(errors.StaleRevision):
            await first.commit([Put(CLUSTER)], [], expected=0)
        assert (await first.load()).entities == ()


async def test_a_killed_owner_leaves_no_lock(postgresql_place: str) -> None:
    server = homes.child("committer.py", [postgresql_place])
    with pytest.raises(errors.StoreLocked, match=f"heketi {server.pid} on .*, from 127.0.0.1"):
        await open_store(postgresql_place)
    homes.kill(server)

    async with homes.opened(homes.Sql(await _freed(postgresql_place))) as store:
        loaded = await store.load()
    assert len(loaded.entities) == 4 * loaded.revision


async def _freed(place: str) -> str:
    """Wait until PostgreSQL has noticed that the owner is dead: what it was about to commit comes first."""
    while True:
        try:
            await (await open_store(place)).aclose()
        except errors.StoreLocked:
            continue
        return place


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("database", "missing", "database .missing. does not exist"),
        ("username", "nobody", "role .nobody. does not exist"),
        ("port", 1, "Connection refused"),
    ],
)
async def test_what_is_wrong_with_an_address(postgresql: sa.Engine, part: str, value: object, reason: str) -> None:
    wrong = postgresql.url.set(password="secret", **{part: value})  # type: ignore[arg-type]  # a part of the address

    with pytest.raises(errors.StoreError, match=reason) as refusal:
        await open_store(wrong.render_as_string(hide_password=False))

    assert "secret" not in str(refusal.value)
