"""The ``gluster`` command line: calls, and the texts that it answers with. XML is read by ``gluster_xml``.

All arguments stand apart, so no shell ever reads what a client wrote. The command line itself still takes a word
that begins with ``--`` for an option of its own: ``options.parse`` of volumes refuses those.
"""

import re
from collections import Counter

from pyheketi.commands.command import Command, Program, Result
from pyheketi.commands.options import NodeOptions

_TRANSIENT = (
    "another transaction is in progress",
    "locking failed",
    "locking peers failed",
    "please try again after some",
    "is not in 'peer in cluster' state",
)
"""What glusterd says while it is busy with something else, or while a new peer is still being introduced."""


_ABSENT = re.compile(r"[Hh]ost (\S+) is not (?:in 'Peer in Cluster' state|connected)")


def _gluster(options: NodeOptions, *words: str, may_fail: bool = False) -> Command:
    prefix = ("--mode=script", f"--timeout={options.gluster_timeout}")
    return Command(Program.GLUSTER, (*prefix, *words), may_fail=may_fail)


def create_volume(name: str, durability: tuple[str, ...], bricks: tuple[str, ...], options: NodeOptions) -> Command:
    """Make a volume of one brick set; ``durability`` are gluster's words for it."""
    return _gluster(options, "volume", "create", name, *durability, *bricks)


def add_bricks(name: str, bricks: tuple[str, ...], options: NodeOptions) -> Command:
    """Add whole brick sets to a volume."""
    return _gluster(options, "volume", "add-brick", name, *bricks)


def set_options(name: str, pairs: tuple[tuple[str, str], ...], options: NodeOptions) -> Command:
    """Set options of a volume, all in one transaction of glusterd."""
    return _gluster(options, "volume", "set", name, *(word for pair in pairs for word in pair))


def reset_option(name: str, option: str, options: NodeOptions) -> Command:
    """Give an option of a volume its default again."""
    return _gluster(options, "volume", "reset", name, option)


def start_volume(name: str, options: NodeOptions) -> Command:
    """Start a volume."""
    return _gluster(options, "volume", "start", name)


def start_bricks(name: str, options: NodeOptions) -> Command:
    """Start all brick processes of a volume that do not run."""
    return _gluster(options, "volume", "start", name, "force")


def volume_status(name: str, options: NodeOptions) -> Command:
    """Ask which brick processes run; of all volumes that are started if ``name`` is ``all``."""
    return _gluster(options, "volume", "status", name, "--xml")


def stop_volume(name: str, options: NodeOptions) -> Command:
    """Stop a volume, whoever uses it."""
    return _gluster(options, "volume", "stop", name, "force")


def delete_volume(name: str, options: NodeOptions) -> Command:
    """Delete a stopped volume."""
    return _gluster(options, "volume", "delete", name)


def replace_brick(name: str, old: str, new: str, options: NodeOptions) -> Command:
    """Put a brick in the place of another; the old one need not be there any more."""
    return _gluster(options, "volume", "replace-brick", name, old, new, "commit", "force")


def heal_volume(name: str, options: NodeOptions) -> Command:
    """Begin to heal what is known to need it."""
    return _gluster(options, "volume", "heal", name)


def heal_info(name: str, options: NodeOptions) -> Command:
    """Ask what has to heal yet, brick by brick."""
    return _gluster(options, "volume", "heal", name, "info", "--xml")


def rebalance_volume(name: str, options: NodeOptions) -> Command:
    """Begin to spread the files of a volume over all its bricks."""
    return _gluster(options, "volume", "rebalance", name, "start")


def volume_info(name: str, options: NodeOptions) -> Command:
    """Ask what a volume is made of. One that does not exist is told in different ways by different releases."""
    return _gluster(options, "volume", "info", name, "--xml", may_fail=True)


def all_volumes(options: NodeOptions) -> Command:
    """Ask what all volumes are made of."""
    return _gluster(options, "volume", "info", "--xml", may_fail=True)


def create_snapshot(name: str, volume: str, options: NodeOptions) -> Command:
    """Take a snapshot of a volume that runs."""
    return _gluster(options, "snapshot", "create", name, volume, "no-timestamp")


def activate_snapshot(name: str, options: NodeOptions) -> Command:
    """Make a snapshot usable."""
    return _gluster(options, "snapshot", "activate", name)


def clone_snapshot(name: str, clone: str, options: NodeOptions) -> Command:
    """Make a volume of a snapshot; it is stopped at first."""
    return _gluster(options, "snapshot", "clone", clone, name)


def delete_snapshot(name: str, options: NodeOptions) -> Command:
    """Delete a snapshot, active or not; clones of it stay."""
    return _gluster(options, "snapshot", "delete", name)


def list_snapshots(options: NodeOptions) -> Command:
    """Ask for the names of all snapshots."""
    return _gluster(options, "snapshot", "list")


def probe_peer(host: str, options: NodeOptions) -> Command:
    """Take a host into the pool."""
    return _gluster(options, "peer", "probe", host)


def limit_snapshots(options: NodeOptions) -> Command:
    """Set the highest number of snapshots that a volume of the pool may have."""
    return _gluster(options, "snapshot", "config", "snap-max-hard-limit", str(options.snapshot_limit))


def detach_peer(host: str, options: NodeOptions, *, force: bool = False) -> Command:
    """Take a host out of the pool; ``force`` does it while peers are away."""
    return _gluster(options, "peer", "detach", host, *(("force",) if force else ()))


def peer_status(options: NodeOptions) -> Command:
    """Ask for the other members of the pool."""
    return _gluster(options, "peer", "status", "--xml")


def is_transient(output: str) -> bool:
    """Return whether glusterd will say something else in a moment."""
    said = output.lower()
    return any(text in said for text in _TRANSIENT)


def is_down(output: str) -> bool:
    """Return whether the command line found no glusterd to talk to: nothing has happened."""
    return "connection failed. please check if gluster daemon is operational" in output.lower()


def was_member(result: Result) -> bool:
    """Return whether a probed host was in the pool before, or is the probing host itself."""
    said = result.stdout.lower()
    return "already in peer list" in said or "localhost not needed" in said


def is_no_member(output: str) -> bool:
    """Return whether a host could not be detached because it is in no pool."""
    return "is not part of cluster" in output.lower()


def has_bricks(output: str) -> bool:
    """Return whether a host could not be detached because volumes have bricks on it."""
    said = output.lower()
    return "hosts one or more bricks" in said or ("brick(s) with the peer" in said and "exist in cluster" in said)


def peers_are_down(output: str) -> bool:
    """Return whether a host could not be detached because it, or another peer, is away or not quite a member."""
    return "one of the peers is probably down" in output.lower()


def absent_peer(output: str) -> str:
    """Return the host that is no member of the pool now, or away, and so kept a command from being done; or empty.

    Of several, as different hosts may say of each other, it is the one that most of them name.
    """
    found = Counter(_ABSENT.findall(output)).most_common(1)
    return found[0][0] if found else ""


def has_volume(output: str, name: str) -> bool:
    """Return whether gluster would not make a volume because it has one of that name."""
    return f"volume {name.lower()} already exists" in output.lower()


def refuses_option(output: str) -> bool:
    """Return whether gluster does not know an option, or not such a value of it; no other brick would change that."""
    return "volume set: failed: option" in output.lower()


def lacks_volume(output: str, name: str) -> bool:
    """Return whether gluster said that a volume does not exist, with its name or without."""
    said = output.lower()
    return "volume does not exist" in said or f"volume {name.lower()} does not exist" in said
