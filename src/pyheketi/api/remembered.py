"""Answers that are asked for again and again, kept for as long as nothing in them has changed.

Entities are values: what was made of the very same objects is still true. So nothing here has to be told of changes.
"""

from pyheketi.api import mapping
from pyheketi.domain.entities import Volume
from pyheketi.domain.topology import Topology
from pyheketi.wire import base

_MOST = 5000
"""Answers that are kept, of one or two kB each."""


class Remembered:
    """The JSON of volumes."""

    def __init__(self) -> None:
        self._volumes: dict[str, tuple[tuple[object, ...], bytes]] = {}

    def volume(self, topology: Topology, volume: Volume) -> bytes:
        """Return a volume as JSON, without a final newline."""
        if volume.block:  # what it hosts changes without it
            return _volume(topology, volume)
        parts = (volume, *topology.hardware, *map(topology.brick, volume.bricks))
        kept = self._volumes.get(volume.id)
        if kept and len(kept[0]) == len(parts) and all(old is new for old, new in zip(kept[0], parts, strict=True)):
            return kept[1]
        made = _volume(topology, volume)
        if len(self._volumes) >= _MOST:
            self._volumes.clear()
        self._volumes[volume.id] = parts, made
        return made


def _volume(topology: Topology, volume: Volume) -> bytes:
    return base.dump(mapping.volume_to_wire(topology, volume))
