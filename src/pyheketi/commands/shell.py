"""Scripts as shell text: the only module that writes any, and that reads back what the shell says.

A whole script is one bash program, sent through the standard input of one remote shell. After each command it prints
a marker with its exit status on stdout and on stderr, so both can be cut into the outputs of single commands. The
marker holds a nonce that no command knows. The program is one compound command: bash runs nothing of it before all
of it has arrived.
"""

import re
import shlex
from collections.abc import Sequence

from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.domain import errors

CANCEL = b"x"
"""Sent after the program, it kills everything that the program runs. The end of the input only stops it after the
command under way: LVM must not be killed in the middle because the network went away."""

_ON_THE_HOST = {Program.LVM, Program.UDEVADM}
"""What ``lvm_wrapper`` wraps (executors.md §3.1)."""

_PROGRAM = """\
{{ export LC_ALL=C
{{ read -r -n1 && kill -KILL 0; }} <&0 >/dev/null 2>&1 &
say() {{ printf '{nonce}:%s;' "$1"; printf '{nonce}:%s;' "$1" >&2; }}
stop() {{ say end; exit 0; }}
gone() {{ read -r -t 0; }}
say start
{commands}
stop; }}
"""


def launch(limit: float, *, sudo: bool = False) -> str:
    """Return the command line that starts the shell for a program, whatever the login shell of the user is.

    With ``sudo`` the whole shell belongs to root: a login user could not kill commands of root at the limit.

    Args:
        limit: seconds after which the shell and all that it started are killed; the status is then 137.
        sudo: whether commands run as root through sudo, which must not ask for a password.
    """
    return f"exec {'sudo -n ' if sudo else ''}{' '.join(words(limit))}"


def words(limit: float | None) -> tuple[str, ...]:
    """Return program and arguments of the shell for a program, to be started without another shell.

    Args:
        limit: see ``launch``; nothing leaves it to whoever starts it to end it.
    """
    bash = ("bash", "--norc", "--noprofile")
    if limit is None:
        return bash
    return ("timeout", "-s", "KILL", f"{max(limit, 0.001):.3f}", *bash)  # no limit is what timeout(1) makes of 0


def program(nonce: str, script: Script, *, lvm_wrapper: str = "") -> bytes:
    """Return the bash program for a script.

    Args:
        nonce: word of letters and digits, hard to guess, new for every script.
        script: what to run.
        lvm_wrapper: words put before LVM and udevadm.

    Raises:
        RequestError: an argument that no program can be given.
    """
    lines = "\n".join(_line(command, lvm_wrapper) for command in script.commands)
    try:
        text = _PROGRAM.format(nonce=nonce, commands=lines).encode(errors="surrogateescape")
    except UnicodeEncodeError as exc:
        raise errors.RequestError(f"Text that is not Unicode cannot be sent to a node: {exc.object!r}") from exc
    if b"\0" in text:
        raise errors.RequestError(f"A NUL character cannot be given to a program: {str(script)!r}")
    return text


def _line(command: Command, lvm_wrapper: str) -> str:
    wrapper = shlex.split(lvm_wrapper) if command.program in _ON_THE_HOST else []
    call = shlex.join([*wrapper, command.program.value, *command.args])
    unless = "" if command.may_fail else "; [ $status = 0 ] || stop"
    return f"gone && stop; {call} </dev/null; status=$?; say $status{unless}"


def started(nonce: str, stdout: bytes) -> bool:
    """Whether the program was run at all."""
    return f"{nonce}:start;".encode() in stdout


def end(nonce: str) -> bytes:
    """Return the last marker of a program, the same on stdout and on stderr."""
    return f"{nonce}:end;".encode()


def parse(nonce: str, script: Script, stdout: bytes, stderr: bytes) -> tuple[Result, ...]:
    r"""Return the results of the commands that ended, in their order.

    Bytes that are not UTF-8 become ``\xff``, so that any output can be logged, stored and answered.

    Args:
        nonce: of the program.
        script: that the program was made of.
        stdout: all that came from the shell, complete or cut off.
        stderr: likewise.
    """
    outputs = zip(_pieces(nonce, stdout), _pieces(nonce, stderr), strict=False)
    return tuple(
        Result(command, status, _text(out), _text(err))
        for command, ((out, status), (err, _)) in zip(script.commands, outputs, strict=False)
    )


def _pieces(nonce: str, stream: bytes) -> Sequence[tuple[bytes, int]]:
    """Cut a stream into what each command printed, and its status. Before the first marker is what a login prints."""
    parts = re.split(rb"%s:([a-z0-9]+);" % nonce.encode(), stream)
    return [(output, int(word)) for output, word in zip(parts[2::2], parts[3::2], strict=False) if word.isdigit()]


def _text(output: bytes) -> str:
    return output.decode(errors="backslashreplace")
