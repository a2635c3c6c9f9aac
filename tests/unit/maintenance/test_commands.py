"""``heketi db`` and ``heketi offline`` as a person types them."""

import asyncio
import json
from pathlib import Path

import pytest
from tests import heketi_file
from tests.shared import shared_dir
from tests.unit.migrate.test_importing import NONE, REPLICA_3, Story, V

from pyheketi.domain.topology import Topology
from pyheketi.maintenance import commands
from pyheketi.migrate import importing
from pyheketi.store import copying
from pyheketi.store.base import Loaded
from pyheketi.store.opening import open_store
from pyheketi.wire import base
from pyheketi.wire.dump import Dump

ID = "c" * 32


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self.capsys, self.home = capsys, home

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Return status, standard output and standard error."""
        try:
            status = commands.run(words)
        except SystemExit as end:
            status = int(str(end.code))
        said = self.capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def heketi(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    return Shell(capsys, tmp_path)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "heketi.db"
    contents = {"Info": {"Id": ID, "ClusterFlags": {"Block": True, "File": False}}}
    flags = heketi_file.gob({"Key": "DB_CLUSTER_HAS_FILE_BLOCK_FLAG", "Value": "yes"})
    buckets = {
        "CLUSTER": {ID: heketi_file.gob(contents)},
        "VOLUME": {},
        "DBATTRIBUTE": {"DB_CLUSTER_HAS_FILE_BLOCK_FLAG": flags},
    }
    path.write_bytes(heketi_file.bolt(buckets))
    return path


def contents_of(path: Path) -> Topology:
    async def read() -> Topology:
        store = await open_store(path)
        try:
            return Topology((await store.load()).entities)
        finally:
            await store.aclose()

    return asyncio.run(read())


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ours(path: Path, story: Story) -> Path:
    found = story.imported()
    loaded = Loaded(entities=tuple(found.topology.entities()), unfinished=found.operations, revision=0)
    asyncio.run(copying.write_file(path, loaded))
    return path


def test_the_original_gives_its_place_and_stays_beside(heketi: Shell, original: Path) -> None:
    before = original.read_bytes()
    status, out, err = heketi("db", "import", f"--from={original}")
    assert (status, out) == (0, "")
    assert "Found 1 clusters, 0 nodes" in err
    assert err.endswith(f"DB imported to {original}\n")
    assert original.with_name("heketi.db.heketi10").read_bytes() == before
    assert [(each.id, each.file, each.block) for each in contents_of(original).clusters()] == [(ID, False, True)]
    assert original.stat().st_mode & 0o777 == 0o600
    assert files_in(heketi.home) == ["heketi.db", "heketi.db.heketi10", "heketi.db.lock"]
    status, _, err = heketi("db", "import", f"--from={original}.heketi10", f"--dbfile={original}")
    assert (status, err) == (1, f"db creation failed: {original} file already exists\n")


def test_a_real_database_goes_there_and_back(heketi: Shell) -> None:
    source, made, json_file = shared_dir() / "golden/heketi-v10.db", heketi.home / "new.db", heketi.home / "out.json"
    assert heketi("db", "import", "--from", str(source), "--dbfile", str(made))[0] == 0
    assert heketi("db", "export", f"--dbfile={made}", f"--jsonfile={json_file}") == (
        0,
        "",
        f"DB exported to {json_file}\n",
    )
    assert json_file.stat().st_mode & 0o777 == 0o600
    again = heketi.home / "again.db"
    assert heketi("db", "import", f"--jsonfile={json_file}", f"--dbfile={again}")[0] == 0
    assert contents_of(again) == contents_of(made)
    exported = importing.imported(base.parse(Dump, json_file.read_bytes())).topology
    assert exported == contents_of(made)


def test_a_damaged_file_changes_nothing(heketi: Shell, original: Path) -> None:
    original.write_bytes(original.read_bytes()[: 3 * heketi_file.PAGE])
    before = original.read_bytes()
    status, _, err = heketi("db", "import", f"--from={original}")
    assert status == 1
    assert err.startswith(f"db creation failed: {original}: The BoltDB file is cut off: page ")
    assert (files_in(heketi.home), original.read_bytes()) == (["heketi.db"], before)


def test_a_database_in_use_is_refused(heketi: Shell, original: Path) -> None:
    import fcntl  # noqa: PLC0415  # only here

    with original.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        status, _, err = heketi("db", "import", f"--from={original}")
    assert (status, "is in use: stop the Heketi that has it open first" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("db", "import"), "Please provide file for input"),
        (("db", "import", "--from=nowhere.db"), "db creation failed: "),
        (("db", "export"), "Please provide file for input"),
        (("db", "export", "--jsonfile=x"), "Please provide path for db file"),
        (("db", "consistency-check"), "Please provide path for db file"),
        (("db", "consistency-check", "--dbfile=nowhere"), "failed to check db: "),
        (("db", "delete-bricks-with-empty-path"), "Please provide path for db file"),
        (
            ("db", "delete-bricks-with-empty-path", "--dbfile=x"),
            "neither --all flag nor list of clusters/nodes/devices is given",
        ),
        (("offline", "cleanup-operations"), "Configuration file is required"),
    ],
)
def test_what_is_missing_is_told(heketi: Shell, words: tuple[str, ...], said: str) -> None:
    status, _, err = heketi(*words)
    assert status == 1
    assert err.startswith(said)


@pytest.mark.parametrize("words", [("db",), ("offline",), ("offline", "state"), ("offline", "state", "examine")])
def test_groups_show_their_commands(heketi: Shell, words: tuple[str, ...]) -> None:
    status, out, err = heketi(*words)
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: heketi {' '.join(words)} ")


def test_what_is_not_known_is_told_as_heketi_does(heketi: Shell) -> None:
    assert heketi("db", "x") == (
        255,
        'unknown command "x" for "heketi db"\n',
        'Error: unknown command "x" for "heketi db"\n',
    )
    assert heketi("db", "import", "--nope") == (255, "unknown flag: --nope\n", "Error: unknown flag: --nope\n")


def test_contradictions_are_found_in_any_kind_of_file(heketi: Shell, original: Path) -> None:
    status, out, _ = heketi("db", "consistency-check", f"--dbfile={original}")
    assert (status, json.loads(out)["totalinconsistencies"]) == (0, 0)
    story = Story()
    bricks = story.volume(NONE, 1)
    del story.document["brickentries"][bricks[0]]
    odd = heketi.home / "odd.json"
    odd.write_text(json.dumps(story.document))
    status, out, _ = heketi("db", "consistency-check", f"--dbfile={odd}")
    found = json.loads(out)
    assert (status, found["totalinconsistencies"]) == (0, 3)
    assert found["volumes"]["inconsistencies"] == [f"Volume {V} unknown brick {bricks[0]}"]
    assert len(found["devices"]["inconsistencies"]) == 2
    status, _, err = heketi("db", "consistency-check", f"--dbfile={odd}", "--fail")
    assert (status, err) == (1, "3 inconsistencies\n")


def odd_file(heketi: Shell) -> Path:
    story = Story()
    story.volume(NONE, 1)
    story.document["clusterentries"]["c" * 32]["Info"]["nodes"].append("e" * 32)
    story.document["deviceentries"][f"d{1:031x}"]["Info"]["storage"]["free"] += 7
    path = heketi.home / "odd.json"
    path.write_text(json.dumps(story.document))
    return path


def test_findings_are_told_by_rule_and_object(heketi: Shell) -> None:
    status, out, _ = heketi("db", "consistency-check", f"--dbfile={odd_file(heketi)}", "--findings")
    found = json.loads(out)
    assert (status, found["total"]) == (0, 3)
    assert [(each["rule"], each["kind"], each["object"], each["other"]) for each in found["findings"]] == [
        ("list-unknown", "cluster", ID, "e" * 32),
        ("mount-hosts", "volume", V, ID),
        ("device-total", "device", f"d{1:031x}", ""),
    ]
    assert all(each["means"] and each["do"] and each["text"] for each in found["findings"])


def test_findings_are_explained(heketi: Shell) -> None:
    status, out, err = heketi("db", "consistency-check", f"--dbfile={odd_file(heketi)}", "--explain", "--fail")
    assert (status, err) == (1, "3 inconsistencies\n")
    lines = out.splitlines()
    assert lines[0].startswith("list-unknown: A list names something that does not exist")
    assert lines[1].startswith("  What to do: ")
    assert lines[2] == f"  Cluster {ID} unknown node {'e' * 32}"


def test_repairs_are_planned_and_nothing_is_written(heketi: Shell) -> None:
    path = odd_file(heketi)
    before = path.read_bytes()
    status, out, _ = heketi("db", "consistency-check", f"--dbfile={path}", "--repair")
    assert status == 0
    assert out.splitlines()[:4] == [
        "3 contradictions, 3 of them can be repaired safely. Nothing was written.",
        f"list-unknown: Cluster {ID} unknown node {'e' * 32}",
        f"  repair: node {'e' * 32} goes from the list of cluster {ID}",
        "  heketi db import mends it",
    ]
    status, out, _ = heketi("db", "consistency-check", f"--dbfile={path}", "--repair", "--findings")
    told = json.loads(out)
    assert (told["safe"], told["import_refuses"], {each["import"] for each in told["findings"]}) == (3, "", {"mends"})
    assert (path.read_bytes(), files_in(heketi.home)) == (before, ["odd.json"])
    made = heketi.home / "made.db"
    status, _, err = heketi("db", "import", f"--from={path}", f"--dbfile={made}")
    assert (status, f"unknown node {'e' * 32}: it was taken off the list\n" in err, "Still wrong" in err) == (
        0,
        True,
        False,
    )
    assert heketi("db", "consistency-check", f"--dbfile={made}", "--repair", "--fail") == (
        0,
        "No contradictions were found\n",
        "",
    )


def test_an_import_tells_what_is_wrong_still(heketi: Shell) -> None:
    story = Story()
    story.volume(REPLICA_3, 2)
    path = heketi.home / "odd.json"
    path.write_text(json.dumps(story.document))
    status, _, err = heketi("db", "import", f"--from={path}", f"--dbfile={heketi.home}/made.db")
    assert (status, f"Still wrong: volume {V}: a set of 2 bricks for " in err) == (0, True)


def test_nothing_is_overwritten(heketi: Shell, original: Path) -> None:
    (heketi.home / "x.json").write_text("mine")
    status, _, err = heketi("db", "export", f"--dbfile={original}", f"--jsonfile={heketi.home}/x.json")
    assert status == 1
    assert err == f"failed to dump db: Could not create json file: open {heketi.home}/x.json: file exists\n"
    assert (heketi.home / "x.json").read_text() == "mine"


def test_bricks_without_path(heketi: Shell, original: Path) -> None:
    place = ours(heketi.home / "ours.db", Story())
    assert heketi("db", "delete-bricks-with-empty-path", f"--dbfile={place}", "--all")[0] == 0
    assert heketi("db", "delete-bricks-with-empty-path", f"--dbfile={place}", "--nodes=abc") == (
        1,
        "",
        "failed to delete bricks with empty path: abc is not a valid UUID\n",
    )
    status, _, err = heketi("db", "delete-bricks-with-empty-path", f"--dbfile={original}", "--all")
    assert (status, "which is not written to" in err) == (1, True)


def configured(heketi: Shell, story: Story) -> str:
    place = ours(heketi.home / "ours.db", story)
    config = heketi.home / "heketi.json"
    config.write_text(json.dumps({"port": "8080", "glusterfs": {"executor": "mock", "db": str(place)}}))
    return f"--config={config}"


def test_unfinished_operations_are_brought_to_an_end(heketi: Shell) -> None:
    story = Story()
    ids = story.volume(REPLICA_3, 3)
    story.operation(2, *((3, id_, None) for id_ in ids), (4, V, None))
    status, out, err = heketi("offline", "cleanup-operations", configured(heketi, story))
    assert (status, out) == (0, "OFFLINE COMMAND: Clean All Pending Operations\n")
    assert "Starting clean now..." in err
    assert list(contents_of(heketi.home / "ours.db").volumes()) == []


def test_nodes_are_examined(heketi: Shell) -> None:
    story = Story()
    story.volume(REPLICA_3, 3)
    status, out, _ = heketi("offline", "state", "examine", "gluster", configured(heketi, story))
    lines = out.splitlines()
    assert (status, lines[:3], lines[-1]) == (
        0,
        ["OFFLINE COMMAND: Examine state of Gluster", "Starting examiner now...", "EXAMINER_OUTPUT_STARTS"],
        "EXAMINER_OUTPUT_ENDS",
    )
    found = json.loads("\n".join(lines[3:-1]))
    assert found["report"] == ["heketi volume list matches with volume list of all nodes"]


def test_the_volume_of_the_database_is_tuned(heketi: Shell) -> None:
    story = Story()
    story.volume(REPLICA_3, 3, name="heketidbstorage")
    config = configured(heketi, story)
    assert heketi("offline", "update-dbvol", config)[:2] == (0, "OFFLINE COMMAND: update dbvol\n")
    status, _, err = heketi("offline", "update-dbvol", config, "--force-volume-name=other")
    assert (status, "Error updating db volume: Volume other not found\n" in err) == (1, True)
