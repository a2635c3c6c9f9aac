"""What gluster answers in XML."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from xml.etree import ElementTree as ET

from pyheketi.commands import gluster
from pyheketi.commands.command import Result
from pyheketi.domain import errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlusterVolume:
    """A volume as gluster knows it."""

    name: str
    type: str
    """Gluster's word: ``Distribute``, ``Replicate``, ``Distributed-Disperse``."""
    started: bool
    bricks: tuple[str, ...]
    """``host:path``, in gluster's order: set by set."""
    uuid: str = ""
    options: tuple[tuple[str, str], ...] = ()
    snapshots: int = 0
    """Number of snapshots; gluster does not delete a volume that has some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another member of the pool."""

    names: tuple[str, ...]
    """All names that the asked host knows it by."""
    connected: bool
    state: str
    """Gluster's words: ``Peer in Cluster``, ``Peer Rejected``."""

    @property
    def is_well(self) -> bool:
        """Whether it takes part in decisions."""
        return self.connected and self.state == "Peer in Cluster"

    @property
    def is_leaving(self) -> bool:
        """Whether it is just being detached."""
        return self.state == "Peer detach in progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """What there is to heal from a brick."""

    name: str
    """Gluster's name of the brick; of one that cannot be asked, some releases do not tell it."""
    entries: int | None
    """Files that other bricks lack; None if the brick cannot be asked."""


def read_volume(host: str, result: Result, name: str) -> GlusterVolume | None:
    """Return the volume that ``volume info`` told of, None if there is none of that name.

    Raises:
        CommandFailed: gluster could not tell.
        Unexpected: the answer makes no sense.
    """
    if not result.stdout.lstrip().startswith("<"):
        if gluster.lacks_volume(result.output, name):
            return None
        if not result.ok:
            raise result.failure(host)
    try:
        answer = _parse(result.stdout)
        volumes = tuple(map(_volume, answer.iterfind("volInfo/volumes/volume")))
        said = _refusal(answer)
    except (ET.ParseError, ValueError) as error:
        raise _nonsense(host, result, error) from error
    found = next((volume for volume in volumes if volume.name == name), None)
    if found is None and said is not None and not gluster.lacks_volume(said, name):
        raise _refused(host, result, said)
    return found


def read_volumes(host: str, result: Result) -> tuple[GlusterVolume, ...]:
    """Return all volumes that ``volume info all`` told of.

    Raises:
        CommandFailed: gluster could not tell.
        Unexpected: the answer makes no sense.
    """
    if not result.ok and not result.stdout.lstrip().startswith("<"):
        raise result.failure(host)
    return _read(host, result, volumes_of)


def volumes_of(answer: ET.Element) -> tuple[GlusterVolume, ...]:
    """Return the volumes that an answer tells of. Raises ``ValueError`` if it makes no sense."""
    return tuple(map(_volume, answer.iterfind("volInfo/volumes/volume")))


def is_refused(answer: ET.Element) -> bool:
    """Return whether an answer tells of a failure instead."""
    return answer.find("opRet") is None or bool(_refusal(answer)) or answer.find("volInfo") is None


def names(answer: ET.Element) -> list[str]:
    """Return the names of the volumes that an answer tells of."""
    return [_text(volume, "name", "") for volume in answer.iterfind("volInfo/volumes/volume")]


def read_healing(host: str, result: Result) -> tuple[Healing, ...]:
    """Return what ``volume heal info`` told of each brick.

    Raises:
        CommandFailed: gluster could not tell.
        Unexpected: the answer makes no sense.
    """
    return _read(host, result, lambda answer: tuple(map(_healing, answer.iterfind("healInfo/bricks/brick"))))


def read_peers(host: str, result: Result) -> tuple[Peer, ...]:
    """Return the other members of the pool that ``peer status`` told of.

    Raises:
        CommandFailed: gluster could not tell.
        Unexpected: the answer makes no sense.
    """
    return _read(host, result, lambda answer: tuple(map(_peer, answer.iterfind("peerStatus/peer"))))


def read_dead_bricks(host: str, result: Result) -> frozenset[str]:
    """Return the bricks that ``volume status`` told of whose process does not run.

    Raises:
        CommandFailed: gluster could not tell.
        Unexpected: the answer makes no sense.
    """
    if not result.stdout.lstrip().startswith("<") and not result.ok:
        raise result.failure(host)
    return _read(host, result, _dead_bricks)


def _dead_bricks(answer: ET.Element) -> frozenset[str]:
    processes = answer.iterfind("volStatus/volumes/volume/node")
    named = ((f"{_text(each, 'hostname')}:{_text(each, 'path')}", _text(each, "status")) for each in processes)
    return frozenset(name for name, status in named if status != "1" and ":/" in name)  # other daemons have no path


def _read(host: str, result: Result, read: Callable[[ET.Element], T]) -> T:
    """Return what ``read`` finds in an answer that tells of no failure."""
    try:
        answer = _parse(result.stdout)
        found, said = read(answer), _refusal(answer)
    except (ET.ParseError, ValueError) as error:
        raise _nonsense(host, result, error) from error
    if said is not None:
        raise _refused(host, result, said)
    return found


def _refusal(answer: ET.Element) -> str | None:
    """Return what gluster said of a failure, None if there was none. It may well tell of one and still exit with 0."""
    return _text(answer, "opErrstr", "") if int(_text(answer, "opRet")) else None


def _refused(host: str, result: Result, said: str) -> errors.CommandFailed:
    return errors.CommandFailed(host, str(result.command), result.status, said or result.stderr.strip())


def _nonsense(host: str, result: Result, error: Exception) -> errors.Unexpected:
    return errors.Unexpected(host, f"Node {host} gave an answer that makes no sense to {result.command}: {error}")


def _parse(text: str) -> ET.Element:
    if "<!" in text:
        raise ValueError("it holds declarations, which gluster never sends")
    return ET.fromstring(text)  # without declarations there are no entities to blow up  # noqa: S314


def _text(element: ET.Element, path: str, default: str | None = None) -> str:
    found = element.findtext(path)
    if found is None and default is None:
        raise ValueError(f"there is no {path} in <{element.tag}>")
    return (found or default or "").strip()


def _volume(element: ET.Element) -> GlusterVolume:
    return GlusterVolume(
        name=_text(element, "name"),
        type=_text(element, "typeStr", ""),
        started=_text(element, "status") == "1",
        bricks=tuple(_text(brick, "name") for brick in element.iterfind("bricks/brick")),
        uuid=_text(element, "id", ""),
        options=tuple(_options(element)),
        snapshots=int(_text(element, "snapshotCount", "0")),
    )


def _options(element: ET.Element) -> Iterator[tuple[str, str]]:
    for option in element.iterfind("options/option"):
        yield _text(option, "name"), _text(option, "value", "")


def _healing(element: ET.Element) -> Healing:
    entries = _text(element, "numberOfEntries", "-")
    return Healing(name=_text(element, "name"), entries=int(entries) if entries != "-" else None)


def _peer(element: ET.Element) -> Peer:
    names = [
        _text(element, "hostname"),
        *((name.text or "").strip() for name in element.iterfind("hostnames/hostname")),
    ]
    return Peer(
        names=tuple(dict.fromkeys(names)),
        connected=_text(element, "connected") == "1",
        state=_text(element, "stateStr", ""),
    )
