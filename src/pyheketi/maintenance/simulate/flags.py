"""The flags of ``heketi simulate``; those of volumes are those of ``heketi-cli volume create``."""

import argparse
import re
from collections.abc import Callable

from pyheketi.maintenance.simulate import answer, wishes

DEVICE_GIB = 750
SEED = 2019
"""Defaults, those of Heketi's script."""
MOST_GIB = 2**31 - 1


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    _add_hardware(parser.add_argument_group("where (one of --topology, --db, --nodes, --find)"))
    _add_volumes(parser.add_argument_group("which volumes (one of --size, --random, --volumes)"))
    _add_placement(parser.add_argument_group("how they are placed"))
    _add_runs(parser.add_argument_group("runs and output"))


def _add_hardware(group: "argparse._ArgumentGroup") -> None:  # argparse has no other name for it
    group.add_argument("--topology", metavar="FILE", help="nodes and devices as for heketi-cli topology load")
    group.add_argument("--db", metavar="FILE", help="a database (ours, heketi.db, or JSON of one); it is not changed")
    group.add_argument("--nodes", type=_integer(1, answer.MOST["nodes"]), metavar="N", help="nodes, all alike")
    group.add_argument(
        "--devices", type=_integer(1, answer.MOST["devices"]), metavar="N", help="devices of each node (default: 1)"
    )
    group.add_argument(
        "--zones", type=_integer(1), metavar="N", help="zones that nodes take turns in (default: each node its own)"
    )
    group.add_argument(
        "--device-size",
        type=_integer(1, answer.MOST["device-size"]),
        metavar="GIB",
        help=f"size of each device (default: {DEVICE_GIB}); not with --db, which knows",
    )
    group.add_argument(
        "--find", type=_one_of(*answer.MOST), metavar="WHAT", help="seek the fewest nodes or devices, or device-size"
    )


def _add_volumes(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--size", type=_integer(1, MOST_GIB), metavar="GIB", help="volumes of one size")
    group.add_argument("--random", type=_range, metavar="MIN:MAX", help="volumes of random sizes, in GiB")
    group.add_argument(
        "--volumes", metavar="FILE", help="a size on each line, a list in JSON, or a database, whose volumes are meant"
    )
    group.add_argument(
        "--count",
        "--max-volumes",
        type=_integer(1, wishes.MOST),
        metavar="N",
        help="how many (default: as many as fit, or all)",
    )
    group.add_argument("--target", type=_integer(1), metavar="GIB", help="stop when volumes have this size together")


def _add_placement(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--durability",
        type=_one_of("none", "replicate", "disperse"),
        default="replicate",
        metavar="KIND",
        help="none, replicate (default) or disperse",
    )
    group.add_argument("--replica", type=_integer(1, 3), default=3, metavar="N", help="copies (default: 3)")
    group.add_argument("--disperse-data", type=_integer(1), default=4, metavar="N", help="data bricks (default: 4)")
    group.add_argument(
        "--redundancy", type=_integer(1), default=2, metavar="N", help="bricks that may be lost (default: 2)"
    )
    group.add_argument("--arbiter", action="store_true", help="the third brick of each set is an arbiter")
    group.add_argument(
        "--snapshot-factor", type=_factor, default=1.0, metavar="F", help="thin pool over brick size (default: 1)"
    )
    group.add_argument("--block", action="store_true", help="volumes that are to hold block volumes")
    group.add_argument("--gluster-volume-options", default="", metavar="LIST", help="'key value', separated by commas")
    group.add_argument("--clusters", default="", metavar="IDS", help="clusters to try, separated by commas")
    group.add_argument("--zone-checking", type=_one_of("none", "strict"), metavar="HOW", help="none or strict")
    group.add_argument("--max-volumes-per-cluster", type=int, metavar="N", help="negative: no limit (default: 1000)")
    group.add_argument("--config", metavar="FILE", help="heketi.json, for the limits of bricks and volumes in it")


def _add_runs(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--runs", type=_integer(1), default=1, metavar="N", help="repeat with other random choices")
    group.add_argument(
        "--seed", type=int, default=SEED, metavar="N", help=f"of random choices, 0 for any (default: {SEED})"
    )
    how = group.add_mutually_exclusive_group()
    how.add_argument("--csv", action="store_true", help="a line of titles, and a line for each run")
    how.add_argument("--json", action="store_true", help="everything as JSON")


# -- values ------------------------------------------------------------------------------------------------------


def _integer(least: int, most: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if re.fullmatch("[0-9]{1,18}", text) else -1
        if number < least or (most is not None and number > most):
            bounds = f"{least} to {most}" if most is not None else f"{least} or more"
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number, {bounds}")
        return number

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(words)}")
        return text

    return read


def _range(text: str) -> tuple[int, int]:
    match = re.fullmatch("([0-9]{1,9}):([0-9]{1,9})", text)
    least, most = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= least <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not MIN:MAX with sizes in GiB, such as 10:150")
    return least, most


def _factor(text: str) -> float:
    number = float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?", text) else 0.0
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number, 1 to 100")
    return number
