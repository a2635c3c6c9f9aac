"""Persistent volumes as ``kubectl get pv -o yaml`` (or ``-o json``) lists them: those that lie on gluster."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import yaml

_Section: TypeAlias = Mapping[str, object]

_VOLUME_ID = "gluster.kubernetes.io/heketi-volume-id"
_BLOCK_NAME, _BLOCK_ID = "glusterBlockShare", "gluster.org/volume-id"
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"


class Unreadable(ValueError):
    """A text lists no persistent volumes; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentVolume:
    """A persistent volume that lies on a volume or block volume."""

    name: str
    volume: str
    """Name of the volume or block volume."""
    volume_id: str
    """Heketi's id of it; empty if the provisioner did not say."""
    block: bool
    storage_class: str


def read(text: str) -> tuple[PersistentVolume, ...]:
    """Return those of a list that lie on gluster: by path, or by the annotation of block volumes.

    Raises:
        Unreadable: it is neither YAML nor JSON, or no list of persistent volumes.
    """
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Unreadable(f"is no YAML{f', see line {mark.line + 1}' if mark else ''}") from error
    items = [item for document in documents if document is not None for item in _items(document)]
    return tuple(found for item in items if (found := _of(item)))


def _items(document: object) -> Iterator[_Section]:
    section = _section(document)
    listed = section.get("items")
    if isinstance(listed, list):
        yield from map(_section, listed)
    elif section.get("kind") == "PersistentVolume":
        yield section
    elif "items" not in section:
        raise Unreadable("lists no persistent volumes; make it with: kubectl get pv -o yaml")


def _of(item: _Section) -> PersistentVolume | None:
    meta, spec = _section(item.get("metadata")), _section(item.get("spec"))
    notes = _section(meta.get("annotations"))
    path = _text(_section(spec.get("glusterfs")), "path").strip("/").partition("/")[0]
    block = _text(notes, _BLOCK_NAME)
    if not path and not block:
        return None
    return PersistentVolume(
        name=_text(meta, "name"),
        volume=path or block,
        volume_id=_text(notes, _VOLUME_ID if path else _BLOCK_ID),
        block=not path,
        storage_class=_text(spec, "storageClassName") or _text(notes, _OLD_CLASS),
    )


def _section(value: object) -> _Section:
    return value if isinstance(value, dict) else {}


def _text(section: _Section, name: str) -> str:
    value = section.get(name)
    return value if isinstance(value, str) else ""
