"""What came of a simulation, in numbers."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyheketi.domain import size
from pyheketi.domain.entities import State
from pyheketi.domain.topology import Topology
from pyheketi.planning.simulation import Filled, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """A device when all volumes are placed. KiB."""

    node: str
    """Management name."""
    zone: int
    name: str
    online: bool
    """Whether it and its node take bricks."""
    total: int
    used: int
    """Thin pools with metadata, and what was there before."""
    bricks: int

    @property
    def percent(self) -> float:
        """Part in use."""
        return 100 * self.used / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run. KiB unless the name says otherwise."""

    number: int
    """From 1."""
    sizes: tuple[int, ...]
    """GiB of the volumes that were placed."""
    refusal: Refusal | None
    devices: tuple[DeviceUse, ...]
    pools: int
    """Thin pools of the volumes that were placed, without metadata."""
    metadata: int
    """Metadata of these pools."""

    @property
    def total_gib(self) -> int:
        """GiB of the volumes that were placed."""
        return sum(self.sizes)

    @property
    def mean_gib(self) -> float:
        """Mean size of a volume."""
        return statistics.fmean(self.sizes) if self.sizes else 0.0

    @property
    def median_gib(self) -> float:
        """Median size of a volume."""
        return statistics.median(self.sizes) if self.sizes else 0.0

    @property
    def total(self) -> int:
        """All devices."""
        return sum(device.total for device in self.devices)

    @property
    def used(self) -> int:
        """In use on all devices."""
        return sum(device.used for device in self.devices)

    @property
    def percent(self) -> float:
        """Part of all devices in use."""
        return 100 * self.used / self.total if self.total else 0.0

    @property
    def raw_per_usable(self) -> float:
        """KiB taken from devices for each KiB of the volumes that were placed; 0 if none was."""
        return (self.pools + self.metadata) / (self.total_gib * size.KIB_PER_GIB) if self.sizes else 0.0

    @property
    def least_percent(self) -> float:
        """Use of the emptiest device."""
        return min((device.percent for device in self.devices), default=0.0)

    @property
    def most_percent(self) -> float:
        """Use of the fullest device."""
        return max((device.percent for device in self.devices), default=0.0)

    @property
    def deviation(self) -> float:
        """Standard deviation of the devices' use, in percent points."""
        return statistics.pstdev(device.percent for device in self.devices) if self.devices else 0.0


def measured(number: int, filled: Filled) -> Result:
    """Return the numbers of a run."""
    bricks = list(filled.bricks)
    return Result(
        number=number,
        sizes=filled.sizes,
        refusal=filled.refusal,
        devices=tuple(_devices(filled.topology)),
        pools=sum(brick.pool_size for brick in bricks),
        metadata=sum(brick.metadata_size for brick in bricks),
    )


def _devices(topology: Topology) -> list[DeviceUse]:
    return [
        DeviceUse(
            node=node.manage_host,
            zone=node.zone,
            name=device.name,
            online=node.state is State.ONLINE and device.state is State.ONLINE,
            total=device.total,
            used=topology.used(device),
            bricks=topology.count_bricks(device.id),
        )
        for node in topology.nodes()
        for device in topology.devices_of(node.id)
    ]


Number = Callable[[Result], float]
NUMBERS: dict[str, Number] = {
    "volumes": lambda each: len(each.sizes),
    "total_gib": lambda each: each.total_gib,
    "mean_gib": lambda each: each.mean_gib,
    "median_gib": lambda each: each.median_gib,
    "total_kib": lambda each: each.total,
    "used_kib": lambda each: each.used,
    "used_percent": lambda each: each.percent,
    "pool_kib": lambda each: each.pools,
    "metadata_kib": lambda each: each.metadata,
    "raw_per_usable": lambda each: each.raw_per_usable,
    "least_percent": lambda each: each.least_percent,
    "most_percent": lambda each: each.most_percent,
    "deviation_percent": lambda each: each.deviation,
}
"""What is told of a run, by the name that CSV and JSON have for it."""


def over_runs(results: Sequence[Result], of: Callable[[Sequence[float]], float]) -> dict[str, float]:
    """Return the mean, the median or the like of each number of several runs."""
    return {name: of([number(each) for each in results]) for name, number in NUMBERS.items()}
