"""The question, asked of the planning: runs on one hardware, or the search for the smallest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from pyheketi.control_plane.ids import SeededIds
from pyheketi.domain import errors
from pyheketi.domain.topology import Topology
from pyheketi.maintenance.simulate.hardware import Invented
from pyheketi.maintenance.simulate.results import Result, measured
from pyheketi.maintenance.simulate.wishes import Wanted
from pyheketi.planning import simulation
from pyheketi.planning.limits import Limits
from pyheketi.planning.simulation import Refusal

MOST = {"nodes": 1024, "devices": 256, "device-size": 1024 * 1024}
"""Where the search for hardware ends: nodes, devices of each node, GiB of each device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What volumes are to be placed, and how."""

    wanted: Wanted
    limits: Limits
    seed: int
    runs: int = 1
    target_gib: int = 0
    """GiB of volumes that are enough; 0: all."""

    @property
    def filling(self) -> bool:
        """Whether as much as possible is wanted, so that the end is a refusal."""
        return self.wanted.count is None and not self.target_gib

    def run(self, topology: Topology, number: int) -> Result:
        """Return what comes of one run, from 1. Its sizes are drawn apart, so that they do not depend on hardware."""
        filled = simulation.fill(
            topology,
            self.wanted.drawn(SeededIds(f"{self.seed} {number} sizes")),
            limits=self.limits,
            ids=SeededIds(f"{self.seed} {number} places"),
            target_gib=self.target_gib,
        )
        return measured(number, filled)

    def results(self, topology: Topology) -> list[Result]:
        """Return what comes of all runs."""
        return [self.run(topology, number) for number in range(1, self.runs + 1)]

    def fits(self, result: Result) -> bool:
        """Return whether a run placed what was wanted: everything, or at least one volume if that is not said."""
        return result.refusal is None or (self.filling and bool(result.sizes))


def resized(hardware: Invented, what: str, number: int) -> Invented:
    """Return the hardware with another number of nodes, of devices, or of GiB of a device."""
    match what:
        case "nodes":
            return replace(hardware, nodes=number)
        case "devices":
            return replace(hardware, devices=number)
        case _:
            return replace(hardware, device_gib=number)


def find(question: Question, hardware: Invented, what: str) -> Invented | Refusal:
    """Return the smallest hardware on which every run places all volumes; or why there is none."""
    runs = list(range(1, question.runs + 1))

    @cache
    def refused(number: int) -> Refusal | None:
        topology = resized(hardware, what, number).topology()
        for run in runs:
            if refusal := question.run(topology, run).refusal:
                runs.remove(run)
                runs.insert(0, run)  # the hardest first: most hardware that is tried is too small
                return refusal
        return None

    found = simulation.smallest(refused, begin=_least(question, hardware, what), most=MOST[what])
    return found if isinstance(found, Refusal) else resized(hardware, what, found)


def _least(question: Question, hardware: Invented, what: str) -> int:
    """Return a number below which there is not even enough space; no volume needs to be tried on less."""
    if question.target_gib:
        return 1
    try:
        needed = min(_raw_space(question, run) for run in range(1, question.runs + 1))
    except errors.RequestError:
        return 1
    least, most = 0, MOST[what]
    while most - least > 1:
        middle = (least + most) // 2
        if resized(hardware, what, middle).raw_kib < needed:
            least = middle
        else:
            most = middle
    return most


def _raw_space(question: Question, run: int) -> int:
    return simulation.raw_space(question.wanted.drawn(SeededIds(f"{question.seed} {run} sizes")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything that is to be told."""

    question: Question
    results: Sequence[Result]
    """Of all runs; none if no hardware was found."""
    nodes: int = 0
    devices: int = 0
    sought: str = ""
    """``nodes``, ``devices`` or ``device-size`` if hardware was sought."""
    found: Invented | Refusal | None = None
    """What was found, or why nothing was."""

    @property
    def fits(self) -> bool:
        """Whether every run placed what was wanted."""
        return bool(self.results) and all(map(self.question.fits, self.results))
