"""Rules that every topology keeps (placement.md §17). One small function a rule; tests run them all, always."""

from collections.abc import Iterator

from pyheketi.domain.topology import Topology


def check(topology: Topology) -> list[str]:
    """Return a sentence for each broken rule; none is broken in a healthy topology."""
    return [violation for rule in _RULES for violation in rule(topology)]


def _sets_are_whole(topology: Topology) -> Iterator[str]:
    for volume in topology.volumes():
        for brick_set in volume.brick_sets:
            if len(brick_set) != volume.durability.set_size:
                yield f"volume {volume.id}: a set of {len(brick_set)} bricks for {volume.durability}"


def _sets_share_no_node(topology: Topology) -> Iterator[str]:
    for volume in topology.volumes():
        for brick_set in volume.brick_sets:
            nodes = []
            for brick_id in brick_set:
                brick = topology.brick(brick_id)
                device = topology.device(brick.device) if brick else None
                if device is None:
                    yield f"volume {volume.id}: brick {brick_id} does not exist"
                else:
                    nodes.append(device.node)
            if len(set(nodes)) != len(nodes):
                yield f"volume {volume.id}: two bricks of a set share a node"


def _devices_are_not_overfull(topology: Topology) -> Iterator[str]:
    for device in topology.devices():
        if topology.free(device) < 0:
            yield f"device {device.id}: {-topology.free(device)} KiB more in use than there are"


def _bricks_have_one_owner(topology: Topology) -> Iterator[str]:
    for volume in topology.volumes():
        named = volume.bricks
        if len(set(named)) != len(named):
            yield f"volume {volume.id}: a brick stands in two places"
        held = {brick.id for brick in topology.bricks_of(volume.id)}
        for brick_id in set(named) - held:
            yield f"volume {volume.id}: brick {brick_id} belongs to another volume"
        if volume.pending is None:
            for brick_id in held - set(named):
                yield f"volume {volume.id}: brick {brick_id} is in no set, and no operation is at work"


def _bricks_sit_in_their_cluster(topology: Topology) -> Iterator[str]:
    for brick in topology.bricks():
        volume, device = topology.volume(brick.volume), topology.device(brick.device)
        node = topology.node(device.node) if device else None
        if volume is None or node is None or volume.cluster != node.cluster:
            yield f"brick {brick.id}: its volume and its device are in different clusters"


def _block_volumes_fit(topology: Topology) -> Iterator[str]:
    for volume in topology.volumes():
        hosted = topology.block_volumes_on(volume.id)
        if hosted and not volume.block:
            yield f"volume {volume.id}: hosts block volume {hosted[0].id}, but is no block hosting volume"
        if topology.block_free_gib(volume) < 0:
            yield f"volume {volume.id}: its block volumes take {-topology.block_free_gib(volume)} GiB more than it has"
        if len({each.name for each in hosted}) != len(hosted):
            yield f"volume {volume.id}: two of its block volumes have the same name"
    for block in topology.block_volumes():
        hosting = topology.volume(block.hosting)
        if hosting is None or hosting.cluster != block.cluster:
            yield f"block volume {block.id}: its hosting volume is in another cluster"


_RULES = (
    _sets_are_whole,
    _sets_share_no_node,
    _devices_are_not_overfull,
    _bricks_have_one_owner,
    _bricks_sit_in_their_cluster,
    _block_volumes_fit,
)
