"""Placement and planning never break their promises, whatever the cluster and the wishes."""

import contextlib
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import World, seeded

from pyheketi.domain import errors, invariants
from pyheketi.domain.durability import DISPERSIONS, DurabilityRequest, arbiter_position
from pyheketi.domain.entities import Brick, Snapshot, Volume
from pyheketi.domain.ids import BrickId, OperationId, VolumeId
from pyheketi.domain.size import KIB_PER_GIB
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Operation, OperationState, Plan
from pyheketi.placement.rings import Avoid, Candidate
from pyheketi.planning import brick_evict, volume_create, volume_delete, volume_expand
from pyheketi.planning.limits import Limits
from pyheketi.planning.volume_create import VolumeCreate

durabilities = st.one_of(
    st.just(DurabilityRequest(type="none")),
    st.integers(1, 3).map(lambda count: DurabilityRequest(type="replicate", replica=count)),
    st.sampled_from(sorted(DISPERSIONS)).map(
        lambda each: DurabilityRequest(type="disperse", data=each[0], redundancy=each[1])
    ),
)
wishes = st.builds(
    VolumeCreate,
    size_gib=st.integers(1, 400),
    durability=durabilities,
    options=st.sampled_from([(), ("user.heketi.zone-checking strict",), ("user.heketi.arbiter true",)]),
    snapshot=st.sampled_from([Snapshot(), Snapshot(enabled=True, factor=1.2), Snapshot(enabled=True, factor=3.0)]),
)
worlds = st.builds(
    World,
    zones=st.lists(st.integers(1, 4), min_size=1, max_size=13),
    devices_gib=st.lists(st.sampled_from([0.5, 1.0, 7.3, 50, 300]), min_size=1, max_size=3),
    arbiter_tags=st.lists(st.sampled_from(["required", "supported", "disabled", "?"]), max_size=4),
)


@dataclass
class Desk:
    """Plans one wish after the other on the same topology, as the server would, with nothing going wrong."""

    topology: Topology
    seed: int

    def __post_init__(self) -> None:
        self.ids = seeded(self.seed)
        self.limits = Limits()

    def operation(self, plan: Plan, id_: str) -> Operation:
        return Operation(
            id=OperationId(id_),
            kind=plan.kind,
            subject=plan.subject,
            state=OperationState.RUNNING,
            groups=plan.groups,
            created_at=0,
            updated_at=0,
        )

    def plan_create(self, wish: VolumeCreate) -> tuple[Plan, str]:
        volume_create.check(self.topology, wish, self.limits)
        id_ = OperationId(self.ids.new())
        plan = volume_create.plan(
            self.topology,
            wish,
            volume=VolumeId(self.ids.new()),
            operation=id_,
            limits=self.limits,
            avoid=Avoid(),
            ids=self.ids,
        )
        return plan, id_

    def create(self, wish: VolumeCreate) -> Volume:
        plan, id_ = self.plan_create(wish)
        begun = self.topology.apply(plan.begin)
        assert volume_create.abandon(begun, self.operation(plan, id_), {}) is not None
        undone = begun.apply(volume_create.abandon(begun, self.operation(plan, id_), {}))
        assert undone == self.topology
        self.topology = begun.apply(volume_create.finish(begun, self.operation(plan, id_), {}))
        volume = self.topology.volume(plan.subject)
        assert volume is not None
        return volume

    def expand(self, volume: Volume, gib: int) -> None:
        id_ = OperationId(self.ids.new())
        plan = volume_expand.plan(
            self.topology, volume, gib, operation=id_, limits=self.limits, avoid=Avoid(), ids=self.ids
        )
        begun = self.topology.apply(plan.begin)
        assert begun.apply(volume_expand.abandon(begun, self.operation(plan, id_), {})) == self.topology
        self.topology = begun.apply(volume_expand.finish(begun, self.operation(plan, id_), {}))

    def move(self, brick: Brick) -> None:
        id_ = OperationId(self.ids.new())
        plan = brick_evict.plan(
            self.topology, brick, operation=id_, limits=self.limits, avoid=Avoid(), ids=self.ids, check_heal=True
        )
        begun = self.topology.apply(plan.begin)
        assert begun.apply(brick_evict.abandon(begun, self.operation(plan, id_), {})) == self.topology
        self.topology = begun.apply(brick_evict.finish(begun, self.operation(plan, id_), {}))

    def delete(self, volume: Volume) -> None:
        id_ = OperationId(self.ids.new())
        plan = volume_delete.plan(self.topology, volume, operation=id_, avoid=Avoid())
        begun = self.topology.apply(plan.begin)
        assert begun.apply(volume_delete.abandon(begun, self.operation(plan, id_), {})) == self.topology
        self.topology = begun.apply(volume_delete.finish(begun, self.operation(plan, id_), {}))


@given(worlds, st.lists(wishes, min_size=1, max_size=6), st.integers(0, 2**32))
def test_volumes_come_and_go_without_a_trace(world: World, several: list[VolumeCreate], seed: int) -> None:
    start = world.topology()
    desk = Desk(start, seed)
    made = []
    for wish in several:
        try:
            made.append(desk.create(wish))
        except (errors.NoSpace, errors.RequestError):
            continue
        assert invariants.check(desk.topology) == []
    for volume in made:
        with contextlib.suppress(errors.NoSpace):
            desk.expand(volume, 5)
        assert invariants.check(desk.topology) == []
    for volume in list(desk.topology.volumes()):
        desk.delete(volume)
    assert desk.topology == start
    assert all(desk.topology.used(device) == 0 for device in desk.topology.devices())


def tag_of(topology: Topology, id_: BrickId) -> str:
    brick = topology.brick(id_)
    device = topology.device(brick.device) if brick else None
    node = topology.node(device.node) if device else None
    assert device is not None
    assert node is not None
    return Candidate(device, node).tags.get("arbiter", "")


@given(worlds, wishes, st.integers(0, 50), st.integers(0, 2**32))
def test_a_moved_brick_keeps_the_guarantees(world: World, wish: VolumeCreate, at: int, seed: int) -> None:
    desk = Desk(world.topology(), seed)
    try:
        volume = desk.create(wish)
    except (errors.NoSpace, errors.RequestError):
        return
    old = desk.topology.brick(volume.bricks[at % len(volume.bricks)])
    assert old is not None
    try:
        desk.move(old)
    except (errors.NoSpace, errors.Conflict) as refusal:
        assert str(refusal).startswith(("No Replacement was found", "Cannot replace brick"))  # noqa: PT017
        return
    assert invariants.check(desk.topology) == []
    moved = desk.topology.volume(volume.id)
    assert moved is not None
    ((before, after),) = [pair for pair in zip(volume.bricks, moved.bricks, strict=True) if pair[0] != pair[1]]
    new = desk.topology.brick(after)
    assert before == old.id
    assert new is not None
    assert (new.size, new.volume, new.gid) == (old.size, old.volume, old.gid)
    assert new.device != old.device
    if (arbiter_at := arbiter_position(volume.durability)) is not None:
        is_arbiter = volume.bricks.index(old.id) % volume.durability.set_size == arbiter_at
        assert tag_of(desk.topology, after) != ("disabled" if is_arbiter else "required")


@given(worlds, wishes, st.integers(0, 2**32))
def test_a_plan_keeps_the_guarantees(world: World, wish: VolumeCreate, seed: int) -> None:
    desk = Desk(world.topology(), seed)
    try:
        plan, _ = desk.plan_create(wish)
    except (errors.NoSpace, errors.RequestError):
        return
    begun = desk.topology.apply(plan.begin)
    volume = begun.volume(plan.subject)
    assert volume is not None
    sets = len(volume.brick_sets)
    assert sets & (sets - 1) == 0
    assert sets * volume.durability.set_size <= desk.limits.max_bricks_per_volume
    for brick_set in volume.brick_sets:
        nodes = [begun.node(begun.device(begun.brick(brick).device).node) for brick in brick_set]  # type: ignore[union-attr]  # they exist
        assert len({node.id for node in nodes if node}) == len(brick_set)
        if "user.heketi.zone-checking strict" in wish.options:
            assert len({node.zone for node in nodes if node}) == len(brick_set)
    arbiter_at = arbiter_position(volume.durability)
    assert (arbiter_at is not None) == ("user.heketi.arbiter true" in wish.options)
    sizes = {begun.brick(brick).size for each in volume.brick_sets for brick in each[:arbiter_at]}  # type: ignore[union-attr]  # they exist
    assert len(sizes) == 1
    if arbiter_at is not None:
        for brick_set in volume.brick_sets:
            arbiter = begun.brick(brick_set[arbiter_at])
            assert arbiter is not None
            assert arbiter.size == max(min(sizes) // 64, 300 * 1024)
            tags = [tag_of(begun, brick) for brick in brick_set]
            assert tags[arbiter_at] != "disabled"
            assert "required" not in tags[:arbiter_at]
    lost = wish.size_gib * KIB_PER_GIB - sizes.pop() * sets * volume.durability.data_bricks
    assert 0 <= lost < sets * volume.durability.data_bricks
    for device in begun.devices():
        taken = sum(brick.space for brick in begun.bricks_on(device.id))
        assert taken == begun.used(device)
        assert taken == 0 or taken < device.total


@given(worlds, wishes, st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_plan(world: World, wish: VolumeCreate, seed: int) -> None:
    def attempt() -> Plan | str:
        try:
            return Desk(world.topology(), seed).plan_create(wish)[0]
        except errors.Error as error:
            return str(error)

    assert attempt() == attempt()


@given(worlds, st.lists(wishes, min_size=1, max_size=4), st.integers(0, 2**32))
def test_a_refusal_names_every_node_that_is_in_the_way(world: World, several: list[VolumeCreate], seed: int) -> None:
    desk = Desk(world.topology(), seed)
    for wish in several:
        try:
            desk.create(wish)
        except errors.NoSpace as refusal:
            text = str(refusal)
            assert text.startswith("No space\n")
            if "bricks would be needed" not in text:
                assert all(f"node n1-{number} " in text for number in range(len(world.zones)))
        except errors.RequestError as refusal:
            assert re.search("smaller than the minimum|needs replica 3", str(refusal))  # noqa: PT017


def test_steps_name_the_bricks_in_gluster_order() -> None:
    desk = Desk(World().topology(), 1)
    plan, _ = desk.plan_create(VolumeCreate(size_gib=10, durability=DurabilityRequest(type="replicate", replica=3)))
    create = plan.steps[-1]
    assert isinstance(create, steps.CreateVolume)
    made = [step.place.gluster_name for step in plan.steps if isinstance(step, steps.CreateBrick)]
    assert [name for brick_set in create.brick_sets for name in brick_set] == made
    assert create.hosts[0] == plan.groups[0][0].place.host  # type: ignore[union-attr]  # a CreateBrick


def test_two_expansions_at_once_are_refused() -> None:
    desk = Desk(World().topology(), 1)
    volume = desk.create(VolumeCreate(size_gib=10, durability=DurabilityRequest(type="replicate", replica=3)))
    first = volume_expand.plan(
        desk.topology, volume, 1, operation=OperationId("x"), limits=Limits(), avoid=Avoid(), ids=seeded()
    )
    begun = desk.topology.apply(first.begin)
    busy = begun.volume(volume.id)
    assert busy is not None
    with pytest.raises(errors.InUse, match="operation x is at work"):
        volume_expand.plan(begun, busy, 1, operation=OperationId("y"), limits=Limits(), avoid=Avoid(), ids=seeded())
    with pytest.raises(errors.InUse, match="operation x is at work"):
        volume_delete.plan(begun, busy, operation=OperationId("y"), avoid=Avoid())
