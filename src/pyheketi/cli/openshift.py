"""``heketi-cli setup-openshift-heketi-storage``: a volume for the database, and what puts it there (cli.md §9)."""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyheketi.cli.connect import connect, look_after
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.client.errors import ClientError
from pyheketi.wire.volumes import DISPERSE, NONE, REPLICATE, Durability, Replicate, Volume, VolumeCreate

if TYPE_CHECKING:
    from pyheketi.client.client import Client

_VOLUME = "heketidbstorage"
_ENDPOINTS, _SECRET, _JOB = "heketi-storage-endpoints", "heketi-storage-secret", "heketi-storage-copy-job"
_SIZE = 2
"""GiB."""
_OPTIONS = (
    *(f"performance.{name} off" for name in ("stat-prefetch", "write-behind", "open-behind", "quick-read")),
    "performance.strict-o-direct on",
    *(f"performance.{name} off" for name in ("read-ahead", "io-cache", "readdir-ahead")),
)
"""What a volume needs so that a database on it is on disk when it says so."""
_LEVEL = "user.heketi.dbstoragelevel"


def set_up(session: Session) -> None:
    """Make a volume for the database and write a list for Kubernetes that copies the database there."""
    wanted = _wanted(session)
    with connect(session) as client:
        _require_none(client)
        if wanted.durability.type == DISPERSE:
            raise Problem(f"Durability {DISPERSE} is not supported for heketi database storage")
        volume = client.create_volume(wanted)
        try:
            _write(session, volume)
        except (Problem, ClientError):
            session.terminal.complain("Cleaning up")
            _delete(client, volume)
            raise


def _wanted(session: Session) -> VolumeCreate:
    durability = session.text("durability")
    if durability not in (NONE, REPLICATE, DISPERSE):
        raise Problem(f"{durability} is not a valid durability type")
    replica = session.integer("replica") if durability == REPLICATE else 0
    own, more = session.text("gluster-volume-options"), session.text("append-volume-options")
    options = (*own.split(","), f"{_LEVEL} custom") if own else (*_OPTIONS, f"{_LEVEL} 1")
    return VolumeCreate(
        size=_SIZE,
        name=_VOLUME,
        durability=Durability(type=durability, replicate=Replicate(replica=replica)),
        glustervolumeoptions=(*options, *(more.split(",") if more else ())),
    )


def _require_none(client: "Client") -> None:
    for cluster in client.cluster_ids().clusters:
        for id_ in client.cluster(cluster).volumes:
            if client.volume(id_).name == _VOLUME:
                raise Problem(f"Volume {_VOLUME} already exists")


def _delete(client: "Client", volume: Volume) -> None:
    """Delete the volume again, as far as the server lets us: Heketi's never does."""
    try:
        client.delete_volume(volume.id)
    except ClientError:
        return


def _write(session: Session, volume: Volume) -> None:
    try:
        with look_after(session) as server:
            database = server.database_backup()
    except ClientError as error:
        raise Problem(f"ERROR: {error}\nUnable to get database from Heketi server") from error
    file = session.text("listfile")
    session.write(f"Saving {file}\n")
    listed = _list(volume, database, session.text("image"), session.text("node-selector"))
    try:
        Path(file).write_text(json.dumps(listed, indent=2))
    except OSError as error:
        raise Problem(f"open {file}: {(error.strerror or str(error)).lower()}") from error


def _list(volume: Volume, database: bytes, image: str, selector: str) -> dict[str, Any]:
    subsets = [{"addresses": [{"ip": host}], "ports": [{"port": 1}]} for host in volume.mount.glusterfs.hosts]
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            _item("Secret", _SECRET, support=True) | {"data": {"heketi.db": base64.b64encode(database).decode()}},
            _item("Endpoints", _ENDPOINTS) | {"subsets": subsets},
            _item("Service", _ENDPOINTS)
            | {"spec": {"ports": [{"port": 1, "targetPort": 0}]}, "status": {"loadBalancer": {}}},
            _item("Job", _JOB, version="batch/v1", support=True)
            | {
                "spec": {
                    "parallelism": 1,
                    "completions": 1,
                    "template": {"metadata": _metadata(_JOB), "spec": _pod(volume.name, image, selector)},
                },
                "status": {},
            },
        ],
    }


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "creationTimestamp": None}


def _item(kind: str, name: str, *, version: str = "v1", support: bool = False) -> dict[str, Any]:
    labels = {"labels": {"deploy-heketi": "support"}} if support else {}
    return {"kind": kind, "apiVersion": version, "metadata": _metadata(name) | labels}


def _pod(volume: str, image: str, selector: str) -> dict[str, Any]:
    key, equals, value = selector.partition("=")
    chosen = {"nodeSelector": {key: value}} if equals and "=" not in value else {}
    return {
        "volumes": [
            {"name": "heketi-storage", "glusterfs": {"endpoints": _ENDPOINTS, "path": volume}},
            {"name": _SECRET, "secret": {"secretName": _SECRET}},
        ],
        "containers": [
            {
                "name": "heketi",
                "image": image,
                "command": ["cp", "/db/heketi.db", "/heketi"],
                "resources": {},
                "volumeMounts": [
                    {"name": "heketi-storage", "mountPath": "/heketi"},
                    {"name": _SECRET, "mountPath": "/db"},
                ],
            }
        ],
        "restartPolicy": "Never",
        **chosen,
    }
