"""Help texts, in cobra's layout (cli.md §10)."""

from collections.abc import Iterable, Iterator

from pyheketi.cli.parser import Command, Flag, Path
from pyheketi.cli.values import Kind


def help_text(path: Path) -> str:
    """Return what a command is for and its usage."""
    return f"{path.command.help}\n\n{usage(path)}"


def usage(path: Path) -> str:
    """Return how to use a command."""
    return "\n".join(_blocks(path))


def _blocks(path: Path) -> Iterator[str]:
    command = path.command
    lines = [f"{path} {command.arguments}".rstrip() + " [flags]"] if command.action else []
    lines += [f"{path} [command]"] if command.commands else []
    yield _block("Usage", lines)
    if command.example:
        yield _block("Examples", command.example.splitlines())
    if command.commands:
        yield _block("Available Commands", _commands(command.commands))
    below_root = len(path.commands) > 1
    apart = path.inherited if below_root else {}
    yield _block("Flags", _flags(flag for name, flag in path.flags.items() if name not in apart))
    if below_root:
        yield _block("Global Flags", _flags(apart.values()))
    if command.commands:
        yield f'Use "{path} [command] --help" for more information about a command.\n'


def _block(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines), ""])


def _commands(commands: Iterable[Command]) -> Iterator[str]:
    for command in sorted(commands, key=lambda command: command.name):
        yield f"{command.name:<11} {command.help}"


def _flags(flags: Iterable[Flag]) -> list[str]:
    shown = [(_heading(flag), _meaning(flag)) for flag in sorted(flags, key=lambda flag: flag.name)]
    width = max(len(heading) for heading, _ in shown)
    return [f"{heading:<{width}}   {meaning}" for heading, meaning in shown]


def _heading(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    return f"{short}--{flag.name}" + ("" if flag.kind is Kind.SWITCH else f" {flag.kind.value}")


def _meaning(flag: Flag) -> str:
    default = str(flag.default).lower() if flag.kind is Kind.SWITCH else f"{flag.default}"
    return f"{flag.help} (default {default})" if flag.default else flag.help
