"""Answers that are asked for again and again, kept for as long as nothing in them has changed.

Entities are values: what was made of the very same objects is still true. So nothing here has to be told of changes.
"""

import itertools
import operator
import secrets
from collections.abc import Callable
from typing import TypeAlias

from pyheketi.api import mapping
from pyheketi.domain.entities import BlockVolume, Cluster, Node, Volume
from pyheketi.domain.topology import Topology
from pyheketi.wire import base

_MOST = 2000
"""Answers that are kept, of a few kB each."""


_Kept: TypeAlias = tuple[tuple[object, ...], bytes]
"""What an answer was made of, and the answer."""


class Remembered:
    """The JSON of volumes and of lists of ids."""

    def __init__(self) -> None:
        self._volumes: dict[str, _Kept] = {}
        self._lists: dict[str, _Kept] = {}
        self._tagged: tuple[Topology | None, str] = None, ""
        self._series, self._tags = secrets.token_hex(8), itertools.count(1)

    def tag(self, topology: Topology) -> str:
        """Return an entity tag: the same for the very same topology, and never again for another, nor by others."""
        if self._tagged[0] is not topology:
            self._tagged = topology, f'W/"{self._series}-{next(self._tags)}"'
        return self._tagged[1]

    def volume_ids(self, topology: Topology) -> bytes:
        """Return the list of volumes as JSON, without a final newline."""
        parts = topology.all_of(Volume)
        return self._of(self._lists, "", parts, lambda: base.dump(mapping.volume_list_to_wire(topology)))

    def cluster(self, topology: Topology, cluster: Cluster) -> bytes:
        """Return a cluster as JSON, without a final newline."""
        parts = (cluster, *topology.all_of(Node, Volume, BlockVolume))
        return self._of(self._lists, cluster.id, parts, lambda: base.dump(mapping.cluster_to_wire(topology, cluster)))

    def volume(self, topology: Topology, volume: Volume) -> bytes:
        """Return a volume as JSON, without a final newline."""
        if volume.block:  # what it hosts changes without it
            return _volume(topology, volume)
        parts = (volume, *topology.hardware, *map(topology.brick, volume.bricks))
        return self._of(self._volumes, volume.id, parts, lambda: _volume(topology, volume))

    def _of(self, kept: dict[str, _Kept], key: str, parts: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
        """Return what was made of the very same parts, or make it."""
        found = kept.get(key)
        if found and len(found[0]) == len(parts) and all(map(operator.is_, found[0], parts)):
            return found[1]
        made = make()
        if len(kept) >= _MOST:
            kept.clear()
        kept[key] = parts, made
        return made


def _volume(topology: Topology, volume: Volume) -> bytes:
    return base.dump(mapping.volume_to_wire(topology, volume))
