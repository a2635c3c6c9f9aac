"""The lab by hand: ``python -m lab COMMAND``, where COMMAND is one of

up [NODES]; down; status; pristine; exec COMMAND…; ssh N [COMMAND…]; start N; kill N (power cut); poweroff N;
cut N and heal N (its network cable); freeze N and thaw N.
"""

import os
import sys
from pathlib import Path

from lab.testbed import Lab, LabNode

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
        case ["status"]:
            for node in _lab().nodes:
                print(f"{node.name} {node.ip} {'on' if node.running else 'off'}")
        case ["pristine"]:
            _lab().pristine()
        case ["exec", *command] if command:
            return _lab().exec(command, check=False, capture_output=False).returncode
        case ["ssh", number, *command]:
            return _ssh(_node(number), command)
        case [verb, number] if verb in _DEEDS:
            _DEEDS[verb](_node(number))
        case _:
            print(__doc__)
            return 2
    return 0


def _ssh(node: LabNode, command: list[str]) -> int:
    if not command:
        return node.login()
    done = node.ssh(" ".join(command), check=False)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _node(number: str) -> LabNode:
    return _lab().nodes[int(number) - 1]


def _lab() -> Lab:
    return Lab(RUN, nodes=len(list(RUN.glob("n[0-9]*"))), keep=True)


def _start(node: LabNode) -> None:
    node.start()
    node.wait_ready()


_DEEDS = {
    "start": _start,
    "kill": LabNode.power_cut,
    "poweroff": LabNode.poweroff,
    "cut": LabNode.cut_network,
    "heal": LabNode.restore_network,
    "freeze": LabNode.freeze,
    "thaw": LabNode.thaw,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
