"""The machine room: simulated nodes by name, and how to fill them with what a topology says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyheketi.commands.options import NodeOptions
from pyheketi.domain import durability, size
from pyheketi.domain.entities import BlockVolume, Brick, Device, Node, Volume
from pyheketi.domain.topology import Topology
from pyheketi.executors.fake import gluster, inventory, lvm
from pyheketi.executors.fake.state import (
    Block,
    Directory,
    Disk,
    FakeNode,
    FileSystem,
    GlusterVolume,
    LogicalVolume,
    Pool,
    lvm_uuid,
)

DISK_GIB = 500
"""Size of a disk that nobody has said anything about (executors.md §14)."""


class FakeNodes:
    """Simulated nodes. Whatever name is used, a machine answers to it."""

    def __init__(
        self,
        *,
        disk_gib: int = DISK_GIB,
        charge_spare: bool = False,
        find_manage: Callable[[str], str | None] | None = None,
    ) -> None:
        """Make an empty machine room.

        Args:
            disk_gib: GiB of every disk that is not known yet.
            charge_spare: whether volume groups charge LVM's spare metadata volume, as real ones do; Heketi's mock does
                not.
            find_manage: returns the management name of the node that has a storage name, if there is one: the
                simulated network's name service. Without it, ``alias`` has to tell.
        """
        self.disk_gib = disk_gib
        self.charge_spare = charge_spare
        self.find_manage = find_manage
        self._by_name: dict[str, FakeNode] = {}

    @classmethod
    def from_topology(
        cls,
        topology: Topology,
        *,
        options: NodeOptions | None = None,
        disk_gib: int = DISK_GIB,
        charge_spare: bool = False,
        find_manage: Callable[[str], str | None] | None = None,
    ) -> "FakeNodes":
        """Return nodes that hold exactly what the topology says.

        Whatever it names is taken for made, what is being made or removed included: peers, volume groups, bricks with
        all that belongs to them, started gluster volumes. Only a clone that is being made is not there: its bricks
        have no names yet. What is in use beyond that is a volume named ``foreign``.
        """
        nodes = cls(disk_gib=disk_gib, charge_spare=charge_spare, find_manage=find_manage)
        _Furnisher(nodes, topology, options or NodeOptions()).furnish()
        return nodes

    def __iter__(self) -> Iterator[FakeNode]:
        """Yield every machine once."""
        return iter(dict.fromkeys(self._by_name.values()))

    def node(self, name: str) -> FakeNode:
        """Return the machine that answers to ``name``: a management name, or another one that it was given."""
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = FakeNode(
                name,
                disk_size=self.disk_gib * size.KIB_PER_GIB,
                charge_spare=self.charge_spare,
                resolve=self.peer,
            )
        return found

    def peer(self, name: str) -> FakeNode:
        """Return the machine that gluster on other machines finds by the storage name ``name``."""
        manage = self.find_manage(name) if self.find_manage else None
        return self.node(manage or name)

    def alias(self, manage: str, *storage: str) -> FakeNode:
        """Tell that the machine ``manage`` answers to the ``storage`` names, too, and return it.

        A machine that has only been spoken of by such a name so far becomes this one.
        """
        for name in storage:
            known, other = self._by_name.get(manage), self._by_name.get(name)
            if known is None and other is not None:
                self._by_name[manage] = other
                other.name = manage
            elif known is not None and other is not None and known is not other and _blank(other):
                _replace_peer(other, known)
            self._by_name[name] = self.node(manage)
        return self.node(manage)

    def inventory(self) -> inventory.Inventory:
        """Return a picture of all that is on the nodes."""
        return inventory.take(self)


def _blank(node: FakeNode) -> bool:
    return not (node.groups or node.mounts)


def _is_unnamed_clone(brick: Brick) -> bool:
    return not brick.given_name and brick.thin_pool != f"tp_{brick.id}"


def _replace_peer(former: FakeNode, node: FakeNode) -> None:
    """Make ``node`` the peer that ``former`` was, unless it is a peer of others itself."""
    if len(node.pool.members) > 1 or node.pool.volumes:
        return
    name = former.pool.members.pop(former)
    gluster.join(former.pool, node, name)


@dataclass(slots=True)
class _Furnisher:
    """Fills nodes with what a topology says."""

    nodes: FakeNodes
    topology: Topology
    options: NodeOptions

    def furnish(self) -> None:
        homes: dict[str, FakeNode] = {}
        storage: dict[str, str] = {}
        for node in self.topology.nodes():
            homes[node.id] = self.nodes.alias(node.manage_host, *node.manage[1:], *node.storage)
            storage[node.id] = node.storage_host
        for cluster in self.topology.clusters():
            self.join(homes, self.topology.nodes_of(cluster.id))
        pools = {
            cluster.id: homes[peers[0].id].pool
            for cluster in self.topology.clusters()
            if (peers := self.topology.nodes_of(cluster.id))
        }
        volumes = {volume.id: self.volume(pools.get(volume.cluster), volume) for volume in self.topology.volumes()}
        for block in self.topology.block_volumes():
            self.block(homes, block)
        for device in self.topology.devices():
            home = homes[device.node]
            disk = self.disk(home, device)
            if not device.total:
                continue
            group = lvm.add_group(
                home, device.volume_group, disk, extents=device.total // device.extent, extent=device.extent
            )
            for brick in self.topology.bricks_on(device.id):
                if not _is_unnamed_clone(brick):
                    self.brick(home, brick, volumes[brick.volume], storage[device.node])
            spare = group.spare * group.extent if group.charge_spare else 0
            if device.foreign > spare:
                lvm.add_volume(home, group, LogicalVolume("foreign", group.name, "linear", device.foreign - spare))

    def join(self, homes: dict[str, FakeNode], peers: Sequence[Node]) -> None:
        for peer in peers[1:]:
            gluster.join(homes[peers[0].id].pool, homes[peer.id], peer.storage_host)

    def disk(self, home: FakeNode, device: Device) -> Disk:
        made = Disk(device.name, device.total or home.disk_size)
        if device.total:
            made.pv_uuid = device.pv_uuid or lvm_uuid(home.name, device.name, "1")
            made.generation = 1
        home.disks[device.name] = made
        return made

    def volume(self, pool: Pool | None, volume: Volume) -> GlusterVolume | None:
        """Make the gluster volume, started; one that has no bricks yet is not there."""
        if pool is None or not volume.brick_sets or any(map(_is_unnamed_clone, self.topology.bricks_of(volume.id))):
            return None
        made = GlusterVolume(volume.name, "")
        match volume.durability:
            case durability.Replicate(count, arbiter):
                made.replica, made.arbiter = count, int(arbiter)
            case durability.Disperse(data, redundancy):
                made.disperse, made.redundancy = data + redundancy, redundancy
        gluster.add_volume(pool, made)
        made.status = "Started"
        for option in (*filter(None, volume.options), f"user.heketi.id {volume.id}"):
            key, _, value = option.partition(" ")
            made.options[key] = value.strip()
        for brick_id in volume.bricks:
            brick = self.topology.brick(brick_id)
            device = brick and self.topology.device(brick.device)
            node = device and self.topology.node(device.node)
            if brick and node:
                name = f"{node.storage_host}:{brick.path}"
                made.bricks.append(name)
                pool.bricks[name] = made
        return made

    def block(self, homes: dict[str, FakeNode], block: BlockVolume) -> None:
        """Make a block volume; one that was never made has no target name."""
        hosting = self.topology.volume(block.hosting)
        peers = self.topology.nodes_of(block.cluster)
        if hosting and peers and block.iqn:
            gbid = block.iqn.rpartition(":")[2]
            made = Block(block.name, hosting.name, gbid, block.size_gib, list(block.hosts), block.password)
            homes[peers[0].id].pool.blocks[hosting.name, block.name] = made

    def brick(self, home: FakeNode, brick: Brick, volume: GlusterVolume | None, storage: str) -> None:
        group = home.groups[f"vg_{brick.device}"]
        if brick.thin_pool not in group.volumes:
            pool = LogicalVolume(brick.thin_pool, group.name, "pool", brick.pool_size, metadata=brick.metadata_size)
            lvm.add_volume(home, group, pool)
        made = LogicalVolume(brick.logical_volume, group.name, "thin", brick.size, pool=brick.thin_pool)
        lvm.add_volume(home, group, made)
        made.file_system = FileSystem()
        directory = made.file_system.add("/brick")
        if brick.gid:
            directory.group, directory.mode = str(brick.gid), "2775"
        self.belong(home, directory, volume, f"{storage}:{brick.path}")
        point, options = brick.mount_point, self.options.mount_options
        home.root.add_all(point)
        if brick.given_path:
            home.clone_bricks[point] = made
            home.attach(made, made.file_system, point, "rw,nouuid")
            return
        home.attach(made, made.file_system, point, options)
        home.files.setdefault(self.options.fstab, []).append(f"{made.device} {point} xfs {options} 1 2")

    def belong(self, home: FakeNode, directory: Directory, volume: GlusterVolume | None, name: str) -> None:
        if volume is not None and home.pool.bricks.get(name) is volume:
            directory.brick_of = volume
