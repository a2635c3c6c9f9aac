"""What gluster has: told by the server, or in a file that somebody made with ``gluster volume info``."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from pyheketi.cli.comparison.known import Known
from pyheketi.wire import base
from pyheketi.wire.examination import Examination, GlusterVolumes, NodeData

_OF_HOSTS = frozenset({"gluster_shared_storage", "ctdb"})
"""Names of volumes that the gluster hosts use themselves. The first one gluster makes by its option
``cluster.enable-shared-storage``; the other one people make who set up Samba on the hosts, for the lock of its CTDB."""
_ARBITER = " (arbiter)"


class Unreadable(ValueError):
    """A text is not what gluster prints; the text says why."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as gluster has it."""

    name: str
    bricks: tuple[str, ...]
    """``host:path``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gluster:
    """What gluster has in the clusters that could be asked."""

    told: frozenset[str]
    """Clusters of which all volumes are known."""
    volumes: Mapping[tuple[str, str], Volume]
    """By cluster and name; the cluster is empty where it cannot be told."""
    blocks: frozenset[tuple[str, str]] = frozenset()
    """Names of hosting volumes and of block volumes on them."""
    blocks_told: frozenset[str] = frozenset()
    """Names of hosting volumes whose block volumes are known."""


def of_server(examination: Examination, known: Known) -> Gluster:
    """Return what the server's look at the nodes found: of each cluster what any of its nodes told."""
    told: set[str] = set()
    volumes: dict[tuple[str, str], Volume] = {}
    blocks: set[tuple[str, str]] = set()
    for cluster in examination.clusters:
        for node in cluster.NodesData:
            listed = _volumes_of(node)
            if listed is None:
                continue
            told.add(cluster.ClusterHeketiID)
            volumes |= {(cluster.ClusterHeketiID, each.name): each for each in listed}
            for name in node.BlockVolumeNames or ():
                hosting, _, block = name.partition("/")
                blocks.add((hosting, block))
    asked = {each.name for each in known.volumes if each.hosting and each.cluster in told}
    failed = " ".join(line for line in examination.report if line.startswith("could not fetch block volume list"))
    untold = {each.name for each in known.volumes if each.id in failed}
    return Gluster(
        told=frozenset(told), volumes=volumes, blocks=frozenset(blocks), blocks_told=frozenset(asked - untold)
    )


def _volumes_of(node: NodeData) -> tuple[Volume, ...] | None:
    if node.VolumeInfo is None:
        return None
    try:
        listed = base.validated(GlusterVolumes, node.VolumeInfo)
    except base.Malformed:
        return None
    return tuple(
        Volume(each.VolumeName, tuple(brick.Name for brick in each.Bricks.BrickList))
        for each in listed.Volumes.VolumeList
    )


def of_text(text: str, known: Known) -> Gluster:
    """Return what the output of ``gluster volume info`` holds, with ``--xml`` or without.

    A cluster counts as told if a volume has a brick on one of its nodes, or if there is only one.

    Raises:
        Unreadable: it is something else.
    """
    listed = _of_xml(text) if text.lstrip().startswith("<") else _of_lines(text)
    only = next(iter(known.clusters)) if len(known.clusters) == 1 else ""
    volumes = {(_cluster(volume, known) or only, volume.name): volume for volume in listed}
    told = {cluster for cluster, _ in volumes} | {only}
    return Gluster(told=frozenset(told - {""}), volumes=volumes)


def _cluster(volume: Volume, known: Known) -> str:
    return next(filter(None, map(known.cluster_at, volume.bricks)), "")


def _of_xml(text: str) -> list[Volume]:
    if "<!" in text:  # without declarations there are no entities to blow up
        raise Unreadable("is no XML of gluster's: it has declarations")
    try:
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise Unreadable(f"is neither XML nor the text of 'gluster volume info': {error}") from error
    if root.tag != "cliOutput":
        raise Unreadable(f"is not of 'gluster volume info --xml': it begins with <{root.tag}>")
    if why := root.findtext("opErrstr"):
        raise Unreadable(f"holds an error of gluster's instead of volumes: {why}")
    return [
        Volume(
            each.findtext("name", ""),
            tuple(brick.findtext("name", "") for brick in each.iterfind("bricks/brick")),
        )
        for each in root.iterfind("volInfo/volumes/volume")
    ]


def _of_lines(text: str) -> list[Volume]:
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        word, _, value = line.strip().partition(":")
        if word == "Volume Name":
            found.append((value.strip(), []))
        elif found and _is_brick(word):
            found[-1][1].append(value.strip().removesuffix(_ARBITER))
    if not found and text.strip() not in ("", "No volumes present"):
        raise Unreadable("is not what 'gluster volume info' prints: there is no line 'Volume Name: …'")
    return [Volume(name, tuple(bricks)) for name, bricks in found]


def _is_brick(word: str) -> bool:
    return word.startswith("Brick") and word.removeprefix("Brick").isdecimal()


def is_of_hosts(volume: str) -> bool:
    """Tell by its name whether a volume that is not in the database need not be there."""
    return volume in _OF_HOSTS
