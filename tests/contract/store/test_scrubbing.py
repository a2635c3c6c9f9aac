"""A database in PostgreSQL is scrubbed like a file; its copy is a file here."""

from pathlib import Path

import pytest
from tests.contract.store import homes, worlds

from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster, Node, Pending
from pyheketi.domain.ids import ClusterId, NodeId, OperationId
from pyheketi.maintenance import scrub
from pyheketi.operations.operation import Kind
from pyheketi.store.opening import open_file

pytestmark = pytest.mark.anyio

CLUSTER = Cluster(id=ClusterId("c1"), file=True, block=True)
NODE = Node(
    id=NodeId("n1"),
    cluster=CLUSTER.id,
    zone=1,
    manage=("node1",),
    storage=("10.0.0.1",),
    pending=Pending(OperationId("o1"), hidden=True),
)


async def test_a_database_in_postgresql_is_scrubbed(
    postgresql_place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with homes.opened(homes.Sql(postgresql_place)) as store:
        adding = worlds.an_operation(kind=Kind.ADD_NODE, subject=NODE.id)
        await store.commit([Put(CLUSTER), Put(NODE)], [adding], expected=0)
        before = await store.load()

    report = await scrub.scrub(scrub.Place(database=postgresql_place), ids=("o1",), keep_space=False)

    assert [peer.storage_host for each in report.left for peer in each.peers] == ["10.0.0.1"]
    async with homes.opened(homes.Sql(postgresql_place)) as store:
        after = await store.load()
        assert (after.entities, after.unfinished) == ((CLUSTER,), ())
    assert report.backup is not None
    kept = await open_file(report.backup)
    assert ((await kept.load()).entities, (await kept.load()).unfinished) == (before.entities, before.unfinished)
    await kept.aclose()
