import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.contract.store import homes
from tests.contract.store.postgres import postgresql_server

from pyheketi.store.base import Store


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[sa.Engine]:
    """The maintenance database of a running server."""
    with postgresql_server() as address:
        engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        yield engine
        engine.dispose()


@pytest.fixture
def postgresql_place(postgresql: sa.Engine) -> str:
    """The address of an empty database."""
    name = f"heketi_{uuid.uuid4().hex}"
    with postgresql.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return postgresql.url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_place(tmp_path: Path) -> str:
    return str(tmp_path / "heketi.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_place(request: pytest.FixtureRequest) -> str:
    place: str = request.getfixturevalue(f"{request.param}_place")
    return place


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def home(request: pytest.FixtureRequest) -> homes.Home:
    if request.param == "memory":
        return homes.Memory()
    return homes.Sql(request.getfixturevalue(f"{request.param}_place"))


@pytest.fixture
async def store(home: homes.Home) -> AsyncIterator[Store]:
    async with homes.opened(home) as store:
        yield store
