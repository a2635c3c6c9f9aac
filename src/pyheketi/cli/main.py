"""Entry point: read the command line, carry out the command, tell what went wrong."""

import gc
import importlib
import io
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence

from pyheketi.cli import parser, usage
from pyheketi.cli.errors import Problem
from pyheketi.cli.hints import hints
from pyheketi.cli.session import Session
from pyheketi.cli.terminal import Terminal
from pyheketi.cli.tree import ROOT
from pyheketi.client.errors import ClientError

FAILURE = 255
"""Exit status of a command line that cannot be read. Commands have their own, which is this one for nearly all."""


def main() -> None:
    """Run ``heketi-cli``."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # there are none, and looking takes time
    gc.disable()  # one command makes next to no garbage, and a long list many objects to look through
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the key is in memory
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    try:
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(status)


def run(words: Sequence[str]) -> int:
    """Carry out a command line and return the exit status."""
    terminal = Terminal()
    if words and words[0].startswith("__complete"):
        return _complete(terminal, words)
    try:
        session = Session(parser.parse(ROOT, words), terminal)
    except Problem as problem:
        terminal.complain(f"Error: {problem}")
        return FAILURE
    try:
        _carry_out(session)
    except (Problem, ClientError) as error:
        _explain(session, error)
        return session.parsed.path.command.failure
    except OSError as error:  # a full disk behind standard output, say
        terminal.abandon_output()
        terminal.complain(f"Error: cannot write the output: {error.strerror or error}")
        return session.parsed.path.command.failure
    finally:
        terminal.clear()
        if terminal.interactive and session.simulated:
            terminal.complain('Note: this server uses simulated nodes (executor "mock"); no real volume is made.')
    return session.status


def _complete(terminal: Terminal, words: Sequence[str]) -> int:
    """Tell a shell what could come next."""
    from pyheketi.cli import completion  # noqa: PLC0415  # asked for by shells only

    said, directive = completion.answer(ROOT, words)
    terminal.write(said)
    terminal.complain(directive)
    return 0


def _carry_out(session: Session) -> None:
    path = session.parsed.path
    if session.switch("help") or not path.command.action:
        session.write(usage.help_text(path))
    else:
        action(path.command)(session)


def _explain(session: Session, error: Problem | ClientError) -> None:
    """Tell what went wrong, and what to do about it."""
    session.terminal.complain(f"Error: {error}")
    for note in (*getattr(error, "__notes__", ()), *hints(str(error), server=session.server, user=session.user)):
        session.terminal.complain(f"Hint: {note}")


def action(command: parser.Command) -> Callable[[Session], None]:
    """Return the function behind a command; imported only now, for most commands need few modules."""
    module, _, name = command.action.partition(".")
    found: Callable[[Session], None] = getattr(importlib.import_module(f"pyheketi.cli.{module}"), name)
    return found
