"""What is logged of a database that contradicts itself."""

from dataclasses import replace

import pytest
from tests.builders import World

from pyheketi.control_plane import soundness
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Pending
from pyheketi.domain.ids import OperationId

WORLD = World()


def test_a_sound_database_is_not_talked_about(caplog: pytest.LogCaptureFixture) -> None:
    soundness.warn(WORLD.topology(), ())
    assert caplog.messages == []


def test_marks_and_broken_rules_are_told(caplog: pytest.LogCaptureFixture) -> None:
    topology = WORLD.topology()
    node, device = next(topology.nodes()), next(topology.devices())
    marked = Put(replace(node, pending=Pending(OperationId("gone"), hidden=False)))
    full = Put(replace(device, foreign=device.total + 7))
    soundness.warn(topology.apply([marked, full]), ())
    told = [message.removeprefix("The database contradicts itself: ") for message in caplog.messages]
    assert told[0] == f"device {device.id}: 7 KiB more in use than there are"
    assert told[1].startswith(
        f"node {node.id} is marked by operation gone, which does not exist; heketi db scrub --all"
    )
    assert len(told) == 2


def test_only_the_first_of_many_are_told(caplog: pytest.LogCaptureFixture) -> None:
    topology = World(zones=(1,) * 30).topology()
    full = [Put(replace(device, foreign=device.total + 1)) for device in topology.devices()]
    soundness.warn(topology.apply(full), ())
    assert (len(caplog.messages), caplog.messages[-1]) == (21, "The database contradicts itself in 10 more places")
