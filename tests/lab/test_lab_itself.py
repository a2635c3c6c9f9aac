from lab import Lab


def test_nodes_have_spare_disks_and_glusterd(clean_lab: Lab) -> None:
    for node in clean_lab.nodes:
        disks = node.ssh("lsblk --noheadings --nodeps --output PATH").stdout.split()
        assert set(node.disks) <= set(disks)
        assert "Number of Peers: 0" in node.ssh("gluster peer status").stdout


def test_disks_outlive_a_power_cut(clean_lab: Lab) -> None:
    node = clean_lab.nodes[0]
    node.ssh(f"pvcreate -qq {node.disks[0]} && vgcreate -qq vg_kept {node.disks[0]}")
    node.ssh("echo '# heketi kept' >> /etc/fstab && sync")
    node.power_cut()
    assert node.ssh("true", check=False, timeout=10).returncode != 0
    node.start()
    node.wait_ready()
    assert "vg_kept" in node.ssh("vgs --noheadings").stdout
    assert "# heketi kept" in node.ssh("cat /etc/fstab").stdout
    clean_lab.pristine()
    assert node.ssh("vgs --noheadings").stdout == ""


def test_a_cable_can_be_unplugged(clean_lab: Lab) -> None:
    node = clean_lab.nodes[1]
    node.cut_network()
    assert node.ssh("true", check=False, timeout=8).returncode != 0
    node.restore_network()
    node.wait_ready()
