"""The lab by hand: ``python -m lab up [NODES] | ssh N [COMMAND …] | exec COMMAND … | kill N | start N | down``."""

import os
import sys
from pathlib import Path

from lab.testbed import Lab

RUN = Path(os.environ.get("PYHEKETI_LAB_RUN", "/run/pyheketi-lab"))


def main(words: list[str]) -> int:
    """Do what the command line says."""
    match words:
        case ["up", *count]:
            lab = Lab(RUN, nodes=int(count[0]) if count else 3, keep=True)
            lab.up()
            print(f"{len(lab.nodes)} nodes: {', '.join(f'{node.name} {node.ip}' for node in lab.nodes)}")
            print(f"root's key: {lab.key()}")
        case ["down"]:
            Lab(RUN).down()
        case ["ssh", number, *command]:
            done = _lab().nodes[int(number) - 1].ssh(" ".join(command), check=False)
            print(done.stdout + done.stderr, end="")
            return done.returncode
        case ["exec", *command] if command:
            return _lab().exec(command, check=False, capture_output=False).returncode
        case ["kill", number]:
            _lab().nodes[int(number) - 1].power_cut()
        case ["start", number]:
            node = _lab().nodes[int(number) - 1]
            node.start()
            node.wait_ready()
        case _:
            print(__doc__)
            return 2
    return 0


def _lab() -> Lab:
    return Lab(RUN, nodes=len(list(RUN.glob("n[0-9]*"))), keep=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
