"""The persistent volume that Kubernetes mounts a volume with (cli.md §8)."""

import json
from pathlib import Path

from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session
from pyheketi.wire.base import escaped
from pyheketi.wire.volumes import Volume

_UNITS = ("Gi", "Ti", "Pi", "Ei")


def document(volume: Volume, endpoint: str) -> str:
    """Return a persistent volume in JSON, without a line break at its end."""
    claim = {
        "kind": "PersistentVolume",
        "apiVersion": "v1",
        "metadata": {
            "name": f"glusterfs-{volume.id[:8]}",
            "creationTimestamp": None,
            "annotations": {"pv.beta.kubernetes.io/gid": str(volume.gid)},
        },
        "spec": {
            "capacity": {"storage": _quantity(volume.size)},
            "glusterfs": {"endpoints": endpoint or "TYPE ENDPOINT HERE", "path": volume.name},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
        },
        "status": {},
    }
    return escaped(json.dumps(claim, indent=2, ensure_ascii=False))


def write(session: Session, file: str, text: str) -> None:
    """Write a persistent volume to a file. The volume has been made, whether this succeeds or not."""
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        session.terminal.complain(f"Unable to write to file {file}")
        raise Problem(f"open {file}: {(error.strerror or str(error)).lower()}") from error


def _quantity(gib: int) -> str:
    """Return a size in Kubernetes' canonical form: the largest unit without a fraction."""
    units = iter(_UNITS)
    unit = next(units)
    while gib and gib % 1024 == 0 and unit != _UNITS[-1]:
        gib, unit = gib // 1024, next(units)
    return f"{gib}{unit}" if gib else "0"
