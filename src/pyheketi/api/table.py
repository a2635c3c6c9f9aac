"""All endpoints (rest-api.md §7)."""

from pyheketi.api import handlers
from pyheketi.api.endpoint import Endpoint, Table
from pyheketi.wire import bricks, clusters, devices, nodes, operations, server, volumes

_SAID = 400, "request unable to be parsed: {}"
"""Some endpoints tell why a body cannot be read."""

ENDPOINTS = (
    Endpoint(method="GET", path="/queue/{id}", handle=handlers.queue, summary="How a job stands"),
    Endpoint(
        method="GET",
        path="/operations",
        handle=handlers.operation_counts,
        summary="Count operations that have not ended",
        answer=operations.OperationCounts,
    ),
    Endpoint(
        method="GET",
        path="/operations/pending",
        handle=handlers.operation_list,
        summary="List operations that have not ended",
        answer=operations.PendingOperations,
    ),
    Endpoint(
        method="GET",
        path="/operations/pending/{id}",
        handle=handlers.operation_show,
        summary="Show what an operation does that has not ended",
        answer=operations.OperationDetails,
    ),
    Endpoint(
        method="POST",
        path="/operations/pending/cleanup",
        handle=handlers.operation_clean_up,
        summary="Bring stuck operations to an end",
        request=operations.OperationsCleanup,
        status=202,
    ),
    Endpoint(
        method="GET",
        path="/admin",
        handle=handlers.mode_show,
        summary="Show the server's mode",
        answer=server.AdminStatus,
    ),
    Endpoint(
        method="POST",
        path="/admin",
        handle=handlers.mode_set,
        summary="Change the server's mode",
        request=server.AdminStatus,
        malformed=_SAID,
        status=204,
    ),
    Endpoint(
        method="GET",
        path="/internal/logging",
        handle=handlers.log_level_show,
        summary="Show what is logged",
        answer=server.LogLevel,
    ),
    Endpoint(
        method="POST",
        path="/internal/logging",
        handle=handlers.log_level_set,
        summary="Change what is logged",
        request=server.LogLevel,
        malformed=_SAID,
        answer=server.LogLevel,
    ),
    Endpoint(
        method="POST",
        path="/clusters",
        handle=handlers.cluster_create,
        summary="Create a cluster",
        request=clusters.ClusterFlags,
        answer=clusters.Cluster,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/clusters",
        handle=handlers.cluster_list,
        summary="List clusters",
        answer=clusters.ClusterList,
    ),
    Endpoint(
        method="GET",
        path="/clusters/{id}",
        handle=handlers.cluster_show,
        summary="Show a cluster",
        answer=clusters.Cluster,
    ),
    Endpoint(
        method="POST",
        path="/clusters/{id}/flags",
        handle=handlers.cluster_set_flags,
        summary="Say what kinds of volumes a cluster takes",
        request=clusters.ClusterFlags,
    ),
    Endpoint(method="DELETE", path="/clusters/{id}", handle=handlers.cluster_delete, summary="Delete an empty cluster"),
    Endpoint(
        method="POST",
        path="/nodes",
        handle=handlers.node_add,
        summary="Add a node",
        request=nodes.NodeAdd,
        status=202,
    ),
    Endpoint(method="GET", path="/nodes/{id}", handle=handlers.node_show, summary="Show a node", answer=nodes.Node),
    Endpoint(
        method="DELETE",
        path="/nodes/{id}",
        handle=handlers.node_delete,
        summary="Delete a node without devices",
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/nodes/{id}/state",
        handle=handlers.node_set_state,
        summary="Set a node online, offline or failed",
        request=nodes.StateChange,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/nodes/{id}/tags",
        handle=handlers.node_change_tags,
        summary="Change tags of a node",
        request=nodes.TagsChange,
    ),
    Endpoint(
        method="POST",
        path="/devices",
        handle=handlers.device_add,
        summary="Add a device",
        request=devices.DeviceAdd,
        status=202,
    ),
    Endpoint(
        method="GET", path="/devices/{id}", handle=handlers.device_show, summary="Show a device", answer=devices.Device
    ),
    Endpoint(
        method="DELETE",
        path="/devices/{id}",
        handle=handlers.device_delete,
        summary="Delete a device that is failed and empty",
        request=devices.DeviceDelete,
        optional_body=True,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/devices/{id}/state",
        handle=handlers.device_set_state,
        summary="Set a device online, offline or failed",
        request=nodes.StateChange,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/devices/{id}/tags",
        handle=handlers.device_change_tags,
        summary="Change tags of a device",
        request=nodes.TagsChange,
    ),
    Endpoint(
        method="GET",
        path="/devices/{id}/resync",
        handle=handlers.device_resync,
        summary="Read a device's size and use from its node",
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/bricks/to-evict/{id}",
        handle=handlers.brick_evict,
        summary="Move a brick to another device",
        request=bricks.BrickEvict,
        optional_body=True,
        refusal_prefix="Failed to set up brick eviction: ",
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/volumes",
        handle=handlers.volume_create,
        summary="Create a volume",
        request=volumes.VolumeCreate,
        refusal_prefix="Failed to allocate new volume: ",
        status=202,
    ),
    Endpoint(
        method="GET", path="/volumes", handle=handlers.volume_list, summary="List volumes", answer=volumes.VolumeList
    ),
    Endpoint(
        method="GET", path="/volumes/{id}", handle=handlers.volume_show, summary="Show a volume", answer=volumes.Volume
    ),
    Endpoint(
        method="DELETE",
        path="/volumes/{id}",
        handle=handlers.volume_delete,
        summary="Delete a volume",
        refusal_prefix="Failed to set up volume delete: ",
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/volumes/{id}/expand",
        handle=handlers.volume_expand,
        summary="Make a volume larger",
        request=volumes.VolumeExpand,
        refusal_prefix="Failed to allocate volume expansion: ",
        status=202,
    ),
)


def table() -> Table:
    """Return the table of all endpoints."""
    return Table(ENDPOINTS)
