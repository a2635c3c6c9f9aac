"""``server state compare``: every way in which the database, gluster and Kubernetes can differ."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, serving
from tests.shared import shared_dir

HOSTS = {"n1": ("m1", "10.0.0.1"), "n2": ("m2", "10.0.0.2")}


def brick(id_: str, node: str, volume: str) -> dict[str, Any]:
    return {"Info": {"id": id_, "path": f"/b/{id_}/brick", "node": node, "volume": volume}}


def volume(id_: str, *bricks: str, **more: Any) -> dict[str, Any]:
    hosting = more.pop("hosting", False)
    return {"Info": {"id": id_, "name": f"vol_{id_}", "cluster": "c", "block": hosting}, "Bricks": list(bricks)} | more


def database(**volumes: dict[str, Any]) -> dict[str, Any]:
    bricks = {
        id_: brick(id_, f"n{place % 2 + 1}", name)
        for name, each in volumes.items()
        for place, id_ in enumerate(each["Bricks"])
    }
    nodes = {
        id_: {"Info": {"id": id_, "cluster": "c", "hostnames": {"manage": [manage], "storage": [storage]}}}
        for id_, (manage, storage) in HOSTS.items()
    }
    clusters = {"c": {"Info": {"id": "c", "nodes": list(nodes), "volumes": list(volumes)}}}
    return {"clusterentries": clusters, "nodeentries": nodes, "volumeentries": volumes, "brickentries": bricks}


def info(**volumes: list[str]) -> str:
    """Return what ``gluster volume info`` prints."""
    return "\n".join(
        f"\nVolume Name: vol_{name}\nType: Replicate\nNumber of Bricks: 1 x 2 = 2\nBricks:\n"
        + "".join(f"Brick{place}: {each}\n" for place, each in enumerate(bricks, 1))
        + "Options Reconfigured:\ncluster.brick-multiplex: on"
        for name, bricks in volumes.items()
    )


def claim(name: str, path: str, class_: str = "gold", **annotations: str) -> dict[str, Any]:
    spec = {"storageClassName": class_, "glusterfs": {"endpoints": "e", "path": path}}
    return {"kind": "PersistentVolume", "metadata": {"name": name, "annotations": annotations}, "spec": spec}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with a database of every kind of volume, what gluster has of it, and persistent volumes."""
    ours = database(
        a=volume("a", "a1", "a2"),
        b=volume("b", "b1", "b2"),
        d=volume("d", "d1", "d2"),
        h=volume("h", "h1", "h2", hosting=True),
        l=volume("l", "l1", "l2"),
        p=volume("p", "p1", "p2", Pending={"Id": "op1"}),
        u=volume("u", "u1", "u2"),
    )
    ours["blockvolumeentries"] = {"x": {"Info": {"id": "x", "name": "blk_x", "blockhostingvolume": "h"}}}
    (tmp_path / "dump.json").write_text(json.dumps(ours))
    (tmp_path / "info").write_text(
        info(
            a=["10.0.0.1:/b/a1/brick", "m2:/b/a2/brick (arbiter)"],
            d=["10.0.0.1:/b/d1/brick", "10.0.0.2:/b/moved/brick"],
            f=["10.0.0.1:/b/f1/brick"],
            h=["10.0.0.1:/b/h1/brick", "10.0.0.2:/b/h2/brick"],
            s=["10.0.0.1:/b/s1/brick"],
            u=["10.0.0.1:/b/u1/brick", "10.0.0.2:/b/u2/brick"],
        )
        + "\n\nVolume Name: gluster_shared_storage\nBrick1: 10.0.0.1:/var/lib/glusterd/ss_brick\n"
    )
    block = {"kind": "PersistentVolume", "metadata": {"name": "pv-x", "annotations": {"glusterBlockShare": "blk_x"}}}
    listed = [
        claim("pv-a", "vol_a"),
        claim("pv-d", "/vol_d"),
        claim("pv-f", "vol_f"),
        claim("pv-l", "renamed", **{"gluster.kubernetes.io/heketi-volume-id": "l"}),
        claim("pv-g", "vol_gone", "silver"),
        block | {"spec": {"iscsi": {}}},
        {"kind": "PersistentVolume", "metadata": {"name": "pv-nfs"}, "spec": {"nfs": {"path": "/"}}},
    ]
    (tmp_path / "pv.json").write_text(json.dumps({"kind": "List", "items": listed}))
    return tmp_path


def sources(files: Path, *, claims: bool = True) -> list[str]:
    words = ["server", "state", "compare", f"--heketi={files / 'dump.json'}", f"--gluster={files / 'info'}"]
    return [*words, f"--pv={files / 'pv.json'}"] if claims else words


def test_every_difference_has_its_line_and_its_advice(cli: Cli, files: Path) -> None:
    told = cli(sources(files))
    assert told.exit == 1
    assert told.stdout.splitlines() == [
        "Volume-Name Match Volume-ID",
        "blk_x ok x",
        "vol_a ok a",
        "vol_b heketi b",
        "vol_d bricks-differ,gluster,heketi,pvs d",
        "vol_f gluster,pvs",
        "vol_gone pvs",
        "vol_h ok h/block-hosting",
        "vol_l heketi,pvs l",
        "vol_p heketi p/pending",
        "vol_s gluster",
        "vol_u gluster,heketi u",
    ]
    advice = dict(line.split(": ", 1) for line in told.stderr.splitlines())
    assert advice.keys() == {f"vol_{name}" for name in ("b", "d", "f", "gone", "l", "p", "s", "u")}
    assert "heketi-cli volume delete b" in advice["vol_b"]
    assert "only in heketi: 10.0.0.2:/b/d2/brick; only in gluster: 10.0.0.2:/b/moved/brick" in advice["vol_d"]
    assert "do not delete" in advice["vol_f"]
    assert "kubectl delete pv pv-g" in advice["vol_gone"]
    assert "pv-l" in advice["vol_l"]
    assert "delete l" not in advice["vol_l"]
    assert "operations info op1" in advice["vol_p"]
    assert "gluster volume stop vol_s" in advice["vol_s"]
    assert "heketi-cli volume delete u" in advice["vol_u"]


def test_without_kubernetes_nothing_lacks_a_persistent_volume(cli: Cli, files: Path) -> None:
    told = cli([*sources(files, claims=False), "--skip-ok", "--no-header"])
    assert told.stdout.split()[0::1][:2] == ["vol_b", "heketi"]
    assert "vol_u" not in told.stdout
    assert "Volume-Name" not in told.stdout


def test_what_is_ignored_is_named(cli: Cli, files: Path) -> None:
    told = cli([*sources(files), "--ignore", "vol_b", "--ignore=vol_s", "--skip-block", "--storage-class", "gold"])
    assert "ignoring: vol_b\nignoring: vol_s\n" in told.stderr
    assert 'ignoring: vol_gone from storage class "silver"' in told.stderr
    assert not {"vol_b", "vol_s", "vol_gone", "blk_x"} & set(told.stdout.split())


def test_bricks_are_compared_whatever_name_of_the_node_gluster_uses(cli: Cli, files: Path) -> None:
    told = cli([*sources(files), "--bricks", "--skip-ok"])
    assert told.exit == 1
    assert told.stdout.splitlines() == [
        "Brick-Path           Match  Volumes",
        "10.0.0.1:/b/b1/brick heketi heketi=vol_b",
        "10.0.0.1:/b/f1/brick gluster gluster=vol_f",
        "10.0.0.1:/b/l1/brick heketi heketi=vol_l",
        "10.0.0.1:/b/p1/brick heketi heketi=vol_p",
        "10.0.0.1:/b/s1/brick gluster gluster=vol_s",
        "10.0.0.2:/b/b2/brick heketi heketi=vol_b",
        "10.0.0.2:/b/d2/brick heketi heketi=vol_d",
        "10.0.0.2:/b/l2/brick heketi heketi=vol_l",
        "10.0.0.2:/b/moved/brick gluster gluster=vol_d",
        "10.0.0.2:/b/p2/brick heketi heketi=vol_p",
    ]
    whole = cli([*sources(files), "--bricks"])
    assert "10.0.0.2:/b/a2/brick ok match=vol_a" in whole.stdout.splitlines()


@pytest.mark.parametrize("more", [[], ["--bricks"]])
def test_volumes_that_the_hosts_use_themselves_count_only_if_they_are_ours(
    cli: Cli, tmp_path: Path, more: list[str]
) -> None:
    ours = database(a=volume("a", "a1"))
    ours["volumeentries"]["a"]["Info"]["name"] = "ctdb"
    (tmp_path / "dump.json").write_text(json.dumps(ours))
    shared = "\nVolume Name: gluster_shared_storage\nBrick1: 10.0.0.1:/var/lib/glusterd/ss_brick\n"
    (tmp_path / "info").write_text("\nVolume Name: ctdb\nBrick1: 10.0.0.1:/b/a1/brick\n" + shared)
    told = cli([*sources(tmp_path, claims=False), *more])
    assert told.exit == 0
    assert " ok " in told.stdout
    assert "ss_brick" not in told.stdout
    assert "gluster_shared_storage" not in told.stdout


def test_json_tells_all(cli: Cli, files: Path) -> None:
    told = cli([*sources(files), "--json", "--skip-ok"])
    found = {each["name"]: each for each in json.loads(told.stdout)}
    assert told.exit == 1
    assert found["vol_d"]["category"] == "brick set differs"
    assert found["vol_d"]["bricks_only_in_gluster"] == ["10.0.0.2:/b/moved/brick"]
    assert found["vol_l"]["persistent_volumes"] == ["pv-l"]
    assert found["vol_p"] | {"advice": ""} == {
        "kind": "volume",
        "name": "vol_p",
        "id": "p",
        "cluster": "c",
        "match": "heketi",
        "category": "pending",
        "sources": ["heketi"],
        "pending": "op1",
        "block_hosting": False,
        "persistent_volumes": [],
        "bricks_only_in_heketi": [],
        "bricks_only_in_gluster": [],
        "volumes": {},
        "advice": "",
    }


def examination(*nodes: list[str] | None, blocks: list[str] | None = None, report: tuple[str, ...] = ()) -> Any:
    """Return what a server tells whose nodes have these volumes."""
    ours = database(a=volume("a", "a1"), h=volume("h", "h1", hosting=True))
    ours["blockvolumeentries"] = {"x": {"Info": {"id": "x", "name": "blk_x", "blockhostingvolume": "h"}}}
    volumes = {
        name: {"VolumeName": f"vol_{name}", "Bricks": {"BrickList": [{"Name": f"10.0.0.1:/b/{name}1/brick"}]}}
        for name in "ah"
    }
    told = [
        {"NodeHeketiID": f"n{place}", "BlockVolumeNames": blocks, "VolumeInfo": None}
        | ({"VolumeInfo": {"Volumes": {"VolumeList": [volumes[name] for name in names]}}} if names is not None else {})
        for place, names in enumerate(nodes, 1)
    ]
    return {"heketidb": ours, "report": report, "clusters": [{"ClusterHeketiID": "c", "NodesData": told}]}


FAILED = "could not fetch block volume list for block hosting volume h"


@pytest.mark.parametrize(
    ("answer", "exit_", "lines"),
    [
        (examination(["a", "h"], None, blocks=["vol_h/blk_x"]), 0, ["blk_x ok x", "vol_a ok a"]),
        (examination(["a"], ["h"], blocks=["vol_h/blk_x"]), 0, ["vol_a ok a", "vol_h ok h/block-hosting"]),
        (examination(["a", "h"]), 1, ["blk_x BV,heketi x"]),
        (examination(["a", "h"], report=(FAILED,)), 0, ["blk_x ok x"]),
        (examination(["a", "h"], blocks=["vol_h/blk_x", "vol_h/blk_y"]), 1, ["blk_y BV,gluster"]),
        (examination(["h"], blocks=["vol_h/blk_x"]), 1, ["vol_a heketi a"]),
        (examination(None, None), 2, ["vol_a heketi a", "vol_h heketi h/block-hosting"]),
    ],
    ids=["one node told", "together", "lost block", "blocks untold", "strange block", "lost volume", "nobody told"],
)
def test_the_server_is_asked_for_what_nodes_have(cli: Cli, answer: Any, exit_: int, lines: list[str]) -> None:
    with serving({("GET", "/internal/state/examine/gluster"): [Canned(200, answer)]}) as server:
        told = cli(["-s", server.url, "server", "state", "compare"])
    assert told.exit == exit_
    assert set(lines) <= set(told.stdout.splitlines())


def test_a_file_of_xml_will_do_and_a_cluster_that_it_does_not_tell_of_is_unknown(cli: Cli, tmp_path: Path) -> None:
    ours = database(a=volume("a", "a1"), z=volume("z", "z1"))
    ours["clusterentries"]["c2"] = {"Info": {"id": "c2"}}
    ours["volumeentries"]["z"]["Info"]["cluster"] = "c2"
    (tmp_path / "dump.json").write_text(json.dumps(ours))
    (tmp_path / "info").write_text(
        "<?xml version='1.0'?><cliOutput><opRet>0</opRet><opErrstr/><volInfo><volumes><volume><name>vol_a</name>"
        "<bricks><brick uuid='u'>10.0.0.1:/b/a1/brick<name>10.0.0.1:/b/a1/brick</name><isArbiter>1</isArbiter></brick>"
        "</bricks></volume></volumes></volInfo></cliOutput>"
    )
    told = cli(sources(tmp_path, claims=False))
    assert told.exit == 2
    assert told.stdout.splitlines()[1:] == ["vol_a ok a", "vol_z heketi z"]
    assert "vol_z: no node of cluster c2 could tell" in told.stderr


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("info", "hello", "is not what 'gluster volume info' prints"),
        ("info", "<cliOutput><opErrstr>Connection failed</opErrstr></cliOutput>", "Connection failed"),
        ("info", "<html/>", "begins with <html>"),
        ("info", "<a", "is neither XML nor"),
        ("info", "<!DOCTYPE a><cliOutput/>", "declarations"),
        ("pv.json", "a: [", "is no YAML, see line 1"),
        ("pv.json", "hello", "lists no persistent volumes; make it with: kubectl get pv -o yaml"),
        ("dump.json", "[]", "is no dump of a database"),
        ("dump.json", "\xff", "cannot read"),
    ],
)
def test_a_file_of_something_else_is_refused_with_status_2(
    cli: Cli, files: Path, file: str, content: str, said: str
) -> None:
    (files / file).write_bytes(content.encode("latin-1"))
    told = cli(sources(files))
    assert (told.exit, told.stdout) == (2, "")
    assert said in told.stderr
    assert str(files / file) in told.stderr


def test_a_dump_alone_can_be_compared_with_nothing(cli: Cli, files: Path) -> None:
    told = cli(["server", "state", "compare", f"--heketi={files / 'dump.json'}"])
    assert told.exit == 2
    assert "say --gluster FILE" in told.stderr


def test_a_missing_file_and_a_server_that_is_not_there_end_with_status_2(cli: Cli, files: Path) -> None:
    assert cli(["server", "state", "compare", f"--heketi={files / 'none'}"]).exit == 2
    assert cli(["-s", "http://127.0.0.1:1", "server", "state", "compare"]).exit == 2


def test_the_database_of_the_original_can_be_compared(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "info").write_text("No volumes present\n")
    export = shared_dir() / "golden" / "heketi-v10.json"
    told = cli(["server", "state", "compare", f"--heketi={export}", f"--gluster={tmp_path / 'info'}"])
    assert told.exit in (1, 2)
    assert "Traceback" not in told.stderr
    assert len(told.stdout.splitlines()) > 2
