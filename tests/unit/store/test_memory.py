import pytest

from pyheketi.domain import errors
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster
from pyheketi.domain.ids import ClusterId
from pyheketi.store.memory import MemoryDatabase, MemoryStore

pytestmark = pytest.mark.anyio

CLUSTER = Cluster(id=ClusterId("c"), file=True, block=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_after_a_kill_the_next_one_finds_what_was_committed() -> None:
    database = MemoryDatabase()
    killed = MemoryStore(database)
    await killed.commit([Put(CLUSTER)], [], expected=0)

    database.kill_owner()
    store = MemoryStore(database)

    with pytest.raises(errors.StoreError, match="is closed"):
        await killed.commit([], [], expected=1)
    await killed.aclose()
    assert (await store.load()).entities == (CLUSTER,)
    with pytest.raises(errors.StoreLocked):
        MemoryStore(database)
