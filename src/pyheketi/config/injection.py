"""``injectexec``: commands on nodes that are to go wrong, for rehearsals (config.md §1.6, executors.md §15)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Complain = Callable[[tuple[str, ...], str], None]
"""Takes the path of a fault below ``injectexec``, and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What happens instead of a command, or of its result."""

    pause: float = 0.0
    """Seconds to wait first."""
    panic: str = ""
    """Text of a fault in the server itself."""
    result: str = ""
    """Standard output."""
    err: str = ""
    """Why it failed; empty for success."""
    exit_status: int = 0
    err_output: str = ""
    """Standard error; ``err`` if empty."""
    force_err: bool = False
    """Whether it fails although ``err`` is empty."""
    force_err_output: bool = False
    """Whether standard error stays empty if ``err_output`` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Which commands go wrong, and how."""

    command: re.Pattern[str]
    result: re.Pattern[str] | None = None
    """Of hooks on results: what the output, or the error, must hold."""
    only_if: str = ""
    """File that must exist on the server's host; empty for always."""
    reaction: Reaction = Reaction()


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """All hooks; the first one that fits counts."""

    commands: tuple[Hook, ...] = ()
    """Instead of commands: the node is not asked."""
    results: tuple[Hook, ...] = ()
    """Instead of results of commands that were run."""


_FIELDS: Mapping[str, tuple[str, type]] = {
    "pause": ("pause", float),
    "panic": ("panic", str),
    "result": ("result", str),
    "err": ("err", str),
    "exitstatus": ("exit_status", int),
    "erroutput": ("err_output", str),
    "forceerr": ("force_err", bool),
    "forceerroutput": ("force_err_output", bool),
}
_WORDS = {float: "a number of seconds", str: "text in quotes", int: "a whole number", bool: "true or false"}


def parse(value: object, complain: Complain) -> Injection:
    """Return the hooks of a section; names match in any case."""
    section = _object(_object(value, (), complain).get("command_injection", {}), ("command_injection",), complain)
    return Injection(
        commands=_hooks(section.get("commands"), ("command_injection", "commands"), complain, of_results=False),
        results=_hooks(section.get("results"), ("command_injection", "results"), complain, of_results=True),
    )


def _object(value: object, path: tuple[str, ...], complain: Complain) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        complain(path, "expected a section in braces")
        return {}
    return {str(name).lower(): item for name, item in value.items()}


def _hooks(value: object, path: tuple[str, ...], complain: Complain, *, of_results: bool) -> tuple[Hook, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        complain(path, "expected a list in brackets")
        return ()
    return tuple(_hook(each, (*path, str(at)), complain, of_results=of_results) for at, each in enumerate(value))


def _hook(value: object, path: tuple[str, ...], complain: Complain, *, of_results: bool) -> Hook:
    given = _object(value, path, complain)
    only_if = given.get("condfile", "")
    if not isinstance(only_if, str):
        complain((*path, "CondFile"), "expected text in quotes")
        only_if = ""
    return Hook(
        command=_pattern(given.get("cmd", ""), (*path, "Cmd"), complain),
        result=_pattern(given.get("result", ""), (*path, "Result"), complain) if of_results else None,
        only_if=only_if,
        reaction=_reaction(given.get("reaction"), (*path, "Reaction"), complain),
    )


def _pattern(value: object, path: tuple[str, ...], complain: Complain) -> re.Pattern[str]:
    try:
        return re.compile(value if isinstance(value, str) else str(value))
    except re.error as error:
        complain(path, f"is no regular expression: {error}")
        return re.compile("(?!)")


def _reaction(value: object, path: tuple[str, ...], complain: Complain) -> Reaction:
    values = {}
    for name, item in _object(value, path, complain).items():
        if name not in _FIELDS:
            complain(
                (*path, name),
                "unknown; known are Pause, Panic, Result, Err, ExitStatus, ErrOutput, ForceErr, ForceErrOutput",
            )
            continue
        field, kind = _FIELDS[name]
        number = kind is float and isinstance(item, int | float) and not isinstance(item, bool)
        if not number and (not isinstance(item, kind) or (kind is int and isinstance(item, bool))):
            complain((*path, name), f"expected {_WORDS[kind]}")
            continue
        values[field] = item
    return Reaction(**values)  # type: ignore[arg-type]  # checked above
