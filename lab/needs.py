"""What this machine lacks for a lab."""

import os
from pathlib import Path


def lacking() -> str:
    """Return why no lab can be here; empty if nothing is known to be in the way."""
    if os.geteuid() != 0:
        return "the lab needs root"
    if not Path("/etc/debian_version").exists():
        return "the lab needs Debian's packages"
    for device in ("/dev/net/tun", "/dev/fuse"):
        if not Path(device).exists():
            return f"the lab needs {device}"
    return ""
