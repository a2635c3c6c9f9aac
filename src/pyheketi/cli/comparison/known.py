"""What heketi's database has, as far as it can be compared. It need not be whole: this is for broken ones, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pyheketi.wire.dump import BrickEntry, Dump


@dataclass(frozen=True, slots=True, kw_only=True)
class Brick:
    """A brick of the database."""

    id: str
    place: str
    """As ``place`` of ``Known`` returns it."""
    name: str
    """``host:path`` with the node's first storage name."""
    pending: str
    """Id of the operation that makes or removes it; empty if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume or block volume of the database."""

    id: str
    name: str
    cluster: str
    pending: str
    """Id of the operation at work on it; empty if there is none."""
    hosting: bool = False
    """Whether it hosts block volumes."""
    hosted_by: str = ""
    """Name of the hosting volume, of block volumes only."""
    bricks: tuple[Brick, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything in the database."""

    clusters: frozenset[str]
    volumes: tuple[Volume, ...]
    block_volumes: tuple[Volume, ...]
    nodes: Mapping[str, str]
    """Every name of every node, and the node's id."""
    cluster_of: Mapping[str, str]
    """Cluster of each node."""

    def place(self, name: str) -> str:
        """Return gluster's ``host:path`` in a spelling that does not depend on which name of the node was used."""
        host, _, path = name.rpartition(":")
        return f"{self.nodes.get(host, host)}:{path}"

    def cluster_at(self, name: str) -> str:
        """Return the cluster whose node is named in ``host:path``; empty if it is nobody's."""
        return self.cluster_of.get(self.nodes.get(name.rpartition(":")[0], ""), "")


def read(document: Dump) -> Known:
    """Return what can be compared of a database."""
    names: dict[str, str] = {}
    for id_, node in document.nodeentries.items():
        names |= dict.fromkeys((*node.Info.hostnames.manage, *node.Info.hostnames.storage), id_)
    return Known(
        clusters=frozenset(document.clusterentries),
        volumes=tuple(
            Volume(
                id=id_,
                name=volume.Info.name,
                cluster=volume.Info.cluster,
                pending=volume.Pending.Id,
                hosting=volume.Info.block,
                bricks=tuple(
                    _brick(document, each, brick)
                    for each in volume.Bricks
                    if (brick := document.brickentries.get(each))
                ),
            )
            for id_, volume in document.volumeentries.items()
        ),
        block_volumes=tuple(_block_volumes(document)),
        nodes=MappingProxyType(names),
        cluster_of=MappingProxyType({id_: node.Info.cluster for id_, node in document.nodeentries.items()}),
    )


def _brick(document: Dump, id_: str, brick: BrickEntry) -> Brick:
    node = document.nodeentries.get(brick.Info.node)
    host = next(iter(node.Info.hostnames.storage), "") if node else ""
    return Brick(
        id=id_,
        place=f"{brick.Info.node}:{brick.Info.path}",
        name=f"{host or brick.Info.node}:{brick.Info.path}",
        pending=brick.Pending.Id,
    )


def _block_volumes(document: Dump) -> list[Volume]:
    found = []
    for id_, block in document.blockvolumeentries.items():
        hosting = document.volumeentries.get(block.Info.blockhostingvolume)
        found.append(
            Volume(
                id=id_,
                name=block.Info.name,
                cluster=block.Info.cluster or (hosting.Info.cluster if hosting else ""),
                pending=block.Pending.Id,
                hosted_by=hosting.Info.name if hosting else "",
            )
        )
    return found
