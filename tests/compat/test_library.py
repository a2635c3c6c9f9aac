"""The importable clients call our server: everything once, and what it refuses."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.library import ERRORS, answer_of

from pyheketi import TAGS_DELETE, TAGS_SET, TAGS_UPDATE

REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}


def test_everything_from_an_empty_cluster_to_an_empty_cluster(client: Any) -> None:
    assert client.hello()
    cluster = client.cluster_create({"file": True, "block": True})
    assert client.cluster_info(cluster["id"]) == cluster
    assert client.cluster_setflags(cluster["id"], {"file": True, "block": True})
    nodes = []
    for number in range(3):
        hosts = {"manage": [f"{cluster['id'][:6]}-{number}"], "storage": [f"{cluster['id'][:6]}-s{number}"]}
        wish = {"cluster": cluster["id"], "zone": number + 1, "hostnames": hosts}
        nodes.append(client.node_add(wish))
        assert client.device_add({"name": "/dev/sdb", "node": nodes[-1]["id"]})
    node = client.node_info(nodes[0]["id"])
    device = node["devices"][0]
    assert client.node_set_tags(node["id"], {"change_type": TAGS_SET, "tags": {"rack": "1"}})
    assert client.device_set_tags(device["id"], {"change_type": TAGS_UPDATE, "tags": {"arbiter": "disabled"}})
    assert client.device_info(device["id"])["tags"] == {"arbiter": "disabled"}
    assert client.device_set_tags(device["id"], {"change_type": TAGS_DELETE, "tags": {"arbiter": ""}})
    assert client.device_resync(device["id"])
    for state in ("offline", "online"):
        assert client.node_state(node["id"], {"state": state})
        assert client.device_state(device["id"], {"state": state})
    volume = client.volume_create({"size": 2, "durability": REPLICA_3, "clusters": [cluster["id"]]})
    assert client.volume_info(volume["id"]) == volume
    assert client.volume_expand(volume["id"], {"expand_size": 1})["size"] == 3
    copy = client.volume_clone(volume["id"], {"name": "copy"})
    assert copy["name"] == "copy"
    assert set(client.volume_list()["volumes"]) >= {volume["id"], copy["id"]}
    hosting = client.volume_create({"size": 20, "durability": REPLICA_3, "clusters": [cluster["id"]], "block": True})
    block = client.block_volume_create({"size": 3, "clusters": [cluster["id"]], "auth": True})
    assert client.block_volume_info(block["id"])["blockhostingvolume"] == hosting["id"]
    assert client.block_volume_expand(block["id"], {"new_size": 5})["size"] == 5
    assert (
        client.volume_block_restriction(hosting["id"], {"restriction": "locked"})["blockinfo"]["restriction"]
        == "locked"
    )
    assert block["id"] in client.block_volume_list()["blockvolumes"]
    assert client.operations_info()["total"] == 0
    assert client.operations_list() == {"pendingoperations": []}
    assert client.operations_cleanup()
    assert client.server_mode_get() == {"state": "normal"}
    assert client.server_mode_set({"state": "normal"})
    assert client.loglevel_set(client.loglevel_get()) == client.loglevel_get()
    assert client.db_dump().json()["clusterentries"].keys() >= {cluster["id"]}
    assert client.db_check()["totalinconsistencies"] == 0
    assert client.backup_db().startswith(b"SQLite format 3\0")
    assert client.state_examine_gluster()["clusters"]
    with pytest.raises(ERRORS, match=r"409 Client Error: Conflict for url: .*: Cannot delete a block hosting"):
        client.volume_delete(hosting["id"])
    assert client.block_volume_delete(block["id"])
    for each in (volume, copy, hosting):
        assert client.volume_delete(each["id"])
    for each in nodes:
        (held,) = client.node_info(each["id"])["devices"]
        assert client.device_state(held["id"], {"state": "offline"})
        assert client.device_state(held["id"], {"state": "failed"})
        assert client.device_delete(held["id"])
        assert client.node_delete(each["id"])
    assert client.cluster_delete(cluster["id"])


@pytest.mark.parametrize(
    ("call", "arguments", "status", "said"),
    [
        ("volume_info", ["abc"], 404, "Id not found"),
        ("node_info", ["abc"], 404, "Id not found"),
        ("volume_create", [{"size": 0}], 400, "validation failed: size: cannot be blank."),
        ("cluster_delete", ["a/b"], 404, "Invalid path or request"),
        (
            "node_set_tags",
            ["abc", {"change_type": "x"}],
            400,
            "validation failed: change_type: must be a valid value.",
        ),
    ],
)
def test_refusals_are_raised_with_what_the_server_said(
    client: Any, call: str, arguments: list[Any], status: int, said: str
) -> None:
    with pytest.raises(ERRORS) as refused:
        getattr(client, call)(*arguments)
    response = answer_of(refused.value)
    assert response.status_code == status
    assert said in response.text
    assert str(refused.value).startswith(f"{status} Client Error: ")
    assert str(refused.value).endswith(said)


def test_the_command_line_does_not_pay_for_it() -> None:
    code = "import sys, pyheketi, pyheketi.cli.main; print({'requests', 'httpx2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_without_requests_the_way_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("raise ModuleNotFoundError('requests')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from pyheketi import HeketiClient"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'pyheketi[client]'" in done.stderr
