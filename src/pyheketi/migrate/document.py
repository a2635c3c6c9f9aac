"""Read the original's own database file into the document that its ``db export`` writes (db.md §4, §5)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from pyheketi.migrate import bolt, gob
from pyheketi.migrate.bolt import Buckets, DamagedFile
from pyheketi.wire import base
from pyheketi.wire.dump import Dump

Entry: TypeAlias = dict[str, Any]

_REGISTRATIONS = ("MANAGE", "STORAGE", "DEVICE")
"""Beginnings of keys beside the entries; ids are lower-case digits, so they never begin like that."""


def read_bolt(data: bytes) -> Dump:
    """Return the document of an original's database.

    Raises:
        DamagedFile: the file is damaged, or is no database of Heketi; tells where.
    """
    buckets = bolt.read(data)
    if "CLUSTER" not in buckets or "VOLUME" not in buckets:
        there = ", ".join(sorted(buckets)) or "none"
        raise DamagedFile(f"This BoltDB file is no database of Heketi: its buckets are {there}")
    sections = {section: _entries(buckets, *source) for section, source in _CONVERTERS.items()}
    try:
        return base.validated(Dump, sections)
    except base.Malformed as error:
        raise DamagedFile(f"The database holds something that Heketi never writes: {error}") from error


def _entries(buckets: Buckets, bucket: str, convert: Callable[[Entry], Entry]) -> dict[str, Entry]:
    found = {}
    for key, value in sorted(buckets.get(bucket, {}).items()):
        if bucket in ("NODE", "DEVICE") and key.startswith(_REGISTRATIONS):
            continue
        try:
            found[key] = convert(gob.decode(value))
        except (ValueError, TypeError, AttributeError) as error:
            raise DamagedFile(f"The entry {key} of bucket {bucket} is damaged: {error}") from error
    return found


def _part(value: Entry, *names: str) -> Entry:
    """Return a struct within structs; what is all zero is not there."""
    for name in names:
        value = value.get(name, {})
    return value


def _cluster(value: Entry) -> Entry:
    told = _part(value, "Info")
    flags = _part(told, "ClusterFlags")
    return {
        "Info": {
            "id": told.get("Id"),
            "nodes": told.get("Nodes", []),
            "volumes": told.get("Volumes", []),
            "block": flags.get("Block"),
            "file": flags.get("File"),
            "blockvolumes": told.get("BlockVolumes", []),
        }
    }


def _volume(value: Entry) -> Entry:
    told = _part(value, "Info")
    asked = _part(told, "VolumeCreateRequest")
    durability, hosting = _part(asked, "Durability"), _part(told, "BlockInfo")
    mount, snapshot = _part(told, "Mount", "GlusterFS"), _part(asked, "Snapshot")
    contents = {
        "size": asked.get("Size"),
        "clusters": asked.get("Clusters"),
        "name": asked.get("Name"),
        "durability": {
            "type": durability.get("Type"),
            "replicate": {"replica": _part(durability, "Replicate").get("Replica")},
            "disperse": {
                "data": _part(durability, "Disperse").get("Data"),
                "redundancy": _part(durability, "Disperse").get("Redundancy"),
            },
        },
        "gid": asked.get("Gid"),
        "glustervolumeoptions": asked.get("GlusterVolumeOptions"),
        "block": asked.get("Block"),
        "snapshot": {"enable": snapshot.get("Enable"), "factor": snapshot.get("Factor")},
        "id": told.get("Id"),
        "cluster": told.get("Cluster"),
        "mount": {
            "glusterfs": {
                "hosts": mount.get("Hosts", []),
                "device": mount.get("MountPoint"),
                "options": mount.get("Options", {}),
            }
        },
        "blockinfo": {
            "freesize": hosting.get("FreeSize"),
            "reservedsize": hosting.get("ReservedSize"),
            "blockvolume": hosting.get("BlockVolumes"),
            "restriction": hosting.get("Restriction"),
        },
    }
    bricks, options = value.get("Bricks", []), value.get("GlusterVolumeOptions")
    return {"Info": contents, "Bricks": bricks, "GlusterVolumeOptions": options, "Pending": _mark(value)}


def _brick(value: Entry) -> Entry:
    told = _part(value, "Info")
    return {
        "Info": {
            "id": told.get("Id"),
            "path": told.get("Path"),
            "device": told.get("DeviceId"),
            "node": told.get("NodeId"),
            "volume": told.get("VolumeId"),
            "size": told.get("Size"),
        },
        "Pending": _mark(value),
        **{name: value.get(name) for name in ("TpSize", "PoolMetadataSize", "LvmThinPool", "LvmLv", "SubType")},
    }


def _node(value: Entry) -> Entry:
    told = _part(value, "Info")
    asked = _part(told, "NodeAddRequest")
    hosts = _part(asked, "Hostnames")
    contents = {
        "zone": asked.get("Zone"),
        "hostnames": {"manage": hosts.get("Manage", []), "storage": hosts.get("Storage", [])},
        "cluster": asked.get("ClusterId"),
        "tags": asked.get("Tags"),
        "id": told.get("Id"),
    }
    return {"State": _state(value), "Info": contents, "Devices": value.get("Devices", [])}


def _device(value: Entry) -> Entry:
    told = _part(value, "Info")
    storage = _part(told, "Storage")
    contents = {
        "name": _part(told, "Device").get("Name"),
        "tags": _part(told, "Device").get("Tags"),
        "storage": {"total": storage.get("Total"), "free": storage.get("Free"), "used": storage.get("Used")},
        "id": told.get("Id"),
        "paths": told.get("Paths"),
        "pv_uuid": told.get("PvUUID"),
    }
    return {
        "State": _state(value),
        "Info": contents,
        "Bricks": value.get("Bricks", []),
        "NodeId": value.get("NodeId"),
        "ExtentSize": value.get("ExtentSize") or _USUAL_EXTENT,
    }


def _block_volume(value: Entry) -> Entry:
    told = _part(value, "Info")
    asked, target = _part(told, "BlockVolumeCreateRequest"), _part(told, "BlockVolume")
    contents = {
        "size": asked.get("Size"),
        "clusters": asked.get("Clusters"),
        "name": asked.get("Name"),
        "hacount": asked.get("Hacount"),
        "auth": asked.get("Auth"),
        "id": told.get("Id"),
        "blockvolume": {
            "hosts": target.get("Hosts", []),
            "iqn": target.get("Iqn"),
            "lun": target.get("Lun"),
            "username": target.get("Username"),
            "password": target.get("Password"),
        },
        "cluster": told.get("Cluster"),
        "blockhostingvolume": told.get("BlockHostingVolume"),
        "usablesize": told.get("UsableSize"),
    }
    return {"Info": contents, "Pending": _mark(value)}


def _attribute(value: Entry) -> Entry:
    return {"Key": value.get("Key"), "Value": value.get("Value")}


def _operation(value: Entry) -> Entry:
    told = _part(value, "PendingOperation")
    return {
        "Id": _part(told, "PendingItem").get("Id"),
        "Timestamp": told.get("Timestamp"),
        "Type": told.get("Type"),
        "Actions": [
            {"Change": action.get("Change"), "Id": action.get("Id"), "Delta": _held(action.get("Delta"))}
            for action in told.get("Actions", [])
        ],
        "Status": value.get("Status"),
    }


_USUAL_EXTENT = 4096
"""KiB; entries made before the extent was kept lack it."""


def _state(value: Entry) -> str:
    return str(_part(value, "Entry").get("State") or "online")


def _mark(value: Entry) -> Entry:
    return {"Id": _part(value, "Pending").get("Id")}


def _held(value: object) -> object:
    return value.value if isinstance(value, gob.Named) else value


_CONVERTERS: Mapping[str, tuple[str, Callable[[Entry], Entry]]] = MappingProxyType(
    {
        "clusterentries": ("CLUSTER", _cluster),
        "volumeentries": ("VOLUME", _volume),
        "brickentries": ("BRICK", _brick),
        "nodeentries": ("NODE", _node),
        "deviceentries": ("DEVICE", _device),
        "blockvolumeentries": ("BLOCKVOLUME", _block_volume),
        "dbattributeentries": ("DBATTRIBUTE", _attribute),
        "pendingoperations": ("PENDING_OPERATIONS", _operation),
    }
)
"""Bucket and converter by section."""
