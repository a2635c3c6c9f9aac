"""What an attacker writes, and every place of a request where a client can write it.

The places are found in the models of the wire, so that none can be forgotten. What becomes of them is told here once,
for tests on simulated nodes and for those on real ones.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias, get_args, get_origin
from urllib.parse import quote

from pyheketi.api.endpoint import Endpoint
from pyheketi.api.table import table
from pyheketi.wire import (
    block_volumes,
    brick_service,
    bricks,
    clusters,
    devices,
    nodes,
    operations,
    orphans,
    server,
    volumes,
)
from pyheketi.wire.base import WireModel

CANARY = "/tmp/canary-"
"""Begin of the files that are made if a payload is run by a shell."""

_SHELL = (
    "$(touch FILE)",
    "`touch FILE`",
    ";touch FILE;",
    "|touch FILE",
    "||touch FILE",
    "&&touch FILE",
    "&touch FILE&",
    "'; touch FILE; '",
    '"; touch FILE; "',
    "');touch FILE #",
    "x$(touch FILE)y",
    "${x:-$(touch FILE)}",
    "$((a[$(touch FILE)]))",
    "<(touch FILE)",
    ";touch${IFS}FILE",
    ">FILE",
    "|tee FILE",
    "\\;touch FILE",
    "x</dev/null;touch FILE;",
    "\ntouch FILE\n",
    "\r\ntouch FILE\r\n",
)
_ODD = (
    "a b",
    "  ",
    "'",
    '"',
    "'\"",
    "\\",
    "*",
    "?",
    "~root",
    "{a;b}",
    "$HOME",
    "!x",
    "#x",
    "a=b=c",
    "%s%n%d",
    "../../../tmp/x",
    "..",
    "a\tb",
    "x\0y",
    "\x1b]0;x\x07",
    "\x7f",
    "é ü €",
    "a\u200bb\u202ec",
    "\ud800",
    "<a>&amp;]]>",
)
_DASHES = ("-h", "-", "--", "--help", "--mode=script", "--xml", "--remote-host=10.0.0.1", "-rf /", "--config=x")
_LONG = ("A" * 300, "A" * 5000, "é" * 2500, "$(" * 2500)

PAYLOADS = (
    *(each.replace("FILE", f"{CANARY}{number}") for number, each in enumerate(_SHELL)),
    *_ODD,
    *_DASHES,
    *_LONG,
)
"""Those that a shell could take for commands leave a file each."""


class Part(Enum):
    """A place within a list or a table."""

    ITEM = "[]"
    NAME = "{name}"
    VALUE = "{value}"


Place: TypeAlias = tuple[str | Part, ...]


def places(model: type[WireModel]) -> Iterator[Place]:
    """Yield every place of a model that holds a text."""
    for name, field in model.model_fields.items():
        for rest in _places_of(field.annotation):
            yield (name, *rest)


def _places_of(kind: Any) -> Iterator[Place]:
    origin, kinds = get_origin(kind), get_args(kind)
    if kind is str:
        yield ()
    elif isinstance(kind, type) and issubclass(kind, WireModel):
        yield from places(kind)
    elif origin is tuple:
        yield from ((Part.ITEM, *rest) for rest in _places_of(kinds[0]))
    elif origin is dict and kinds == (str, str):
        yield from ((Part.NAME,), (Part.VALUE,))
    elif kinds and origin is not dict:
        yield from (rest for each in kinds for rest in _places_of(each))
    elif kind not in (int, float, bool, type(None)):
        raise TypeError(f"nobody has thought of attacks on {kind}")


def put(document: Any, place: Iterable[str | Part], text: str) -> Any:
    """Return a document with ``text`` at a place of it, and all else as it is."""
    match tuple(place):
        case ():
            return text
        case (Part.ITEM, *rest):
            return [put(document[0] if document else None, rest, text)]
        case (Part.NAME,):
            return {text: "x"}
        case (Part.VALUE,):
            return {next(iter(document or ["x"])): text}
        case (name, *rest):
            whole = document if isinstance(document, dict) else {}
            return whole | {name: put(whole.get(name), rest, text)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A request with a payload."""

    method: str
    target: str
    """Path and query, percent-encoded."""
    body: Any
    """None for none."""
    where: str
    """``VolumeCreate.name``, ``/volumes/{id}`` or ``/operations/history?limit``."""
    text: str


IDS = ("clusters", "nodes", "devices", "bricks", "volumes", "blockvolumes", "queue", "operations")
"""First segments of paths with ids, and what one of each is needed of. Those of the last two need not exist."""


def bodies(ids: Mapping[str, str]) -> dict[type[WireModel], Any]:
    """Return for each request a body that only a payload spoils."""
    names = {"manage": ["10.77.0.99"], "storage": ["10.77.0.99"]}
    return {
        operations.OperationsCleanup: {},
        server.AdminStatus: {},
        server.LogLevel: {"loglevel": {"glusterfs": ""}},
        orphans.OrphanRemoval: {},
        brick_service.BrickMending: {},
        clusters.ClusterFlags: {"file": True, "block": True},
        nodes.NodeAdd: {"zone": 1, "cluster": ids["clusters"], "hostnames": names},
        nodes.StateChange: {"state": "online"},
        nodes.TagsChange: {"change_type": "set", "tags": {"key": ""}},
        devices.DeviceAdd: {"name": "/dev/nothing", "node": ids["nodes"], "tags": {"key": ""}},
        devices.DeviceDelete: {},
        bricks.BrickEvict: {},
        volumes.VolumeCreate: {"size": 1, "durability": {"type": "none"}},
        volumes.VolumeExpand: {"expand_size": 1},
        volumes.VolumeClone: {},
        volumes.BlockRestriction: {},
        block_volumes.BlockVolumeCreate: {"size": 1},
        block_volumes.BlockVolumeExpand: {"new_size": 2},
    }


OPTION = "VolumeCreate.glustervolumeoptions[]"
OPTION_NAME, OPTION_VALUE = f"{OPTION} name", f"{OPTION} value"
_FORMS = {OPTION: {OPTION_NAME: "{} 1", OPTION_VALUE: "user.x {}"}}
"""Texts that hold two things, each attacked by itself."""

TAG_NAMES = ("NodeAdd.tags{name}", "DeviceAdd.tags{name}", "TagsChange.tags{name}")
TAGS = ("NodeAdd.tags{value}", "DeviceAdd.tags{value}", "TagsChange.tags{value}")
LOOKED_FOR = ("OrphanRemoval.bricks[]", "BrickMending.bricks[]")
"""The places whose refusal needs a look at the nodes, with commands that do not hold what is looked for."""


def kept(where: str, text: str) -> str | None:
    """Return what the server makes of a text, or None where it must refuse it. No other place takes any payload.

    Gluster refuses the names of options that come so far: it knows none of them.
    """
    text = text.replace("\ud800", "\ufffd")
    if where in TAGS:
        return text if len(text) <= 64 else None
    if where in TAG_NAMES:
        return text if re.fullmatch(r"[A-Za-z0-9_.-]{1,32}", text) else None
    if where == OPTION_NAME:
        return text if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{,300}( .*)?", text) else None
    if where == OPTION_VALUE:
        value = text.strip(" ")
        fits = value.isprintable() and not value.startswith("--") and len(f"user.x{value}".encode()) <= 4000
        return value if value and fits else None
    return None


def attacks(ids: Mapping[str, str]) -> Iterator[Attack]:
    """Yield requests with every payload at every place; ``ids`` as ``IDS`` says."""
    for endpoint in table().endpoints:
        yield from _on_body(endpoint, ids)
        for text in PAYLOADS:
            quoted = quote(text, safe="", errors="surrogatepass")
            if "{id}" in endpoint.path:
                yield _attack(endpoint, endpoint.path, endpoint.path.replace("{id}", quoted), text, bodies(ids))
            for name in endpoint.parameters:
                yield _attack(endpoint, f"{endpoint.path}?{name}", f"{endpoint.path}?{name}={quoted}", text, {})


def _attack(endpoint: Endpoint, where: str, target: str, text: str, whole: Mapping[type[WireModel], Any]) -> Attack:
    body = whole[endpoint.request] if endpoint.request and whole else None
    return Attack(method=endpoint.method, target=target, body=body, where=where, text=text)


def _on_body(endpoint: Endpoint, ids: Mapping[str, str]) -> Iterator[Attack]:
    if endpoint.request is None:
        return
    whole = bodies(ids)[endpoint.request]
    target = endpoint.path.replace("{id}", ids.get(endpoint.path.split("/")[1], ""))
    for place in places(endpoint.request):
        named = name_of(endpoint.request, place)
        for where, form in _FORMS.get(named, {named: "{}"}).items():
            for text in PAYLOADS:
                body = put(whole, place, form.replace("{}", text))
                yield Attack(method=endpoint.method, target=target, body=body, where=where, text=text)


def name_of(model: type[WireModel], place: Place) -> str:
    """Return how a place is called in ``Attack.where``."""
    words = ".".join(each if isinstance(each, str) else each.value for each in (model.__name__, *place))
    return words.replace(".[", "[").replace(".{", "{")
