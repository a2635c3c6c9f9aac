"""Ask a node for all that it has, and read it (executors.md §10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from pyheketi.commands import fstab, gluster, lvm, mount, node_json
from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.commands.options import NodeOptions

LIMIT = 600.0
"""Seconds for everything that is asked of a node."""

LVM_REPORTS = ("pvs", "vgs", "lvs")


@dataclass(frozen=True, slots=True, kw_only=True)
class FstabLine:
    """A line of a node's fstab."""

    device: str
    mount_point: str
    type: str
    options: str
    mounted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePicture:
    """What a node told; what it could not tell is None."""

    volumes: ET.Element | None
    """Gluster's ``cliOutput`` of all volumes."""
    lvm: tuple[dict[str, Any] | None, ...]
    """LVM's reports of physical volumes, volume groups and logical volumes."""
    fstab: tuple[FstabLine, ...] | None
    block_volumes: tuple[tuple[str, ...] | None, ...]
    """Names of block volumes, for each hosting volume that was asked for."""
    mounts: tuple[mount.Mount, ...] | None = None
    """What is mounted."""
    failures: tuple[str, ...] = ()
    """What LVM said where it could not tell; in the order of the reports, empty if it could."""

    @property
    def logical_volumes(self) -> tuple[dict[str, Any], ...] | None:
        """LVM's rows of logical volumes; None if it could not tell."""
        report = self.lvm[-1]
        return None if report is None else tuple(row for part in report.get("report", ()) for row in part.get("lv", ()))


def look(hosting: Sequence[str], options: NodeOptions) -> Script:
    """Ask for gluster's volumes, LVM's reports, mounts, fstab, and the block volumes of hosting volumes, by name."""
    blocks = (Command(Program.GLUSTER_BLOCK, ("list", name, "--json"), may_fail=True, quiet=True) for name in hosting)
    return Script(
        commands=(
            gluster.all_volumes(options),
            *map(lvm.whole_report, LVM_REPORTS),
            mount.table(),
            fstab.show(options),
            *blocks,
        ),
        limit=LIMIT,
    )


def read(results: Sequence[Result]) -> NodePicture:
    """Return what a node told."""
    volumes, *rest = results
    reports, mounts, lines, blocks = rest[:3], rest[3], rest[4], rest[5:]
    return NodePicture(
        volumes=_volumes(volumes),
        lvm=tuple(map(_report, reports)),
        fstab=_fstab(mounts, lines),
        mounts=_mounts(mounts),
        block_volumes=tuple(map(_blocks, blocks)),
        failures=tuple("" if result.ok else result.output for result in reports),
    )


def _volumes(result: Result) -> ET.Element | None:
    if not result.ok or "<!" in result.stdout:
        return None
    try:
        return ET.fromstring(result.stdout)  # without declarations there are no entities to blow up  # noqa: S314
    except ET.ParseError:
        return None


def _report(result: Result) -> dict[str, Any] | None:
    try:
        found = node_json.read(result.stdout) if result.ok else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _fstab(mounts: Result, lines: Result) -> tuple[FstabLine, ...] | None:
    if not mounts.ok or not lines.ok:
        return None
    mounted = {line.split()[0] for line in mounts.stdout.splitlines() if line.split()}
    words = [line.split() for line in lines.stdout.splitlines() if not line.lstrip().startswith("#")]
    return tuple(
        FstabLine(device=each[0], mount_point=each[1], type=each[2], options=each[3], mounted=each[0] in mounted)
        for each in words
        if len(each) >= 4
    )


def _mounts(result: Result) -> tuple[mount.Mount, ...] | None:
    try:
        return mount.parse_table(result.stdout) if result.ok else None
    except ValueError:
        return None


def _blocks(result: Result) -> tuple[str, ...] | None:
    found = _report(result)
    listed = found.get("blocks") if found else None
    return tuple(map(str, listed)) if isinstance(listed, list) else None
