"""Do steps on nodes, and undo them. The one place that knows what each kind of step means.

Nothing is remembered here: what was done of a step is asked of the node.
"""

from collections.abc import Sequence
from typing import assert_never

from pyheketi.commands import bricks, examination
from pyheketi.commands.bricks import BrickFacts
from pyheketi.commands.examination import NodePicture
from pyheketi.commands.mount import Mount
from pyheketi.commands.options import NodeOptions
from pyheketi.engine import (
    block_steps,
    brick_steps,
    clone_steps,
    device_steps,
    nodes,
    peer_steps,
    service_steps,
    volume_steps,
)
from pyheketi.engine.watching import Watch
from pyheketi.executors.base import Executor
from pyheketi.operations import steps
from pyheketi.operations.steps import BrickPlace, Outcome, Probed, Step


class Performer:
    """Performs steps through an executor.

    All methods raise ``Unreachable``, ``TimedOut``, ``CommandFailed`` or another ``NodeError`` for what nodes did not
    do, and ``Conflict`` for what must not be done.
    """

    def __init__(
        self,
        executor: Executor,
        options: NodeOptions,
        *,
        pauses: Sequence[float] = nodes.PAUSES,
        heal_pauses: Sequence[float] = nodes.HEAL_PAUSES,
    ) -> None:
        """``pauses`` are the seconds before each further try, of a command or a look at what heals."""
        self._nodes = nodes.Nodes(executor, options, pauses, heal_pauses)

    def watched(self, watch: Watch) -> "Performer":
        """Return the same, telling ``watch`` what scripts are waited for."""
        made = Performer.__new__(Performer)
        made._nodes = self._nodes.watched(watch)  # noqa: SLF001  # of our own class
        return made

    async def do(self, step: Step, *, sure: bool) -> Outcome:  # one line for each kind of step  # noqa: C901
        """Do a step. With ``sure`` nothing of it can exist yet; otherwise the node is asked what is missing."""
        match step:
            case steps.CreateBrick():
                await brick_steps.create(self._nodes, step, sure=sure)
            case steps.DestroyBrick():
                return await brick_steps.destroy(self._nodes, step.place, may_be_lost=step.may_be_lost)
            case steps.CheckUnused():
                await brick_steps.check_unused(self._nodes, step)
            case steps.MountBrick():
                await service_steps.mount(self._nodes, step.place)
            case steps.CreateVolume():
                await volume_steps.create(self._nodes, step, sure=sure)
            case steps.StartBricks():
                await service_steps.start_bricks(self._nodes, step)
            case steps.DeleteVolume():
                await volume_steps.delete(self._nodes, step)
            case steps.AddBricks():
                await volume_steps.add_bricks(self._nodes, step, sure=sure)
            case steps.LookAtVolume():
                return await volume_steps.look(self._nodes, step)
            case steps.CheckReplaceable():
                if sure:  # otherwise it is replaced already
                    await volume_steps.check_replaceable(self._nodes, step)
            case steps.ReplaceBrick():
                await volume_steps.replace_brick(self._nodes, step, sure=sure)
            case steps.HealVolume():
                await volume_steps.heal(self._nodes, step)
            case steps.CloneVolume():
                return await clone_steps.clone(self._nodes, step)
            case steps.CreateBlock():
                return await block_steps.create(self._nodes, step)
            case steps.DeleteBlock():
                await block_steps.delete(self._nodes, step)
            case steps.ExpandBlock():
                return await block_steps.expand(self._nodes, step, sure=sure)
            case steps.CheckGlusterd():
                await peer_steps.check_glusterd(self._nodes, step)
            case steps.ProbePeer():
                return await peer_steps.probe(self._nodes, step)
            case steps.DetachPeer():
                await peer_steps.detach(self._nodes, step.hosts, step.storage_host)
            case steps.SetUpDevice():
                return await device_steps.set_up(self._nodes, step, sure=sure)
            case steps.TearDownDevice():
                await device_steps.tear_down(self._nodes, step.device, forget=step.forget)
            case steps.InspectDevice():
                return await device_steps.inspect(self._nodes, step.device)
            case _:
                assert_never(step)
        return None

    async def undo(self, step: Step, outcome: Outcome = None) -> Outcome:
        """Undo a step, whatever of it was done; nothing done is fine. A brick's undo tells what became of its pool.

        ``outcome`` is what ``do`` reported, if it did.
        """
        match step:
            case steps.CreateBrick():
                return await brick_steps.uncreate(self._nodes, step)
            case steps.CreateVolume():
                await volume_steps.uncreate(self._nodes, step)
            case steps.DeleteVolume():
                await volume_steps.undelete(self._nodes, step)
            case steps.CloneVolume():
                await clone_steps.unclone(self._nodes, step)
            case steps.CreateBlock():
                await block_steps.delete(self._nodes, step)
            case steps.SetUpDevice():
                await device_steps.take_back(self._nodes, step.device)
            case steps.ProbePeer():
                await peer_steps.undo_probe(self._nodes, step, outcome if isinstance(outcome, Probed) else None)
            case (
                steps.DestroyBrick()
                | steps.CheckUnused()
                | steps.MountBrick()
                | steps.StartBricks()
                | steps.AddBricks()
                | steps.LookAtVolume()
                | steps.CheckReplaceable()
                | steps.ReplaceBrick()
                | steps.HealVolume()
                | steps.DeleteBlock()
                | steps.ExpandBlock()
                | steps.CheckGlusterd()
                | steps.DetachPeer()
                | steps.TearDownDevice()
                | steps.InspectDevice()
            ):
                pass
            case _:
                assert_never(step)
        return None

    async def examine(self, host: str, hosting: Sequence[str]) -> NodePicture:
        """Return everything that a node has; ``hosting`` names volumes whose block volumes it is asked for."""
        return examination.read(await self._nodes.ask(host, examination.look(hosting, self._nodes.options)))

    async def mounts(self, host: str) -> tuple[Mount, ...]:
        """Return what is mounted on a node."""
        return await service_steps.mounts(self._nodes, host)

    async def dead_bricks(self, hosts: Sequence[str]) -> frozenset[str]:
        """Return gluster's names of the bricks of started volumes whose process does not run, though its node does."""
        return await service_steps.dead_bricks(self._nodes, hosts)

    def preview(self, place: BrickPlace, facts: BrickFacts) -> tuple[str, ...]:
        """Return the commands that would destroy a brick of which there is so much, as a person would type them."""
        return tuple(map(str, bricks.destroy(place, facts, self._nodes.options).commands))

    async def options_of(self, hosts: Sequence[str], name: str) -> dict[str, str]:
        """Return the options of a volume. Raises ``Unexpected`` if gluster knows none of that name."""
        return await volume_steps.options_of(self._nodes, hosts, name)

    async def set_options(self, hosts: Sequence[str], name: str, options: Sequence[tuple[str, str]]) -> None:
        """Set options of a volume, all at once."""
        await volume_steps.set_options(self._nodes, hosts, name, options)

    async def has_effect(self, step: Step) -> bool:
        """Return whether a step without return has had any effect: false for all others."""
        match step:
            case steps.DeleteVolume():
                return await volume_steps.is_deleted(self._nodes, step)
            case steps.AddBricks():
                return await volume_steps.has_new_bricks(self._nodes, step)
            case steps.DeleteBlock():
                return await block_steps.is_deleted(self._nodes, step)
            case steps.ExpandBlock():
                return await block_steps.is_expanded(self._nodes, step)
            case steps.ReplaceBrick():
                return await volume_steps.has_replaced(self._nodes, step)
            case steps.DetachPeer():
                return await peer_steps.is_detached(self._nodes, step)
            case steps.TearDownDevice():
                return await device_steps.is_torn_down(self._nodes, step.device)
            case _:
                return False
