"""What every use case tells of its operation's end, besides its plan."""

from collections.abc import Callable
from dataclasses import dataclass

from pyheketi.domain.change import Change
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation, Outcomes
from pyheketi.operations.steps import Step

End = Callable[[Topology, Operation, Outcomes], tuple[Change, ...]]
"""Return what the end of an operation changes in the topology as it is then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """How an operation ends, well or not."""

    finish: End
    """All steps are done. May raise ``Error`` when the world has moved on: then the operation is abandoned."""
    abandon: End
    """All steps are undone, or none had an effect."""
    no_return: type[Step] | None = None
    """Step after whose effect there is only the way forward."""
    forward_on_restart: bool = False
    """Whether an interrupted operation is brought to its end by a new server, instead of undone."""
    waits: bool = False
    """Whether it stays wanted while a node is away that it needs, and ends when that is back, instead of failing."""
