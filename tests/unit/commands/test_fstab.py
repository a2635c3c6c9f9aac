"""The edits of fstab, run for real on a file of ours: what counts is what the programs make of them."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyheketi.commands import fstab
from pyheketi.commands.command import Command
from pyheketi.commands.options import NodeOptions

ROOT = "UUID=1 / ext4 defaults 0 1\n"


def run(command: Command) -> None:
    subprocess.run([command.program.value, *command.args], check=True, timeout=60)


def line_of(brick: str, options: NodeOptions) -> str:
    return f"/dev/mapper/vg_d-brick_{brick} /mnt/brick_{brick} xfs {options.mount_options} 1 2\n"


def add(brick: str, options: NodeOptions) -> Command:
    return fstab.add(f"/dev/mapper/vg_d-brick_{brick}", f"/mnt/brick_{brick}", options)


@pytest.mark.parametrize("name", ["fstab", "my fstab", 'quo"te', "back\\slash\\n", "do$llar $(touch x)", "a'b"])
def test_a_line_comes_and_goes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(ROOT)
    options = NodeOptions(fstab=str(path), mount_options='rw,context="a:b",x=\\t')
    run(add("b1", options))
    assert path.read_text() == ROOT + line_of("b1", options)
    run(fstab.remove("b1", options))
    assert path.read_text() == ROOT
    assert path.with_name(f"{name}.save").read_text() == ROOT + line_of("b1", options)
    assert {each.name for each in tmp_path.iterdir()} == {name, f"{name}.save"}


def test_edits_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fstab"
    options = NodeOptions(fstab=str(path))
    going, coming = [f"a{n:02}" for n in range(20)], [f"b{n:02}" for n in range(20)]
    path.write_text(ROOT + "".join(line_of(brick, options) for brick in going))
    edits = [
        edit
        for gone, come in zip(going, coming, strict=True)
        for edit in (fstab.remove(gone, options), add(come, options))
    ]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(run, edits))
    assert sorted(path.read_text().splitlines(keepends=True)) == sorted(
        [ROOT, *(line_of(brick, options) for brick in coming)]
    )


def test_a_brick_is_found_by_its_id() -> None:
    options = NodeOptions()
    assert fstab.names(ROOT + line_of("b1", options), "b1")
    assert not fstab.names(ROOT + line_of("b1", options), "b2")
