"""All use cases by the kind of their operation: what the runner and recovery need to end any of them."""

from types import MappingProxyType

from pyheketi.operations.operation import Kind
from pyheketi.planning import (
    block_create,
    block_volumes,
    brick_evict,
    brick_service,
    devices,
    nodes,
    orphans,
    removal,
    volume_clone,
    volume_create,
    volume_delete,
    volume_expand,
)
from pyheketi.planning.use_case import UseCase


def _nothing(*_: object) -> tuple[()]:
    return ()


_AT_ONCE = UseCase(finish=_nothing, abandon=_nothing)
"""Its plan has no steps: everything is in the begin."""

USE_CASES = MappingProxyType(
    {
        Kind.CREATE_VOLUME: volume_create.USE_CASE,
        Kind.EXPAND_VOLUME: volume_expand.USE_CASE,
        Kind.DELETE_VOLUME: volume_delete.USE_CASE,
        Kind.CLONE_VOLUME: volume_clone.USE_CASE,
        Kind.CREATE_BLOCK_VOLUME: block_create.USE_CASE,
        Kind.DELETE_BLOCK_VOLUME: block_volumes.DELETE,
        Kind.EXPAND_BLOCK_VOLUME: block_volumes.EXPAND,
        Kind.SET_BLOCK_RESTRICTION: _AT_ONCE,
        Kind.EVICT_BRICK: brick_evict.USE_CASE,
        Kind.REMOVE_DEVICE: removal.DEVICE,
        Kind.REMOVE_NODE: removal.NODE,
        Kind.CLEAN_UP: _AT_ONCE,
        Kind.REMOVE_ORPHANS: orphans.REMOVE,
        Kind.ADD_NODE: nodes.ADD,
        Kind.DELETE_NODE: nodes.DELETE,
        Kind.SET_NODE_STATE: _AT_ONCE,
        Kind.ADD_DEVICE: devices.ADD,
        Kind.DELETE_DEVICE: devices.DELETE,
        Kind.SET_DEVICE_STATE: _AT_ONCE,
        Kind.RESYNC_DEVICE: devices.RESYNC,
        Kind.CREATE_CLUSTER: _AT_ONCE,
        Kind.SET_CLUSTER_FLAGS: _AT_ONCE,
        Kind.DELETE_CLUSTER: _AT_ONCE,
        Kind.SET_NODE_TAGS: _AT_ONCE,
        Kind.SET_DEVICE_TAGS: _AT_ONCE,
        Kind.SET_MODE: _AT_ONCE,
        Kind.MEND_BRICKS: brick_service.MEND,
    }
)
