"""What a remote shell says while it runs a script, whatever way its words travel."""

import secrets

from pyheketi.commands import shell
from pyheketi.commands.command import Result, Script
from pyheketi.domain import errors

KILLED = 128 + 9
"""Status of a shell that was killed, as it is at the limit of a script."""


class Transcript:
    """A script as a program for a shell, and all that the shell has said of it so far."""

    def __init__(self, script: Script, *, lvm_wrapper: str = "") -> None:
        """``lvm_wrapper`` is words put before LVM and udevadm.

        Raises:
            RequestError: an argument cannot be given to a program.
        """
        self._script = script
        self._nonce = secrets.token_hex(16)
        self._end = shell.end(self._nonce)
        self.program = shell.program(self._nonce, script, lvm_wrapper=lvm_wrapper)
        """What the shell has to read."""
        self._stdout, self._stderr = bytearray(), bytearray()
        self._unfinished = [self._stdout, self._stderr]

    def hear(self, words: bytes, *, stderr: bool = False) -> bool:
        """Add what was said; return whether it was the last word. Daemons may keep the outputs open after that."""
        stream = self._stderr if stderr else self._stdout
        stream += words
        if stream.find(self._end, max(0, len(stream) - len(words) - len(self._end))) >= 0:
            self._unfinished = [each for each in self._unfinished if each is not stream]
        return self.finished

    @property
    def finished(self) -> bool:
        """Whether the shell said its last word, on both outputs."""
        return not self._unfinished

    @property
    def started(self) -> bool:
        """Whether the shell began to run the program."""
        return shell.started(self._nonce, bytes(self._stdout))

    @property
    def results(self) -> tuple[Result, ...]:
        """Results of the commands that ended."""
        return shell.parse(self._nonce, self._script, bytes(self._stdout), bytes(self._stderr))

    @property
    def present(self) -> str:
        """The command at work, or the whole script after the last one."""
        ended, commands = len(self.results), self._script.commands
        return str(commands[ended]) if ended < len(commands) else str(self._script)

    def conclude(self, host: str, status: int | None, seconds: float, *, no_shell: str) -> tuple[Result, ...]:
        """Return the results, or tell why they are not complete.

        Args:
            host: the node.
            status: of the shell, if it is known.
            seconds: since the shell was asked for.
            no_shell: what to say if the shell never ran the program.

        Raises:
            TimedOut: it was killed at the limit, or did not end by then.
            Unreachable: it ended otherwise, or the connection to it did.
        """
        if self.finished:
            return self.results
        if status in {None, KILLED} and seconds >= self._script.limit * 0.99:
            raise errors.TimedOut(host, self.present, self._script.limit)
        if status is None:
            raise errors.Unreachable(host, f"the connection broke during: {self.present}", sent=True)
        if self.started or status == KILLED:  # its last words may be lost
            raise errors.Unreachable(host, f"its shell was ended (status {status}) during: {self.present}", sent=True)
        raise errors.Unreachable(host, f"no shell could be started there (status {status}): {no_shell}")

    @property
    def complaint(self) -> str:
        """What was said by something that is not our program, such as sudo."""
        return bytes(self._stderr or self._stdout).decode(errors="backslashreplace").strip()
