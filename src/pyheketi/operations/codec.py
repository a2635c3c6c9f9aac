"""Step groups to and from plain JSON values, for the store. Versioned: what was written once can be read for ever."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

from pyheketi.domain import durability
from pyheketi.operations import steps
from pyheketi.operations.operation import StepGroup

VERSION = 1

_TYPES: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        made.__name__: made
        for made in (
            durability.Distribute,
            durability.Replicate,
            durability.Disperse,
            steps.BrickPlace,
            steps.DeviceHandle,
            steps.CreateBrick,
            steps.DestroyBrick,
            steps.CheckUnused,
            steps.MountBrick,
            steps.CreateVolume,
            steps.StartBricks,
            steps.DeleteVolume,
            steps.AddBricks,
            steps.LookAtVolume,
            steps.CheckReplaceable,
            steps.ReplaceBrick,
            steps.HealVolume,
            steps.ClonedBrick,
            steps.CloneVolume,
            steps.BlockHost,
            steps.CreateBlock,
            steps.DeleteBlock,
            steps.ExpandBlock,
            steps.CheckGlusterd,
            steps.ProbePeer,
            steps.DetachPeer,
            steps.SetUpDevice,
            steps.TearDownDevice,
            steps.InspectDevice,
        )
    }
)


def groups_to_json(groups: tuple[StepGroup, ...]) -> dict[str, Any]:
    """Return groups of steps as values that ``json.dumps`` takes."""
    return {"version": VERSION, "groups": _encode(groups)}


def groups_from_json(document: dict[str, Any]) -> tuple[StepGroup, ...]:
    """Return the groups of steps that ``groups_to_json`` wrote.

    Raises:
        ValueError: the document is of a newer version, or names a step that this version does not know.
    """
    if document.get("version") != VERSION:
        raise ValueError(f"steps of version {document.get('version')!r}, this server knows version {VERSION}")
    groups: tuple[StepGroup, ...] = _decode(document["groups"])
    return groups


def _encode(value: Any) -> Any:
    if is_dataclass(value):
        return {"": type(value).__name__} | {each.name: _encode(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_encode(each) for each in value]
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(each) for each in value)
    if isinstance(value, dict):
        name = value[""]
        if name not in _TYPES:
            raise ValueError(f"unknown step or value {name!r}")
        return _TYPES[name](**{key: _decode(each) for key, each in value.items() if key})
    return value
