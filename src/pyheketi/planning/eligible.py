"""Which clusters may hold a new volume, and why the others may not (placement.md §5)."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pyheketi.domain import errors
from pyheketi.domain.entities import Cluster
from pyheketi.domain.topology import Topology
from pyheketi.planning.limits import Limits

_Why: TypeAlias = Callable[[Cluster], str]
"""Returns why a cluster may not; empty if it may."""


def require_known(topology: Topology, wanted: Sequence[str]) -> None:
    """Make sure that there are clusters, and those that a request names (rest-api.md §7.5, checks 9 and 10).

    Raises:
        RequestError: there are not.
    """
    if next(topology.clusters(), None) is None:
        raise errors.RequestError("No clusters configured")
    for cluster in wanted:
        if topology.cluster(cluster) is None:
            raise errors.RequestError(f"Cluster id {cluster} not found")


def for_volume(topology: Topology, wanted: Sequence[str], name: str, *, block: bool, limits: Limits) -> list[Cluster]:
    """Return clusters that may hold a volume of that name, in the order to try.

    Raises:
        Conflict: none may, by kind, name or number of volumes.
    """

    def why(cluster: Cluster) -> str:
        count = topology.count_volumes(cluster.id)
        if wrong := _wrong_kind(cluster, block=block):
            return wrong
        if topology.volume_named(cluster.id, name) is not None:
            return f"Volume name '{name}' already in use"
        if count >= limits.max_volumes_per_cluster:
            return f"Cluster has {count} volumes and limit is {limits.max_volumes_per_cluster}"
        return ""

    return _eligible(topology, wanted, why)


def for_block_volumes(topology: Topology, wanted: Sequence[str]) -> list[Cluster]:
    """Return clusters that may hold block volumes, in the order to try.

    Raises:
        Conflict: none may.
    """
    return _eligible(topology, wanted, lambda cluster: _wrong_kind(cluster, block=True))


def _wrong_kind(cluster: Cluster, *, block: bool) -> str:
    if not cluster.file and not cluster.block:
        return "Cluster has disabled all volume types"
    if not (cluster.block if block else cluster.file):
        return "Cluster does not support requested volume type"
    return ""


def _eligible(topology: Topology, wanted: Sequence[str], why: _Why) -> list[Cluster]:
    refusals: dict[str, str] = {}
    eligible = []
    for cluster_id in dict.fromkeys(wanted or [cluster.id for cluster in topology.clusters()]):
        cluster = topology.cluster(cluster_id)
        if cluster is None:
            refusals[cluster_id] = "Id not found"
        elif refusal := why(cluster):
            refusals[cluster_id] = refusal
        else:
            eligible.append(cluster)
    if not eligible:
        raise errors.Conflict(merged("No eligible cluster for volume", refusals))
    return eligible


def merged(headline: str, texts: dict[str, str]) -> str:
    """Return the only text, or all below a headline, as Heketi tells of several clusters."""
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "\n".join([headline, *(f"Cluster {cluster}: {text}" for cluster, text in texts.items())])
