"""Simulated nodes: what runs for ``executor: mock``, and what tests stand on.

They keep real state and answer the same commands as real nodes, errors included. ``state`` is what nodes hold, ``lvm``,
``shell`` and ``gluster`` are the programs, ``nodes`` finds nodes by name and fills them from a topology.
"""

from pyheketi.executors.fake.executor import FakeExecutor
from pyheketi.executors.fake.inventory import Inventory
from pyheketi.executors.fake.nodes import DISK_GIB, FakeNodes
from pyheketi.executors.fake.state import FakeNode

__all__ = ["DISK_GIB", "FakeExecutor", "FakeNode", "FakeNodes", "Inventory"]
