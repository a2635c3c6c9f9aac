import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyheketi.wire import checks, nodes, volumes
from pyheketi.wire.volumes import Disperse, Durability, Replicate, Snapshot, VolumeCreate, VolumeExpand

FORMAT = "validation failed: name: must be in a valid format."
OPTION_NAME = "validation failed: glustervolumeoptions: invalid characters in name of option "
OPTION_BREAK = "validation failed: glustervolumeoptions: line breaks and control characters are not allowed in option "


def of(kind: str, replica: int = 0, data: int = 0, redundancy: int = 0) -> Durability:
    numbers = Disperse(data=data, redundancy=redundancy)
    return Durability(type=kind, replicate=Replicate(replica=replica), disperse=numbers)


def options(*given_options: str) -> VolumeCreate:
    return VolumeCreate(size=1, glustervolumeoptions=given_options)


VOLUMES: dict[str, tuple[VolumeCreate | VolumeExpand, str | None]] = {
    "plain": (VolumeCreate(size=1), None),
    "no size": (VolumeCreate(), "validation failed: size: cannot be blank."),
    "negative": (VolumeCreate(size=-1), "validation failed: size: must be no less than 1."),
    "largest": (VolumeCreate(size=8796093022207), None),
    "absurd": (VolumeCreate(size=8796093022208), "validation failed: size: must be no greater than 8796093022207."),
    "two faults": (
        VolumeCreate(name="a b"),
        "validation failed: name: must be in a valid format; size: cannot be blank.",
    ),
    "name": (VolumeCreate(size=1, name="Aa0_-"), None),
    "name with slash": (VolumeCreate(size=1, name="a/b"), FORMAT),
    "name with line break": (VolumeCreate(size=1, name="a\n"), FORMAT),
    "name with shell": (VolumeCreate(size=1, name="$(reboot)"), FORMAT),
    "name like an option": (VolumeCreate(size=1, name="-f"), FORMAT),
    "name of other letters": (VolumeCreate(size=1, name="é"), FORMAT),
    "longest name": (VolumeCreate(size=1, name="a" * 255), None),
    "name too long": (
        VolumeCreate(size=1, name="a" * 256),
        "validation failed: name: the length must be no more than 255.",
    ),
    "gid": (VolumeCreate(size=1, gid=2**31 - 2), None),
    "gid below": (VolumeCreate(size=1, gid=-1), "Bad group id less than zero"),
    "gid above": (VolumeCreate(size=1, gid=2**31 - 1), "Bad group id equal or greater than 2**32"),
    "size before gid": (VolumeCreate(gid=-1), "validation failed: size: cannot be blank."),
    "gid before type": (VolumeCreate(size=1, gid=-1, durability=of("x")), "Bad group id less than zero"),
    "type": (VolumeCreate(size=1, durability=of("Replicate")), "Unknown durability type"),
    "type before factor": (
        VolumeCreate(size=1, durability=of("x"), snapshot=Snapshot(enable=True)),
        "Unknown durability type",
    ),
    "factor before replica": (
        VolumeCreate(size=1, durability=of("replicate", 4), snapshot=Snapshot(enable=True)),
        "Invalid snapshot factor",
    ),
    "factor": (VolumeCreate(size=1, snapshot=Snapshot(enable=True, factor=100)), None),
    "factor above": (VolumeCreate(size=1, snapshot=Snapshot(enable=True, factor=100.5)), "Invalid snapshot factor"),
    "factor below": (VolumeCreate(size=1, snapshot=Snapshot(enable=True, factor=0.99)), "Invalid snapshot factor"),
    "factor unused": (VolumeCreate(size=1, snapshot=Snapshot(factor=-7)), None),
    "default replica": (VolumeCreate(size=1, durability=of("replicate")), None),
    "one replica": (VolumeCreate(size=1, durability=of("replicate", 1)), None),
    "four replicas": (VolumeCreate(size=1, durability=of("replicate", 4)), "Invalid replica value"),
    "negative replicas": (VolumeCreate(size=1, durability=of("replicate", -1)), "Invalid replica value"),
    "replicas of another type": (VolumeCreate(size=1, durability=of("none", 9)), None),
    "dispersion": (VolumeCreate(size=1, durability=of("disperse", 3, 8, 4)), None),
    "no dispersion": (VolumeCreate(size=1, durability=of("disperse")), "Invalid dispersion combination: 0+0"),
    "bad dispersion": (
        VolumeCreate(size=1, durability=of("disperse", 3, 5, 1)),
        "Invalid dispersion combination: 5+1",
    ),
    "Kubernetes' options": (options("", "", " user.heketi.average-file-size 1024", "a.b c "), None),
    "shell in a value": (options("auth.allow $(reboot);`x`|'\"&"), None),
    "option without value": (options("justone"), None),
    "line break in option": (options("a 1\nb 2"), OPTION_BREAK + r"'a 1\nb 2'."),
    "control in option": (options("ok 1", "a \x1b[2J"), OPTION_BREAK + r"'a \x1b[2J'."),
    "shell in a key": (options("a;b 1"), OPTION_NAME + "'a;b 1'."),
    "option of gluster itself": (options("--xml 1"), OPTION_NAME + "'--xml 1'."),
    "expand": (VolumeExpand(expand_size=1), None),
    "expand by nothing": (VolumeExpand(), "validation failed: expand_size: cannot be blank."),
    "shrink": (VolumeExpand(expand_size=-1), "validation failed: expand_size: must be no less than 1."),
}


@pytest.mark.parametrize(("request_", "problem"), VOLUMES.values(), ids=VOLUMES)
def test_volume_requests(request_: VolumeCreate | VolumeExpand, problem: str | None) -> None:
    assert request_.problem() == problem


HOSTS = {
    "192.168.1.1": True,
    "fe80::1": True,
    "fe80::1%eth0": False,
    "node1": True,
    "node1.example.com.": True,
    "_a.b-c_": True,
    "-a": False,
    "a..b": False,
    "a b": False,
    "a\n": False,
    "": False,
    "é": False,
    "a;reboot": False,
    "a" * 63: True,
    "a" * 64: False,
    ".".join(["a" * 51] * 5): True,
    ".".join(["a" * 52] * 5): False,
}


@pytest.mark.parametrize(("name", "valid"), HOSTS.items())
def test_host_names(name: str, valid: bool) -> None:
    complaint = None if valid else f"[ok {name}] is not a valid storage hostname"
    assert checks.host_names(("ok", name), "storage") == complaint


DEVICES = {"/dev/sdb": True, "/dev/disk/by-id/a_b.c:1-x": True, "/dev/a b": False, "/dev/x\n": False, "sdb": False}
DEVICES |= {"/": False, "/dev/$(x)": False, "/dev/a;b": False, "/dev/'": False, "/dev/é": False}


@pytest.mark.parametrize(("name", "valid"), DEVICES.items())
def test_device_names(name: str, valid: bool) -> None:
    assert checks.device_name(name) == (None if valid else "must be in a valid format")


def test_a_bad_heal_check_is_told_alone() -> None:
    change = nodes.StateChange(state="x", healcheck="z")
    assert change.problem() == "validation failed: healcheck: z is not valid heal info check."


@given(st.text())
def test_a_volume_name_that_passes_is_one_plain_word(name: str) -> None:
    if volumes.VolumeCreate(size=1, name=name).problem() is None:
        assert shlex.quote(f"x{name}") == f"x{name}"
        assert not name.startswith("-")
