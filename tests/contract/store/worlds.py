"""Hypothesis: topologies that change, and operations."""

from dataclasses import replace
from operator import attrgetter

from hypothesis import strategies as st

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.durability import Disperse, Distribute, DurabilityRequest, Replicate
from pyheketi.domain.entities import (
    Brick,
    Cluster,
    Device,
    Entity,
    Node,
    Pending,
    Snapshot,
    State,
    Tags,
    Volume,
    float32,
)
from pyheketi.domain.ids import BrickId, ClusterId, DeviceId, NodeId, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Asker, Kind, Operation, OperationState

HUGE = 2**62

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
"""Any text that PostgreSQL stores: no NUL, no half of a character."""

sizes = st.integers(1, HUGE)
states = st.sampled_from(State)
pendings = st.none() | st.builds(Pending, st.sampled_from(["o1", "o2"]).map(OperationId), st.booleans())
tags: st.SearchStrategy[Tags] = st.dictionaries(texts, texts, max_size=3).map(lambda made: tuple(sorted(made.items())))
durabilities = st.sampled_from([Distribute(), *map(Replicate, (1, 2, 3)), Disperse(4, 2), Disperse(8, 3)])
texts_of = st.lists(texts, max_size=3).map(tuple)

# Few ids and names, so that entities meet: replaced, removed, put again, names passed on.
_ids = st.sampled_from("123")
_hosts = st.sampled_from(["n1", "n2", "n3", "узел", "節點", "a b'c\"d%s?:x"])
_host_lists = st.lists(_hosts, min_size=1, max_size=2, unique=True).map(tuple)

_clusters = st.builds(Cluster, id=_ids.map(ClusterId), file=st.booleans(), block=st.booleans())
_nodes = st.builds(
    Node,
    id=_ids.map(NodeId),
    cluster=_ids.map(ClusterId),
    zone=sizes,
    manage=_host_lists,
    storage=_host_lists,
    state=states,
    tags=tags,
    pending=pendings,
)
_devices = st.builds(
    Device,
    id=_ids.map(DeviceId),
    node=_ids.map(NodeId),
    name=texts,
    total=st.integers(0, HUGE),
    foreign=st.integers(-HUGE, HUGE),
    extent=sizes,
    pv_uuid=texts,
    paths=texts_of,
    state=states,
    tags=tags,
    pending=pendings,
)
_volumes = st.builds(
    Volume,
    id=_ids.map(VolumeId),
    name=st.sampled_from(["vol", "объём", "卷"]),
    cluster=_ids.map(ClusterId),
    size_gib=sizes,
    durability=durabilities,
    durability_request=st.builds(DurabilityRequest, type=texts, replica=sizes, data=sizes, redundancy=sizes),
    gid=st.integers(0, HUGE),
    options=texts_of,
    snapshot=st.builds(Snapshot, st.booleans(), st.floats(1, 100, width=32).map(float32)),
    block=st.booleans(),
    brick_sets=st.lists(st.lists(_ids.map(BrickId), max_size=3).map(tuple), max_size=3).map(tuple),
    pending=pendings,
)
_bricks = st.builds(
    Brick,
    id=_ids.map(BrickId),
    device=_ids.map(DeviceId),
    volume=_ids.map(VolumeId),
    size=sizes,
    pool_size=sizes,
    metadata_size=st.integers(0, HUGE),
    thin_pool=texts,
    gid=st.integers(0, HUGE),
)
_entities: st.SearchStrategy[Entity] = st.one_of(_clusters, _nodes, _devices, _volumes, _bricks)
wishes: st.SearchStrategy[list[Change]] = st.lists(
    st.builds(Put, _entities) | st.builds(Remove, _entities), max_size=20
)
"""Changes that may or may not be possible."""
foundations: st.SearchStrategy[list[Change]] = st.tuples(
    *(
        st.lists(kind, min_size=least, max_size=3, unique_by=attrgetter("id"))
        for kind, least in ((_clusters, 2), (_nodes, 2), (_devices, 2), (_volumes, 1), (_bricks, 1))
    )
).map(lambda kinds: [Put(entity) for entities in kinds for entity in entities])
"""Changes to begin with, parents first, so that many of the wishes after them are possible."""


def possible(topology: Topology, wished: list[Change]) -> tuple[Topology, list[Change]]:
    """Return the topology after those changes that it allows, each after the other, and those changes."""
    made: list[Change] = []
    for change in wished:
        try:
            topology = topology.apply([change])
        except errors.BrokenInvariant:
            continue
        made.append(change)
    return topology, made


def everything_removed(topology: Topology) -> list[Change]:
    """Return the changes that leave nothing, children first."""
    return [Remove(entity) for entity in reversed(list(topology.entities()))]


_places = st.builds(
    steps.BrickPlace,
    **dict.fromkeys(
        ("brick", "host", "storage_host", "volume_group", "thin_pool", "logical_volume", "mount_point", "path"), texts
    ),
)
_steps: st.SearchStrategy[steps.Step] = st.one_of(
    st.builds(steps.CreateBrick, place=_places, size=sizes, pool_size=sizes, metadata_size=sizes, gid=sizes),
    st.builds(steps.DestroyBrick, place=_places),
    st.builds(
        steps.CreateVolume,
        hosts=texts_of,
        volume=texts,
        name=texts,
        durability=durabilities,
        brick_sets=st.lists(texts_of, max_size=2).map(tuple),
        options=texts_of,
    ),
    st.builds(steps.CheckGlusterd, host=texts),
    st.builds(steps.InspectDevice, device=st.builds(steps.DeviceHandle, host=texts, volume_group=texts, name=texts)),
)
_times = st.floats(0, 4e9)
operations = st.builds(
    Operation,
    id=st.sampled_from(["o1", "o2", "o3"]).map(OperationId),
    kind=st.sampled_from(Kind),
    subject=texts,
    state=st.sampled_from(OperationState),
    groups=st.lists(st.lists(_steps, max_size=2).map(tuple), max_size=2).map(tuple),
    result=texts,
    error=texts,
    created_at=_times,
    updated_at=_times,
    asker=st.builds(Asker, role=texts, address=texts),
)


def an_operation(id_: str = "o1", **fields: object) -> Operation:
    """Return an operation as planned, apart from ``fields``."""
    planned = Operation(
        id=OperationId(id_),
        kind=Kind.CREATE_VOLUME,
        subject="v1",
        state=OperationState.PLANNED,
        groups=((steps.CheckGlusterd(host="n1"), steps.CheckGlusterd(host="n2")), (steps.CheckGlusterd(host="n3"),)),
        created_at=100.0,
        updated_at=100.0,
    )
    return replace(planned, **fields)  # type: ignore[arg-type]  # names and types are the caller's
