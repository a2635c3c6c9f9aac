"""Real nodes: one replica 3 volume of 1 GiB, ours and Heketi's way in turns, and eight at the same moment.

The same commands typed into shells on the nodes take what no server can save.
"""

import statistics
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from tests.lab.site import Site, value

from benchmarks import original
from benchmarks.figure import Figure
from benchmarks.original import Place
from benchmarks.remote import Remote, remote_work
from lab import Lab

_MANY = 8
_ASKED = ("heketi-cli", "volume", "create", "--size=1")


def measure(rounds: int = 3) -> list[Figure]:
    """Return all figures."""
    return [*_in_a_lab(lambda site: _figures(site, rounds)), *_in_a_lab(lambda site: _bare(site, rounds), udev=False)]


def _in_a_lab(measured: Callable[[Site], list[Figure]], *, udev: bool = True) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "run", nodes=3, disks=1, udev=udev)
        try:
            lab.up()
            with Site(lab, Path(folder)) as site:
                site.load()
                return measured(site)
        finally:
            lab.down()


def _figures(site: Site, rounds: int) -> list[Figure]:
    theirs, typed, alone, together, work = [], [], [], [], list[Remote]()
    for _ in range(rounds):
        theirs.append(_by_hand(site.lab, original.make))
        typed.append(_by_hand(site.lab, _type))
        seconds, remote = _one(site)
        alone.append(seconds)
        work.append(remote)
        together.append(_at_once(site, _MANY))
    trips = statistics.median_low([each.trips for each in work])
    commands = statistics.median_low([each.commands for each in work])
    return [
        Figure(name="heketi-cli volume create, replica 3, three real nodes", unit="s", values=alone, target=5),
        Figure(name="the same commands, sent as Heketi sends them", unit="s", values=theirs),
        Figure(name="the same commands, typed into shells on the nodes", unit="s", values=typed),
        Figure(name="eight times heketi-cli volume create at the same moment", unit="s", values=together, target=15),
        Figure(name="ssh round trips of one creation", unit="", values=[trips]),
        Figure(name="remote processes of one creation", unit="", values=[commands]),
    ]


def _bare(site: Site, rounds: int) -> list[Figure]:
    """Measure on nodes without udev: real ones have it, the lab in which the targets were set has none."""
    alone, together, typed = [], [], []
    for _ in range(rounds):
        alone.append(_one(site)[0])
        together.append(_at_once(site, _MANY))
        typed.append(_typed_at_once(site.lab, _MANY))
    return [
        Figure(name="one volume, nodes without udev", unit="s", values=alone, target=5),
        Figure(name="eight volumes at the same moment, nodes without udev", unit="s", values=together, target=15),
        Figure(name="the same commands for eight, typed, nodes without udev", unit="s", values=typed),
    ]


def _one(site: Site) -> tuple[float, Remote]:
    """Make a volume; return the seconds, and what it took on the nodes; remove it."""
    mark = len(site.log.read_text())
    began = perf_counter()
    made = site.cli(*_ASKED[1:])
    spent = perf_counter() - began
    remote = remote_work(site.log.read_text()[mark:])
    _delete(site, made)
    return spent, remote


def _at_once(site: Site, count: int) -> float:
    """Make volumes, each asked for by a process of its own; return the seconds until the last is there; remove them."""
    pipe = subprocess.PIPE
    began = perf_counter()
    asking = [
        site.lab.popen(_ASKED, stdout=pipe, stderr=pipe, env=site.environment, cwd=site.home) for _ in range(count)
    ]
    said = [each.communicate() for each in asking]
    spent = perf_counter() - began
    if failed := [stderr for each, (_, stderr) in zip(asking, said, strict=True) if each.returncode]:
        raise RuntimeError(f"{len(failed)} of {count} volumes were not made: {failed[0]}")
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda made: _delete(site, made), (stdout for stdout, _ in said)))
    return spent


def _delete(site: Site, made: str) -> None:
    site.cli("volume", "delete", value(made, "Volume Id"))


def _by_hand(lab: Lab, way: Callable[[Lab, str, Sequence[Place]], float]) -> float:
    """Make a volume without our server; return the seconds; remove it."""
    name, places = _chosen(lab)
    spent = way(lab, name, places)
    _undo(lab, name, places)
    return spent


def _typed_at_once(lab: Lab, count: int) -> float:
    """Make volumes without any server; return the seconds until the last is there; remove them."""
    chosen = [_chosen(lab) for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        began = perf_counter()
        list(pool.map(lambda each: _type(lab, *each), chosen))
        spent = perf_counter() - began
    for name, places in chosen:
        _undo(lab, name, places)
    return spent


def _chosen(lab: Lab) -> tuple[str, list[Place]]:
    """Return a name for a volume, and a place on each node for its bricks."""
    groups = [node.ssh("vgs --noheadings -o vg_name").stdout.strip() for node in lab.nodes]
    places = [(node.ip, group, uuid.uuid4().hex) for node, group in zip(lab.nodes, groups, strict=True)]
    return f"vol_{uuid.uuid4().hex}", places


def _undo(lab: Lab, name: str, places: Sequence[Place]) -> None:
    lab.nodes[0].ssh(f"{original.GLUSTER} volume stop {name} force && {original.GLUSTER} volume delete {name}")
    for node, (_, group, brick) in zip(lab.nodes, places, strict=True):
        point = f"/var/lib/heketi/mounts/{group}/brick_{brick}"
        node.ssh(f"umount {point} && sed -i.save /brick_{brick}/d /etc/fstab && rmdir {point}")
        node.ssh(f"lvremove -qq -f {group}/tp_{brick} && udevadm settle")


def _type(lab: Lab, name: str, places: Sequence[Place]) -> float:
    """Make a volume with one shell on each node; return the seconds."""
    scripts = [" && ".join(original.brick_commands(group, brick)) for _, group, brick in places]
    with ThreadPoolExecutor(len(places)) as pool:
        began = perf_counter()
        list(pool.map(lambda node, script: node.ssh(script), lab.nodes, scripts))
        lab.nodes[0].ssh(" && ".join(original.volume_commands(name, places)))
        return perf_counter() - began
