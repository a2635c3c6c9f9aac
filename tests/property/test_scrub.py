"""Kill the server at every deed, and end what it left by hand: the database is whole, and what is left is listed."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests import leaping, wishes
from tests.builders import World
from tests.mishaps import Mishap, MortalHouse
from tests.rehearsal import WISHES, deeds_of, furnished
from tests.wishes import Wish

from pyheketi.commands.options import NodeOptions
from pyheketi.domain import invariants
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Brick, Pending
from pyheketi.domain.ids import BrickId, OperationId, VolumeId
from pyheketi.domain.topology import Topology
from pyheketi.executors.fake.inventory import Inventory
from pyheketi.executors.fake.nodes import FakeNodes
from pyheketi.migrate import checking, exporting
from pyheketi.migrate.findings import Rule
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.planning import scrubbing
from pyheketi.planning.devices import handle_of
from pyheketi.planning.leftovers import LeftBrick, Leftovers
from pyheketi.planning.scrubbing import Forgetting
from pyheketi.store.base import Loaded

ENDED = [wish for wish in WISHES if wish is not wishes.remove_orphans]  # what that leaves was nobody's before


async def killed(wish: Wish, at: int, mishap: Mishap) -> tuple[MortalHouse, Loaded]:
    """Return a house whose server died at a deed, and its database."""
    house = await furnished(wish)
    house.doom(at, mishap)
    wishing = asyncio.ensure_future(wish(house, 0))
    while not house.fate.dead:
        await asyncio.sleep(0)
    wishing.cancel()
    await asyncio.gather(wishing, return_exceptions=True)
    await house.crash()
    return house, await house.store.load()


def scrubbed(loaded: Loaded, *, keep_space: bool) -> Forgetting:
    return scrubbing.end(
        Topology(loaded.entities),
        loaded.unfinished,
        unfinished=loaded.unfinished,
        keep_space=keep_space,
        now=0,
        marks=True,
    )


def require_whole(loaded: Loaded, *, keep_space: bool) -> Forgetting:
    made = scrubbed(loaded, keep_space=keep_space)
    topology = made.topology
    assert topology == Topology(loaded.entities).apply(made.changes)
    assert Topology(topology.entities()) == topology
    assert invariants.check(topology) == []
    found = checking.findings(exporting.exported(topology, (), ""))
    assert [each for each in found if not (keep_space and each.rule is Rule.DEVICE_USED)] == []
    kinds = (topology.nodes(), topology.devices(), topology.volumes(), topology.block_volumes())
    assert [each.id for kind in kinds for each in kind if each.pending is not None] == []
    assert [each.id for each in made.operations] == [each.id for each in loaded.unfinished]
    assert all(each.state.finished and each.error == scrubbing.ENDED for each in made.operations)
    return made


def expected(house: MortalHouse, topology: Topology) -> Inventory:
    return FakeNodes.from_topology(
        topology, options=NodeOptions(), disk_gib=house.disk_gib, find_manage=house._manage_host
    ).inventory()


def names(left: Leftovers) -> Iterator[str]:
    """Yield beginnings of the lines of an inventory that the list tells of, without the first word of some."""
    for volume in left.volumes:
        yield f"gluster_volumes: {volume.name} "
    for snapshot in left.snapshots:
        yield f"snapshots: {snapshot.name} "
    for block in left.block_volumes:
        yield f"block_volumes: {block.hosting}/{block.name} "
    for device in left.devices:
        yield f"physical_volumes: {device.host} {device.name}"
    for peer in left.peers:
        yield f"pools: {peer.storage_host}"
    for brick in left.bricks:
        if brick.known_by_name:
            yield from brick_names(brick)


def brick_names(brick: LeftBrick) -> Iterator[str]:
    place = brick.place
    yield f"logical_volumes: {place.host} {place.volume_group}/{place.logical_volume} "
    if not brick.pool_also_holds:
        yield f"logical_volumes: {place.host} {place.volume_group}/{place.thin_pool} "
    if brick.fstab:
        yield f"fstab: {place.host} {brick.fstab}"
    yield f"mounts: {place.host} {place.device_path} {place.mount_point} "
    yield f"directories: {place.host} {place.mount_point}"
    if brick.of_clone:  # gluster's own folder for it
        yield f"directories: {place.host} {place.mount_point.rpartition('/')[0]} "


def lines_of(inventory: Inventory) -> set[str]:
    """Return lines without the member of the pool that the pool is known by, which a new member may change."""
    found = set()
    for line in inventory.lines:
        kind, _, rest = line.partition(": ")
        if kind in ("gluster_volumes", "snapshots", "block_volumes"):
            rest = rest.partition(" ")[2]
        if kind != "pools":
            found.add(f"{kind}: {rest}")
    return found


def is_told(line: str, left: tuple[Leftovers, ...]) -> bool:
    kind, _, rest = line.partition(": ")
    if any(line.startswith(name) for each in left for name in names(each)):
        return True
    if kind == "gluster_volumes":
        return any(f" {rest.partition(' ')[0]} " in doubt for each in left for doubt in each.doubts)
    if kind == "block_volumes":
        return any(f"{rest.partition(' ')[0]}`" in doubt for each in left for doubt in each.doubts)
    if kind in ("logical_volumes", "mounts", "directories"):  # of a clone, under names that gluster chose
        unnamed = [brick for each in left for brick in each.bricks if not brick.known_by_name]
        return any(
            f" in {brick.place.thin_pool}" in line
            or (brick.place.host == rest.partition(" ")[0] and "/run/gluster/snaps/" in line)
            for brick in unnamed
        )
    return False


@pytest.mark.parametrize("wish", ENDED, ids=lambda wish: wish.__name__)
def test_what_was_killed_is_ended_by_hand(wish: Wish) -> None:
    async def everywhere() -> None:
        for at in range(len(await deeds_of(wish))):
            for mishap in (Mishap.CRASH_BEFORE, Mishap.CRASH_AFTER):
                house, loaded = await killed(wish, at, mishap)
                made = require_whole(loaded, keep_space=False)
                require_whole(loaded, keep_space=True)
                beyond = lines_of(house.inventory()) - lines_of(expected(house, made.topology))
                untold = [line for line in beyond if not is_told(line, made.left)]
                assert untold == []

    leaping.run(everywhere())


@pytest.mark.parametrize(
    "wish", [wishes.create, wishes.expand, wishes.evict, wishes.create_block], ids=lambda wish: wish.__name__
)
def test_all_that_is_told_is_there_when_only_the_end_was_missing(wish: Wish) -> None:
    async def at_the_end() -> None:
        house, loaded = await killed(wish, len(await deeds_of(wish)) - 1, Mishap.CRASH_BEFORE)
        made = scrubbed(loaded, keep_space=False)
        found = lines_of(house.inventory())
        told = [name for each in made.left for name in names(each)]
        assert len(told) >= 5
        assert [name for name in told if not any(line.startswith(name) for line in found)] == []

    leaping.run(at_the_end())


def test_orphans_that_were_to_be_removed_are_told() -> None:
    topology = World().topology()
    device = next(topology.devices())
    node = topology.node(device.node)
    assert node is not None
    orphan = Brick(
        id=BrickId("b" * 32),
        device=device.id,
        volume=VolumeId(""),
        size=1,
        pool_size=1,
        metadata_size=1,
        thin_pool="tp_" + "b" * 32,
    )
    place = steps.place_of(orphan, device, node)
    removal = Operation(
        id=OperationId("o1"),
        kind=Kind.REMOVE_ORPHANS,
        subject="",
        state=OperationState.STUCK,
        groups=((steps.DestroyBrick(place=place),), (steps.InspectDevice(device=handle_of(device, node)),)),
        created_at=0,
        updated_at=0,
    )
    marked = topology.apply([Put(replace(device, pending=Pending(removal.id, hidden=False)))])
    made = scrubbing.end(marked, [removal], unfinished=[removal], keep_space=False, now=0)
    assert made.topology == topology
    assert [brick.place for each in made.left for brick in each.bricks] == [place]
