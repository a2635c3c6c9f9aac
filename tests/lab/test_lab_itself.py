import os
import subprocess
from pathlib import Path

from tests import hostile
from tests.lab import recording

from lab import Lab, holder


def test_a_process_belongs_to_its_lab_also_while_it_becomes_another_program(tmp_path: Path) -> None:
    chain = ["env"] * 30
    for _ in range(20):
        marked = os.environ | {holder.MARK: str(tmp_path)}
        process = subprocess.Popen([*chain, "cat"], env=marked, stdin=subprocess.PIPE)
        assert all(holder.belongs(process.pid, tmp_path) for _ in range(50))
        process.communicate()
    assert not holder.belongs(process.pid, tmp_path)


def test_a_trace_of_bash_is_read_as_it_was_meant() -> None:
    words = ["", *(text for text in hostile.PAYLOADS if text.replace("\t", "").replace("\n", "").isprintable())]
    traced = subprocess.run(
        ["bash", "-c", "PS4=$'\\x1e'; set -x; : \"$@\"", "bash", *words],
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        check=True,
    )
    assert recording.words(traced.stderr.decode().strip("\n\x1e")) == (":", *words)


def test_nodes_let_both_users_in_and_have_empty_disks(pristine_lab: Lab, tmp_path: Path) -> None:
    for node in pristine_lab.nodes:
        disks = node.ssh("lsblk --noheadings --nodeps --output PATH,SIZE").stdout
        assert [f"{disk} {pristine_lab.disk_gib}G" for disk in node.disks] == [
            " ".join(line.split()) for line in disks.splitlines() if line.split()[0] in node.disks
        ]
        assert node.ssh("runuser -u heketi -- sudo -n id -un").stdout == "root\n"
        assert "Number of Peers: 0" in node.ssh("gluster peer status").stdout
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(pristine_lab.known_hosts())
    for kind in ("rsa", "ecdsa"):
        words = ["-F", "none", "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known_hosts}"]
        login = f"heketi@{pristine_lab.nodes[0].ip}"
        said = pristine_lab.exec(["ssh", "-n", *words, "-i", pristine_lab.key(kind), login, "id -un"]).stdout
        assert said == "heketi\n"


def test_disks_and_fstab_outlive_a_power_cut(pristine_lab: Lab) -> None:
    node = pristine_lab.nodes[0]
    node.ssh(f"pvcreate -qq {node.disks[0]} && vgcreate -qq vg_kept {node.disks[0]}")
    node.ssh("echo '# heketi kept' >> /etc/fstab && sync")
    node.power_cut()
    assert not node.running
    assert node.ssh("true", check=False, timeout=10).returncode == 255
    node.start()
    node.wait_ready()
    assert node.ssh("vgs --noheadings -o vg_name").stdout.split() == ["vg_kept"]
    assert "# heketi kept" in node.ssh("cat /etc/fstab").stdout


def test_a_cable_can_be_unplugged_and_plugged_in_again(pristine_lab: Lab) -> None:
    node, other = pristine_lab.nodes[:2]
    ping = f"ping -c 1 -W 2 {node.ip}"
    assert other.ssh(ping).returncode == 0
    node.cut_network()
    assert other.ssh(ping, check=False).returncode == 1
    node.restore_network()
    assert other.ssh(ping).returncode == 0


def test_pristine_empties_nodes_that_served_a_volume(pristine_lab: Lab) -> None:
    first, second = pristine_lab.nodes[:2]
    brick = "/var/lib/heketi/mounts/vg_x/brick_x"
    for node in (first, second):
        node.ssh(f"pvcreate -qq {node.disks[0]} && vgcreate -qq vg_x {node.disks[0]}")
        node.ssh("lvcreate -qq --size 1G --thin vg_x/tp_x --virtualsize 1G --name brick_x")
        node.ssh(f"mkfs.xfs -q /dev/vg_x/brick_x && mkdir -p {brick}")
        node.ssh(f"echo '/dev/vg_x/brick_x {brick} xfs rw 1 2' | tee -a /etc/fstab >/dev/null && mount {brick}")
        node.ssh(f"mkdir {brick}/brick")
    first.ssh(f"gluster --mode=script peer probe {second.ip}")
    bricks = " ".join(f"{node.ip}:{brick}/brick" for node in (first, second))
    first.ssh(f"gluster --mode=script volume create vol replica 2 {bricks} && gluster volume start vol")
    mount = pristine_lab.mount(f"{first.ip}:vol")
    pristine_lab.exec(["sh", "-c", f"echo hello >{mount}/file"])
    for node in (first, second):
        assert node.ssh(f"cat {brick}/brick/file").stdout == "hello\n"
    pristine_lab.umount(mount)

    second.power_cut()
    pristine_lab.pristine()

    for node in (first, second):
        assert node.ssh("vgs --noheadings; pvs --noheadings; cat /etc/fstab; ls /var/lib/glusterd/vols").stdout == ""
        assert "Number of Peers: 0" in node.ssh("gluster peer status").stdout
