"""The state of services."""

from pyheketi.commands.command import Command, Program, Result


def glusterd_status() -> Command:
    """Ask whether glusterd runs: ends well if so."""
    return Command(Program.SYSTEMCTL, ("status", "glusterd"), quiet=True)


def describe(result: Result) -> str:
    """Return what ``systemctl status`` said of a unit that does not run, in a few words."""
    lines = [line.strip() for line in (result.stdout or result.stderr).splitlines() if line.strip()]
    active = next((line.partition(":")[2].strip() for line in lines if line.startswith("Active:")), "")
    return active or (lines[0] if lines else f"exit status {result.status}")
