"""How long the command line takes to begin: nothing to do, a mistake, an empty list."""

import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.server import timed
from benchmarks.serving import BIN, KEY, serving


def measure(rounds: int = 15) -> list[Figure]:
    """Return all figures."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        environment = os.environ | {
            "HEKETI_CLI_SERVER": f"http://127.0.0.1:{server.port}",
            "HEKETI_CLI_USER": "admin",
            "HEKETI_CLI_KEY": KEY,
        }

        def run(*words: str) -> float:
            return timed(
                lambda: subprocess.run([BIN / "heketi-cli", *words], env=environment, check=False, capture_output=True)
            )

        wishes = {("--version",): 0.15, ("volume", "create"): 0.2, ("volume", "list"): 0.25}
        return [
            Figure(
                name=f"heketi-cli {' '.join(words)}{', empty server' if 'list' in words else ''}",
                unit="s",
                values=[run(*words) for _ in range(rounds)],
                target=target,
            )
            for words, target in wishes.items()
        ]
