"""What each difference means, and what a person can do about it."""

import shlex

from pyheketi.cli.comparison.findings import GLUSTER, HEKETI, Category, Finding


def explain(finding: Finding) -> str:
    """Return a sentence on a difference; empty if there is none."""
    return _of_brick(finding) if finding.kind == "brick" else _of_volume(finding)


def _of_volume(finding: Finding) -> str:
    block = finding.kind == "block volume"
    noun = "blockvolume" if block else "volume"
    users = ", ".join(finding.claims)
    match finding.category:
        case Category.PENDING:
            return (
                f"operation {finding.pending} is at work on it, or stuck: see"
                f" 'heketi-cli server operations info {finding.pending}', and compare again when it has ended"
            )
        case Category.UNKNOWN:
            return f"no node of cluster {finding.cluster} could tell what gluster has: is glusterd running there?"
        case Category.ONLY_HEKETI:
            return f"gluster does not have it. If its data is not to come back: heketi-cli {noun} delete {finding.id}"
        case Category.LOST:
            return (
                f"gluster does not have it, but persistent volume {users} uses it: look at the nodes before anything is"
                " deleted"
            )
        case Category.UNUSED:
            return (
                "no persistent volume uses it. If nobody else does, outside of Kubernetes, it is left over:"
                f" heketi-cli {noun} delete {finding.id}"
            )
        case Category.ONLY_GLUSTER:
            return _unknown_to_heketi(finding, block=block)
        case Category.FORGOTTEN:
            return (
                f"heketi does not know it, but persistent volume {users} uses it: do not delete it; a backup of the"
                " database may know it"
            )
        case Category.ONLY_CLAIMS:
            words = " ".join(map(shlex.quote, finding.claims))
            return f"persistent volume {users} points at nothing. If nobody needs it: kubectl delete pv {words}"
        case Category.BRICKS:
            return (
                f"its bricks are not those of the database (only in heketi: {_list(finding.only_heketi)};"
                f" only in gluster: {_list(finding.only_gluster)}): somebody moved bricks with the gluster command."
                " Heketi will refuse to move bricks of it; move them back with 'gluster volume replace-brick'"
            )
        case _:
            return ""


def _unknown_to_heketi(finding: Finding, *, block: bool) -> str:
    if block:
        path = shlex.quote(f"{finding.volumes.get(GLUSTER, '')}/{finding.name}")
        return f"heketi does not know it. If nobody uses it, on a node: gluster-block delete {path}"
    name = shlex.quote(finding.name)
    return (
        f"heketi does not know it. If nobody uses it, on a node: gluster volume stop {name};"
        f" gluster volume delete {name}. Then 'heketi-cli server state orphans' finds its bricks"
    )


def _of_brick(finding: Finding) -> str:
    ours, theirs = finding.volumes.get(HEKETI, ""), finding.volumes.get(GLUSTER, "")
    match finding.category:
        case Category.PENDING:
            return f"operation {finding.pending} is at work on it, or stuck: compare again when it has ended"
        case Category.UNKNOWN:
            return f"no node of cluster {finding.cluster} could tell what gluster has: is glusterd running there?"
        case Category.ONLY_HEKETI:
            return f"volume {ours} has it in heketi, but not in gluster: see the comparison of volumes"
        case Category.ONLY_GLUSTER:
            return f"volume {theirs} has it in gluster, but heketi does not know it: see the comparison of volumes"
        case Category.OTHER_VOLUME:
            return f"it belongs to volume {ours} in heketi and to {theirs} in gluster"
        case _:
            return ""


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
