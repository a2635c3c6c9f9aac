"""The program itself: version and help."""

from pyheketi import __version__
from pyheketi.cli import parser, usage
from pyheketi.cli.errors import Problem
from pyheketi.cli.session import Session


def version_or_usage(session: Session) -> None:
    """Print the version if asked for; else show, on standard error, how to use the program."""
    if session.switch("version"):
        session.write(f"heketi-cli {__version__}\n")
    else:
        session.terminal.complain(usage.usage(session.parsed.path).rstrip("\n"))


def help_for(session: Session) -> None:
    """Show help for the command that the arguments name, or for as much of it as there is."""
    root = session.parsed.path.commands[0]
    try:
        path, _ = parser.find(root, session.arguments)
    except Problem:
        session.terminal.complain(f"Unknown help topic [{' '.join(f'`{word}`' for word in session.arguments)}]")
        session.terminal.complain(usage.usage(parser.Path((root,))).rstrip("\n"))
        return
    session.write(usage.help_text(path))
