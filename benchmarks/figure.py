"""What is measured: figures with their spread and their targets."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that was measured several times in one run."""

    name: str
    unit: str
    values: Sequence[float]
    target: float | None = None
    more_is_better: bool = False

    @property
    def median(self) -> float:
        """The value to quote."""
        return statistics.median(self.values)

    def rounded(self) -> "Figure":
        """Return the same, its values as exact as is worth keeping."""
        return replace(self, values=tuple(float(f"{value:.4g}") for value in self.values))

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.median >= self.target if self.more_is_better else self.median <= self.target


def per_second(name: str, values: Sequence[float], target: float | None = None) -> Figure:
    """Return a figure of which more is better."""
    return Figure(name=name, unit="/s", values=values, target=target, more_is_better=True)
