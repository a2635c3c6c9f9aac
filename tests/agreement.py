"""Compare simulated nodes with the topology: every line that one has and the other has not."""

from tests.house import House

from pyheketi.commands.options import NodeOptions
from pyheketi.executors.fake.nodes import FakeNodes


def differences(house: House) -> tuple[set[str], set[str]]:
    """Return what only the nodes have, and what only the topology has; both empty when nothing leaked or got lost.

    Left out is who leads a pool, which is no property of any node, and LVM's empty label on a disk of no group.
    """
    expected = FakeNodes.from_topology(
        house.topology,
        options=NodeOptions(),
        disk_gib=house.disk_gib,
        find_manage=house._manage_host,  # the simulated network's name service is the house's
    ).inventory()
    found, wanted = _comparable(house.inventory().lines), _comparable(expected.lines)
    return found - wanted, wanted - found


def pending(house: House) -> list[str]:
    """Return the ids of everything that is marked as being worked on."""
    topology = house.topology
    kinds = (topology.nodes(), topology.devices(), topology.volumes(), topology.block_volumes())
    return [each.id for kind in kinds for each in kind if each.pending is not None]


def _comparable(lines: tuple[str, ...]) -> set[str]:
    kept = set()
    for line in lines:
        kind, _, rest = line.partition(": ")
        if kind == "pools":
            continue
        if kind in ("gluster_volumes", "snapshots", "block_volumes"):
            rest = rest.split(" ", 1)[1]
        if kind == "physical_volumes" and " vg_" not in rest:
            continue
        kept.add(f"{kind}: {rest}")
    return kept
