"""Simulated gluster-block, with the JSON of release 0.5."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyheketi.executors.fake.answers import Failed, unknown
from pyheketi.executors.fake.state import Block, FakeNode, stable_uuid

_PREFIX = "iqn.2016-12.org.gluster-block:"
_EXISTS, _MISSING, _ANY_ERROR = 17, 2, 255


def run(node: FakeNode, args: Sequence[str]) -> str:
    """Run ``gluster-block`` with its arguments."""
    words = [arg for arg in args if arg != "--json"]
    call = _COMMANDS.get(words[0]) if words else None
    if call is None or "--json" not in args:
        unknown("gluster-block", args)
    if not node.glusterd:
        _refuse(_ANY_ERROR, "Connection failed. Please check if gluster daemon is operational.")
    return json.dumps(call(node, words[1:])) + "\n"


def _refuse(code: int, text: str) -> None:
    raise Failed(code, "", json.dumps({"RESULT": "FAIL", "errCode": code, "errMsg": text}) + "\n")


def _place(node: FakeNode, path: str) -> tuple[str, str]:
    volume, _, name = path.partition("/")
    if volume not in node.pool.volumes:
        _refuse(_ANY_ERROR, f"volume {volume} does not exist")
    return volume, name


def _block(node: FakeNode, path: str) -> Block:
    place = _place(node, path)
    if place not in node.pool.blocks:
        _refuse(_MISSING, f"block {path} doesn't exist")
    return node.pool.blocks[place]


def _create(node: FakeNode, words: list[str]) -> dict[str, Any]:
    if len(words) < 9 or words[1::2][:3] != ["ha", "auth", "prealloc"] or len(words) != 9:
        unknown("gluster-block create", words)
    path, _, count, _, auth, _, _, hosts, size = words
    volume, name = _place(node, path)
    exports = hosts.split(",")
    if (volume, name) in node.pool.blocks:
        _refuse(_EXISTS, f"BLOCK with name: '{name}' already EXIST")
    if _has_full_brick(node, volume):
        _refuse(_ANY_ERROR, f"creating storage failed for {path} : No space left on device")
    if not count.isdigit() or int(count) != len(exports):
        _refuse(_ANY_ERROR, f"number of servers is not matching the ha count {count}")
    for host in exports:
        if not node.resolve(host).connected:
            _refuse(_ANY_ERROR, f"failed to configure on {host} : Transport endpoint is not connected")
    made = Block(
        name=name,
        volume=volume,
        gbid=stable_uuid("block", node.pool.volumes[volume].uuid, name),
        size=_gib(size),
        hosts=exports,
        password=stable_uuid("password", volume, name) if auth == "enable" else "",
    )
    node.pool.blocks[volume, name] = made
    secret = {"USERNAME": made.gbid, "PASSWORD": made.password} if made.password else {}
    portals = [f"{host}:3260" for host in exports]
    return {"IQN": _PREFIX + made.gbid, **secret, "PORTAL(S)": portals, "RESULT": "SUCCESS"}


def _has_full_brick(node: FakeNode, volume: str) -> bool:
    """Tell whether some brick of a volume lies in a thin pool without room."""
    for brick in node.pool.volumes[volume].bricks:
        host, _, path = brick.partition(":")
        peer = node.resolve(host)
        mounted = peer.mounts.get(path.removesuffix("/brick"))
        group = peer.groups.get(mounted.volume.group) if mounted else None
        if mounted and group and group.volumes[mounted.volume.pool].full:
            return True
    return False


def _gib(text: str) -> int:
    if not text.endswith("GiB") or not text[:-3].isdigit():
        unknown("gluster-block", [text])
    return int(text[:-3])


def _delete(node: FakeNode, words: list[str]) -> dict[str, Any]:
    if len(words) != 1:
        unknown("gluster-block delete", words)
    block = _block(node, words[0])
    for host in block.hosts:
        if not node.resolve(host).connected:
            _refuse(_ANY_ERROR, f"failed to delete config on {host} : Transport endpoint is not connected")
    del node.pool.blocks[block.volume, block.name]
    return {"SUCCESSFUL ON": block.hosts, "RESULT": "SUCCESS"}


def _modify(node: FakeNode, words: list[str]) -> dict[str, Any]:
    if len(words) != 3 or words[1] != "size":
        unknown("gluster-block modify", words)
    block, size = _block(node, words[0]), _gib(words[2])
    if size <= block.size:
        _refuse(_ANY_ERROR, f"size of block {words[0]} is {block.size} GiB already")
    block.size = size
    return {"IQN": _PREFIX + block.gbid, "SIZE": f"{size}.0 GiB", "SUCCESSFUL ON": block.hosts, "RESULT": "SUCCESS"}


def _info(node: FakeNode, words: list[str]) -> dict[str, Any]:
    if len(words) != 1:
        unknown("gluster-block info", words)
    block = _block(node, words[0])
    return {
        "NAME": block.name,
        "VOLUME": block.volume,
        "GBID": block.gbid,
        "SIZE": f"{block.size}.0 GiB",
        "HA": len(block.hosts),
        "PASSWORD": block.password,
        "EXPORTED ON": block.hosts,
    }


def _list(node: FakeNode, words: list[str]) -> dict[str, Any]:
    (volume,) = words or [""]
    _place(node, f"{volume}/")
    return {"blocks": [name for on, name in node.pool.blocks if on == volume], "RESULT": "SUCCESS"}


_COMMANDS: Mapping[str, Callable[[FakeNode, list[str]], dict[str, Any]]] = {
    "create": _create,
    "delete": _delete,
    "modify": _modify,
    "info": _info,
    "list": _list,
}
