"""``heketi simulate`` as a person types it."""

import asyncio
import contextlib
import csv
import hashlib
import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.builders import World
from tests.shared import shared_dir
from tests.unit.migrate.test_importing import REPLICA_3, Story

from pyheketi.maintenance import commands
from pyheketi.store import copying
from pyheketi.store.base import Loaded
from pyheketi.store.opening import open_store

Run: TypeAlias = Callable[..., tuple[int, str, str]]
"""Words of a command line to status, standard output and standard error."""


@pytest.fixture
def simulate(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str, str]:
        try:
            status = commands.run(("simulate", *words))
        except SystemExit as end:
            status = int(str(end.code))
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def document(run: Run, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json")[1])
    return found


def topology_file(folder: Path, *nodes: dict[str, object]) -> Path:
    path = folder / "topology.json"
    path.write_text(json.dumps({"clusters": [{"nodes": nodes}]}))
    return path


def node(number: int, *devices: object, zone: int = 1, **more: object) -> dict[str, object]:
    names = {"manage": [f"n{number}"], "storage": [f"10.0.0.{number}"]}
    return {"node": {"hostnames": names, "zone": zone, **more}, "devices": devices or ["/dev/sdb"]}


# -- answers -----------------------------------------------------------------------------------------------------


def test_what_fits_is_told(simulate: Run) -> None:
    status, out, err = simulate("--nodes=3", "--devices=2", "--size=100", "--count=6")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "Yes, 6 volumes of 100 GiB, replica 3, fit on 3 nodes with 6 devices"
    assert lines[2] == "Placed:   6 volumes, 600 GiB (mean 100 GiB, median 100 GiB)"
    # 100 GiB and 0.5 % metadata on each of 3 nodes, for each volume (placement.md §4)
    assert "Space:    1809.0 of 4499.2 GiB in use (40.2 %)" in lines
    assert "Overhead: 3.015 GiB of devices for each GiB of volumes, 9.0 GiB of it metadata of thin pools" in lines
    assert [line.split()[:3] for line in lines[-6:]] == [
        [f"node-{number}", str(number), f"/dev/disk{disk}"] for number in (1, 2, 3) for disk in (1, 2)
    ]


def test_what_does_not_fit_is_told_with_the_planners_reasons(simulate: Run) -> None:
    status, out, _ = simulate("--nodes=3", "--device-size=250", "--size=100", "--count=3")
    assert status == 1
    assert out.startswith("No, only 2 of 3 volumes of 100 GiB, replica 3, fit on 3 nodes with 3 devices\n")
    refusal = out[out.index("Volume 3 was refused:") :]
    assert "\n  No space\n  Why nothing fits in cluster 1:\n" in refusal
    assert "node node-2 /dev/disk1: lacks" in refusal
    assert "48 bricks would be needed, a volume may have 32" in refusal


def test_without_a_number_hardware_is_filled(simulate: Run) -> None:
    status, out, _ = simulate("--nodes=3", "--device-size=250", "--size=100")
    assert (status, out.splitlines()[0]) == (0, "2 volumes of 100 GiB, replica 3, fit on 3 nodes with 3 devices")
    status, out, _ = simulate("--nodes=2", "--size=100")
    assert (status, out.splitlines()[0]) == (1, "0 volumes of 100 GiB, replica 3, fit on 2 nodes with 2 devices")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--find=devices", "--nodes=3", "--size=10", "--count=200"),
            "9 devices of 750 GiB on 3 nodes (3 each) hold 200 volumes of 10 GiB, replica 3",
        ),
        (
            ("--find=nodes", "--size=10", "--count=1", "--durability=disperse"),
            "6 devices of 750 GiB on 6 nodes (1 each) hold 1 volume of 10 GiB, disperse 4+2",
        ),
        (
            ("--find=nodes", "--size=1", "--count=1", "--durability=none"),
            "1 device of 750 GiB on 1 node holds 1 volume of 1 GiB, distribute",
        ),
        (
            ("--find=device-size", "--nodes=3", "--size=100", "--count=3", "--arbiter", "--runs=2"),
            "3 devices of 266 GiB on 3 nodes (1 each) hold 3 volumes of 100 GiB, replica 3 arbiter 1 in all 2 runs",
        ),
    ],
)
def test_the_smallest_hardware_is_found(simulate: Run, words: tuple[str, ...], said: str) -> None:
    status, out, _ = simulate(*words)
    assert (status, out.splitlines()[0]) == (0, said)


def test_what_is_found_is_the_least(simulate: Run) -> None:
    found = document(simulate, "--find=device-size", "--nodes=4", "--random=10:50", "--count=20")["found"]
    gib = found["device_size_gib"]
    assert simulate("--nodes=4", f"--device-size={gib}", "--random=10:50", "--count=20")[0] == 0
    assert simulate("--nodes=4", f"--device-size={gib - 1}", "--random=10:50", "--count=20")[0] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size=10", "--count=1001"), "No, more nodes do not help 1001 volumes of 10 GiB, replica 3; a volume of"),
        (
            ("--size=10", "--count=1", "--zones=2", "--zone-checking=strict"),
            "No, even 1024 nodes do not hold 1 volume of 10 GiB, replica 3; a volume of 10 GiB is refused:",
        ),
    ],
)
def test_that_no_hardware_will_do_is_told(simulate: Run, words: tuple[str, ...], said: str) -> None:
    status, out, _ = simulate("--find=nodes", *words)
    assert (status, out[: len(said)]) == (1, said)
    found = document(simulate, "--find=nodes", *words)
    assert (found["fits"], found["runs"]) == (False, [])
    assert found["found"]["refused"]["size_gib"] == 10


def test_a_refusal_says_that_zones_have_to_differ(simulate: Run) -> None:
    _, out, _ = simulate("--nodes=4", "--zones=2", "--zone-checking=strict", "--size=10", "--count=1")
    assert "on 3 different nodes in different zones (zone checking is strict)" in out


def test_several_runs_differ_and_are_summed_up(simulate: Run) -> None:
    status, out, _ = simulate("--nodes=4", "--random=10:150", "--target=500", "--runs=3")
    lines = out.splitlines()
    assert status == 0
    assert lines[0].startswith("Yes, 500 GiB in volumes of 10 to 150 GiB, replica 3, fit on 4 nodes with 4 devices in")
    assert [line.split()[0] for line in lines[2:8]] == ["Run", "1", "2", "3", "mean", "median"]
    found = document(simulate, "--nodes=4", "--random=10:150", "--target=500", "--runs=3")
    sizes = [tuple(run["sizes_gib"]) for run in found["runs"]]
    assert len(set(sizes)) == 3
    assert all(sum(run) >= 500 > sum(run[:-1]) for run in sizes)
    totals = sorted(run["total_gib"] for run in found["runs"])
    assert (found["median"]["total_gib"], found["mean"]["total_gib"]) == (totals[1], round(sum(totals) / 3, 4))


def test_a_seed_gives_the_same_again(simulate: Run) -> None:
    words = ("--nodes=5", "--devices=2", "--random=10:150", "--runs=2", "--json")
    first = simulate(*words, "--seed=7")
    assert simulate(*words, "--seed=7") == first
    assert simulate(*words, "--seed=8") != first
    drawn = json.loads(simulate(*words, "--seed=0")[1])["seed"]
    assert drawn > 0
    assert json.loads(simulate(*words, "--seed=0")[1])["seed"] != drawn


def test_comma_separated(simulate: Run) -> None:
    status, out, _ = simulate("--nodes=3", "--device-size=250", "--size=100", "--count=3", "--runs=2", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (status, [row["run"] for row in rows]) == (1, ["1", "2"])
    assert {row["volumes"] for row in rows} == {"2"}
    assert (rows[0]["fits"], rows[0]["refused_gib"], rows[0]["refused_reason"]) == ("false", "100", "No space")
    used = sum(int(rows[0][f"node-{number}:/dev/disk1:used_kib"]) for number in (1, 2, 3))
    assert used == int(rows[0]["used_kib"]) == int(rows[0]["pool_kib"]) + int(rows[0]["metadata_kib"])


# -- hardware ----------------------------------------------------------------------------------------------------


def test_a_topology_file(simulate: Run, tmp_path: Path) -> None:
    tagged = {"name": "/dev/sdc", "tags": {"disk": "ssd"}}
    path = topology_file(tmp_path, *(node(number, "/dev/sdb", tagged, zone=number) for number in (1, 2, 3)))
    words = (f"--topology={path}", "--device-size=100", "--size=10", "--count=3")
    found = document(simulate, *words, "--gluster-volume-options=user.heketi.device-tag-match disk=ssd")
    devices = found["runs"][0]["devices"]
    assert [(each["node"], each["zone"], each["name"], each["bricks"]) for each in devices] == [
        (f"n{number}", number, name, bricks)
        for number in (1, 2, 3)
        for name, bricks in (("/dev/sdb", 0), ("/dev/sdc", 3))
    ]
    assert devices[0]["total_kib"] == 104726528  # of a disk of 100 GiB, as vgdisplay tells (golden/exec)


def test_a_database_that_a_server_is_using_is_only_looked_at(simulate: Run, tmp_path: Path) -> None:
    path = tmp_path / "heketi.db"
    topology = World(devices_gib=(500,)).topology()
    loaded = Loaded(entities=tuple(topology.entities()), unfinished=(), revision=0)

    async def look() -> tuple[int, str, str]:
        store = await open_store(path)  # as a server has it
        try:
            return await asyncio.to_thread(simulate, f"--db={path}", "--size=100", "--count=4")
        finally:
            await store.aclose()

    asyncio.run(copying.write_file(path, loaded))
    status, out, err = asyncio.run(look())
    assert (status, err) == (0, "")
    assert out.startswith("Yes, 4 volumes of 100 GiB, replica 3, fit on 3 nodes with 3 devices\n")

    files = {each.name: hashlib.sha256(each.read_bytes()).digest() for each in tmp_path.iterdir()}
    assert simulate(f"--db={path}", "--size=100", "--count=5")[0] == 1
    assert {each.name: hashlib.sha256(each.read_bytes()).digest() for each in tmp_path.iterdir()} == files


def test_a_database_that_cannot_be_looked_at(simulate: Run, tmp_path: Path) -> None:
    path = tmp_path / "heketi.db"
    asyncio.run(copying.write_file(path, Loaded(entities=(), unfinished=(), revision=0)))
    assert simulate(f"--db={path}", "--size=1")[::2] == (
        255,
        f"Error: --db: {path} holds no clusters. A file for heketi-cli topology load goes with --topology\n",
    )
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as held:  # as on a network file system
        held.execute("PRAGMA locking_mode = EXCLUSIVE")
        held.execute("BEGIN IMMEDIATE")
        status, _, err = simulate(f"--db={path}", "--size=1")
    assert status == 255
    assert err == (
        f"Error: --db: Database {path} is in use by a server that lets nobody else read it. Its server tells what is in"
        " it: heketi-cli db dump > dump.json, and then name dump.json instead\n"
    )


def test_what_is_on_the_devices_counts(simulate: Run, tmp_path: Path) -> None:
    story = Story()
    story.volume(REPLICA_3, 3)
    path = tmp_path / "dump.json"
    path.write_text(json.dumps(story.document))
    empty = document(simulate, f"--db={path}", "--size=1")["runs"][0]
    assert sum(each["bricks"] for each in empty["devices"]) == 3 * (1 + empty["volumes"])
    assert empty["used_kib"] > empty["pool_kib"] + empty["metadata_kib"]


def test_a_database_of_heketi(simulate: Run) -> None:
    path = shared_dir() / "golden/heketi-v10.db"
    status, out, _ = simulate(f"--db={path}", "--size=10", "--count=20")
    assert (status, out.splitlines()[0]) == (0, "Yes, 20 volumes of 10 GiB, replica 3, fit on 3 nodes with 7 devices")
    status, out, _ = simulate(f"--volumes={path}", "--find=nodes")
    assert (status, out.splitlines()[0]) == (
        0,
        "3 devices of 750 GiB on 3 nodes (1 each) hold 4 volumes of heketi-v10.db",
    )


def test_limits_of_the_configuration(simulate: Run, tmp_path: Path) -> None:
    config = tmp_path / "heketi.json"
    config.write_text(json.dumps({"port": "8080", "glusterfs": {"executor": "mock", "max_volumes_per_cluster": 2}}))
    words = ("--nodes=3", "--size=1", "--count=3", f"--config={config}")
    status, out, _ = simulate(*words)
    assert (status, "\n  Cluster has 2 volumes and limit is 2\n" in out) == (1, True)
    assert simulate(*words, "--max-volumes-per-cluster=-1")[0] == 0


# -- volumes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("10\n\n20 # of the mail server\n", [10, 20]),
        ("[10, 20]", [10, 20]),
        ('[{"size": 5, "count": 3}, {"size": 7, "durability": {"type": "none"}}]', [5, 5, 5, 7]),
    ],
)
def test_a_file_of_volumes(simulate: Run, tmp_path: Path, text: str, sizes: list[int]) -> None:
    path = tmp_path / "plan"
    path.write_text(text)
    found = document(simulate, "--nodes=3", f"--volumes={path}")
    assert (found["fits"], found["runs"][0]["sizes_gib"]) == (True, sizes)
    assert document(simulate, "--nodes=3", f"--volumes={path}", "--count=1")["runs"][0]["sizes_gib"] == sizes[:1]


def test_flags_say_what_a_file_does_not(simulate: Run, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('[{"size": 4}, {"size": 4, "durability": {"type": "none"}}]')
    run = document(simulate, "--nodes=3", f"--volumes={path}", "--replica=2", "--snapshot-factor=2")["runs"][0]
    assert sum(each["bricks"] for each in run["devices"]) == 2 + 1
    assert run["pool_kib"] == 2 * (2 + 1) * 4 * 1024 * 1024


# -- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--nodes=3",), "no volumes are named: give one of --size=GIB, --random=MIN:MAX, --volumes=FILE"),
        (("--size=1",), "no hardware is named: give one of --topology=FILE, --db=FILE, --nodes=N, or let --find=nodes"),
        (("--nodes=3", "--size=1", "--random=1:2"), "--size and --random exclude each other: give one of"),
        (("--nodes=3", "--db=x", "--size=1"), "--db and --nodes exclude each other: give one of"),
        (("--nodes=3", "--size=0"), "argument --size: '0' is no whole number, 1 to 2147483647"),
        (("--nodes=3", "--size=ten"), "argument --size: 'ten' is no whole number"),
        (("--nodes=3", "--random=9:5"), "argument --random: '9:5' is not MIN:MAX with sizes in GiB, such as 10:150"),
        (("--nodes=3", "--size=1", "--durability=raid"), "argument --durability: 'raid' is not one of none, replicate"),
        (("--nodes=3", "--size=1", "--replica=4"), "argument --replica: '4' is no whole number, 1 to 3"),
        (
            ("--nodes=3", "--size=1", "--snapshot-factor=nan"),
            "argument --snapshot-factor: 'nan' is no number, 1 to 100",
        ),
        (
            ("--nodes=3", "--size=1", "--durability=disperse", "--disperse-data=3"),
            "Invalid dispersion combination: 3+2; allowed are 2+1, 4+2, 8+3, 8+4",
        ),
        (
            ("--nodes=3", "--size=1", "--replica=2", "--arbiter"),
            "An arbiter (option user.heketi.arbiter) needs replica 3",
        ),
        (("--nodes=3", "--find=nodes", "--size=1", "--count=1"), "--find=nodes and --nodes exclude each other"),
        (("--find=devices", "--size=1", "--count=1"), "--find=devices needs --nodes=N, the number of nodes"),
        (("--find=nodes", "--size=1"), "--find needs to know how much is wanted: add --count or --target"),
        (("--find=nodes", "--db=x", "--size=1", "--count=1"), "--find makes up its hardware: leave out --topology"),
        (("--db=nowhere", "--size=1"), "--db: nowhere cannot be read: No such file or directory"),
        (("--db=x", "--device-size=3", "--size=1"), "--device-size does not go with --db: the database knows"),
        (("--db=x", "--zones=3", "--size=1"), "--zones goes with --nodes only: --db tells them"),
        (("--topology=nowhere", "--size=1"), "--topology: nowhere cannot be read: No such file or directory"),
        (("--nodes=3", "--volumes=nowhere"), "--volumes: nowhere cannot be read: No such file or directory"),
        (("--nodes=3", "--size=1", "--config=nowhere"), "the configuration cannot be used:\n  nowhere: cannot be read"),
        (("--nodes=3", "--sise=1"), "unknown flag: --sise=1"),
        (("--nodes=3", "--size=1", "--csv", "--json"), "argument --json: not allowed with argument --csv"),
    ],
)
def test_what_cannot_be_asked_is_told(simulate: Run, words: tuple[str, ...], said: str) -> None:
    status, _, err = simulate(*words)
    assert (status, err[: len(said) + 7]) == (255, f"Error: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10\ntwenty\n", "line 2: 'twenty' is no size in GiB. Write a whole number, or a list in JSON"),
        ("[10,", "is no JSON: Expecting value: line 1 column 5 (char 4)"),
        ('[1, {"sise": 5}]', "volume 2 of the list: there is no sise; known are block, clusters, count, "),
        ('[{"size": 5, "count": 0}]', "volume 1 of the list: count is 0, it must be 1 to 1000000"),
        ('[{"size": "5"}]', "volume 1 of the list: size: Input should be a valid integer"),
        ("[0]", "volume 1 of the list: validation failed: size: cannot be blank."),
        ("# nothing\n", "names no volumes"),
        ("{}", "holds no clusters."),
    ],
)
def test_what_is_wrong_in_a_file_of_volumes(simulate: Run, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan"
    path.write_text(text)
    status, out, err = simulate("--nodes=3", f"--volumes={path}")
    assert (status, out) == (255, "")
    assert err.startswith(f"Error: --volumes: {path}")
    assert said in err


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (
            (),
            "has no clusters with nodes. Write one as for heketi-cli topology load; databases and",
        ),
        ((node(1), node(1)), "two nodes have the same host name"),
        ((node(1, "sdb"),), "device sdb of node n1: validation failed: name: must be in a valid format."),
        ((node(1, "/dev/sdb", "/dev/sdb"),), "device /dev/sdb of node n1 is named twice"),
        ((node(1, zone=0),), "node n1: validation failed: zone: cannot be blank."),
        (({"devices": ["/dev/sdb"]},), "node number 1: validation failed: hostnames"),
    ],
)
def test_what_is_wrong_in_a_topology(
    simulate: Run, tmp_path: Path, nodes: tuple[dict[str, object], ...], said: str
) -> None:
    path = topology_file(tmp_path, *nodes)
    status, out, err = simulate(f"--topology={path}", "--size=1")
    assert (status, out) == (255, "")
    assert err.startswith(f"Error: --topology: {path}")
    assert said in err


def test_files_that_are_something_else(simulate: Run, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"SQLite format 3\0" + b"x" * 200)
    assert simulate(f"--db={path}", "--size=1")[::2] == (
        255,
        f"Error: --db: Database {path}: it is not a database. Name another file (file is not a database)\n",
    )
    path.write_text('{"clusters": []}')
    assert "A file for heketi-cli topology load goes with --topology" in simulate(f"--db={path}", "--size=1")[2]
    path.write_text("not JSON")
    assert f"{path} is neither a database nor an export of one" in simulate(f"--db={path}", "--size=1")[2]
    assert (
        f"{path} is no topology as heketi-cli topology load takes it" in simulate(f"--topology={path}", "--size=1")[2]
    )
