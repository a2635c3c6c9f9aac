"""The schema grows step by step; a database of any released version can be opened."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.contract.store import homes

from pyheketi.domain import errors
from pyheketi.domain.durability import DurabilityRequest, Replicate
from pyheketi.domain.entities import Brick, Cluster, Device, Entity, Node, Pending, Snapshot, State, Volume
from pyheketi.domain.ids import BrickId, ClusterId, DeviceId, NodeId, OperationId, VolumeId
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.operations.steps import CheckGlusterd
from pyheketi.store import migrations, tables
from pyheketi.store.opening import open_store

pytestmark = pytest.mark.anyio

NEXT = (*migrations.MIGRATIONS, (migrations.LATEST + 1, ("ALTER TABLE clusters ADD COLUMN colour TEXT",)))
BROKEN = (*NEXT, (migrations.LATEST + 2, ("DROP TABLE bricks", "DROP TABLE no_such_table")))

AS_RELEASED: tuple[Entity, ...] = (
    Cluster(id=ClusterId("c1"), file=True, block=False),
    Node(
        id=NodeId("n1"),
        cluster=ClusterId("c1"),
        zone=1,
        manage=("node1", "node1.example"),
        storage=("10.0.0.1",),
        tags=(("arbiter", "required"),),
    ),
    Device(
        id=DeviceId("d1"),
        node=NodeId("n1"),
        name="/dev/sdb",
        total=104857600,
        foreign=4096,
        pv_uuid="pv-1",
        paths=("/dev/disk/by-id/one",),
        state=State.OFFLINE,
        pending=Pending(OperationId("o2"), hidden=False),
    ),
    Volume(
        id=VolumeId("v1"),
        name="vol_v1",
        cluster=ClusterId("c1"),
        size_gib=10,
        durability=Replicate(1),
        durability_request=DurabilityRequest(type="replicate", replica=1),
        gid=2000,
        options=("auth.allow *", ""),
        snapshot=Snapshot(enabled=True, factor=1.5),
        block=True,
        reserved_gib=1,
        brick_sets=((BrickId("b1"),),),
    ),
    Brick(
        id=BrickId("b1"),
        device=DeviceId("d1"),
        volume=VolumeId("v1"),
        size=10485760,
        pool_size=15728640,
        metadata_size=81920,
        thin_pool="tp_b1",
        gid=2000,
    ),
)
STUCK = Operation(
    id=OperationId("o2"),
    kind=Kind.SET_DEVICE_STATE,
    subject="d1",
    state=OperationState.STUCK,
    groups=((CheckGlusterd(host="node1"),),),
    error="no answer",
    created_at=1700000002.0,
    updated_at=1700000003.0,
)


@pytest.fixture
def database(sql_place: str) -> Iterator[sa.Engine]:
    """The bare database, without our store's care."""
    address = sql_place if "://" in sql_place else f"sqlite:///{sql_place}"
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        # As the store does it: otherwise the driver commits before a change of the schema.
        sa.event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    yield engine
    engine.dispose()


def upgrade(database: sa.Engine, to: Sequence[migrations.Migration]) -> None:
    with database.begin() as connection:
        migrations.migrate(connection, "x", to)


def version(database: sa.Engine) -> int:
    with database.connect() as connection:
        return migrations.schema_version(connection, "x")


def fill_as_released(database: sa.Engine) -> None:
    upgrade(database, migrations.MIGRATIONS[:1])
    script = Path(__file__).with_name("version-1.sql").read_text()
    with database.begin() as connection:
        for statement in re.split(r";\n", re.sub(r"^--.*\n", "", script)):
            connection.exec_driver_sql(statement) if statement.strip() else None


async def test_a_database_of_version_1_is_opened(database: sa.Engine, sql_place: str) -> None:
    fill_as_released(database)
    async with homes.opened(homes.Sql(sql_place)) as store:
        loaded = await store.load()
        done = await store.operation("o1")
        history = await store.history(limit=10)

    assert (loaded.entities, loaded.unfinished, loaded.revision) == (AS_RELEASED, (STUCK,), 42)
    assert done is not None
    assert (done.state, done.result) == (OperationState.DONE, "/volumes/v1")
    assert history == [replace(done, result="")]
    assert version(database) == migrations.LATEST


async def test_reading_leaves_a_database_at_version_1(database: sa.Engine, sql_place: str) -> None:
    """A file is brought up to date in memory, which is impossible with PostgreSQL."""
    fill_as_released(database)
    if database.dialect.name == "sqlite":
        store = await open_store(sql_place, read_only=True)
        assert (await store.load()).entities == AS_RELEASED
        await store.aclose()
    else:
        with pytest.raises(errors.StoreError, match=r"its schema is 1, .* once without db_read_only"):
            await open_store(sql_place, read_only=True)
    assert version(database) == 1


async def test_a_newer_database_is_refused(database: sa.Engine, sql_place: str) -> None:
    upgrade(database, NEXT)

    with pytest.raises(errors.StoreError, match=rf"newer heketi.*schema is {NEXT[-1][0]}.*up to {migrations.LATEST}\)"):
        await homes.Sql(sql_place).open()

    assert version(database) == NEXT[-1][0]


async def test_only_missing_steps_are_made(database: sa.Engine) -> None:
    for steps in (migrations.MIGRATIONS, NEXT, NEXT):
        upgrade(database, steps)

    columns = [column["name"] for column in sa.inspect(database).get_columns("clusters")]
    assert (version(database), columns) == (NEXT[-1][0], ["id", "file", "block", "colour"])


async def test_a_step_that_fails_leaves_the_old_schema(database: sa.Engine) -> None:
    upgrade(database, migrations.MIGRATIONS)

    with pytest.raises(sa.exc.DBAPIError):
        upgrade(database, BROKEN)

    inspector = sa.inspect(database)
    assert version(database) == migrations.LATEST
    assert inspector.has_table("bricks")
    assert "colour" not in [column["name"] for column in inspector.get_columns("clusters")]


async def test_tables_name_all_columns_of_the_latest_schema(database: sa.Engine) -> None:
    upgrade(database, migrations.MIGRATIONS)

    inspector = sa.inspect(database)
    known = {each.name: each.columns for each in vars(tables).values() if isinstance(each, tables.Table)}
    present = {name: tuple(column["name"] for column in inspector.get_columns(name)) for name in known}

    assert present == known
    assert set(inspector.get_table_names()) == {*known, "meta", "node_hosts"}
