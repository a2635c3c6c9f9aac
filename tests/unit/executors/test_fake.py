import pytest
from tests.unit.executors import simulation
from tests.unit.executors.simulation import brick, command, destroy_brick, make_bricks, pool_of, succeed, tell

from pyheketi.commands import gluster_xml, lvm_report, mount
from pyheketi.domain import errors
from pyheketi.domain.size import KIB_PER_GIB
from pyheketi.executors.fake import FakeExecutor, FakeNodes

POINT = simulation.MOUNT_POINT.format(1, "x")
LV = simulation.LV.format(1, "x")
LVM = "/usr/sbin/lvm"
LVCREATE = (
    f"{LVM} lvcreate -qq --poolmetadatasize 8192K --size {{0}}K --thin vg_d1/tp_{{1}} --virtualsize {{0}}K --name {{1}}"
)


def test_what_is_made_and_removed_leaves_nothing() -> None:
    nodes = pool_of(3)
    before = nodes.inventory()
    bricks = make_bricks(nodes, "a", "b", "c")
    succeed(nodes, "n2", f"gluster --mode=script --timeout=600 volume create v replica 3 {bricks} ")
    succeed(nodes, "n2", "gluster volume set v user.heketi.id 1 performance.cache-size 1GB", "gluster volume start v")
    full = nodes.inventory()
    assert {line.partition(":")[0] for line in full.beyond(before)} == {
        "logical_volumes",
        "mounts",
        "fstab",
        "directories",
        "gluster_volumes",
    }

    succeed(nodes, "n1", "gluster volume stop v force", "gluster volume delete v")
    for number, name in enumerate("abc", 1):
        destroy_brick(nodes, number, name)
    assert nodes.inventory() == before


def test_a_leftover_is_seen() -> None:
    nodes = pool_of(1)
    before = nodes.inventory()
    make_bricks(nodes, "a")
    succeed(nodes, "n1", f"umount {simulation.MOUNT_POINT.format(1, 'a')}")
    assert nodes.inventory().beyond(before) == (
        "logical_volumes: n1 vg_d1/brick_a thin 1048576 KiB in tp_a xfs",
        "logical_volumes: n1 vg_d1/tp_a pool 1048576 KiB +8192 KiB",
        "fstab: n1 /dev/mapper/vg_d1-brick_a /var/lib/heketi/mounts/vg_d1/brick_a xfs rw,nouuid 1 2",
        "directories: n1 /var/lib/heketi/mounts/vg_d1/brick_a 0:0 755",
    )


def test_sizes_are_those_of_heketis_mock() -> None:
    nodes = pool_of(1)
    size = lvm_report.parse_group_size(succeed(nodes, "n1", f"{LVM} vgdisplay -c vg_d1"))
    assert size == lvm_report.GroupSize(total=500 * KIB_PER_GIB, used=0, extent=4096)


@pytest.mark.parametrize(("charge_spare", "used"), [(False, 1048576 + 8192), (True, 1048576 + 2 * 8192)])
def test_spare_metadata_is_charged_on_demand(charge_spare: bool, used: int) -> None:
    nodes = pool_of(1, charge_spare=charge_spare)
    make_bricks(nodes, "x")
    assert lvm_report.parse_group_size(succeed(nodes, "n1", f"{LVM} vgdisplay -c vg_d1")).used == used
    destroy_brick(nodes, 1, "x")
    assert lvm_report.parse_group_size(succeed(nodes, "n1", f"{LVM} vgdisplay -c vg_d1")).used == 0


def test_reports_tell_what_is_there() -> None:
    nodes = pool_of(1)
    make_bricks(nodes, "x")
    listed = succeed(nodes, "n1", f"{LVM} lvs --reportformat=json -o lv_name,vg_name,pool_lv,thin_count vg_d1")
    assert lvm_report.parse_logical_volumes(listed) == (
        lvm_report.LogicalVolume(name="tp_x", volume_group="vg_d1", thin_count=1),
        lvm_report.LogicalVolume(name="brick_x", volume_group="vg_d1", pool="tp_x"),
    )
    assert succeed(nodes, "n1", f"{LVM} lvs --noheadings --options=thin_count vg_d1/tp_x") == "  1\n"
    assert '"vg_size": "524288000.00k"' in succeed(nodes, "n1", f"{LVM} vgs --reportformat json --units k")
    (mounted,) = mount.parse_table(succeed(nodes, "n1", "cat /proc/self/mounts"))
    assert (mounted.source, mounted.target, mounted.options) == (LV, POINT, ("rw", "nouuid"))
    assert succeed(nodes, "n1", "mount") == f"{LV} on {POINT} type xfs (rw,nouuid)\n"
    assert succeed(nodes, "n1", "cat /etc/fstab") == f"{LV} {POINT} xfs rw,nouuid 1 2\n"


def test_a_device_answers_to_all_its_names() -> None:
    nodes = pool_of(1)
    (by_name,) = lvm_report.parse_physical_volumes(
        succeed(nodes, "n1", f"{LVM} pvs -o pv_name,pv_uuid,vg_name --reportformat=json /dev/sdb")
    )
    links = succeed(nodes, "n1", "/usr/bin/udevadm info --query=symlink --name=/dev/sdb").split()
    assert links == [f"disk/by-id/lvm-pv-uuid-{by_name.uuid}", "disk/by-path/simulated-sdb"]
    for link in links:
        answer = succeed(nodes, "n1", f"{LVM} pvs -o pv_name,pv_uuid,vg_name --reportformat=json /dev/{link}")
        assert lvm_report.parse_physical_volumes(answer) == (by_name,)


NODE_REFUSALS = [
    # what was done before, the command, status, words of the answer
    ([], f"{LVM} pvcreate -qq /dev/sdb", 5, 'of volume group "vg_d1" without -ff'),
    ([], f"{LVM} vgcreate -qq vg_d1 /dev/sdc", 5, "A volume group called vg_d1 already exists."),
    ([], f"{LVM} vgcreate -qq vg_d2 /dev/sdb", 5, "is already in volume group 'vg_d1'"),
    ([], f"{LVM} pvremove -qq /dev/sdb", 5, "is used by VG vg_d1"),
    ([], f"{LVM} pvremove -qq /dev/sdc", 5, "No PV found on device /dev/sdc."),
    ([], f"{LVM} pvs -o pv_uuid /dev/sdc", 5, 'Failed to find physical volume "/dev/sdc".'),
    ([], f"{LVM} pvs /dev/disk/by-id/lvm-pv-uuid-zzz", 5, "Failed to find device"),
    ([], f"{LVM} vgdisplay -c vg_no", 5, 'Volume group "vg_no" not found'),
    ([], f"{LVM} vgs vg_no", 5, 'Volume group "vg_no" not found'),
    ([], f"{LVM} lvs vg_d1/no", 5, 'Failed to find logical volume "vg_d1/no"'),
    ([], f"{LVM} lvremove -f vg_d1/no", 5, 'Failed to find logical volume "vg_d1/no"'),
    ([], f"{LVM} lvremove -f vg_no/no", 5, 'Volume group "vg_no" not found'),
    (
        [LVCREATE.format(500 * KIB_PER_GIB - 8192, "big")],
        LVCREATE.format(4096, "more"),
        5,
        'Volume group "vg_d1" has insufficient free space (0 extents): 3 required.',
    ),
    ([LVCREATE.format(4096, "a")], LVCREATE.format(4096, "a"), 5, "already exists in volume group"),
    ([LVCREATE.format(4096, "a")], f"{LVM} vgremove -qq vg_d1", 5, "still contains 2 logical volume(s)"),
    ([LVCREATE.format(4096, "a")], "wipefs --all /dev/sdb", 1, "Device or resource busy"),
    ([], f"mkfs.xfs {LV}", 1, "No such file or directory"),
    (["brick"], f"mkfs.xfs {LV}", 1, "contains a mounted filesystem"),
    (["brick", f"umount {POINT}"], f"mkfs.xfs {LV}", 1, "appears to contain an existing filesystem (xfs)"),
    (["brick"], f"{LVM} lvremove -f vg_d1/brick_x", 5, "Logical volume vg_d1/brick_x contains a filesystem in use."),
    (["brick"], f"{LVM} lvremove -f vg_d1/tp_x", 5, "Logical volume vg_d1/brick_x contains a filesystem in use."),
    (["brick"], f"mount -o rw {LV} {POINT}", 32, f"already mounted on {POINT}."),
    (["brick"], f"mount -o rw {LV} /mnt/no", 32, "mount point does not exist."),
    (["brick"], "mount -o rw /dev/mapper/vg_d1-no /mnt", 32, "special device /dev/mapper/vg_d1-no does not exist."),
    ([LVCREATE.format(4096, "a")], "mount -o rw /dev/mapper/vg_d1-a /mnt", 32, "wrong fs type"),
    ([], "umount /mnt", 32, "umount: /mnt: not mounted."),
    ([], "mkdir /mnt", 1, "File exists"),
    ([], "mkdir /mnt/a/b", 1, "No such file or directory"),
    ([], "rmdir /mnt/a", 1, "No such file or directory"),
    (["mkdir -p /mnt/a/b"], "rmdir /mnt/a", 1, "Directory not empty"),
    (["brick"], f"rmdir {POINT}", 1, "Device or resource busy"),
    ([], "chown :5 /mnt/a", 1, "cannot access '/mnt/a'"),
    ([], "cat /etc/nothing", 1, "No such file or directory"),
    ([], "sed -i.save /x/d /etc/nothing", 2, "can't read /etc/nothing"),
    ([], "systemctl status gluster", 4, "Unit gluster.service could not be found."),
    ([], "lsof /mnt", 1, ""),
    ([], "gluster volume start no", 1, "volume start: no: failed: Volume no does not exist"),
    ([], "gluster volume info no", 1, "Volume no does not exist"),
]


@pytest.mark.parametrize(("before", "line", "status", "words"), NODE_REFUSALS, ids=lambda value: str(value)[:60])
def test_nodes_refuse_what_real_nodes_refuse(before: list[str], line: str, status: int, words: str) -> None:
    nodes = pool_of(1)
    for each in before:
        if each == "brick":
            make_bricks(nodes, "x")
        else:
            succeed(nodes, "n1", each)
    inventory = nodes.inventory()
    result = tell(nodes, "n1", line)
    assert result.status == status
    assert words in result.stderr
    assert nodes.inventory() == inventory


@pytest.mark.parametrize(
    "line",
    [
        "gluster volume quota v enable",
        "gluster volume",
        "gluster volume create v stripe 2 10.0.0.1:/a",
        f"{LVM} vgextend vg_d1 /dev/sdc",
        f"{LVM} lvcreate --type raid1 --size 1G --name a vg_d1",
        f"{LVM} lvs -o lv_surprise",
        "awk 'BEGIN {system(\"reboot\")}'",
        "sed -n p /etc/fstab",
        "sed -i 's/a/b/' /etc/fstab",
        "test -s /etc/fstab",
        "mkdir --context=x /mnt/a",
        "chmod u+s /mnt",
        "systemctl reboot",
        "flock /etc reboot",
        "/usr/bin/udevadm info --query=all --name=/dev/sdb",
    ],
)
def test_what_is_not_simulated_fails(line: str) -> None:
    nodes = pool_of(1)
    result = tell(nodes, "n1", line)
    assert result.status == 1
    assert result.stderr.startswith("simulated nodes do not know: ")


def test_conditions_are_told_by_the_status() -> None:
    nodes = pool_of(1)
    make_bricks(nodes, "x")
    truths = {"-d /mnt": 0, "-d /mnt/a": 1, "-e /etc/fstab": 0, "-f /etc/no": 1, f"-b {LV}": 0, "-b /dev/sdx": 0}
    truths |= {"-b /dev/mapper/vg_d1-no": 1, "! -e /mnt/a": 0, "! -e /mnt": 1}
    assert {test: tell(nodes, "n1", f"test {test}").status for test in truths} == truths


def test_fstab_lines_go_one_by_one_and_the_file_is_kept() -> None:
    nodes = pool_of(1)
    for word in ("one", "two", "three"):
        succeed(nodes, "n1", f'awk "BEGIN {{print \\"/dev/{word} /{word}\\" >> \\"/etc/fstab\\"}}"')
    succeed(nodes, "n1", 'sed -i.save "/two/d" /etc/fstab')
    assert succeed(nodes, "n1", "cat /etc/fstab") == "/dev/one /one\n/dev/three /three\n"
    assert succeed(nodes, "n1", "cat /etc/fstab.save").count("\n") == 3
    succeed(nodes, "n1", r'sed -i "\|^/dev/one /o.*$|d" /etc/fstab')
    assert succeed(nodes, "n1", "cat /etc/fstab") == "/dev/three /three\n"


def test_a_disk_with_data_is_taken_only_after_a_wipe() -> None:
    nodes = FakeNodes()
    disk = nodes.node("n1").disk("/dev/sdc")
    assert disk is not None
    disk.signature = "ext4"
    assert "existing signature left" in tell(nodes, "n1", f"{LVM} pvcreate -qq /dev/sdc").stderr
    succeed(nodes, "n1", "wipefs --all /dev/sdc", f"{LVM} pvcreate -qq /dev/sdc")


# -- gluster -----------------------------------------------------------------------------------------------------


def test_peers_come_and_go() -> None:
    nodes = pool_of(3)
    assert tell(nodes, "n1", "gluster peer probe 10.0.0.2").stdout == (
        "peer probe: Host 10.0.0.2 port 24007 already in peer list\n"
    )
    assert "localhost not needed" in tell(nodes, "n1", "gluster peer probe 10.0.0.1").stdout
    assert succeed(nodes, "n2", "gluster peer status").count("State: Peer in Cluster (Connected)") == 2
    succeed(nodes, "n2", "gluster peer detach 10.0.0.3")
    assert "is not part of cluster" in tell(nodes, "n1", "gluster peer detach 10.0.0.3").stderr
    assert succeed(nodes, "n3", "gluster peer status") == "Number of Peers: 0\n"
    assert nodes.inventory().pools == ("n1, n2",)


def test_pools_and_dead_peers_are_not_swallowed() -> None:
    nodes = pool_of(2)
    for name in ("m1", "m2"):
        nodes.alias(name, f"s-{name}")
    succeed(nodes, "m1", "gluster peer probe s-m2")
    assert "already part of another cluster" in tell(nodes, "n1", "gluster peer probe s-m2").stderr
    nodes.node("late").power_off()
    assert "Transport endpoint is not connected" in tell(nodes, "n1", "gluster peer probe late").stderr


REPLICA = "volume create v replica 3"
GLUSTER_REFUSALS = [
    (f"{REPLICA} {{old}}", "volume create: v: failed: Volume v already exists"),
    ("volume create w replica 2 {old}", "number of bricks is not a multiple of replica count"),
    ("volume create w replica 1 {new}", "replica count should be greater than 1"),
    ("volume create w replica 3 {old}", "not available. Brick may be containing or be contained by an existing brick."),
    ("volume create w 10.0.0.1:/no/where/brick", "Reason : No such file or directory"),
    (
        "volume create w 10.0.0.2:/mnt/brick",
        "Staging failed on 10.0.0.2. Error: The brick 10.0.0.2:/mnt/brick is being",
    ),
    (f"volume create w 10.0.0.1:{simulation.MOUNT_POINT.format(1, 'd')}", "is a mount point."),
    ("volume create w stranger:/mnt/brick", "Host stranger is not in 'Peer in Cluster' state"),
    (f"volume create w replica 2 {brick(1, 'd')} {brick(1, 'd')}2", "present on the same server"),
    (f"volume add-brick v {brick(1, 'd')}", "Incorrect number of bricks supplied 1 with count 3"),
    ("volume add-brick no {new}", "volume add-brick: failed: Volume no does not exist"),
    ("volume add-brick v {old}", "not available"),
    ("volume start v", "volume start: v: failed: Volume v already started"),
    ("volume delete v", "Volume v has been started.Volume needs to be stopped before deletion."),
    ("volume set v foo bar", "volume set: failed: option : foo does not exist"),
    ("volume set v user.a", "Usage"),
    ("volume rebalance v start", "is not a distribute volume or contains only 1 brick"),
    ("volume stop no", "volume stop: no: failed: Volume no does not exist"),
    (f"volume remove-brick v {brick(1, 'a')} start", "incorrect brick count"),
    ("volume remove-brick v {old} force", "Deleting all the bricks of the volume is not allowed"),
    ("peer detach 10.0.0.2", "hosts one or more bricks"),
    ("snapshot list no", "snapshot list: failed: Volume (no) does not exist"),
    ("volume heal no info", "Volume no does not exist"),
]


@pytest.mark.parametrize(("words", "answer"), GLUSTER_REFUSALS)
def test_gluster_refuses_what_real_gluster_refuses(words: str, answer: str) -> None:
    nodes = pool_of(3)
    old, new = make_bricks(nodes, "a", "b", "c"), make_bricks(nodes, "d", "e", "f")
    succeed(nodes, "n1", f"gluster {REPLICA} {old}", "gluster volume start v")
    inventory = nodes.inventory()
    result = tell(nodes, "n1", f"gluster --mode=script --timeout=600 {words.format(old=old, new=new)}")
    assert result.status == 1
    assert answer in result.stderr
    assert nodes.inventory() == inventory


@pytest.mark.parametrize(
    ("words", "bricks", "type_", "order"),
    [
        ("", "abc", "Distribute", ["a", "b", "c"]),
        ("replica 3", "abc", "Replicate", ["a", "b", "c"]),
        ("replica 3 arbiter 1", "abc", "Replicate", ["a", "b", "c"]),
        ("disperse-data 2 redundancy 1", "abc", "Disperse", ["a", "b", "c"]),
    ],
)
def test_volume_info_tells_bricks_in_order(words: str, bricks: str, type_: str, order: list[str]) -> None:
    nodes = pool_of(3)
    succeed(nodes, "n1", f"gluster volume create v {words} {make_bricks(nodes, *bricks)}")
    succeed(nodes, "n3", "gluster volume set v user.heketi.id 7 'user.note' 'a <b> & c'")
    result = tell(nodes, "n2", "gluster --mode=script --timeout=600 volume info v --xml")
    volume = gluster_xml.read_volume("n2", result, "v")
    assert volume is not None
    assert (volume.type, volume.started) == (type_, False)
    assert volume.bricks == tuple(brick(number, name) for number, name in enumerate(order, 1))
    assert {("user.heketi.id", "7"), ("user.note", "a <b> & c")} <= set(volume.options)
    more = make_bricks(nodes, "d", "e", "f")
    succeed(
        nodes, "n1", "gluster volume start v", f"gluster volume add-brick v {more}", "gluster volume rebalance v start"
    )
    result = tell(nodes, "n2", "gluster volume info --xml")
    grown = gluster_xml.read_volume("n2", result, "v")
    assert grown is not None
    assert grown.started
    assert grown.type in {type_, f"Distributed-{type_}"}
    assert grown.bricks == (*volume.bricks, *more.split())


def test_no_volume_is_told_in_xml_too() -> None:
    nodes = pool_of(1)
    assert gluster_xml.read_volume("n1", tell(nodes, "n1", "gluster volume info no --xml"), "no") is None


def test_a_brick_directory_remembers_its_volume() -> None:
    nodes = pool_of(3)
    bricks = make_bricks(nodes, "a", "b", "c")
    succeed(nodes, "n1", f"gluster {REPLICA} {bricks}", "gluster volume delete v")
    assert "is already part of a volume" in tell(nodes, "n1", f"gluster {REPLICA} {bricks}").stderr


def test_a_started_volume_keeps_its_bricks_busy() -> None:
    nodes = pool_of(3)
    succeed(nodes, "n1", f"gluster {REPLICA} {make_bricks(nodes, 'a', 'b', 'c')}", "gluster volume start v")
    point = simulation.MOUNT_POINT.format(1, "a")
    assert tell(nodes, "n1", f"umount {point}").stderr == f"umount: {point}: target is busy.\n"
    assert "glusterfs" in succeed(nodes, "n1", f"lsof {point}")
    succeed(nodes, "n2", "gluster volume stop v force")
    succeed(nodes, "n1", f"umount {point}")
    assert "Failed to find brick directory" in tell(nodes, "n2", "gluster volume start v").stderr


def test_bricks_are_replaced_and_healed() -> None:
    nodes = pool_of(4)
    succeed(nodes, "n1", f"gluster {REPLICA} {make_bricks(nodes, 'a', 'b', 'c')}", "gluster volume start v")
    new = make_bricks(nodes, "d", first=4)
    nodes.node("n1").pool.volumes["v"].unhealed = 3
    healing = succeed(nodes, "n1", "gluster volume heal v info --xml")
    assert healing.count("<numberOfEntries>3</numberOfEntries>") == 3
    succeed(nodes, "n1", f"gluster volume replace-brick v {brick(2, 'b')} {new} commit force")
    volume = gluster_xml.read_volume("n1", tell(nodes, "n1", "gluster volume info v --xml"), "v")
    assert volume is not None
    assert volume.bricks == (brick(1, "a"), new, brick(3, "c"))
    destroy_brick(nodes, 2, "b")


# -- failing nodes -----------------------------------------------------------------------------------------------


def test_power_comes_and_goes() -> None:
    nodes = pool_of(3)
    succeed(nodes, "n1", f"gluster {REPLICA} {make_bricks(nodes, 'a', 'b', 'c')}", "gluster volume start v")
    before = nodes.inventory()
    nodes.node("n2").power_off()
    with pytest.raises(errors.Unreachable, match="Unable to reach node n2") as caught:
        tell(nodes, "n2", "mount")
    assert not caught.value.sent
    succeed(nodes, "n1", "gluster volume stop v force")
    assert "Some of the peers are down" in tell(nodes, "n1", "gluster volume delete v").stderr
    assert "State: Peer in Cluster (Disconnected)" in succeed(nodes, "n1", "gluster peer status")
    assert "Host 10.0.0.2 is not connected" in tell(nodes, "n1", "gluster volume create w 10.0.0.2:/mnt/x").stderr

    nodes.node("n2").power_on()
    succeed(nodes, "n2", "gluster volume start v")
    assert nodes.inventory() == before


def test_without_glusterd_there_is_no_gluster() -> None:
    nodes = pool_of(2)
    nodes.node("n1").glusterd = False
    stopped = tell(nodes, "n1", "systemctl status glusterd")
    assert (stopped.status, "inactive (dead)" in stopped.stdout) == (3, True)
    assert "Connection failed. Please check if gluster daemon" in tell(nodes, "n1", "gluster volume info").stderr
    succeed(nodes, "n1", "systemctl start glusterd", "systemctl status glusterd", "gluster volume info")


def test_a_script_stops_at_the_first_failure_that_matters() -> None:
    executor = FakeExecutor()
    lines = [command("rmdir /mnt/a", may_fail=True), command("mkdir /mnt/a/b"), command("mkdir /mnt/c")]
    assert [result.status for result in simulation.run_on(executor, "n1", *lines)] == [1, 1]
    assert tell(executor.nodes, "n1", "test -e /mnt/c").status == 1


# -- names -------------------------------------------------------------------------------------------------------


def test_a_peer_known_by_storage_name_becomes_the_machine_managed_elsewhere() -> None:
    for probed_first in (True, False):
        nodes = FakeNodes()
        if probed_first:
            succeed(nodes, "n1", "gluster peer probe 10.0.0.2")
        succeed(nodes, "n2", f"{LVM} vgcreate vg_d2 /dev/sdb")
        nodes.alias("n2", "10.0.0.2")
        if not probed_first:
            succeed(nodes, "n1", "gluster peer probe 10.0.0.2")
        assert nodes.node("10.0.0.2") is nodes.node("n2")
        assert nodes.inventory().pools == ("n1, n2",)
        assert nodes.node("n2").groups.keys() == {"vg_d2"}


def test_storage_names_can_be_looked_up() -> None:
    names = {"10.0.0.2": "n2"}
    nodes = FakeNodes(find_manage=names.get)
    succeed(nodes, "n1", "gluster peer probe 10.0.0.2")
    assert nodes.inventory().pools == ("n1, n2",)
    succeed(nodes, "n1", "gluster peer detach 10.0.0.2")
    names["10.0.0.2"] = "n3"
    succeed(nodes, "n1", "gluster peer probe 10.0.0.2")
    assert nodes.inventory().pools == ("n1, n3",)
