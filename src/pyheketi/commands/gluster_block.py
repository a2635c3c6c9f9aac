"""The ``gluster-block`` command line: calls, and the JSON that it answers with (executors.md §9).

Answers to calls that make or show a block volume hold its password: those commands are quiet, and no error tells them.
"""

import re
from dataclasses import dataclass
from typing import Any

from pyheketi.commands import node_json, systemctl
from pyheketi.commands.command import Command, Program, Result, Script
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.operations.steps import BlockSize, BlockTarget, CreateBlock, DeleteBlock, ExpandBlock

LIMIT = 600.0
"""Seconds for one call."""

_IQN = "iqn.2016-12.org.gluster-block:"
_EXISTS = 17
_MISSING = 2
_UNITS = {"G": 1, "T": 1024, "P": 1024**2, "E": 1024**3}
_SIZE = re.compile(r"([0-9.]{1,30})([GTPE])(I?B)?")
_LATER = "(see logs for details, and retry the operation)"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFacts:
    """A block volume as gluster-block knows it."""

    target: BlockTarget
    size: BlockSize


def create(step: CreateBlock, exports: tuple[str, ...], options: NodeOptions) -> Script:
    """Make a block volume that the hosts ``exports`` export."""
    auth = "enable" if step.auth else "disable"
    return _script(
        "create",
        f"{step.hosting}/{step.name}",
        *("ha", str(len(exports))),
        *("auth", auth),
        *("prealloc", options.block_prealloc),
        ",".join(exports),
        f"{step.size_gib}GiB",
    )


def delete(step: CreateBlock | DeleteBlock) -> Script:
    """Delete a block volume."""
    return _script("delete", f"{step.hosting}/{step.name}")


def expand(step: ExpandBlock) -> Script:
    """Make a block volume larger."""
    return _script("modify", f"{step.hosting}/{step.name}", "size", f"{step.size_gib}GiB")


def look(step: DeleteBlock | ExpandBlock) -> Script:
    """Ask for a block volume."""
    return _script("info", f"{step.hosting}/{step.name}")


def _script(*words: str) -> Script:
    """Return a script that makes sure of glusterd first: gluster-block says little without it."""
    call = Command(Program.GLUSTER_BLOCK, (*words, "--json"), may_fail=True, quiet=True)
    return Script(commands=(systemctl.glusterd_status(), call), limit=LIMIT)


def read_created(host: str, exports: tuple[str, ...], result: Result) -> BlockTarget:
    """Return how to find the block volume that was made.

    Raises:
        Conflict: there is one of that name; nothing was done.
        CommandFailed: it was not made.
    """
    answer = _answer(result)
    if answer is None:
        raise _failed(host, result, f"Unparsable error during block volume create: {_said(result)}")
    if answer.get("errCode") == _EXISTS:
        raise errors.Conflict(f"Failed to create block volume: {_text(answer, 'errMsg')}")
    if answer.get("RESULT") == "FAIL" or not result.ok:
        text = _text(answer, "errMsg") or f"exit status {result.status}"
        raise _failed(host, result, f"Failed to create block volume: {text}")
    return BlockTarget(
        hosts=exports,
        iqn=_text(answer, "IQN"),
        username=_text(answer, "USERNAME"),
        password=_text(answer, "PASSWORD"),
    )


def require_deleted(host: str, step: CreateBlock | DeleteBlock, result: Result) -> None:
    """Make sure that a block volume is gone; one that was not there is.

    Raises:
        CommandFailed: it is still there.
    """
    answer = _answer(result)
    if answer is None:
        if not result.ok:
            raise _failed(host, result, f"Unable to delete block volume {step.name}: {_said(result)}")
        return
    if answer.get("RESULT") == "FAIL" and not _is_missing(answer, step.hosting, step.name):
        raise _failed(host, result, _text(answer, "errMsg") or f"Unable to delete block volume {step.name}")


def require_expanded(host: str, result: Result) -> None:
    """Make sure that a block volume was expanded.

    Raises:
        CommandFailed: it was not, or not on all hosts.
    """
    answer = _answer(result)
    if answer is None:
        raise _failed(host, result, f"Unparsable error during block volume expand: {_said(result)}")
    if answer.get("RESULT") == "FAIL" or not result.ok:
        text = " ".join(filter(None, (_text(answer, "errMsg"), _LATER)))
        lead = "Failed to expand block volume: " if _text(answer, "errMsg") else "Failed to expand block volume "
        raise _failed(host, result, lead + text)


def read_look(host: str, step: DeleteBlock | ExpandBlock, result: Result) -> BlockFacts | None:
    """Return what there is of a block volume; None if it does not exist.

    Raises:
        CommandFailed: gluster-block could not tell.
        Unexpected: the answer makes no sense.
    """
    answer = _answer(result)
    if answer is None:
        raise _failed(host, result, f"Unable to tell of block volume {step.name}: {_said(result)}")
    if _is_missing(answer, step.hosting, step.name):
        return None
    if answer.get("RESULT") == "FAIL" or not result.ok:
        raise _failed(host, result, _text(answer, "errMsg") or f"Unable to tell of block volume {step.name}")
    try:
        return _facts(answer)
    except ValueError as error:
        raise errors.Unexpected(
            host, f"Node {host} gave an answer that makes no sense to {result.command}: {error}"
        ) from error


def _facts(answer: dict[str, Any]) -> BlockFacts:
    size = parse_size(_text(answer, "SIZE"))
    missed = answer.get("RESIZE FAILED ON")
    usable = min([size, *(parse_size(str(each)) for each in missed.values())]) if isinstance(missed, dict) else size
    exports = answer.get("EXPORTED ON")
    return BlockFacts(
        target=BlockTarget(
            hosts=tuple(map(str, exports)) if isinstance(exports, list) else (),
            iqn=_IQN + _text(answer, "GBID"),
            username=_text(answer, "GBID"),
            password=_text(answer, "PASSWORD"),
        ),
        size=BlockSize(size, usable),
    )


def parse_size(text: str) -> int:
    """Return the GiB that ``5.0 GiB`` or the like stands for, rounded down.

    Raises:
        ValueError: it is no size in GiB or a larger unit.
    """
    found = _SIZE.fullmatch(text.replace(" ", "").upper())
    if found is None:
        raise ValueError(f"Not a valid Size: {text!r}")
    return int(float(found[1]) * _UNITS[found[2]])


def _answer(result: Result) -> dict[str, Any] | None:
    """Return the JSON object that was said, on stdout or, if there is nothing, on stderr."""
    try:
        answer = node_json.read(result.stdout.strip() or result.stderr)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _is_missing(answer: dict[str, Any], hosting: str, name: str) -> bool:
    said = _text(answer, "errMsg")
    if answer.get("RESULT") != "FAIL" and not answer.get("errCode"):
        return False
    return (
        answer.get("errCode") == _MISSING
        or ("doesn't exist" in said and name in said)
        or ("does not exist" in said and hosting in said)
    )


def _text(answer: dict[str, Any], key: str) -> str:
    value = answer.get(key)
    return "" if value is None else str(value).strip()


def _said(result: Result) -> str:
    return result.stderr.strip() or f"exit status {result.status}"  # never stdout: it may hold a password


def _failed(host: str, result: Result, text: str) -> errors.CommandFailed:
    return errors.CommandFailed(host, str(result.command), result.status, text)
