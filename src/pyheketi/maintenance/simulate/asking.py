"""From the flags of ``heketi simulate`` to the question, its answer and the exit status."""

import argparse
import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from pyheketi import server
from pyheketi.config import load
from pyheketi.domain.topology import Topology
from pyheketi.maintenance.simulate import answer, flags, hardware, machine, text, wishes
from pyheketi.maintenance.simulate.answer import Answer, Question
from pyheketi.maintenance.simulate.faults import Fault
from pyheketi.maintenance.simulate.hardware import Invented
from pyheketi.maintenance.simulate.wishes import Usual, Wanted
from pyheketi.planning.limits import UNLIMITED, Limits
from pyheketi.planning.simulation import Refusal

DOES_NOT_FIT = 1
FAULT = 255
"""Exit statuses besides 0. A fault has the one that all sub-commands have for unknown flags."""


def act(options: argparse.Namespace) -> None:
    """Answer the question that the flags ask. Ends with ``SystemExit`` if it does not fit or cannot be asked."""
    try:
        answered = _answered(options)
    except Fault as fault:
        sys.stderr.write(f"Error: {fault}\n")
        raise SystemExit(FAULT) from fault
    write = machine.comma_separated if options.csv else machine.json_text if options.json else text.text
    sys.stdout.write(write(answered))
    if isinstance(answered.found, Refusal) and options.csv:
        sys.stderr.write(text.text(answered))
    if not answered.fits:
        raise SystemExit(DOES_NOT_FIT)


def _answered(options: argparse.Namespace) -> Answer:
    wanted = _wanted(options)
    question = Question(
        wanted=wanted,
        limits=_limits(options),
        seed=options.seed or 1 + secrets.randbelow(flags.MOST_GIB),
        runs=options.runs,
        target_gib=options.target or 0,
    )
    if not options.find:
        return _told(question, _topology(options))
    if question.filling:
        raise Fault("--find needs to know how much is wanted: add --count or --target, or name --volumes")
    found = answer.find(question, _invented(options), options.find)
    if isinstance(found, Refusal):
        return Answer(question=question, results=(), sought=options.find, found=found)
    return replace(_told(question, found.topology()), sought=options.find, found=found)


def _told(question: Question, topology: Topology) -> Answer:
    return Answer(
        question=question,
        results=question.results(topology),
        nodes=sum(1 for _ in topology.nodes()),
        devices=sum(1 for _ in topology.devices()),
    )


def _topology(options: argparse.Namespace) -> Topology:
    named = [name for name in ("topology", "db", "nodes") if getattr(options, name)]
    if len(named) != 1:
        told = " and ".join(f"--{name}" for name in named) + " exclude each other" if named else "no hardware is named"
        raise Fault(f"{told}: give one of --topology=FILE, --db=FILE, --nodes=N, or let --find=nodes seek it")
    if options.nodes:
        return _invented(options).topology()
    for name in ("devices", "zones"):
        if getattr(options, name):
            raise Fault(f"--{name} goes with --nodes only: {'--topology' if options.topology else '--db'} tells them")
    if options.topology:
        return hardware.of_file(Path(options.topology), options.device_size or flags.DEVICE_GIB)
    if options.device_size:
        raise Fault("--device-size does not go with --db: the database knows the size of every device")
    try:
        return hardware.of_database(Path(options.db))
    except Fault as fault:
        raise Fault(f"--db: {fault}") from fault


def _invented(options: argparse.Namespace) -> Invented:
    """Return hardware of the flags; what is sought is 1 in it."""
    if options.topology or options.db:
        raise Fault(
            "--find makes up its hardware: leave out --topology and --db, give --nodes, --devices, --device-size"
        )
    given = {"nodes": options.nodes, "devices": options.devices, "device-size": options.device_size}
    if given.get(options.find):
        raise Fault(f"--find={options.find} and --{options.find} exclude each other: it is what is sought")
    if options.find and options.find != "nodes" and not options.nodes:
        raise Fault(f"--find={options.find} needs --nodes=N, the number of nodes")
    return Invented(
        nodes=options.nodes or 1,
        devices=options.devices or 1,
        zones=options.zones or 0,
        device_gib=options.device_size or (1 if options.find == "device-size" else flags.DEVICE_GIB),
    )


def _wanted(options: argparse.Namespace) -> Wanted:
    named = [name for name in ("size", "random", "volumes") if getattr(options, name)]
    if len(named) != 1:
        told = " and ".join(f"--{name}" for name in named) + " exclude each other" if named else "no volumes are named"
        raise Fault(f"{told}: give one of --size=GIB, --random=MIN:MAX, --volumes=FILE")
    usual = _usual(options)
    if options.size:
        return wishes.of_size(usual, options.size, options.count)
    if options.random:
        least, most = options.random
        return wishes.of_random_sizes(usual, least, most, options.count)
    return wishes.of_file(usual, Path(options.volumes), options.count)


def _usual(options: argparse.Namespace) -> Usual:
    """Return the body of a request as heketi-cli volume create makes it of the same flags."""
    arbiter = ["user.heketi.arbiter true"] if options.arbiter else []
    return {
        "clusters": options.clusters.split(",") if options.clusters else [],
        "durability": {
            "type": options.durability,
            "replicate": {"replica": options.replica},
            "disperse": {"data": options.disperse_data, "redundancy": options.redundancy},
        },
        "glustervolumeoptions": [*filter(None, options.gluster_volume_options.split(",")), *arbiter],
        "block": options.block,
        "snapshot": {"enable": options.snapshot_factor > 1, "factor": options.snapshot_factor},
    }


def _limits(options: argparse.Namespace) -> Limits:
    limits = Limits()
    if options.config:
        try:
            limits = server.make_limits(load.load(options.config, os.environ, disable_auth=True).settings.glusterfs)
        except load.ConfigError as error:
            raise Fault("\n  ".join(["the configuration cannot be used:", *error.faults])) from error
    if options.zone_checking:
        limits = replace(limits, zone_checking=options.zone_checking)
    if most := options.max_volumes_per_cluster:
        limits = replace(limits, max_volumes_per_cluster=most if most > 0 else UNLIMITED)
    return limits
