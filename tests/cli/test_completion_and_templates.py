"""Shell completion, templates and the storage set-up, in our own words."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, serving

from pyheketi.cli.main import run

VOLUME = {
    "id": "v",
    "name": "vol_v",
    "cluster": "c",
    "size": 2,
    "mount": {"glusterfs": {"hosts": ["10.0.0.1", "10.0.0.2"], "device": "10.0.0.1:vol_v", "options": {}}},
}
NODE = {"id": "n", "state": "failed", "cluster": "c", "devices": [{"id": "d", "storage": {"total": 4194304}}]}
TOPOLOGY = {
    ("GET", "/clusters"): [Canned(200, {"clusters": ["c"]})],
    ("GET", "/clusters/c"): [Canned(200, {"id": "c", "volumes": ["v"], "nodes": ["n"]})],
    ("GET", "/volumes/v"): [Canned(200, VOLUME)],
    ("GET", "/nodes/n"): [Canned(200, NODE)],
}


@pytest.mark.parametrize(
    ("words", "offered", "directive"),
    [
        (["vol"], ["volume"], 4),
        (["volume", "c"], ["clone", "create"], 4),
        (["server", "operations", ""], ["cleanup", "history", "info", "list", "steps"], 4),
        (["volume", "create", "--dis"], ["--disperse-data"], 4),
        (["volume", "delete", ""], [], 0),
        (["topology", "load", "--json", ""], [], 0),
        (["--server", "http://h", "bl"], ["blockvolume"], 4),
        (["nosuch", ""], None, 4),
    ],
)
def test_what_may_come_next(
    words: list[str], offered: list[str] | None, directive: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["__completeNoDesc", *words]) == 0
    said = capsys.readouterr()
    *lines, last = said.out.splitlines()
    if offered is not None:
        assert lines == offered
    assert last == f":{directive}"
    assert said.err.startswith("Completion ended with directive: ShellCompDirective")


def test_descriptions_are_behind_a_tab(capsys: pytest.CaptureFixture[str]) -> None:
    run(["__complete", "brick", ""])
    assert capsys.readouterr().out == "evict\tMove a brick to another device\n:4\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_scripts_ask_the_program(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "heketi-cli __complete" in script
    assert run(["completion", shell, "x"]) == 255
    assert capsys.readouterr().err == f'Error: unknown command "x" for "heketi-cli completion {shell}"\n'


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    assert bash
    run(["completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    code = (
        f". {tmp_path}/script; COMP_WORDS=(heketi-cli volume cl); COMP_CWORD=2; _heketi_cli; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    done = subprocess.run([bash, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "clone\n"


SET_UP = ["setup-openshift-heketi-storage"]


@pytest.mark.parametrize(
    ("template", "status", "out", "err"),
    [
        (
            "{% for v in clusters[0].volumes %}{{ v.name }} {{ v.mount.glusterfs.hosts | join(',') }}\\n{% endfor %}",
            0,
            "vol_v 10.0.0.1,10.0.0.2\n",
            "",
        ),
        (
            "{{ clusters[0].nodes[0].state | state }} {{ clusters[0].nodes[0].devices[0].storage.total | gib }}",
            0,
            "removed 4",
            "",
        ),
        ("{% for", 255, "", "Error: failed to parse template: line 1: "),
        ("{{ nope }}", 255, "", "Error: failed to execute template: 'nope' is undefined"),
        ("{{ ().__class__.__mro__ }}", 255, "", "Error: failed to execute template: access to attribute"),
    ],
)
def test_templates(cli: Cli, template: str, status: int, out: str, err: str) -> None:
    with serving(TOPOLOGY) as server:
        found = cli(["topology", "info", "--template", template, "--server", server.url])
    assert (found.exit, found.stdout) == (status, out)
    assert found.stderr.startswith(err)


def test_the_storage_list_has_the_database_and_what_mounts_it(cli: Cli, tmp_path: Path) -> None:
    script = {
        ("GET", "/clusters"): [Canned(200, {"clusters": []})],
        ("POST", "/volumes"): [Canned(202, headers={"Location": "/queue/1"})],
        ("GET", "/queue/1"): [Canned(303, headers={"Location": "/volumes/v"})],
        ("GET", "/volumes/v"): [Canned(200, VOLUME)],
        ("GET", "/backup/db"): [Canned(200, b"database")],
    }
    with serving(script) as server:
        found = cli([*SET_UP, f"--listfile={tmp_path}/x.json", "--node-selector=disk=ssd", "--server", server.url])
    assert (found.exit, found.stdout) == (0, f"Saving {tmp_path}/x.json\n")
    asked = next(json.loads(each.body) for each in server.asked if each.method == "POST")
    assert (asked["size"], asked["name"]) == (2, "heketidbstorage")
    assert asked["glustervolumeoptions"][-1] == "user.heketi.dbstoragelevel 1"
    secret, endpoints, service, job = json.loads((tmp_path / "x.json").read_text())["items"]
    assert base64.b64decode(secret["data"]["heketi.db"]) == b"database"
    assert [each["addresses"][0]["ip"] for each in endpoints["subsets"]] == ["10.0.0.1", "10.0.0.2"]
    assert service["metadata"]["name"] == endpoints["metadata"]["name"]
    assert job["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "ssd"}


def test_without_a_backup_the_volume_goes_again(cli: Cli, tmp_path: Path) -> None:
    script = {
        ("GET", "/clusters"): [Canned(200, {"clusters": []})],
        ("POST", "/volumes"): [Canned(202, headers={"Location": "/queue/1"})],
        ("GET", "/queue/1"): [Canned(303, headers={"Location": "/volumes/v"})],
        ("GET", "/volumes/v"): [Canned(200, VOLUME)],
        ("GET", "/backup/db"): [Canned(500, "disk full\n")],
        ("DELETE", "/volumes/v"): [Canned(202, headers={"Location": "/queue/2"})],
        ("GET", "/queue/2"): [Canned(204)],
    }
    with serving(script) as server:
        found = cli([*SET_UP, f"--listfile={tmp_path}/x.json", "--server", server.url])
    assert found.stderr == "Cleaning up\nError: ERROR: disk full\nUnable to get database from Heketi server\n"
    assert ("DELETE", "/volumes/v") in [(each.method, each.path) for each in server.asked]
    assert not (tmp_path / "x.json").exists()
