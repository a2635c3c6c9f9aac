"""A whole server without sockets: control plane, simulated nodes, and a store that outlives them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyheketi.commands.options import NodeOptions
from pyheketi.control_plane.control_plane import ControlPlane
from pyheketi.control_plane.health import HealthSchedule
from pyheketi.control_plane.ids import SeededIds
from pyheketi.control_plane.jobs import Job
from pyheketi.control_plane.rules import Rules
from pyheketi.domain import errors, invariants
from pyheketi.domain.durability import DurabilityRequest
from pyheketi.domain.ids import ClusterId, NodeId
from pyheketi.domain.topology import Topology
from pyheketi.engine.perform import Performer
from pyheketi.executors.base import Executor
from pyheketi.executors.fake.executor import FakeExecutor
from pyheketi.executors.fake.inventory import Inventory
from pyheketi.executors.fake.nodes import FakeNodes
from pyheketi.executors.faults import FaultyExecutor, Rule
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.limits import Limits
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store.base import Store
from pyheketi.store.memory import MemoryStore

REPLICA_3 = DurabilityRequest(type="replicate", replica=3)


@dataclass
class House:
    """Starts, crashes and restarts a control plane over the same store and the same nodes."""

    rules: Rules = field(
        default_factory=lambda: Rules(
            health=HealthSchedule(enabled=False), cleaner_start=3600, max_in_flight=100, job_patience=0
        )
    )
    limits: Limits = field(default_factory=Limits)
    disk_gib: int = 500
    seed: int = 1
    store: Store = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.nodes = FakeNodes(disk_gib=self.disk_gib, find_manage=self._manage_host)
        self.executor = FaultyExecutor(FakeExecutor(self.nodes))
        self.fatal: list[errors.Error] = []
        self.starts = 0

    def _manage_host(self, storage: str) -> str | None:
        node = self.plane.tip.node(self.plane.tip.node_stored_at(storage) or "")
        return node.manage_host if node else None

    async def start(self) -> ControlPlane:
        self.starts += 1
        self.outside = asyncio.all_tasks()
        ids = SeededIds(self.seed * 1000 + self.starts)
        executor, store = self.doors()
        performer = Performer(executor, NodeOptions(), pauses=(0, 0), heal_pauses=(0, 0))
        loaded = await store.load()
        self.plane = ControlPlane(store, loaded, performer, ids, self.limits, self.rules, self.fatal.append)
        await self.plane.start()
        return self.plane

    def doors(self) -> tuple[Executor, Store]:
        """What the next server reaches nodes and the database by."""
        return self.executor, self.store

    async def crash(self) -> None:
        """Drop the control plane as a killed process would: nothing is said to anyone."""
        tasks = asyncio.all_tasks() - self.outside
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def break_(self, *rules: Rule) -> None:
        self.executor.rules = rules

    @property
    def topology(self) -> Topology:
        found = self.plane.topology
        assert invariants.check(found) == []
        return found

    def inventory(self) -> Inventory:
        return self.nodes.inventory()

    async def job(self, id_: str) -> Job:
        """Wait for the end of a job."""
        for _ in range(100_000):
            job = await self.plane.job(id_)
            assert job is not None
            if not job.pending:
                return job
            await asyncio.sleep(0)
        raise AssertionError(f"job {id_} never ends")

    async def done(self, id_: str) -> str:
        """Wait for the success of a job and return the id of what it made."""
        job = await self.job(id_)
        assert job.error == ""
        return job.result.rsplit("/", 1)[-1]

    async def furnish(self, zones: Sequence[int] = (1, 2, 3), devices: int = 1) -> ClusterId:
        """Make a cluster with a node for each zone, each with devices."""
        cluster = await self.plane.clusters.create(file=True, block=True)
        for number, zone in enumerate(zones):
            wish = NodeAdd(cluster=cluster.id, zone=zone, manage=(f"node{number}",), storage=(f"10.0.0.{number}",))
            node = await self.done(await self.plane.nodes.add(wish))
            for index in range(devices):
                device = DeviceAdd(node=NodeId(node), name=f"/dev/sd{chr(ord('b') + index)}")
                await self.done(await self.plane.devices.add(device))
        return cluster.id

    async def mend(self) -> None:
        """Mend all bricks that do not serve."""
        if found := (await self.plane.serving.survey()).troubles:
            await self.done(await self.plane.serving.mend([each.place.brick for each in found]))
        assert (await self.plane.serving.survey()).troubles == ()

    async def create(self, size_gib: int = 1, durability: DurabilityRequest = REPLICA_3) -> str:
        return await self.done(await self.plane.volumes.create(VolumeCreate(size_gib=size_gib, durability=durability)))
