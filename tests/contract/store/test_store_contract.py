"""What every store does: in memory, in an SQLite file, in PostgreSQL."""

import math
import os
import re
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies as st
from tests.builders import World
from tests.contract.store import homes, worlds

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.durability import Disperse, DurabilityRequest
from pyheketi.domain.entities import Brick, Node, Pending, Snapshot, State, Volume
from pyheketi.domain.ids import BrickId, NodeId, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Asker, Operation, OperationState
from pyheketi.store.base import Loaded, Store

pytestmark = pytest.mark.anyio

WORLD = World()
NOTHING = Loaded(entities=(), unfinished=(), revision=0)
VOLUME = Volume(
    id=VolumeId("v1"),
    name="том-卷-🧱-%s-?-:x-'\"",
    cluster=WORLD.cluster_id,
    size_gib=2**62,
    durability=Disperse(4, 2),
    durability_request=DurabilityRequest(type="disperse", data=4, redundancy=2),
    gid=2001,
    options=("auth.allow *", "", "user.x 'quoted' \"twice\" \\ \n"),
    snapshot=Snapshot(enabled=True, factor=1.100000023841858),
    block=True,
    brick_sets=((BrickId("b2"), BrickId("b1")), (BrickId("b3"),)),
    pending=Pending(OperationId("o1"), hidden=True),
)
BRICKS = [
    Brick(
        id=BrickId(f"b{number}"),
        device=WORLD.device_id(number - 1),
        volume=VOLUME.id,
        size=2**62,
        pool_size=2**62,
        metadata_size=0,
        thin_pool=f"tp_{number}",
        gid=2001,
    )
    for number in (1, 2, 3)
]
NODE = Node(
    id=NodeId("n9"),
    cluster=WORLD.cluster_id,
    zone=9,
    manage=("b.example", "a.example"),
    storage=("10.9.9.9", "a.example"),
    state=State.FAILED,
    tags=(("arbiter", "required"), ("stojan", "č")),
)


async def filled(store: Store, *more: Change) -> Topology:
    """Put ``WORLD`` and what is given into an empty store, as its first commit."""
    changes = [*map(Put, WORLD.topology().entities()), *more]
    assert await store.commit(changes, [], expected=0) == 1
    return Topology().apply(changes)


async def test_a_new_store_is_empty(store: Store) -> None:
    loaded = await store.load()

    assert replace(loaded, generation="") == NOTHING
    assert re.fullmatch("[0-9a-f]{32}", loaded.generation)
    assert await store.load() == loaded


async def test_what_was_committed_is_loaded(store: Store) -> None:
    changes = [Put(NODE), Put(VOLUME), *map(Put, BRICKS)]
    topology = await filled(store, *changes)

    loaded = await store.load()

    assert Topology(loaded.entities) == topology
    assert loaded.revision == 1


async def test_parents_are_loaded_first(store: Store) -> None:
    await filled(store, Put(NODE), Put(VOLUME), *map(Put, BRICKS))

    loaded = await store.load()

    assert len(list(Topology().apply(map(Put, loaded.entities)).entities())) == len(loaded.entities)


async def test_it_is_all_there_after_reopening(home: homes.Home) -> None:
    async with homes.opened(home) as store:
        topology = await filled(store, Put(VOLUME))
        await store.commit([], [worlds.an_operation()], expected=1)
    async with homes.opened(home) as store:
        loaded = await store.load()
        revision = await store.commit([], [], expected=2)

    assert (Topology(loaded.entities), loaded.unfinished, loaded.revision) == (topology, (worlds.an_operation(),), 2)
    assert revision == 3


async def test_replacing_and_removing(store: Store) -> None:
    topology = await filled(store, Put(NODE), Put(VOLUME), *map(Put, BRICKS))
    changes: list[Change] = [
        Put(replace(VOLUME, pending=None, brick_sets=())),
        *map(Remove, BRICKS),
        Put(replace(NODE, manage=("a.example",), storage=("10.9.9.8",), tags=())),
    ]
    await store.commit(changes, [], expected=1)
    assert Topology((await store.load()).entities) == topology.apply(changes)

    await store.commit([Remove(VOLUME), Remove(NODE), Remove(NODE)], [], expected=2)
    assert Topology((await store.load()).entities) == WORLD.topology()


async def test_names_may_pass_from_one_to_another_in_one_commit(store: Store) -> None:
    other = replace(VOLUME, id=VolumeId("v2"), name="other")
    topology = await filled(store, Put(VOLUME), Put(other))
    changes: list[Change] = [
        Put(replace(VOLUME, name="aside")),
        Put(replace(other, name=VOLUME.name)),
        Put(replace(VOLUME, name=other.name)),
        Put(NODE),
        Remove(NODE),
        Put(replace(NODE, id=NodeId("n8"))),
    ]

    await store.commit(changes, [], expected=1)

    assert Topology((await store.load()).entities) == topology.apply(changes)


@hypothesis.settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
@hypothesis.given(first=worlds.foundations, more=st.lists(worlds.wishes, max_size=3))
async def test_a_store_and_a_topology_agree_after_any_changes(
    store: Store, first: list[Change], more: list[list[Change]]
) -> None:
    loaded = await store.load()
    revision = await store.commit(worlds.everything_removed(Topology(loaded.entities)), [], expected=loaded.revision)
    topology = Topology()

    for wished in (first, *more):
        topology, changes = worlds.possible(topology, wished)
        revision = await store.commit(changes, [], expected=revision)

    loaded = await store.load()
    assert Topology(loaded.entities) == topology
    assert loaded.revision == revision


@hypothesis.settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
@hypothesis.given(operations=st.lists(worlds.operations, min_size=1, max_size=4))
async def test_operations_come_back_as_they_were_last_written(store: Store, operations: list[Operation]) -> None:
    await store.commit([], operations, expected=(await store.load()).revision)
    written = {operation.id: operation for operation in operations}

    for operation in written.values():
        assert await store.operation(operation.id) == operation
    unfinished = {operation.id: operation for operation in (await store.load()).unfinished}
    for operation in written.values():
        assert unfinished.get(operation.id) == (None if operation.state.finished else operation)


async def test_unfinished_operations_are_loaded_oldest_first(store: Store) -> None:
    ages = {"o2": 3.0, "o1": 2.0, "o4": 1.0, "o3": 4.0}
    operations = [worlds.an_operation(id_, created_at=created) for id_, created in ages.items()]
    await store.commit([], [*operations, worlds.an_operation("o5", state=OperationState.DONE)], expected=0)

    assert [operation.id for operation in (await store.load()).unfinished] == ["o4", "o1", "o2", "o3"]


async def test_an_unknown_operation_is_none(store: Store) -> None:
    assert await store.operation("o1") is None


async def test_finished_operations_are_found_until_forgotten_by_age(store: Store) -> None:
    done = [
        worlds.an_operation(f"o{age}", state=state, updated_at=float(age))
        for age, state in ((10, OperationState.DONE), (20, OperationState.ABANDONED), (30, OperationState.DONE))
    ]
    stuck = worlds.an_operation("stuck", state=OperationState.STUCK, updated_at=5.0)
    await store.commit([], [*done, stuck], expected=0)

    assert await store.forget_finished(before=30.0) == 2
    assert await store.forget_finished(before=30.0) == 0

    assert [await store.operation(each.id) for each in (*done, stuck)] == [None, None, done[2], stuck]
    assert (await store.load()).revision == 1


def ended(id_: str, at: float, state: OperationState = OperationState.DONE, **more: object) -> Operation:
    return worlds.an_operation(id_, state=state, updated_at=at, **more)


def remembered(operation: Operation) -> Operation:
    """Return what the history keeps of an operation."""
    return replace(operation, groups=(), result="")


async def test_what_has_ended_is_in_the_history_with_who_asked(home: homes.Home) -> None:
    asker = Asker(role="admin", address="192.0.2.7")
    begun = [worlds.an_operation(id_, asker=asker) for id_ in ("o1", "o2", "o3")]
    done = ended("o1", 110.0, asker=asker, result="/volumes/v1")
    failed = ended("o2", 120.0, OperationState.ABANDONED, asker=asker, error="ошибка: 'no' \"room\"")
    async with homes.opened(home) as store:
        await store.commit([], begun, expected=0)
        assert await store.history(limit=10) == []
        await store.commit([], [done, failed], expected=1)
    async with homes.opened(home) as store:
        assert await store.history(limit=10) == [remembered(failed), remembered(done)]
        assert (await store.load()).unfinished == (begun[2],)


async def test_the_history_outlives_the_jobs_and_is_forgotten_by_age(store: Store) -> None:
    operations = [ended(f"o{at}", float(at)) for at in (10, 20, 30)]
    await store.commit([], operations, expected=0)

    assert await store.forget_finished(before=100.0) == 3
    assert await store.forget_history(before=20.0) == 1
    assert await store.forget_history(before=20.0) == 0
    assert await store.forget_history(before=-math.inf) == 0  # kept for ever

    assert [each.id for each in await store.history(limit=10)] == ["o30", "o20"]


async def test_the_history_is_only_ever_added_to(store: Store) -> None:
    first = ended("o1", 10.0, error="as it was")
    await store.commit([], [first], expected=0)
    await store.commit([], [replace(first, error="as somebody wants it to have been")], expected=1)

    assert await store.history(limit=10) == [remembered(first)]


async def test_the_history_is_read_page_by_page(store: Store) -> None:
    ends = {"o1": 10.0, "o2": 20.0, "o3": 20.0, "o4": 20.0, "o5": 30.25}
    await store.commit([], [ended(id_, at) for id_, at in ends.items()], expected=0)

    read: list[str] = []
    page = await store.history(limit=2)
    while page:
        read += [each.id for each in page]
        page = await store.history(limit=2, before=(page[-1].updated_at, page[-1].id))

    assert read == ["o5", "o4", "o3", "o2", "o1"]
    assert [each.id for each in await store.history(limit=9, since=20.0, before=(30.25, "o5"))] == ["o4", "o3", "o2"]


async def test_what_was_not_committed_is_not_in_the_history(store: Store) -> None:
    await filled(store)

    with pytest.raises(errors.StaleRevision):
        await store.commit([], [ended("o1", 10.0)], expected=7)
    with pytest.raises(errors.StoreError):
        await store.commit(CONTRADICTIONS["a name twice in a cluster"], [ended("o1", 10.0)], expected=0)

    assert await store.history(limit=10) == []


async def test_a_stale_revision_writes_nothing(store: Store) -> None:
    topology = await filled(store)

    for stale in (0, 2):
        with pytest.raises(errors.StaleRevision):
            await store.commit([Put(VOLUME)], [worlds.an_operation()], expected=stale)

    assert Topology((await store.load()).entities) == topology
    assert await store.operation("o1") is None
    assert await store.commit([], [], expected=1) == 2


CONTRADICTIONS: dict[str, list[Change]] = {
    "a child without a parent": [Put(replace(BRICKS[0], volume=VolumeId("nobody")))],
    "a name twice in a cluster": [Put(replace(VOLUME, id=VolumeId("v2")))],
    "a host name twice": [Put(NODE), Put(replace(NODE, id=NodeId("n8"), manage=("c.example",)))],
    "a parent gone before its child": [Put(BRICKS[0]), Remove(VOLUME)],
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
async def test_a_commit_that_is_refused_writes_nothing(store: Store, contradiction: list[Change]) -> None:
    topology = await filled(store, Put(VOLUME))
    harmless = Put(replace(VOLUME, gid=1))

    with pytest.raises(errors.StoreError) as refusal:
        await store.commit([harmless, *contradiction], [worlds.an_operation()], expected=1)

    assert type(refusal.value) is errors.StoreError
    loaded = await store.load()
    assert (Topology(loaded.entities), loaded.unfinished, loaded.revision) == (topology, (), 1)
    assert await store.commit([harmless], [], expected=1) == 2


@pytest.mark.parametrize(
    "nonsense",
    [Put(replace(VOLUME, size_gib=0)), Put(replace(VOLUME, size_gib=2**63)), Put(replace(VOLUME, name="\ud800"))],
    ids=["no size", "a size beyond 64 bits", "half a character"],
)
async def test_a_database_refuses_values_that_make_no_sense(sql_place: str, nonsense: Change) -> None:
    async with homes.opened(homes.Sql(sql_place)) as store:
        topology = await filled(store)

        with pytest.raises(errors.StoreError, match=r"^Database .*heketi"):
            await store.commit([nonsense], [], expected=1)

        assert Topology((await store.load()).entities) == topology


async def test_a_store_has_one_owner(home: homes.Home) -> None:
    async with homes.opened(home) as store:
        with pytest.raises(errors.StoreLocked, match="in use by another") as refusal:
            await home.open()
        assert await store.commit([], [], expected=0) == 1
    if home.names_owner:
        assert str(os.getpid()) in str(refusal.value)
    async with homes.opened(home) as store:
        assert (await store.load()).revision == 1


async def test_a_closed_store_says_so(home: homes.Home) -> None:
    store = await home.open()
    await store.aclose()
    await store.aclose()

    with pytest.raises(errors.StoreError, match=r"is closed\.$"):
        await store.load()
