"""``heketi-cli device`` (cli.md §5.7, §6.3)."""

from pyheketi.cli.brick import heal_check
from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.layout import gib, state, tag_lines
from pyheketi.cli.session import Session
from pyheketi.client.errors import ClientError
from pyheketi.wire.base import to_json
from pyheketi.wire.devices import DeviceAdd, DeviceDelete
from pyheketi.wire.nodes import StateChange

_MISSING = "Device id missing"
_MISSING_SMALL = "device id missing"
"""Enable and disable say it so; scripts may look for it."""


def add(session: Session) -> None:
    """Add a device."""
    name, node = session.text("name"), session.text("node")
    if not name:
        raise Problem("Missing device name")
    if not node:
        raise Problem("Missing node id")
    with connect(session) as client:
        client.add_device(DeviceAdd(name=name, node=node, destroydata=session.switch("destroy-existing-data")))
    session.write("Device added successfully\n")


def delete(session: Session) -> None:
    """Delete a device."""
    device = session.argument(_MISSING)
    with connect(session) as client:
        client.delete_device(device, DeviceDelete(forceforget=session.switch("force-forget")))
    session.write(f"Device {device} deleted\n")


def enable(session: Session) -> None:
    """Use a device again."""
    _change_state(session, session.argument(_MISSING_SMALL), "online", "online")


def disable(session: Session) -> None:
    """Put no new bricks on a device."""
    _change_state(session, session.argument(_MISSING_SMALL), "offline", "offline")


def remove(session: Session) -> None:
    """Move all bricks off a device."""
    device = session.argument(_MISSING)
    _change_state(session, device, "failed", "removed", heal_check(session))


def show(session: Session) -> None:
    """Show a device and its bricks."""
    name = session.argument(_MISSING)
    with connect(session) as client:
        device = client.device(name)
    if session.json:
        session.write(to_json(device))
        return
    room = device.storage
    session.write(
        f"Device Id: {device.id}\nState: {state(device.state)}\nSize (GiB): {gib(room.total)}\n"
        f"Used (GiB): {gib(room.used)}\nFree (GiB): {gib(room.free)}\nCreate Path: {device.name}\n"
        f"Physical Volume UUID: {device.pv_uuid}\nKnown Paths: {' '.join(device.paths)}\n"
        f"{tag_lines(device.tags)}Bricks:\n"
    )
    for brick in device.bricks:
        session.write(f"Id:{brick.id:<35}Size (GiB):{gib(brick.size):<8}Path: {brick.path}\n")


def resync(session: Session) -> None:
    """Read the size of a device, or of all devices of a cluster, anew."""
    name = session.argument("object/cluster id missing")
    if session.switch("cluster"):
        _resync_cluster(session, name)
        return
    with connect(session) as client:
        client.resync_device(name)
    session.write(f"Device {name} updated\n")


def _resync_cluster(session: Session, cluster: str) -> None:
    """Go through all devices even if some fail; told at the end as one error."""
    session.write("Cluster-wide resync operation requested. Using object_id as cluster_id.\n")
    failed = 0
    with connect(session) as client:
        for name in client.cluster(cluster).nodes:
            for device in client.node(name).devices:
                session.write(f"Now resyncing device {device.id}..\n")
                try:
                    client.resync_device(device.id)
                except ClientError as error:
                    failed += 1
                    session.terminal.complain(f"Device {device.id} (node {name}) could not be resynced: {error}")
                else:
                    session.write(f"Device {device.id} (node {name}) in cluster {cluster} updated\n")
    if failed:
        raise Problem(f"{failed} devices of cluster {cluster} could not be resynced")


def _change_state(session: Session, device: str, wanted: str, told: str, check: str = "") -> None:
    with connect(session) as client:
        client.set_device_state(device, StateChange(state=wanted, healcheck=check))
    session.write(f"Device {device} is now {told}\n")
