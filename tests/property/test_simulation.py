"""Whatever is simulated keeps the rules of the model, and comes out the same again."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import World

from pyheketi.control_plane.ids import SeededIds
from pyheketi.domain import invariants
from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.entities import Snapshot
from pyheketi.planning import simulation
from pyheketi.planning.limits import Limits
from pyheketi.planning.simulation import Filled, Refusal
from pyheketi.planning.volume_create import VolumeCreate

REPLICATE = [DurabilityRequest(type="replicate", replica=copies) for copies in (1, 2, 3)]
OTHERS = [DurabilityRequest(type="none"), DurabilityRequest(type="disperse", data=2, redundancy=1)]

worlds = st.builds(
    World,
    zones=st.lists(st.integers(1, 3), min_size=1, max_size=5),
    devices_gib=st.lists(st.integers(3, 60), min_size=1, max_size=3),
)
wishes = st.builds(
    VolumeCreate,
    size_gib=st.integers(1, 40),
    durability=st.sampled_from([*REPLICATE, *OTHERS]),
    snapshot=st.sampled_from([Snapshot(), Snapshot(enabled=True, factor=1.5)]),
)


def filled(world: World, wanted: list[VolumeCreate], seed: int, target: int = 0) -> Filled:
    return simulation.fill(world.topology(), wanted, limits=Limits(), ids=SeededIds(seed), target_gib=target)


@given(worlds, st.lists(wishes, max_size=12), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_rules_are_kept_and_runs_repeat(world: World, wanted: list[VolumeCreate], seed: int) -> None:
    made = filled(world, wanted, seed)
    assert invariants.check(made.topology) == []
    assert all(volume.pending is None for volume in made.topology.volumes())
    assert made.sizes == tuple(wish.size_gib for wish in wanted[: len(made.sizes)])
    if len(made.sizes) < len(wanted):
        assert made.refusal
        assert made.refusal.wish == wanted[len(made.sizes)]
    else:
        assert made.refusal is None
    again = filled(world, wanted, seed)
    assert (again.topology, again.placed, again.refusal) == (made.topology, made.placed, made.refusal)


@given(worlds, st.lists(wishes, max_size=12), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_what_was_placed_took_no_less_than_is_needed(world: World, wanted: list[VolumeCreate], seed: int) -> None:
    made = filled(world, wanted, seed)
    used = sum(made.topology.used(device) for device in made.topology.devices())
    assert used == sum(brick.space for brick in made.bricks)
    bricks = 32 * len(made.placed)  # whose sizes are rounded down, by a KiB each
    assert used + bricks >= simulation.raw_space(wanted[: len(made.placed)])


@given(st.integers(1, 300), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_target_is_reached_and_hardly_passed(target: int, seed: int) -> None:
    drawn = simulation.of_random_sizes(VolumeCreate(size_gib=1), 5, 20, SeededIds(seed))
    made = simulation.fill(
        World(devices_gib=(500,)).topology(), drawn, limits=Limits(), ids=SeededIds(seed), target_gib=target
    )
    assert made.refusal is None
    assert sum(made.sizes) >= target > sum(made.sizes[:-1])
    assert all(5 <= size <= 20 for size in made.sizes)


REFUSAL = Refusal(wish=VolumeCreate(size_gib=1), why="No space", for_space=True)
FOR_GOOD = Refusal(wish=VolumeCreate(size_gib=1), why="Cluster has 1 volumes and limit is 1", for_space=False)


def refused_below(needed: int, asked: list[int]) -> Callable[[int], Refusal | None]:
    def refused(number: int) -> Refusal | None:
        asked.append(number)
        return REFUSAL if number < needed else None

    return refused


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 2000))
def test_the_smallest_number_is_found(needed: int, begin: int, most: int) -> None:
    begin, most = sorted((begin, most))
    asked: list[int] = []
    found = simulation.smallest(refused_below(needed, asked), begin=begin, most=most)
    assert found == (max(begin, needed) if needed <= most else REFUSAL)
    assert all(begin <= number <= most for number in asked)
    assert len(asked) <= 2 + 2 * (most - begin + 1).bit_length()


def test_what_hardware_cannot_help_ends_the_search() -> None:
    assert simulation.smallest(lambda _: FOR_GOOD, begin=1, most=10**9) is FOR_GOOD
