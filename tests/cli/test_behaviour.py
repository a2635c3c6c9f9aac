"""What the original does not do: hints, warnings, progress, and manners at the end of a pipe."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.scripted_server import Canned, Script, serving

ID = "a" * 32
NOTE = 'Note: this server uses simulated nodes (executor "mock"); no real volume is made.'


def unauthorised(text: str) -> Script:
    return {("GET", "*"): [Canned(401, text)]}


HINTS = {
    "Invalid JWT token: signature is invalid (client and server secrets may not match)": "HEKETI_CLI_KEY",
    "Invalid JWT token: Token missing iss claim": "HEKETI_CLI_USER",
    "Required authorization token not found": "HEKETI_CLI_USER",
    "Invalid JWT token: Unknown user": "HEKETI_CLI_USER",
    "Invalid JWT token: Token is expired by 5m0s": "clocks",
    "Invalid JWT token: Token used before issued (client and server clocks may differ)": "clocks",
    "Invalid qsh claim in token": "HEKETI_CLI_SERVER",
    "Administrator access required": "HEKETI_CLI_USER=admin",
}


@pytest.mark.parametrize(("text", "cure"), HINTS.items())
def test_an_error_names_its_cure(text: str, cure: str, cli: Cli) -> None:
    with serving(unauthorised(text + "\n")) as server:
        outcome = cli(["-s", server.url, "cluster", "list"])
    error, hint = outcome.stderr.splitlines()
    assert (outcome.exit, error) == (255, f"Error: {text}")
    assert hint.startswith("Hint: ")
    assert cure in hint


ADDRESSES = {
    "localhost:8080": "http://host:8080",
    "http://": "http://host:8080",
    "http://nosuch.invalid": "HEKETI_CLI_SERVER",
}


@pytest.mark.parametrize(("address", "cure"), ADDRESSES.items())
def test_a_bad_address_names_its_cure(address: str, cure: str, cli: Cli) -> None:
    outcome = cli(["-s", address, "cluster", "list"])
    assert outcome.exit == 255
    assert cure in outcome.stderr.splitlines()[1]


def test_a_server_that_does_not_run(cli: Cli) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        outcome = cli(["-s", url, "cluster", "list"])
    assert f"Hint: is the server running at {url}?" in outcome.stderr


def test_a_hint_follows_no_plain_error(cli: Cli) -> None:
    with serving({}) as server:
        assert cli(["-s", server.url, "volume", "info", ID]).stderr == "Error: Invalid path or request\n"


NODE = {"id": "n", "cluster": ID, "hostnames": {"manage": ["m"], "storage": ["s.example"]}, "zone": 1}
ADDED: Script = {
    ("POST", "/nodes"): [Canned(202, headers={"Location": "/queue/1"})],
    ("GET", "/queue/1"): [Canned(303, headers={"Location": "/nodes/n"})],
    ("GET", "/nodes/n"): [Canned(body=NODE)],
    ("GET", "/clusters"): [Canned(body={"clusters": []})],
    ("POST", "/clusters"): [Canned(201, {"id": ID})],
    ("GET", f"/clusters/{ID}"): [Canned(body={"id": ID, "nodes": ["n"]})],
}


def test_a_storage_host_that_kubernetes_cannot_use_is_told(cli: Cli) -> None:
    line = f"node add --zone=1 --cluster={ID} --management-host-name=m --storage-host-name=".split()
    for storage, told in (("s.example", True), ("192.168.10.1", False), ("fd00::1", False)):
        with serving(ADDED) as server:
            outcome = cli(["-s", server.url, *line[:-1], line[-1] + storage])
        assert outcome.exit == 0
        assert outcome.stdout.startswith("Node information:\n")
        assert (f'"{storage}"' in outcome.stderr) is told
        assert "Unable" not in outcome.stderr + outcome.stdout


def load(cli: Cli, script: Script, document: object, folder: Path) -> str:
    file = folder / "topology.json"
    file.write_text(json.dumps(document))
    with serving(script) as server:
        outcome = cli(["-s", server.url, "topology", "load", "--json", str(file), "2>&1"])
    assert outcome.exit == 0
    return outcome.stdout + outcome.stderr


def file_of(*nodes: object) -> object:
    return {"clusters": [{"nodes": nodes}]}


def test_unable_stands_for_failures_and_nothing_else(cli: Cli, tmp_path: Path) -> None:
    good = {"node": {"hostnames": {"manage": ["m"], "storage": ["s.example"]}, "zone": 1}, "devices": []}
    assert "Unable" not in load(cli, ADDED, file_of(good), tmp_path)

    bad_device: dict[str, object] = {**good, "devices": ["/dev/sdb", None, {"tags": {}}]}
    assert load(cli, ADDED, file_of(bad_device), tmp_path).count("Unable to add device: ") == 3

    nameless = {"node": {"zone": 1}, "devices": ["/dev/sdb"]}
    told = load(cli, ADDED, file_of(nameless, good), tmp_path)
    assert told.count("Unable") == 1
    assert "\tCreating node  ... Unable to create node: hostnames.manage is empty" in told
    assert "\tCreating node m ... ID: n\n" in told


def test_a_topology_file_that_cannot_be_read_says_why(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "topology.json"
    file.write_text('{"clusters":[{"nodes":[{"node":{"zone":"1"}}]}]}')
    error, hint = cli(["topology", "load", "-j", str(file)]).stderr.splitlines()
    assert error == "Error: Unable to parse config file"
    assert "clusters.0.nodes.0.node.zone" in hint


VOLUME = {"id": ID, "name": "v", "size": 1, "durability": {"type": "none"}, "cluster": ID}
CREATED: Script = {
    ("POST", "/volumes"): [Canned(202, headers={"Location": "/queue/1"})],
    ("GET", "/queue/1"): [Canned(303, headers={"Location": "/volumes/v"})],
    ("GET", "/volumes/v"): [Canned(body=VOLUME)],
}


def test_a_persistent_volume_goes_to_a_file(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "pv.json"
    line = ["volume", "create", "--size=1", "--persistent-volume-file"]
    with serving(CREATED) as server:
        outcome = cli(["-s", server.url, *line, str(file)])
        lost = cli(["-s", server.url, *line, str(tmp_path / "nosuch" / "pv.json")])
    assert (outcome.exit, outcome.stdout, outcome.stderr) == (0, "", "")
    text = file.read_text()
    assert text.endswith("\n}")
    assert json.loads(text)["spec"]["glusterfs"] == {"endpoints": "TYPE ENDPOINT HERE", "path": "v"}
    path = tmp_path / "nosuch" / "pv.json"
    assert lost.exit == 255
    assert lost.stderr == f"Unable to write to file {path}\nError: open {path}: no such file or directory\n"


def program(*words: str) -> list[str]:
    return [sys.executable, "-c", "from pyheketi.cli.main import main; main()", *words]


def on_a_terminal(*words: str) -> bytes:
    """Run the program with standard error on a terminal; return what stands there."""
    ours, theirs = pty.openpty()
    try:
        environment = {**os.environ, "TERM": "xterm"}
        subprocess.run(program(*words), stderr=theirs, stdout=subprocess.PIPE, env=environment, check=True, timeout=60)
    finally:
        os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 4096):
            written += chunk
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    return written


def test_simulated_nodes_are_told_to_people_once() -> None:
    mock = {"X-Heketi-Executor": "mock"}
    script: Script = {
        ("GET", "/clusters"): [Canned(body={"clusters": ["1", "2"]}, headers=mock)],
        ("GET", "*"): [Canned(body={"id": "x"}, headers=mock)],
    }
    with serving(script) as server:
        assert on_a_terminal("-s", server.url, "cluster", "list").decode() == f"{NOTE}\r\n"


def test_simulated_nodes_are_not_told_to_scripts(cli: Cli) -> None:
    script = {("GET", "/clusters"): [Canned(body={"clusters": []}, headers={"X-Heketi-Executor": "mock"})]}
    with serving(script) as server:
        assert cli(["-s", server.url, "cluster", "list"]).stderr == ""


MOUNTED = {"device": "10.0.0.1:v", "options": {"backup-volfile-servers": "10.0.0.2,10.0.0.3"}}


@pytest.mark.parametrize(
    ("executor", "note"),
    [
        ("ssh", "Note: mount it with mount -t glusterfs -o backup-volfile-servers=10.0.0.2:10.0.0.3 10.0.0.1:v /mnt"),
        ("mock", NOTE),
    ],
)
def test_people_are_told_how_to_mount(executor: str, note: str) -> None:
    made = Canned(body={**VOLUME, "mount": {"glusterfs": MOUNTED}}, headers={"X-Heketi-Executor": executor})
    with serving({**CREATED, ("GET", "/volumes/v"): [made]}) as server:
        assert on_a_terminal("-s", server.url, "volume", "create", "--size=1").decode() == f"{note}\r\n"


def test_progress_is_shown_to_people_and_taken_away() -> None:
    busy = Canned(429, "busy", {"Retry-After": "-9"})
    with serving({**CREATED, ("POST", "/volumes"): [busy, *CREATED["POST", "/volumes"]]}) as server:
        written = on_a_terminal("-s", server.url, "volume", "create", "--size=1").decode()
    assert "server busy, trying again in 0 s" in written
    assert written.endswith("\x1b[K")


def test_progress_is_not_shown_to_scripts(cli: Cli) -> None:
    busy = Canned(429, "busy", {"Retry-After": "-9"})
    with serving({**CREATED, ("POST", "/volumes"): [busy, *CREATED["POST", "/volumes"]]}) as server:
        assert cli(["-s", server.url, "volume", "create", "--size=1"]).stderr == ""


def test_a_closed_pipe_ends_the_program_silently() -> None:
    script: Script = {
        ("GET", "/volumes"): [Canned(body={"volumes": [str(number) for number in range(200)]})],
        ("GET", "*"): [Canned(body={**VOLUME, "name": "x" * 1000})],
    }
    with serving(script) as server:
        run = subprocess.Popen(
            program("-s", server.url, "volume", "list"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with run:
            assert run.stdout is not None
            assert run.stderr is not None
            run.stdout.readline()
            run.stdout.close()
            assert run.stderr.read() == b""
            assert run.wait(timeout=60) == -signal.SIGPIPE


def test_an_interrupt_ends_the_program_silently() -> None:
    script: Script = {
        ("DELETE", "*"): [Canned(202, headers={"Location": "/queue/1"})],
        ("GET", "/queue/1"): [Canned(headers={"X-Pending": "true"})],
    }
    with serving(script) as server:
        run = subprocess.Popen(program("-s", server.url, "volume", "delete", ID), stderr=subprocess.PIPE)
        with run:
            while len(server.asked) < 2:
                assert run.poll() is None
            run.send_signal(signal.SIGINT)
            assert run.wait(timeout=60) == -signal.SIGINT
            assert run.stderr is not None
            assert run.stderr.read() == b""


def test_output_that_cannot_be_written_is_an_error() -> None:
    with (
        serving({("GET", "/clusters"): [Canned(body={"clusters": []})]}) as server,
        Path("/dev/full").open("w") as full,
    ):
        words = program("-s", server.url, "cluster", "list")
        outcome = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert outcome.returncode == 255
    assert outcome.stderr.startswith("Error: cannot write the output: No space left on device\n")


def test_a_password_in_the_address_is_not_shown(cli: Cli) -> None:
    outcome = cli(["-s", "http://u:secret@127.0.0.1:1", "cluster", "list"])
    assert "secret" not in outcome.stderr
    assert "http://u:***@127.0.0.1:1" in outcome.stderr


def test_help_and_version_import_nothing_slow() -> None:
    code = (
        "import sys; from pyheketi.cli.main import run; status = run(sys.argv[1:]);"
        "slow = {'pydantic', 'http.client', 'jwt', 'ssl'} & set(sys.modules); assert not slow, slow; sys.exit(status)"
    )
    for words in (["--version"], ["--help"], ["volume", "create", "--help"], ["volume"], []):
        subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)


def test_version(cli: Cli) -> None:
    outcome = cli(["--version"])
    assert (outcome.exit, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("heketi-cli ")
