"""What stories and mishaps (tests/property) have found: each once more, by itself."""

from collections.abc import Awaitable, Callable

import pytest
from tests import leaping, strays, wishes
from tests.mishaps import Mishap, MortalHouse
from tests.rehearsal import furnished
from tests.wishes import Wish

from pyheketi.domain.entities import State
from pyheketi.executors.faults import Fail, Late, Lose, Rule, matching
from pyheketi.operations.operation import Kind


def told(story: Callable[[], Awaitable[None]]) -> None:
    async def tell() -> None:
        await story()

    leaping.run(tell())


async def refused(house: MortalHouse, wish: Wish) -> str:
    """Make a wish that fails; return why."""
    job = await house.job(await wish(house, 0))
    assert job.error
    return job.error


@pytest.mark.parametrize(("command", "skip"), [("lvs|vgs", 0), ("lvs|vgs", 2), ("volume info", 2)])
def test_a_clone_that_loses_a_node_when_gluster_has_made_it_leaves_nothing(command: str, skip: int) -> None:
    async def story() -> None:
        house = await furnished(wishes.clone)
        house.break_(Rule(matching(command), Lose(), skip=skip, times=1))
        assert "connection lost" in await refused(house, wishes.clone)
        await house.recover()
        house.require_agreement()

    told(story)


@pytest.mark.parametrize("wish", [wishes.create, wishes.create_block, wishes.clone, wishes.expand])
def test_what_the_database_may_take_for_done_is_not_undone(wish: Wish) -> None:
    async def story() -> None:
        house = await furnished(wish)
        house.doom(-1, Mishap.ANSWER_LOST)
        await house.done(await wish(house, 0))
        last = len(house.fate.deeds) - 1
        house = await furnished(wish)
        house.doom(last, Mishap.ANSWER_LOST)
        id_ = await house.survive(lambda: wish(house, 0))
        assert house.starts > 1
        assert id_ is not None
        await house.done(id_)
        house.require_agreement()

    told(story)


@pytest.mark.parametrize("wish", [wishes.create, wishes.expand, wishes.evict, wishes.clone])
def test_an_end_that_could_not_be_written_is_tried_again(wish: Wish) -> None:
    async def story() -> None:
        house = await furnished(wish)
        house.break_(Rule(matching("volume (create|add-brick|replace-brick)|snapshot create"), Fail(1, "no")))
        house.doom(-1, Mishap.ERROR)
        await refused(house, wish)
        last = max(at for at, deed in enumerate(house.fate.deeds) if deed.command is None)
        house.break_()
        house = await furnished(wish)
        house.break_(Rule(matching("volume (create|add-brick|replace-brick)|snapshot create"), Fail(1, "no")))
        house.doom(last, Mishap.ERROR)
        await house.survive(lambda: wish(house, 0))
        assert house.fate_was_fulfilled
        house.require_agreement()

    told(story)


@pytest.mark.parametrize("scripts", range(1, 6))
@pytest.mark.parametrize(
    ("wish", "command"),
    [
        (wishes.create, "volume create"),
        (wishes.expand, "add-brick"),
        (wishes.evict, "replace-brick"),
        (wishes.delete, "volume delete"),
        (wishes.clone, "snapshot create"),
        (wishes.clone, "snapshot clone"),
    ],
)
def test_what_gluster_does_after_the_limit_is_waited_for(wish: Wish, command: str, scripts: int) -> None:
    async def story() -> None:
        house = await furnished(wish)
        house.break_(Rule(matching(command), Late(scripts), times=1))
        await house.survive(lambda: wish(house, 0))
        house.require_agreement()

    told(story)


def test_a_device_whose_volume_group_is_gone_is_not_shown_again() -> None:
    async def story() -> None:
        house = await furnished(wishes.delete_device)
        house.break_(Rule(matching("pvremove"), Fail(5, "Can't open /dev/new exclusively")))
        assert "exclusively" in await refused(house, wishes.delete_device)
        assert [device.pending is not None for device in house.topology.devices() if device.state is State.FAILED] == [
            True
        ]
        house.break_()
        await house.done(await wishes.delete_device(house, 0))
        house.require_agreement()
        assert all(device.state is not State.FAILED for device in house.topology.devices())

    told(story)


def test_the_first_two_nodes_of_a_cluster_may_be_added_at_the_same_time() -> None:
    async def story() -> None:
        house = MortalHouse()
        await house.start()
        await wishes.create_cluster(house, 0)
        both = [await wishes.add_node(house, pick) for pick in (0, 1)]
        for id_ in both:
            await house.done(id_)
        assert house.inventory().pools == ("new0, new1",)
        house.require_agreement()

    told(story)


def test_a_node_that_has_left_the_pool_is_not_shown_again() -> None:
    async def story() -> None:
        house = await furnished(wishes.delete_node)
        before = len(list(house.topology.nodes()))
        house.break_(Rule(matching("peer detach"), Lose(sent=True), times=1))
        await refused(house, wishes.delete_node)
        await house.recover()
        house.require_agreement()
        assert len(list(house.topology.nodes())) == before - 1

    told(story)


def test_a_deletion_that_can_never_succeed_is_given_up_after_a_restart() -> None:
    """Otherwise its device would stay hidden, and what is in the way could not be removed as an orphan."""

    async def story() -> None:
        house = await furnished(wishes.delete_device)
        (device,) = (each for each in house.topology.devices() if each.state is State.FAILED)
        node = house.topology.node(device.node)
        assert node
        place = strays.place_in(device.volume_group, node.manage_host)
        await strays.plant(house, place)
        house.doom(0, Mishap.CRASH_AFTER)
        await house.survive(lambda: wishes.delete_device(house, 0))
        assert house.plane.operations == []
        (ended, *_) = [each for each in await house.plane.history(limit=9) if each.kind is Kind.DELETE_DEVICE]
        assert "still contains" in ended.error
        assert "heketi-cli server state orphans" in ended.error
        await house.done(await house.plane.orphans.remove([place.brick]))
        await house.done(await wishes.delete_device(house, 0))

    told(story)
