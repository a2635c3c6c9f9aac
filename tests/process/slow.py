"""A server whose steps last a moment, so that whatever ends it comes in the middle of some."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.process.client import Client
from tests.served import SETTINGS, serving

_A_MOMENT = {"Cmd": "^(lvcreate|mkfs|umount|lvremove|mkdir) ", "Result": "^$", "Reaction": {"Pause": 0.02}}
"""Done for real, and a little later answered by the silence it was."""

SLOW: Mapping[str, Any] = {
    **SETTINGS,
    "glusterfs": {
        **SETTINGS["glusterfs"],
        "executor": "inject/mock",
        "max_inflight_operations": 12,
        "injectexec": {"command_injection": {"results": [_A_MOMENT]}},
    },
}


def furnished(folder: Path) -> None:
    """Make the database of a cluster in a folder."""
    with serving(folder, SLOW) as running, Client(running.port) as client:
        client.furnish()
