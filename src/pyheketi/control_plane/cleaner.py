"""Try stuck operations again: when a person says so, and now and then (operations.md §7)."""

import asyncio
import math
from collections.abc import Iterable

from pyheketi.control_plane.alarm import Alarm
from pyheketi.control_plane.work import Work
from pyheketi.domain.ids import IdSource, OperationId
from pyheketi.engine.runner import Run
from pyheketi.operations.operation import Kind, OperationState, Plan


class Cleaner:
    """Brings stuck operations to an end, if their nodes are back."""

    def __init__(self, work: Work, ids: IdSource, alarm: Alarm) -> None:
        self._work, self._ids, self._alarm = work, ids, alarm

    async def clean_up(self, ids: Iterable[str]) -> OperationId:
        """Begin to bring stuck operations to an end; without ``ids`` all of them, others are passed over."""
        wanted = list(ids) or self._work.stuck
        plan = Plan(kind=Kind.CLEAN_UP, subject="")
        return await self._work.begin(OperationId(self._ids.new()), plan, way=lambda run: self.try_again(run, wanted))

    async def try_again(self, run: Run, ids: Iterable[str] = ()) -> None:
        """Bring a clean-up to its end: after those operations, however they end."""
        await asyncio.gather(*self._work.try_again(ids), return_exceptions=True)
        if run.operation.state is not OperationState.RUNNING:
            run.move(OperationState.RUNNING)
        await self._work.conclude(run, OperationState.DONE)

    async def watch(self) -> None:
        """Try all again some time after the start, and then regularly."""
        now = asyncio.get_running_loop().time
        began, tried = now(), -math.inf

        def due() -> float:
            rules = self._work.rules
            if not rules.cleaner_enabled:
                return math.inf
            return max(began + rules.cleaner_start, tried + rules.cleaner_every)

        while True:
            await self._alarm.at(due)
            self._work.try_again(self._work.stuck)
            tried = now()
