"""Clusters on the wire (rest-api.md §7.2)."""

from pyheketi.wire.base import Strings, WireModel


class ClusterFlags(WireModel):
    """Body of ``POST /clusters`` and ``POST /clusters/{id}/flags``: which volumes the cluster may hold."""

    block: bool = False
    file: bool = False


class Cluster(WireModel):
    """A trusted storage pool."""

    id: str = ""
    nodes: Strings = ()
    volumes: Strings = ()
    block: bool = False
    file: bool = False
    blockvolumes: Strings = ()


class ClusterList(WireModel):
    """Answer to ``GET /clusters``."""

    clusters: Strings = ()
