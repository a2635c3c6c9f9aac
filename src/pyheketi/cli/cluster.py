"""``heketi-cli cluster`` (cli.md §5.5, §6.1)."""

from pyheketi.cli import values
from pyheketi.cli.connect import connect
from pyheketi.cli.errors import Problem
from pyheketi.cli.layout import boolean
from pyheketi.cli.session import Session
from pyheketi.wire.base import to_json
from pyheketi.wire.clusters import Cluster, ClusterFlags

_MISSING = "Cluster id missing"


def create(session: Session) -> None:
    """Make a cluster."""
    with connect(session) as client:
        cluster = client.create_cluster(ClusterFlags(block=session.switch("block"), file=session.switch("file")))
    if session.json:
        session.write(to_json(cluster))
    else:
        session.write(f"Cluster id: {cluster.id}\n")


def delete(session: Session) -> None:
    """Delete a cluster."""
    cluster = session.argument(_MISSING)
    with connect(session) as client:
        client.delete_cluster(cluster)
    session.write(f"Cluster {cluster} deleted\n")


def show(session: Session) -> None:
    """Show a cluster."""
    name = session.argument(_MISSING)
    with connect(session) as client:
        cluster = client.cluster(name)
    if session.json:
        session.write(to_json(cluster))
        return
    nodes, volumes = "\n".join(cluster.nodes), "\n".join(cluster.volumes)
    session.write(
        f"Cluster id: {cluster.id}\nNodes:\n{nodes}\nVolumes:\n{volumes}\n"
        f"Block: {boolean(cluster.block)}\n\nFile: {boolean(cluster.file)}\n"
    )


def show_all(session: Session) -> None:
    """List the clusters and what may be made on them."""
    with connect(session) as client:
        listed = client.cluster_ids()
        if session.json:
            session.write(to_json(listed))
            return
        session.write("Clusters:\n")
        for name in listed.clusters:
            cluster = client.cluster(name)
            session.write(f"Id:{cluster.id} {_usage(cluster)}\n")


def set_flags(session: Session) -> None:
    """Change what may be made on a cluster; what is not given stays."""
    name = session.argument(_MISSING)
    block, file = session.text("block"), session.text("file")
    if not block and not file:
        raise Problem("At least one of --file or --block must be specified.")
    with connect(session) as client:
        cluster = client.cluster(name)
        flags = ClusterFlags(block=_changed(block, cluster.block), file=_changed(file, cluster.file))
        client.set_cluster_flags(name, flags)


def _changed(text: str, former: bool) -> bool:
    try:
        return values.boolean(text) if text else former
    except values.Invalid as error:
        raise Problem(str(error)) from error


def _usage(cluster: Cluster) -> str:
    return ("[file]" if cluster.file else "") + ("[block]" if cluster.block else "") or "[]"
