"""What can be wished for devices."""

from collections.abc import Mapping
from dataclasses import replace

from pyheketi.control_plane.finding import existing, shown
from pyheketi.control_plane.removals import Removals
from pyheketi.control_plane.work import Work
from pyheketi.domain.change import Put
from pyheketi.domain.entities import Device, State, Tags
from pyheketi.domain.ids import DeviceId, IdSource, OperationId
from pyheketi.operations.operation import Kind
from pyheketi.planning import devices, tags
from pyheketi.planning.devices import DeviceAdd


class Devices:
    """Adds, changes and removes devices."""

    def __init__(self, work: Work, removals: Removals, ids: IdSource) -> None:
        self._work, self._removals, self._ids = work, removals, ids

    async def add(self, request: DeviceAdd) -> OperationId:
        """Begin to add a device. Raises ``NotFound``, ``Conflict``."""
        operation = OperationId(self._ids.new())
        device = DeviceId(self._ids.new())
        plan = devices.plan_add(self._work.tip, request, device=device, operation=operation)
        return await self._work.begin(operation, plan)

    async def delete(self, id_: str, *, force_forget: bool) -> OperationId:
        """Begin to remove a device, or go on with a removal that got stuck.

        Raises ``NotFound``, ``RequestError``, ``Conflict``, ``TooManyOperations``.
        """
        if stuck := self._work.stuck_on(existing(self._work.tip.device(id_)), Kind.DELETE_DEVICE):
            return self._work.take_up(stuck)
        operation = OperationId(self._ids.new())
        device = self._find(id_)
        plan = devices.plan_delete(self._work.tip, device, forget_failures=force_forget, operation=operation)
        return await self._work.begin(operation, plan)

    async def set_state(self, id_: str, state: State, *, check_heal: bool = True) -> OperationId:
        """Change a device's state; a refusal is told by the job. Raises ``NotFound``, ``TooManyOperations``.

        In the way to ``failed`` all bricks are moved off, after a look at what heals unless told otherwise.
        """
        device = self._find(id_)
        if state is State.FAILED and self._work.tip.count_bricks(device.id):
            return await self._removals.begin_device(device, check_heal=check_heal)
        return await self._work.decide(
            OperationId(self._ids.new()),
            Kind.SET_DEVICE_STATE,
            id_,
            lambda: devices.plan_state(self._work.tip, device, state),
            throttled=state is State.FAILED,
        )

    async def resync(self, id_: str) -> OperationId:
        """Begin to read a device's numbers from its node; a refusal is told by the job. Raises ``NotFound``."""
        operation = OperationId(self._ids.new())
        device = self._find(id_)
        return await self._work.decide(
            operation,
            Kind.RESYNC_DEVICE,
            id_,
            lambda: devices.plan_resync(self._work.tip, device, operation=operation),
            throttled=False,
        )

    async def change_tags(self, id_: str, change: str, wanted: Mapping[str, str]) -> Tags:
        """Change tags of a device and return all that it has then. Raises ``NotFound``."""
        device = self._find(id_)
        made = replace(device, tags=tags.changed(device.tags, change, wanted))
        await self._work.change(Kind.SET_DEVICE_TAGS, id_, [Put(made)])
        return made.tags

    def _find(self, id_: str) -> Device:
        return shown(self._work.tip.device(id_))
