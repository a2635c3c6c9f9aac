"""What a topology would hold: the plans a server would make, on values, without a server (tools.md §5)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from pyheketi.domain import durability as durabilities
from pyheketi.domain import errors, size
from pyheketi.domain.entities import Brick
from pyheketi.domain.ids import IdSource, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation, OperationState
from pyheketi.placement.rings import Avoid
from pyheketi.planning import options, volume_create
from pyheketi.planning.limits import Limits
from pyheketi.planning.volume_create import VolumeCreate


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A volume that was not placed."""

    wish: VolumeCreate
    why: str
    """What a client would be told; the first line is the short of it."""
    for_space: bool
    """Whether it was for want of space, so that more or larger devices may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A topology after volumes were placed on it."""

    topology: Topology
    placed: tuple[VolumeId, ...]
    """In the order of the wishes."""
    refusal: Refusal | None = None
    """The first volume that was not placed; none after it was tried."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """GiB of the volumes that were placed."""
        found = (self.topology.volume(each) for each in self.placed)
        return tuple(volume.size_gib for volume in found if volume)

    @property
    def bricks(self) -> Iterator[Brick]:
        """The bricks of the volumes that were placed."""
        return (brick for volume in self.placed for brick in self.topology.bricks_of(volume))


def fill(
    topology: Topology, wishes: Iterable[VolumeCreate], *, limits: Limits, ids: IdSource, target_gib: int = 0
) -> Filled:
    """Place volumes one after the other, until one is refused or they have ``target_gib`` (0: whatever they have).

    The first refusal is the end: a server's clients would not go on either.
    """
    placed: list[VolumeId] = []
    total = 0
    for wish in wishes:
        volume = VolumeId(ids.new())
        try:
            topology = _with(topology, wish, volume, limits, ids)
        except (errors.NoSpace, errors.Conflict, errors.RequestError) as error:
            refusal = Refusal(wish=wish, why=str(error), for_space=isinstance(error, errors.NoSpace))
            return Filled(topology=topology, placed=tuple(placed), refusal=refusal)
        placed.append(volume)
        total += wish.size_gib
        if 0 < target_gib <= total:
            break
    return Filled(topology=topology, placed=tuple(placed))


def _with(topology: Topology, wish: VolumeCreate, volume: VolumeId, limits: Limits, ids: IdSource) -> Topology:
    """Return the topology with one volume more, made as a server makes it on nodes that do all they are asked."""
    volume_create.check(topology, wish, limits)
    id_ = OperationId(ids.new())
    plan = volume_create.plan(topology, wish, volume=volume, operation=id_, limits=limits, avoid=Avoid(), ids=ids)
    begun = topology.apply(plan.begin)
    operation = Operation(
        id=id_,
        kind=plan.kind,
        subject=plan.subject,
        state=OperationState.RUNNING,
        groups=plan.groups,
        result=plan.result,
        created_at=0,
        updated_at=0,
    )
    return begun.apply(volume_create.finish(begun, operation, {}))


def of_random_sizes(wish: VolumeCreate, least: int, most: int, ids: IdSource) -> Iterator[VolumeCreate]:
    """Yield the wish again and again, with ``least`` to ``most`` GiB, both included."""
    while True:
        yield replace(wish, size_gib=least + ids.below(most - least + 1))


def raw_space(wishes: Iterable[VolumeCreate]) -> int:
    """Return KiB that devices need at the very least for all wishes: bricks without metadata, arbiters for nothing.

    Raises:
        ValueError: a durability is none.
        RequestError: an arbiter is wanted where there can be none.
    """
    return sum(map(_raw_space, wishes))


def _raw_space(wish: VolumeCreate) -> int:
    durability = options.with_arbiter(wish.durability.effective(), wish.options)
    full = durability.set_size - (durabilities.arbiter_position(durability) is not None)
    factor = wish.snapshot.factor if wish.snapshot.enabled else 1.0
    return int(wish.size_gib * size.KIB_PER_GIB * full * factor) // durability.data_bricks


def smallest(refused: Callable[[int], Refusal | None], *, begin: int, most: int) -> int | Refusal:
    """Return the smallest number from ``begin`` to ``most`` with which nothing is refused.

    Goes up in steps that double, then halves the last one. If no number will do, the last refusal is returned: that
    of ``most``, or the first one that is not for space.
    """
    too_few, enough, step = begin - 1, begin, 1
    while (refusal := refused(enough)) is not None:
        if enough >= most or not refusal.for_space:
            return refusal
        too_few, enough, step = enough, min(enough + step, most), step * 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if refused(middle) is None:
            enough = middle
        else:
            too_few = middle
    return enough
