"""Our commands beside those that Heketi sent: the same programs, flags and names in the same order.

What differs on purpose is taken away here, each with its reason; nothing else may.
"""

import posixpath
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import pytest
from tests.shared import golden

from pyheketi.commands import bricks, devices, gluster, systemctl, volumes
from pyheketi.commands.bricks import BrickFacts
from pyheketi.commands.command import Command, Program
from pyheketi.commands.options import NodeOptions
from pyheketi.domain.durability import Disperse, Distribute, Durability, Replicate
from pyheketi.operations.steps import AddBricks, BrickPlace, CreateBrick, CreateVolume, DeviceHandle, ReplaceBrick

Argv = tuple[str, ...]
Recording = Mapping[str, Any]

SETTINGS = {
    "main": NodeOptions(),
    "settings": NodeOptions(
        fstab="/var/lib/heketi/fstab",
        mount_options="rw,noatime",
        backup_lvm_metadata=True,
        gluster_cli_timeout=900,
        pv_data_alignment="512K",
        vg_physicalextentsize="8MB",
        lv_chunksize="128K",
        xfs_su=64,
        xfs_sw=4,
        snapshot_limit=14,
    ),
}


def transcript() -> list[Recording]:
    """Return the recordings of the older transcript, which tells commands only."""
    sections = golden("node-commands.txt").partition("\n# ----")[0].split("\n### ")[1:]
    return [
        {
            "op": operation.strip(),
            "commands": [{"host": "", "cmd": line} for line in lines.splitlines() if line.strip()],
        }
        for operation, _, lines in (section.partition("\n") for section in sections)
    ]


RECORDED: list[tuple[str, Recording]] = [
    *((name, recording) for name in SETTINGS for recording in golden(f"exec/{name}.json")),
    *(("main", recording) for recording in transcript()),
]
BRICK = re.compile(r"brick_(\w+)")
WHOLE = BrickFacts(mounts=1, in_fstab=True, has_volume=True, has_pool=True, pool_is_shared=False, has_directory=True)


def argv_of(recorded: Recording) -> Argv:
    """Return a recorded command without sudo and the LVM wrapper, which are the executor's affair."""
    words = shlex.split(recorded["cmd"])
    return tuple(word for word in words if word not in ("sudo", "/usr/sbin/exec-on-host"))


def ours(commands: Iterable[Command]) -> list[Argv]:
    """Return our commands without flock: Heketi sent one brick at a time, so nothing was in its way."""
    return [
        command.args[1:] if command.program is Program.FLOCK else (command.program.value, *command.args)
        for command in commands
    ]


def by_brick(recording: Recording) -> dict[str, list[Argv]]:
    """Return recorded commands on nodes, gluster's aside, by the brick that they are about."""
    found: defaultdict[str, list[Argv]] = defaultdict(list)
    for argv in map(argv_of, recording["commands"]):
        if argv[0] in ("gluster", "gluster-block", "systemctl"):
            continue
        named = BRICK.search(" ".join(argv))
        brick = named[1] if named else _brick_of_pool(argv, recording)
        found[brick].append(argv)
    return found


def _brick_of_pool(argv: Argv, recording: Recording) -> str:
    """Commands about a thin pool do not name the brick; the removal of the brick before it does, on the same group."""
    (pool,) = (word for word in argv if "/tp_" in word)
    places = {place.thin_pool: place.brick for _, recording in RECORDED for place in places_made(recording).values()}
    return places[pool.partition("/")[2]]


def places_made(recording: Recording) -> dict[str, BrickPlace]:
    """Return the places of bricks that a recording makes, by brick."""
    places = {}
    for recorded in recording["commands"]:
        argv = argv_of(recorded)
        if argv[1:2] == ("lvcreate",):
            group, pool = argv[argv.index("--thin") + 1].split("/")
            volume = argv[-1]
            mount_point = f"/var/lib/heketi/mounts/{group}/{volume}"
            places[volume.removeprefix("brick_")] = BrickPlace(
                brick=volume.removeprefix("brick_"),
                host=recorded["host"],
                storage_host="",
                volume_group=group,
                thin_pool=pool,
                logical_volume=volume,
                mount_point=mount_point,
                path=f"{mount_point}/brick",
            )
    return places


def kib(argv: Argv, option: str) -> int:
    return int(argv[argv.index(option) + 1].removesuffix("K"))


def creation_of(place: BrickPlace, commands: list[Argv]) -> CreateBrick:
    (made,) = (argv for argv in commands if argv[1:2] == ("lvcreate",))
    gid = next((int(argv[1].removeprefix(":")) for argv in commands if argv[0] == "chown"), 0)
    return CreateBrick(
        place=place,
        size=kib(made, "--virtualsize"),
        pool_size=kib(made, "--size"),
        metadata_size=kib(made, "--poolmetadatasize"),
        gid=gid,
        arbiter=any("maxpct=100" in argv for argv in commands),
    )


Case = tuple[NodeOptions, Recording]


def cases(pattern: str) -> list[Case]:
    """Return recordings of successful operations by name."""
    return [
        (SETTINGS[name], recording)
        for name, recording in RECORDED
        if re.fullmatch(pattern, recording["op"]) and recording["commands"]
    ]


def name_of(value: object) -> str:
    return value["op"] if isinstance(value, dict) else ""


VOLUMES = cases(
    r"volume( (none|r2|r3|ec 2\+1|snapshot factor|gid \+ options|block hosting|arbiter))?|(block )?create .*"
)
EXPANSIONS = cases("expand.*")


@pytest.mark.parametrize(("options", "recording"), [*VOLUMES, *EXPANSIONS], ids=name_of)
def test_bricks_are_made_alike(options: NodeOptions, recording: Recording) -> None:
    recorded = by_brick(recording)
    places = places_made(recording)
    assert recorded.keys() == places.keys()
    for brick, commands in recorded.items():
        # The directory of the mount point may be there, the mount point itself must not: it may hold somebody's data.
        parent, point, *others = ours(bricks.create(creation_of(places[brick], commands), options).commands)
        assert [("mkdir", "-p", point[-1]), *others] == commands
        assert (parent, point) == (("mkdir", "-p", posixpath.dirname(point[-1])), ("mkdir", point[-1]))


def gluster_calls(recording: Recording) -> list[Argv]:
    return [argv for argv in map(argv_of, recording["commands"]) if argv[0] == "gluster"]


def durability_of(words: Argv) -> tuple[Durability, Argv]:
    """Return the durability that ``volume create`` names, and the bricks after it."""
    match words:
        case ("replica", count, "arbiter", "1", *rest):
            return Replicate(int(count), arbiter=True), tuple(rest)
        case ("replica", count, *rest):
            return Replicate(int(count)), tuple(rest)
        case ("disperse-data", data, "redundancy", redundancy, *rest):
            return Disperse(int(data), int(redundancy)), tuple(rest)
        case _:
            return Distribute(), words


REPLACEMENTS = [
    (options, argv)
    for options, recording in cases(".*")
    for argv in gluster_calls(recording)
    if argv[4:5] == ("replace-brick",)
]


@pytest.mark.parametrize(("options", "call"), REPLACEMENTS)
def test_bricks_are_replaced_alike(options: NodeOptions, call: Argv) -> None:
    name, old, new = call[5:8]
    step = ReplaceBrick(hosts=("n1",), name=name, old=old, new=new)
    assert ours(volumes.replace_brick(step, options).commands) == [call]


def option_pairs(calls: Iterable[Argv]) -> list[Argv]:
    """Return options that are set, call by call as they come, a ``group`` apart."""
    pairs = [argv[i : i + 2] for argv in calls if argv[3:5] == ("volume", "set") for i in range(6, len(argv), 2)]
    return [pair for _, run in groupby(pairs, key=lambda pair: pair[0] == "group") for pair in run]


@pytest.mark.parametrize(("options", "recording"), VOLUMES, ids=name_of)
def test_volumes_are_made_alike(options: NodeOptions, recording: Recording) -> None:
    recorded = gluster_calls(recording)
    name = recorded[0][5]
    durability, first = durability_of(recorded[0][6:])
    added = [argv[6:] for argv in recorded if argv[3:5] == ("volume", "add-brick")]
    sets = [words[i : i + len(first)] for words in [first, *added] for i in range(0, len(words), len(first))]
    pairs = option_pairs(recorded)
    step = CreateVolume(
        hosts=("n1",),
        volume=pairs[-1][1],
        name=name,
        durability=durability,
        brick_sets=tuple(sets),
        options=tuple(" ".join(pair) for pair in pairs[:-1]),
    )
    sends = ours(volumes.create(step, options).commands)
    # Heketi sent a call for each option; all of a volume's options in one save a transaction of glusterd each.
    assert [argv for argv in sends if argv[4] != "set"] == [argv for argv in recorded if argv[4] != "set"]
    assert option_pairs(sends) == pairs


@pytest.mark.parametrize(("options", "recording"), EXPANSIONS, ids=name_of)
def test_volumes_grow_alike(options: NodeOptions, recording: Recording) -> None:
    recorded = gluster_calls(recording)
    added = [argv[6:] for argv in recorded if argv[4] == "add-brick"]
    name = recorded[0][5]
    step = AddBricks(hosts=("n1",), name=name, durability=Replicate(3), brick_sets=tuple(added))
    commands = [*volumes.add_bricks(step, (), options).commands, *volumes.rebalance(name, options).commands]
    assert ours(commands) == recorded


@pytest.mark.parametrize(("options", "recording"), cases("delete( none| snap| gid| v1)?"), ids=name_of)
def test_volumes_and_bricks_go_alike(options: NodeOptions, recording: Recording) -> None:
    stop, delete = gluster_calls(recording)
    name = stop[5]
    assert ours([gluster.stop_volume(name, options), gluster.delete_volume(name, options)]) == [stop, delete]
    places = {brick: place for _, each in RECORDED for brick, place in places_made(each).items()}
    for brick, commands in by_brick(recording).items():
        # Heketi asked for the thin count in between, and removed blindly; we look before we begin.
        removals = [argv for argv in commands if argv[1:2] != ("lvs",)]
        assert ours(bricks.destroy(places[brick], WHOLE, options).commands) == removals


@pytest.mark.parametrize(("options", "recording"), cases(r"device add \d \w+|deviceadd \d"), ids=name_of)
def test_devices_are_made_alike(options: NodeOptions, recording: Recording) -> None:
    recorded = [argv_of(command) for command in recording["commands"]]
    device = DeviceHandle(host="n1", name=recorded[0][-1], volume_group=recorded[-1][-1])
    assert ours(devices.set_up(device, options, wipe=False).commands) == recorded


def test_devices_go_alike() -> None:
    (recorded,) = (
        [argv_of(command) for command in recording["commands"]]
        for _, recording in RECORDED
        if recording["op"] == "device delete"
    )
    device = DeviceHandle(host="n1", name="/dev/sdb", volume_group=recorded[0][-1])
    # Heketi named the device by udev's link; we ask LVM where the volume group lies, for not every node has links.
    sends = ours(devices.tear_down(device, group=True, name=recorded[1][-1]).commands)
    assert sends == recorded


def test_peers_come_and_go_alike() -> None:
    options = SETTINGS["settings"]
    check = systemctl.glusterd_status()
    came = [argv_of(c) for _, recording in RECORDED if recording["op"] == "node add 2" for c in recording["commands"]]
    limited = [gluster.probe_peer("10.9.0.2", options), gluster.limit_snapshots(options)]
    plain = [gluster.probe_peer("10.9.0.2", SETTINGS["main"])]
    assert came == ours([check, *plain, check, *limited])
    left = [argv_of(c) for _, recording in RECORDED if recording["op"] == "node delete" for c in recording["commands"]]
    assert left == ours([gluster.detach_peer("10.9.0.4", SETTINGS["main"])])
