"""What a commit and a start cost: ``python benchmarks/store.py [directory or postgresql+psycopg://…] [volumes]``.

Prints medians, with the CPU time of the process beside the time on the clock: the difference is the wait for the disk.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from pyheketi.control_plane.ids import SeededIds
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.durability import DurabilityRequest, Replicate
from pyheketi.domain.entities import Brick, Cluster, Device, Node, Pending, Volume
from pyheketi.domain.ids import BrickId, ClusterId, DeviceId, NodeId, OperationId, VolumeId
from pyheketi.operations.operation import Kind, Operation, OperationState
from pyheketi.operations.steps import CreateBrick, CreateVolume, place_of
from pyheketi.store.base import Store
from pyheketi.store.opening import open_store

IDS = SeededIds(1)


def nodes() -> tuple[Cluster, list[Node], list[Device]]:
    cluster = Cluster(id=ClusterId(IDS.new()), file=True, block=True)
    made = [
        Node(id=NodeId(IDS.new()), cluster=cluster.id, zone=1, manage=(f"node{n}",), storage=(f"10.0.0.{n}",))
        for n in range(3)
    ]
    return cluster, made, [Device(id=DeviceId(IDS.new()), node=node.id, name="/dev/sdb", total=2**50) for node in made]


def create(cluster: Cluster, on: list[Node], devices: list[Device]) -> tuple[Volume, list[Brick], Operation]:
    volume, operation = VolumeId(IDS.new()), OperationId(IDS.new())
    bricks = [
        Brick(
            id=BrickId(IDS.new()),
            device=device.id,
            volume=volume,
            size=2**20,
            pool_size=2**20,
            metadata_size=8192,
            thin_pool=f"tp_{IDS.new()}",
        )
        for device in devices
    ]
    places = [place_of(*each) for each in zip(bricks, devices, on, strict=True)]
    made = Volume(
        id=volume,
        name=f"vol_{volume}",
        cluster=cluster.id,
        size_gib=1,
        durability=Replicate(3),
        durability_request=DurabilityRequest(type="replicate", replica=3),
        options=("",),
        brick_sets=(tuple(brick.id for brick in bricks),),
        pending=Pending(operation, hidden=True),
    )
    steps = tuple(CreateBrick(place=place, size=2**20, pool_size=2**20, metadata_size=8192) for place in places)
    last = CreateVolume(
        hosts=tuple(node.manage_host for node in on),
        volume=volume,
        name=made.name,
        durability=made.durability,
        brick_sets=(tuple(place.gluster_name for place in places),),
    )
    planned = Operation(
        id=operation,
        kind=Kind.CREATE_VOLUME,
        subject=volume,
        state=OperationState.PLANNED,
        groups=(steps, (last,)),
        result=f"/volumes/{volume}",
        created_at=time.time(),
        updated_at=time.time(),
    )
    return made, bricks, planned


class Timings:
    """Milliseconds on the clock and of CPU, by what was measured."""

    def __init__(self) -> None:
        self.taken: dict[str, list[tuple[float, float]]] = {}

    async def of(self, what: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do the work and note what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        took = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
        self.taken.setdefault(what, []).append(took)

    def show(self) -> None:
        """Print the medians."""
        for what, taken in self.taken.items():
            wall, cpu = (statistics.median(each) for each in zip(*taken, strict=True))
            print(f"{what:32} {wall:8.3f} ms   CPU {cpu:8.3f} ms   ({len(taken)} times)")


async def measure(place: str, volumes: int) -> None:
    timings = Timings()
    store = await open_store(place)
    cluster, on, devices = nodes()
    first: list[Cluster | Node | Device] = [cluster, *on, *devices]
    revision = await store.commit([Put(each) for each in first], [], expected=0)

    async def commit(what: str, changes: list[Change], operation: Operation, store: Store = store) -> None:
        nonlocal revision
        await timings.of(what, lambda: store.commit(changes, [operation], expected=revision))
        revision += 1

    for number in range(volumes):
        volume, bricks, planned = create(cluster, on, devices)
        shown = replace(volume, pending=None)
        done = replace(planned, state=OperationState.DONE, updated_at=time.time())
        await commit("begin of a volume create", [Put(volume), *map(Put, bricks)], planned)
        await commit("end of a volume create", [Put(shown)], done)
        if number % 10 == 0:
            deletion = replace(done, id=OperationId(IDS.new()), kind=Kind.DELETE_VOLUME)
            await commit("end of a volume delete", [*map(Remove, bricks), Remove(shown)], deletion)
    await store.aclose()

    async def reopen() -> None:
        nonlocal store
        store = await open_store(place)

    for _ in range(5):
        await timings.of(f"open, {volumes} volumes made", reopen)
        await timings.of(f"load, {volumes} volumes made", store.load)
        await store.aclose()
    timings.show()


def main() -> None:
    place = sys.argv[1] if len(sys.argv) > 1 else None
    volumes = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    if place and "://" in place:
        asyncio.run(measure(place, volumes))
    else:
        with tempfile.TemporaryDirectory(dir=place) as directory:
            asyncio.run(measure(str(Path(directory) / "heketi.db"), volumes))


if __name__ == "__main__":
    main()
