"""Learn from gluster which bricks make a set: databases that were taken over from Heketi do not tell."""

from dataclasses import replace

from pyheketi.domain import errors
from pyheketi.domain.change import Change, Put
from pyheketi.domain.entities import Volume
from pyheketi.domain.topology import Topology
from pyheketi.operations import steps
from pyheketi.operations.steps import VolumeBricks
from pyheketi.placement.rings import Avoid
from pyheketi.planning import volumes


def look(topology: Topology, volume: Volume, avoid: Avoid) -> steps.LookAtVolume:
    """Return the step that asks gluster for the bricks of a volume."""
    return steps.LookAtVolume(hosts=volumes.gluster_hosts(topology, volume.cluster, avoid), name=volume.name)


def learned(topology: Topology, volume: Volume, told: VolumeBricks) -> Change:
    """Return the volume with the sets that gluster told.

    Raises:
        Conflict: gluster has bricks that we do not know, or lacks some.
    """
    ours = {volumes.locate(topology, brick).gluster_name: brick.id for brick in topology.bricks_of(volume.id)}
    settled = frozenset(volume.bricks)
    unknown = [name for name in told.names if ours.get(name) not in settled]
    missing = [name for name, id_ in ours.items() if id_ in settled and name not in told.names]
    if unknown or missing:
        faults = [*(f"{name} is not known" for name in unknown), *(f"{name} is missing" for name in missing)]
        raise errors.Conflict(f"Volume {volume.name} has other bricks in gluster than we know of: {', '.join(faults)}")
    width = volume.durability.set_size
    ids = [ours[name] for name in told.names]
    sets = tuple(tuple(ids[at : at + width]) for at in range(0, len(ids), width))
    return Put(replace(volume, brick_sets=sets, sets_guessed=False))
