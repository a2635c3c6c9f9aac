"""Block volumes made, deleted and expanded by gluster-block."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pyheketi.commands import gluster_block
from pyheketi.commands.command import Program, Result, Script
from pyheketi.domain import errors
from pyheketi.engine import peer_steps
from pyheketi.engine.nodes import Nodes, merged
from pyheketi.operations.steps import BlockSize, BlockTarget, CheckGlusterd, CreateBlock, DeleteBlock, ExpandBlock

T = TypeVar("T")


async def create(nodes: Nodes, step: CreateBlock) -> BlockTarget:
    """Make a block volume.

    Raises:
        Conflict: there is one of that name already; nothing was touched.
        NodeError: too few hosts are there to export it, or no host could make it.
    """
    exports = await _exports(nodes, step)

    async def on(host: str) -> BlockTarget:
        result = await _call(nodes, host, gluster_block.create(step, exports, nodes.options))
        return gluster_block.read_created(host, exports, result)

    return await _on_first_with_glusterd(nodes, step.hosts, on)


async def _exports(nodes: Nodes, step: CreateBlock) -> tuple[str, ...]:
    """Return the storage names of the hosts that export the block volume: as many as wanted of those that answer."""
    if not 0 < step.ha_count < len(step.exports):
        return tuple(each.storage for each in step.exports)
    chosen: list[str] = []
    failures: list[errors.NodeError] = []
    for each in step.exports:
        try:
            await peer_steps.check_glusterd(nodes, CheckGlusterd(host=each.manage))
        except errors.NodeError as error:
            failures.append(error)
            continue
        chosen.append(each.storage)
        if len(chosen) == step.ha_count:
            return tuple(chosen)
    lines = "\n".join(map(str, failures))
    raise errors.NodeError(failures[0].host, f"insufficient block hosts online\n{lines}")


async def delete(nodes: Nodes, step: CreateBlock | DeleteBlock) -> None:
    """Delete a block volume; none there is fine."""

    async def on(host: str) -> None:
        gluster_block.require_deleted(host, step, await _call(nodes, host, gluster_block.delete(step)))

    await _on_first_with_glusterd(nodes, step.hosts, on)


async def expand(nodes: Nodes, step: ExpandBlock, *, sure: bool) -> BlockSize:
    """Make a block volume larger, or go on with what some hosts missed."""

    async def on(host: str) -> BlockSize:
        if not sure and (found := await _size(nodes, host, step)) and found == BlockSize(step.size_gib, step.size_gib):
            return found
        gluster_block.require_expanded(host, await _call(nodes, host, gluster_block.expand(step)))
        return BlockSize(step.size_gib, step.size_gib)

    return await _on_first_with_glusterd(nodes, step.hosts, on)


async def is_deleted(nodes: Nodes, step: DeleteBlock) -> bool:
    """Return whether a block volume is gone."""

    async def on(host: str) -> bool:
        result = await _call(nodes, host, gluster_block.look(step))
        return gluster_block.read_look(host, step, result) is None

    return await _on_first_with_glusterd(nodes, step.hosts, on)


async def is_expanded(nodes: Nodes, step: ExpandBlock) -> bool:
    """Return whether a block volume has its new size, on some of its hosts at least."""
    found = await _on_first_with_glusterd(nodes, step.hosts, lambda host: _size(nodes, host, step))
    return found is not None and found.size == step.size_gib


async def _size(nodes: Nodes, host: str, step: ExpandBlock) -> BlockSize | None:
    found = gluster_block.read_look(host, step, await _call(nodes, host, gluster_block.look(step)))
    return found.size if found else None


class _NoGlusterd(Exception):  # never shown
    """Glusterd does not run on a host; nothing was done there."""

    def __init__(self, error: errors.NodeError) -> None:
        super().__init__(str(error))
        self.error = error


async def _call(nodes: Nodes, host: str, script: Script) -> Result:
    """Return how gluster-block ended."""
    result = (await nodes.ask(host, script))[-1]
    if result.command.program is not Program.GLUSTER_BLOCK:
        raise _NoGlusterd(peer_steps.not_running(host, result))
    return result


async def _on_first_with_glusterd(nodes: Nodes, hosts: tuple[str, ...], deed: Callable[[str], Awaitable[T]]) -> T:
    """Do a deed on the first host that can be reached and whose glusterd runs.

    Raises:
        NodeError: there is none, or the deed failed on it.
    """
    failures: list[errors.NodeError] = []
    for host in hosts:
        try:
            return await nodes.on_first((host,), deed)
        except _NoGlusterd as failure:
            failures.append(failure.error)
        except errors.Unreachable as error:
            if error.sent:
                raise
            failures.append(error)
    raise merged(failures)
