"""Programs for a real shell that do on simulated nodes what they are asked: stubs in a folder, and who answers them."""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

from pyheketi.commands.command import Command, Program
from pyheketi.executors.fake import FakeNodes, programs

WRAPPER = "exec-on-host"
"""What LVM and udevadm have to be wrapped in: they are called by absolute paths, and those are real here."""

_STUB = """\
#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\\0' "$NODE" "$(($# + 1))" "${{0##*/}}" "$@" >&3
IFS= read -r -d '' answer <&3
eval "$answer"
"""


class Programs:
    """Answers stubs: each call on the node that the variable ``NODE`` names."""

    def __init__(self, nodes: FakeNodes) -> None:
        self.nodes = nodes
        self.called: list[str] = []

    @contextlib.asynccontextmanager
    async def in_folder(self, folder: Path) -> AsyncIterator[dict[str, str]]:
        """Write the stubs, and answer them meanwhile; yield the environment for shells that are to find them."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        _write_stubs(folder, port)
        async with server:
            yield {"PATH": f"{folder}:/usr/bin:/bin", "BASH_ENV": str(folder / "env")}

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def word() -> str:
            return (await reader.readuntil(b"\0"))[:-1].decode()

        host, count = await word(), int(await word())
        words = [await word() for _ in range(count)]
        if words[0] == WRAPPER:
            del words[0]
        command = Command(Program(words[0]), tuple(words[1:]))
        self.called.append(f"{host}: {command}")
        result = programs.run(self.nodes.node(host), command)
        out, err = shlex.quote(result.stdout), shlex.quote(result.stderr)
        writer.write(f"printf %s {out}; printf %s {err} >&2; exit {result.status}".encode())
        await writer.drain()
        writer.close()


def _write_stubs(folder: Path, port: int) -> None:
    """Write nothing but shell built-ins: everything else may be a stub itself."""
    folder.mkdir()
    for name in (WRAPPER, *(each.value for each in Program if "/" not in each.value)):
        (folder / name).write_text(_STUB.format(port=port))
        (folder / name).chmod(0o755)
    (folder / "env").write_text("enable -n test\n")  # the shell's own would look at this machine
