"""Add, delete and look at devices, and change their state (rest-api.md §7.4)."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put, Remove
from pyheketi.domain.entities import Brick, Device, Node, Pending, State, Tags, is_hidden
from pyheketi.domain.ids import DeviceId, NodeId, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.planning.use_case import UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAdd:
    """A wish for a device, its form already checked."""

    node: NodeId
    name: str
    tags: Tags = ()
    destroy_data: bool = False


def handle_of(device: Device, node: Node) -> steps.DeviceHandle:
    """Return what finds the device on its node."""
    return steps.DeviceHandle(
        host=node.manage_host, volume_group=device.volume_group, name=device.name, pv_uuid=device.pv_uuid
    )


def plan_add(topology: Topology, request: DeviceAdd, *, device: DeviceId, operation: OperationId) -> Plan:
    """Plan to make a block device a volume group of ours.

    Raises:
        NotFound: no such node.
        Conflict: the node has that device already.
        InUse: the node is being removed.
    """
    node = topology.node(request.node)
    if node is None or is_hidden(node):
        raise errors.NotFound("Node id does not exist")
    for other in topology.devices_of(node.id):
        if request.name == other.name or request.name in other.paths:
            raise errors.Conflict(f"Device {request.name} on {node.manage_host} is already in use (ID: {other.id})")
    made = Device(
        id=device,
        node=node.id,
        name=request.name,
        tags=request.tags,
        pending=Pending(operation, hidden=True),
    )
    known = tuple((other.pv_uuid, other.id) for other in topology.devices() if other.pv_uuid)
    set_up = steps.SetUpDevice(
        device=handle_of(made, node),
        destroy_data=request.destroy_data,
        known_pv_uuids=known if request.destroy_data else (),
        some_pv_uuid_unknown=any(not other.pv_uuid and not other.pending for other in topology.devices()),
    )
    return Plan(kind=Kind.ADD_DEVICE, subject=device, begin=(Put(made),), groups=((set_up,),))


def finish_add(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Show the device with what its node said about it."""
    device = topology.device(operation.subject)
    report = _report(outcomes)
    if device is None or report is None:
        return ()
    made = replace(
        device,
        total=report.total,
        foreign=report.used,
        extent=report.extent,
        pv_uuid=report.pv_uuid,
        paths=report.paths,
        pending=None,
    )
    return (Put(made),)


def forget(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Forget the device."""
    device = topology.device(operation.subject)
    return (Remove(device),) if device else ()


def unmark(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Leave the device as it was."""
    device = topology.device(operation.subject)
    return (Put(replace(device, pending=None)),) if device else ()


ADD = UseCase(finish=finish_add, abandon=forget)


def plan_delete(topology: Topology, device: Device, *, forget_failures: bool, operation: OperationId) -> Plan:
    """Plan to give a device back.

    Raises:
        RequestError: it is not in failed state.
        Conflict: it holds bricks.
        InUse: another operation is at work on it.
    """
    if device.state is not State.FAILED:
        raise errors.RequestError(f"device: {device.id} is not in failed state")
    if topology.count_bricks(device.id):
        raise errors.Conflict(f"Unable to delete device [{device.id}] because it contains bricks")
    require_idle(device)
    tear_down = steps.TearDownDevice(device=handle_of(device, _node_of(topology, device)), forget=forget_failures)
    return Plan(
        kind=Kind.DELETE_DEVICE,
        subject=device.id,
        begin=(Put(replace(device, pending=Pending(operation, hidden=True))),),
        groups=((tear_down,),),
    )


DELETE = UseCase(finish=forget, abandon=unmark, no_return=steps.TearDownDevice, forward_on_restart=True)


def plan_resync(topology: Topology, device: Device, *, operation: OperationId) -> Plan:
    """Plan to read a device's size and use from its node.

    Raises:
        InUse: an operation is at work on it, or on a volume that it has bricks of.
    """
    require_idle(device)
    bricks = topology.bricks_on(device.id)
    _require_quiet(topology, device, bricks)
    inspect = steps.InspectDevice(
        device=handle_of(device, _node_of(topology, device)), bricks=tuple(brick.id for brick in bricks)
    )
    return Plan(
        kind=Kind.RESYNC_DEVICE,
        subject=device.id,
        begin=(Put(replace(device, pending=Pending(operation, hidden=False))),),
        groups=((inspect,),),
    )


def finish_resync(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Take over LVM's numbers; the extent size stays (placement.md §4).

    Raises:
        InUse: bricks came or went meanwhile, so that the numbers belong to another moment.
    """
    device, report = topology.device(operation.subject), _report(outcomes)
    if device is None or report is None:
        return ()
    seen = {brick for step in operation.steps if isinstance(step, steps.InspectDevice) for brick in step.bricks}
    return (Put(replace(as_read(topology, device, report, seen), pending=None)),)


def as_read(topology: Topology, device: Device, report: steps.DeviceReport, seen: Collection[str]) -> Device:
    """Return a device with LVM's numbers; ``seen`` are the bricks it held when they were asked for.

    Raises:
        InUse: bricks came or went meanwhile, or may have, so that the numbers belong to another moment.
    """
    bricks = topology.bricks_on(device.id)
    if {brick.id for brick in bricks} != set(seen):
        raise errors.InUse(f"Bricks on device {device.id} changed while it was read. Try again.")
    _require_quiet(topology, device, bricks)
    ours = topology.used(device) - device.foreign  # pools that bricks of clones share count once
    return replace(
        device,
        total=report.total,
        foreign=report.used - ours,
        pv_uuid=report.pv_uuid or device.pv_uuid,
        paths=report.paths or device.paths,
    )


RESYNC = UseCase(finish=finish_resync, abandon=unmark)


def plan_state(topology: Topology, device: Device, wanted: State) -> Plan:
    """Plan another state (rest-api.md §7.3, the table of transitions).

    Raises:
        Conflict: there is no way from the present state to the wanted one.
        InUse: another operation is at work on the device; only that no new bricks come is no harm.
    """
    if wanted is not State.OFFLINE:
        require_idle(device)
    changes: tuple[Change, ...] = (Put(replace(device, state=wanted)),)
    match device.state, wanted:
        case before, after if before is after:
            changes = ()
        case _, State.FAILED:
            require_removable(topology, device)
        case State.FAILED, State.ONLINE:
            raise errors.Conflict("Cannot move a failed/removed device to online state")
    return Plan(kind=Kind.SET_DEVICE_STATE, subject=device.id, begin=changes)


def require_removable(topology: Topology, device: Device) -> None:
    """Refuse to remove a device that is in use for something else.

    Raises:
        Conflict: it is online.
        InUse: an operation is at work on it, on bricks of it, or on its node.
    """
    require_idle(device)
    if (node := topology.node(device.node)) and node.pending:
        raise errors.InUse(f"Node {node.id} is busy: operation {node.pending.operation} is at work on it")
    if device.state is State.ONLINE:
        raise errors.Conflict(f"Device must be offline before remove operation is performed, device:{device.id}")
    require_settled(topology, device)


def require_settled(topology: Topology, device: Device) -> None:
    """Refuse while an operation is at work on a device or on bricks of it. Raises ``InUse``."""
    require_idle(device)
    _require_settled(topology, device, topology.bricks_on(device.id))


def _require_quiet(topology: Topology, device: Device, bricks: list[Brick]) -> None:
    """Refuse while a brick may be gone from the device and not yet from the books, or the other way round."""
    for brick in bricks:
        volume = topology.volume(brick.volume)
        if volume is None or volume.pending:
            raise errors.InUse(f"The volume of brick {brick.id} on device {device.id} is just being changed")


def _require_settled(topology: Topology, device: Device, bricks: list[Brick]) -> None:
    for brick in bricks:
        volume = topology.volume(brick.volume)
        if volume is None or (volume.pending and (volume.pending.hidden or brick.id not in volume.bricks)):
            raise errors.InUse(f"Brick {brick.id} on device {device.id} is just being made or removed")


def require_idle(device: Device) -> None:
    """Refuse while an operation is at work on a device itself. Raises ``InUse``."""
    if device.pending is not None:
        raise errors.InUse(f"Device {device.id} is busy: operation {device.pending.operation} is at work on it")


def _node_of(topology: Topology, device: Device) -> Node:
    node = topology.node(device.node)
    if node is None:
        raise errors.BrokenInvariant(f"device {device.id} is on node {device.node}, which does not exist")
    return node


def _report(outcomes: Outcomes) -> steps.DeviceReport | None:
    return next((outcome for outcome in outcomes.values() if isinstance(outcome, steps.DeviceReport)), None)
