"""Which volumes are to be placed: all alike, of random sizes, as a file says, or those of a database."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pyheketi.api.mapping import volume_create_from_wire
from pyheketi.domain import errors
from pyheketi.domain.entities import Volume, is_hidden
from pyheketi.domain.ids import IdSource
from pyheketi.maintenance.simulate import hardware
from pyheketi.maintenance.simulate.faults import Fault
from pyheketi.planning import options, simulation
from pyheketi.planning.volume_create import VolumeCreate
from pyheketi.wire import volumes as wire
from pyheketi.wire.base import Malformed, validated

Usual: TypeAlias = Mapping[str, object]
"""Body of a request for a volume, without its size: what the flags say."""

MOST = 1_000_000
"""Volumes that may be asked for; each takes about a millisecond."""

_COUNT = "count"
_ALLOWED = f"; allowed are {', '.join(f'{data}+{more}' for data, more in sorted(wire.DISPERSIONS))}"
_KEYS = frozenset(wire.VolumeCreate.model_fields) | {_COUNT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Volumes to place."""

    text: str
    """What they are, for a person: ``volumes of 10 GiB, replica 3``."""
    count: int | None
    """How many; None: as many as fit."""
    wishes: Callable[[IdSource], Iterable[VolumeCreate]]
    """The same for the same source, at least ``count``."""

    def drawn(self, ids: IdSource) -> Iterator[VolumeCreate]:
        """Yield the wishes, ``count`` of them."""
        return itertools.islice(self.wishes(ids), self.count)


def of_size(usual: Usual, size_gib: int, count: int | None) -> Wanted:
    """Return wishes that are all alike. Raises ``Fault`` if no server would take them."""
    wish = _checked(dict(usual) | {"size": size_gib})
    return Wanted(text=f"of {size_gib} GiB, {_kind(wish)}", count=count, wishes=lambda _: itertools.repeat(wish))


def of_random_sizes(usual: Usual, least: int, most: int, count: int | None) -> Wanted:
    """Return wishes for ``least`` to ``most`` GiB. Raises ``Fault`` as above."""
    wish = _checked(dict(usual) | {"size": least})
    return Wanted(
        text=f"of {least} to {most} GiB, {_kind(wish)}",
        count=count,
        wishes=lambda ids: simulation.of_random_sizes(wish, least, most, ids),
    )


def of_file(usual: Usual, path: Path, most: int | None) -> Wanted:
    """Return the wishes in a file: JSON, a size in GiB on each line, or a database, whose volumes are meant.

    Raises:
        Fault: it cannot be read, or something in it is no wish.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Fault(f"--volumes: {path} cannot be read: {error.strerror or error}") from error
    text = data.decode("utf-8", "replace")
    try:
        if b"\0" in data or text.lstrip().startswith("{"):
            found = [_again(volume) for volume in hardware.of_database(path).volumes() if not is_hidden(volume)]
        else:
            found = list(_parsed(usual, text))
    except Fault as fault:
        raise Fault(f"--volumes: {path}: {fault}".replace(f"{path}: {path}", str(path))) from fault
    if not found:
        raise Fault(f"--volumes: {path} names no volumes")
    listed = found[:most]
    return Wanted(text=f"of {path.name}", count=len(listed), wishes=lambda _: listed)


def _again(volume: Volume) -> VolumeCreate:
    """Return the wish that a volume once was. Its options hold those of its server's settings already."""
    return VolumeCreate(
        size_gib=volume.size_gib,
        durability=volume.durability_request,
        options=volume.options,
        snapshot=volume.snapshot,
        block=volume.block,
    )


def _parsed(usual: Usual, text: str) -> Iterator[VolumeCreate]:
    if text.lstrip().startswith("["):
        try:
            items: Sequence[object] = json.loads(text)
        except ValueError as error:
            raise Fault(f"is no JSON: {error}") from error
        for number, item in enumerate(items, 1):
            yield from _item(usual, item, f"volume {number} of the list")
        return
    for number, line in enumerate(text.splitlines(), 1):
        if said := line.partition("#")[0].strip():
            if not (said.isascii() and said.isdigit()):
                raise Fault(f"line {number}: {said[:40]!r} is no size in GiB. Write a whole number, or a list in JSON")
            yield from _item(usual, int(said), f"line {number}")


def _item(usual: Usual, item: object, place: str) -> Iterator[VolumeCreate]:
    told = item if isinstance(item, dict) else {"size": item}
    if unknown := sorted(told.keys() - _KEYS):
        raise Fault(f"{place}: there is no {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}")
    count = told.get(_COUNT, 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST:
        raise Fault(f"{place}: {_COUNT} is {json.dumps(count)}, it must be 1 to {MOST}")
    try:
        wish = _checked(dict(usual) | {key: value for key, value in told.items() if key != _COUNT})
    except Fault as fault:
        raise Fault(f"{place}: {fault}") from fault
    yield from itertools.repeat(wish, count)


def _checked(body: Usual) -> VolumeCreate:
    """Return the wish that the body of a request means, if a server would take it."""
    try:
        request = validated(wire.VolumeCreate, body)
    except Malformed as error:
        raise Fault(str(error)) from error
    if problem := request.problem():
        raise Fault(f"{problem}{_ALLOWED if 'dispersion' in problem else ''}")
    wish = volume_create_from_wire(request)
    try:
        options.with_arbiter(wish.durability.effective(), wish.options)
    except errors.RequestError as error:
        raise Fault(str(error)) from error
    return wish


def _kind(wish: VolumeCreate) -> str:
    kind = str(options.with_arbiter(wish.durability.effective(), wish.options))
    return f"{kind}, snapshot factor {wish.snapshot.factor:g}" if wish.snapshot.enabled else kind
