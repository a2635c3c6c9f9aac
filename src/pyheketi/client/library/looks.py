"""Calls of the importable clients that take several questions, without asking them."""

import json
from collections.abc import Generator, Iterable
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote

from pyheketi.client.overview import unfolded
from pyheketi.wire.base import to_json, validated
from pyheketi.wire.topology import Overview


class Look(NamedTuple):
    """One question."""

    uri: str
    may_be_gone: bool = True
    """The answer to a 404 is None then: somebody may have deleted it meanwhile."""


Looks: TypeAlias = Generator[Look, Any, Any]
"""Questions one after the other, each given the JSON of its answer; what it returns is the whole."""


def path(*segments: str) -> str:
    """Return a path; ids are whatever the caller gives, so they are quoted."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def topology() -> Looks:
    """Look at all clusters and everything in them, at once if the server can tell so much (cli.md §5.8)."""
    overview = yield Look("/topology")
    if overview is not None:
        return json.loads(to_json(unfolded(validated(Overview, overview))))
    listed = yield Look("/clusters", may_be_gone=False)
    clusters = []
    for id_ in listed["clusters"]:
        cluster = yield Look(path("clusters", id_))
        if cluster is None:
            continue
        volumes = yield from _each("volumes", cluster["volumes"])
        nodes = yield from _each("nodes", cluster["nodes"])
        clusters.append(
            {
                "volumes": [volume for volume in volumes if volume["cluster"] == id_],
                "nodes": nodes,
                "id": id_,
                "block": cluster["block"],
                "file": cluster["file"],
            }
        )
    return {"clusters": clusters}


def _each(kind: str, ids: Iterable[str]) -> Looks:
    found = []
    for id_ in ids:
        seen = yield Look(path(kind, id_))
        if seen is not None:
            found.append(seen)
    return found
