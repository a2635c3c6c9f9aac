"""Log lines about commands on nodes (executors.md §3.4)."""

import logging
from collections.abc import Sequence

from pyheketi.commands.command import Result, Script
from pyheketi.domain import errors


def announce(log: logging.Logger, script: Script, where: str) -> None:
    """Log what is about to run."""
    for command in script.commands:
        log.debug("Will run command [%s] on [%s]", command, where)


def report(log: logging.Logger, results: Sequence[Result], where: str) -> None:
    """Log how commands ended. What a quiet one said may be secret, even if it failed."""
    for result in results:
        said = "output filtered" if result.command.quiet else f"Stdout [{result.stdout}]: Stderr [{result.stderr}]"
        if result.ok or result.command.may_fail:
            log.debug("Ran command [%s] on [%s]: Status %d: %s", result.command, where, result.status, said)
        else:
            log.error("Failed to run command [%s] on [%s]: Status %d: %s", result.command, where, result.status, said)


def report_lost(log: logging.Logger, script: Script, where: str, error: errors.NodeError) -> None:
    """Log that nobody knows how a script ended."""
    log.error("Failed to run [%s] on [%s]: %s", script, where, error)
