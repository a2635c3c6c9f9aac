"""Guess which bricks make a set: Heketi's database lists the bricks of a volume by id, only gluster knows the sets."""

from collections import Counter
from collections.abc import Callable, Sequence

from pyheketi.domain.entities import Brick
from pyheketi.domain.ids import BrickId


def sets_of(
    bricks: Sequence[Brick], set_size: int, node_of: Callable[[Brick], str], arbiters: frozenset[str]
) -> tuple[tuple[BrickId, ...], ...]:
    """Return likely sets: equal bricks on different nodes, arbiters last. What is left over makes a set too small."""
    left = sorted((brick for brick in bricks if brick.id not in arbiters), key=lambda brick: (brick.size, brick.id))
    last = sorted((brick for brick in bricks if brick.id in arbiters), key=lambda brick: brick.id)
    data = max(1, set_size - 1) if last else set_size  # an arbiter alone makes no sense, and no end
    sets = []
    while left:
        same = [brick for brick in left if brick.size == left[0].size]
        chosen = _one_of_each_node(same, data, node_of)
        if last:
            beside = {node_of(brick) for brick in chosen}
            chosen.append(last.pop(next((at for at, each in enumerate(last) if node_of(each) not in beside), 0)))
        sets.append(tuple(brick.id for brick in chosen))
        left = [brick for brick in left if brick not in chosen]
    return (*sets, *((brick.id,) for brick in last))


def _one_of_each_node(bricks: Sequence[Brick], count: int, node_of: Callable[[Brick], str]) -> list[Brick]:
    """Return bricks of different nodes, of those first that have the most."""
    crowded = Counter(map(node_of, bricks))
    chosen: dict[str, Brick] = {}
    for brick in sorted(bricks, key=lambda each: (-crowded[node_of(each)], each.id)):
        if len(chosen) < count:
            chosen.setdefault(node_of(brick), brick)
    return list(chosen.values())
