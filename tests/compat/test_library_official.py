"""Programs for the official client work with the importable ones: its names, and the cases of its own tests."""

import asyncio
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests import official_client
from tests.library import ERRORS, KEY, answer_of
from tests.served import serving

from pyheketi import TAGS_DELETE, TAGS_SET, TAGS_UPDATE, AsyncHeketiClient, HeketiClient

OFFICIAL: Mapping[str, Sequence[str]] = {
    "hello": [],
    "cluster_create": ["cluster_options"],
    "cluster_setflags": ["cluster_id", "cluster_options"],
    "cluster_info": ["cluster_id"],
    "cluster_list": [],
    "cluster_delete": ["cluster_id"],
    "node_add": ["node_options"],
    "node_info": ["node_id"],
    "node_delete": ["node_id"],
    "node_state": ["node_id", "state_request"],
    "node_set_tags": ["node_id", "tags_options"],
    "device_add": ["device_options"],
    "device_info": ["device_id"],
    "device_delete": ["device_id"],
    "device_state": ["device_id", "state_request"],
    "device_resync": ["device_id"],
    "device_set_tags": ["device_id", "tags_options"],
    "volume_create": ["volume_options"],
    "volume_list": [],
    "volume_info": ["volume_id"],
    "volume_expand": ["volume_id", "expand_size"],
    "volume_delete": ["volume_id"],
    "block_volume_list": [],
    "block_volume_info": ["volume_id"],
    "block_volume_create": ["volume_options"],
    "block_volume_delete": ["volume_id"],
    "db_dump": [],
    "_make_request": ["method", "uri", "data", "headers"],
    "_get_queued_response": ["queue_uri"],
    "_set_token_in_header": ["method", "uri", "headers"],
}
"""Names of calls and their parameters (clients.md §6)."""

MAY_BE_LEFT_OUT = {"cluster_options", "node_options", "device_options", "volume_options"}
MAY_BE_LEFT_OUT |= {"state_request", "expand_size", "data", "headers"}


@pytest.mark.parametrize("kind", [HeketiClient, AsyncHeketiClient])
@pytest.mark.parametrize("call", OFFICIAL)
def test_calls_and_parameters_are_those_of_the_official_client(kind: type, call: str) -> None:
    found = inspect.signature(getattr(kind, call)).parameters
    named = [name for name in found if name != "self"]
    assert named[: len(OFFICIAL[call])] == OFFICIAL[call]
    needed = {name for name in named if found[name].default is inspect.Parameter.empty}
    assert needed == set(OFFICIAL[call]) - MAY_BE_LEFT_OUT


@pytest.mark.parametrize("kind", [HeketiClient, AsyncHeketiClient])
def test_a_client_is_made_as_the_official_one(kind: Any) -> None:
    assert list(inspect.signature(kind).parameters)[:5] == ["host", "user", "key", "verify", "poll_delay"]
    made = kind("http://h/", "u", "k")
    assert (made.host, made.user, made.key, made.verify, made.poll_delay) == ("http://h/", "u", "k", True, 1)
    if kind is AsyncHeketiClient:
        asyncio.run(made.aclose())


def told_by_the_command_line(url: str) -> Any:
    command = [str(Path(sys.executable).with_name("heketi-cli")), "topology", "info", "--json"]
    settings = {"HEKETI_CLI_SERVER": url, "HEKETI_CLI_USER": "admin", "HEKETI_CLI_KEY": KEY}
    return json.loads(subprocess.run(command, env=os.environ | settings, check=True, capture_output=True).stdout)


def add_cluster(client: Any, nodes: int = 1) -> tuple[str, list[str]]:
    """Return a cluster and its nodes, each with a device."""
    cluster = client.cluster_create({"file": True, "block": True})["id"]
    added = []
    for zone in range(1, nodes + 1):
        hosts = {"manage": [f"m{zone}-{cluster[:8]}"], "storage": [f"s{zone}-{cluster[:8]}"]}
        node = client.node_add({"cluster": cluster, "zone": zone, "hostnames": hosts})
        assert client.node_info(node["id"]) == node
        assert client.device_add({"name": "/dev/sdb", "node": node["id"]})
        added.append(node["id"])
    return cluster, added


UNKNOWN = ["badid", "0" * 32]


@pytest.mark.parametrize("id_", UNKNOWN)
@pytest.mark.parametrize("kind", ["cluster", "node", "device", "volume", "block_volume"])
def test_unknown_ids_are_raised(client: Any, kind: str, id_: str) -> None:
    for verb in ("info", "delete"):
        with pytest.raises(ERRORS) as refused:
            getattr(client, f"{kind}_{verb}")(id_)
        assert answer_of(refused.value).status_code == 404


def test_deletions_of_what_is_in_use_are_raised(client: Any) -> None:
    cluster, (node,) = add_cluster(client)
    (device,) = client.node_info(node)["devices"]
    refused = {"cluster": (cluster, 409), "node": (node, 409), "device": (device["id"], 400)}
    for kind, (id_, status) in refused.items():
        with pytest.raises(ERRORS, match=f"^{status} Client Error"):
            getattr(client, f"{kind}_delete")(id_)


def test_a_volume_needs_nothing_but_a_size(client: Any, server: str) -> None:
    cluster, _ = add_cluster(client, nodes=3)
    volume = client.volume_create({"size": 10, "clusters": [cluster]})
    assert volume["size"] == 10
    assert client.volume_info(volume["id"]) == volume
    assert client.topology() == told_by_the_command_line(server)
    assert client.volume_delete(volume["id"])
    assert client.cluster_info(cluster)["volumes"] == []


@pytest.mark.parametrize("kind", ["node", "device"])
def test_tags_are_set_updated_deleted_and_checked(client: Any, kind: str) -> None:
    _, (node,) = add_cluster(client)
    id_ = node if kind == "node" else client.node_info(node)["devices"][0]["id"]

    def change(how: str, tags: Mapping[str, str]) -> Any:
        assert getattr(client, f"{kind}_set_tags")(id_, {"change_type": how, "tags": tags})
        return getattr(client, f"{kind}_info")(id_).get("tags")

    assert change(TAGS_SET, {"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
    assert change(TAGS_UPDATE, {"b": "3", "c": "4"}) == {"a": "1", "b": "3", "c": "4"}
    assert change(TAGS_DELETE, {"a": ""}) == {"b": "3", "c": "4"}
    assert change(TAGS_SET, {"d": "5"}) == {"d": "5"}
    for how, name in (("invalid", "a"), (TAGS_SET, "no blanks"), (TAGS_SET, "")):
        with pytest.raises(ERRORS, match=r"^400 Client Error"):
            change(how, {name: "x"})
    assert not change(TAGS_SET, {})


def test_a_program_changes_one_import(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        url = running.url
        HeketiClient(url, "admin", KEY).cluster_create({"file": True, "block": True})
        hosts = ["h1=10.0.0.1", "h2=10.0.0.2", "h3=10.0.0.3"]
        story = official_client.tell(Path(sys.executable), url, KEY, "/dev/sdb", hosts)
        story = [word.replace("from heketi import", "from pyheketi import") for word in story]
        done = subprocess.run(story, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["clusters"]) == 1


def test_the_guide_s_examples_run(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "python-client.md").read_text()
    for theirs, ours in {
        "http://heketi.example.com:8080": server,
        "https://heketi.example.com": server,
        ', verify="/etc/ssl/heketi.pem"': "",
        "the key": KEY,
    }.items():
        assert theirs in guide
        guide = guide.replace(theirs, ours)
    with HeketiClient(server, "admin", KEY) as client:
        add_cluster(client, nodes=3)
        for code in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
            kept = client.volume_create({"size": 1})
            exec(code, {})
            assert "vol_" in capsys.readouterr().out
            assert client.volume_delete(kept["id"])
