"""Remove devices and nodes that still hold bricks: one brick after the other is moved away (operations.md §4).

Each move is an operation of its own; a removal only marks what is being removed, and ends in the failed state.
"""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import Device, Node, Pending, State
from pyheketi.domain.ids import BrickId, DeviceId, NodeId, OperationId
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Kind, Operation, Outcomes, Plan
from pyheketi.planning import brick_evict, devices, nodes
from pyheketi.planning.use_case import UseCase


def plan_device(topology: Topology, device: Device, *, operation: OperationId) -> Plan:
    """Plan to empty a device.

    Raises:
        Conflict: it must be offline first, or bricks on it are just being made or removed.
        InUse: another operation is at work on it.
    """
    devices.require_removable(topology, device)
    mark = Put(replace(device, pending=Pending(operation, hidden=False)))
    return Plan(kind=Kind.REMOVE_DEVICE, subject=device.id, begin=(mark,))


def plan_node(topology: Topology, node: Node, *, operation: OperationId) -> Plan:
    """Plan to empty all devices of a node.

    Raises:
        Conflict: it must be offline first, or bricks on it are just being made or removed.
        InUse: another operation is at work on it or on one of its devices.
    """
    nodes.require_removable(topology, node)
    mark = Put(replace(node, pending=Pending(operation, hidden=False)))
    return Plan(kind=Kind.REMOVE_NODE, subject=node.id, begin=(mark,))


def next_brick(topology: Topology, operation: Operation) -> BrickId | None:
    """Return the brick to move next; None when all are gone."""
    held = (brick.id for device in _devices(topology, operation) for brick in topology.bricks_on(device))
    return next(held, None)


def refusal(topology: Topology, operation: Operation, brick: BrickId, why: errors.Error) -> str:
    """Return the words for a brick that cannot be moved, as Heketi has them for want of space."""
    text = str(why)
    found = topology.brick(brick)
    if not text.startswith(brick_evict.NO_REPLACEMENT) or found is None:
        return text
    if operation.kind is Kind.REMOVE_NODE:
        lead = f"Unable to remove node [{operation.subject}] as no device was found to replace device [{found.device}]"
    else:
        lead = f"Unable to delete device [{found.device}] as no device was found to replace it"
    return f"{lead}: {text}"


def _devices(topology: Topology, operation: Operation) -> list[DeviceId]:
    if operation.kind is Kind.REMOVE_NODE:
        return [device.id for device in topology.devices_of(NodeId(operation.subject))]
    return [DeviceId(operation.subject)]


def finish_device(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Put the device in the failed state."""
    device = topology.device(operation.subject)
    return (Put(replace(device, state=State.FAILED, pending=None)),) if device else ()


def finish_node(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Put the node and its devices in the failed state."""
    node = topology.node(operation.subject)
    if node is None:
        return ()
    failed = (Put(replace(device, state=State.FAILED)) for device in topology.devices_of(node.id))
    return (*failed, Put(replace(node, state=State.FAILED, pending=None)))


def abandon_node(topology: Topology, operation: Operation, outcomes: Outcomes) -> tuple[Change, ...]:
    """Leave the node offline, with the bricks that are on it still."""
    node = topology.node(operation.subject)
    return (Put(replace(node, pending=None)),) if node else ()


DEVICE = UseCase(finish=finish_device, abandon=devices.unmark)
NODE = UseCase(finish=finish_node, abandon=abandon_node)
