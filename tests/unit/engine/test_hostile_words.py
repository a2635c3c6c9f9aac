"""Every command of every kind of step, with names that nobody would let pass, read by a real bash.

Names and paths of clients are checked before they become steps. This is the second line: whatever is in a step, or in a
database that another server wrote, each argument arrives as one, and nothing else is run.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from tests import strays
from tests.house import REPLICA_3, House

from pyheketi.commands import shell
from pyheketi.commands.command import Program, Result, Script
from pyheketi.domain.change import Put
from pyheketi.domain.entities import State
from pyheketi.domain.ids import NodeId
from pyheketi.executors.base import Executor
from pyheketi.operations.steps import LookAtVolume, Step
from pyheketi.planning.block_create import BlockVolumeCreate
from pyheketi.planning.devices import DeviceAdd
from pyheketi.planning.limits import Limits
from pyheketi.planning.nodes import NodeAdd
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.store.base import Store
from pyheketi.store.memory import MemoryDatabase, MemoryStore

pytestmark = pytest.mark.anyio

NONCE = "n0nce"
EVIL = "';>canary;'\";>canary;\"`>canary`$(>canary)${x-$(>canary)};>canary|>canary&&>canary&>canary\\*?~#!é"
"""Leaves a file if a shell reads it outside of quotes, or within either kind."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class ThroughBash:
    """Has a real bash read every script before simulated nodes do what it says. Programs there tell their arguments."""

    name, simulated = "bash", True

    def __init__(self, inner: Executor, folder: Path) -> None:
        self.inner, self.folder = inner, folder
        self.programs: set[Program] = set()
        self.words: set[str] = set()
        for program in ("wrap", *(each.value for each in Program if "/" not in each.value)):
            file = folder / "bin" / program
            file.parent.mkdir(exist_ok=True)
            file.write_text('#!/bin/sh\nprintf \'%s\\0\' "${0##*/}" "$@"\n')
            file.chmod(0o755)

    async def run(self, host: str, script: Script) -> Sequence[Result]:
        for told in shell.parse(NONCE, script, *self._bash(shell.program(NONCE, script, lvm_wrapper="wrap"))):
            command = told.command
            wrapper = ("wrap",) if "/" in command.program.value else ()
            if command.program is not Program.TEST:  # which is bash's own
                assert tuple(told.stdout.split("\0")[:-1]) == (*wrapper, command.program.value, *command.args)
            assert told.stderr == ""
            self.programs.add(command.program)
            self.words.update(command.args)
        return await self.inner.run(host, script)

    def _bash(self, program: bytes) -> tuple[bytes, bytes]:
        read, write = os.pipe()  # kept open: its end tells the program that nobody waits for it
        try:
            os.write(write, program)
            bash = ["/bin/bash", *shell.words(None)[1:]]
            environment = {"PATH": str(self.folder / "bin")}
            done = subprocess.run(
                bash, stdin=read, cwd=self.folder, env=environment, capture_output=True, timeout=60, check=True
            )
        finally:
            os.close(read)
            os.close(write)
        assert shell.end(NONCE) in done.stdout
        assert shell.end(NONCE) in done.stderr
        return done.stdout, done.stderr

    def litter(self) -> set[str]:
        """Return what was made where bash ran."""
        return {each.name for each in self.folder.iterdir()} - {"bin"}

    async def aclose(self) -> None:
        await self.inner.aclose()


class HauntedHouse(House):
    """A house whose commands all pass through bash, and whose operations are kept."""

    def haunt(self, folder: Path) -> None:
        self.bash = ThroughBash(self.executor, folder)
        self.database = MemoryDatabase()
        self.store = MemoryStore(self.database)

    def doors(self) -> tuple[Executor, Store]:
        return self.bash, self.store


async def furnish(house: House) -> None:
    cluster = await house.plane.clusters.create(file=True, block=True)
    for number in range(5):
        wish = NodeAdd(cluster=cluster.id, zone=1, manage=(f"node{number}{EVIL}",), storage=(f"{EVIL}{number}",))
        node = await house.done(await house.plane.nodes.add(wish))
        await house.done(await house.plane.devices.add(DeviceAdd(node=NodeId(node), name=f"/dev/{EVIL}{number}")))


async def live(house: House) -> None:
    """Do something of every kind."""
    plane = house.plane
    wish = VolumeCreate(size_gib=1, name=EVIL, durability=REPLICA_3, gid=7, options=(f"user.x {EVIL}",))
    volume = await house.done(await plane.volumes.create(wish))
    await house.done(await plane.volumes.expand(volume, 1))
    known = house.topology.volume(volume)
    assert known is not None
    await plane.work.commit([Put(replace(known, sets_guessed=True))])  # so gluster is asked, as of a volume of Heketi's
    clone = await house.done(await plane.volumes.clone(volume, f"{EVIL}clone"))
    assert not next(each for each in house.topology.volumes() if each.id == volume).sets_guessed
    block = await house.done(await plane.block_volumes.create(BlockVolumeCreate(size_gib=1, name=EVIL, auth=True)))
    await house.done(await plane.block_volumes.expand(block, 2))
    await house.done(await plane.block_volumes.delete(block))
    await mend(house)
    await house.done(await plane.volumes.delete(clone))
    place = strays.place_in(strays.device_on(house, f"node0{EVIL}").volume_group, host=f"node0{EVIL}")
    await strays.plant(house, place)
    assert (await house.job(await plane.orphans.remove([strays.ID]))).error == ""
    device = next(each for each in house.topology.devices() if house.topology.bricks_on(each.id))
    await house.done(await plane.devices.resync(device.id))
    for state in (State.OFFLINE, State.FAILED):
        await house.done(await plane.devices.set_state(device.id, state))
    await house.done(await plane.devices.delete(device.id, force_forget=False))
    await house.done(await plane.nodes.delete(device.node))
    await house.done(await plane.volumes.delete(volume))


async def mend(house: House) -> None:
    """Mount what a reboot left unmounted."""
    machine = house.nodes.node(f"node0{EVIL}")
    machine.files["/etc/fstab"].clear()
    machine.power_off()
    machine.power_on()
    assert (await house.plane.serving.survey()).troubles
    await house.mend()


async def test_every_word_of_every_step_arrives_as_it_is(tmp_path: Path) -> None:
    house = HauntedHouse(limits=Limits(block_hosting_creation=True, block_hosting_size_gib=4))
    house.haunt(tmp_path)
    await house.start()
    await furnish(house)
    await live(house)
    done = {type(step) for each in house.database.operations.values() for step in each.steps}
    assert done | {LookAtVolume} == set(get_args(Step))  # which is done before the clone is planned
    after_flock, after_failures = {Program.AWK, Program.SED}, {Program.LSOF, Program.WIPEFS}
    assert house.bash.programs | after_flock | after_failures == set(Program)
    assert {EVIL, f"{EVIL}clone", f"{EVIL}1", f"/dev/{EVIL}1"} <= house.bash.words
    assert house.bash.litter() == set()
    await house.crash()
