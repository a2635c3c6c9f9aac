"""How long tests look that could look for ever: a short while, or thoroughly with ``PYHEKETI_TESTS=nightly``."""

import os

NIGHTLY = os.environ.get("PYHEKETI_TESTS") == "nightly"


def often(usually: int, nightly: int) -> int:
    """Return how many times to try."""
    return nightly if NIGHTLY else usually
