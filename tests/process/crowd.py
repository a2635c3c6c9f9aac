"""Clients that want a server to do many things at once, and remember every word it gave them."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.process.client import Client, Lost, Refusal
from tests.process.comparing import require_agreement

REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}


@dataclass(frozen=True)
class Doubt:
    """A wish whose end nobody has heard of."""

    verb: str
    kind: str
    id: str
    """Of the object; empty if it was to be made."""
    name: str
    """Of what was to be made, or of the object."""
    place: str
    """Where the server promised to tell the end; empty if it promised nothing."""


@dataclass
class Visitor:
    """One client with volumes of its own, which nobody else touches, so that it always knows what is true."""

    name: str
    kinds: tuple[str, ...] = ("volumes", "blockvolumes")
    patience: float = 0.02
    owned: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    """Kind and id, and the name and GiB that were promised."""
    doubt: Doubt | None = None
    done: Counter[str] = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)
    """Refusals of what should have been granted."""
    statuses: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.name)
        self._count = 0

    def live(self, port: int, stop: threading.Event) -> None:
        """Wish for one thing after the other until it is time to stop, or no answer comes."""
        with contextlib.suppress(Lost), Client(port, self.statuses, patience=self.patience) as client:
            try:
                while not stop.is_set():
                    self._wish(client)
            except Refusal as refusal:
                self.trouble.append(str(refusal))

    def _wish(self, client: Client) -> None:
        if not self.owned or (len(self.owned) < 3 and self._chance.random() < 0.5):
            self._create(client, self._chance.choice(self.kinds))
            return
        (kind, id_), (name, size) = self._chance.choice(list(self.owned.items()))
        verbs: list[Callable[[Client, str, str, str, int], None]] = [self._look, self._delete, self._expand]
        if kind == "volumes":
            verbs.append(self._clone)
        self._chance.choice(verbs)(client, kind, id_, name, size)

    def _create(self, client: Client, kind: str) -> None:
        self._count += 1
        name = f"{self.name}-{self._count}"
        wish = {"size": 1, "name": name} | ({"durability": REPLICA_3} if kind == "volumes" else {"hacount": 3})
        made = self._done(client, Doubt("create", kind, "", name, ""), "POST", f"/{kind}", wish)
        self.owned[kind, made] = name, 1

    def _look(self, client: Client, kind: str, id_: str, name: str, size: int) -> None:
        told = client.json(f"/{kind}/{id_}")
        assert (told["name"], told["size"]) == (name, size)
        self.done["look"] += 1

    def _delete(self, client: Client, kind: str, id_: str, name: str, size: int) -> None:
        self._done(client, Doubt("delete", kind, id_, name, ""), "DELETE", f"/{kind}/{id_}")
        del self.owned[kind, id_]

    def _expand(self, client: Client, kind: str, id_: str, name: str, size: int) -> None:
        wish = {"expand_size": 1} if kind == "volumes" else {"new_size": size + 1}
        self._done(client, Doubt("expand", kind, id_, name, ""), "POST", f"/{kind}/{id_}/expand", wish)
        self.owned[kind, id_] = name, size + 1

    def _clone(self, client: Client, kind: str, id_: str, name: str, size: int) -> None:
        self._count += 1
        copy = f"{self.name}-{self._count}"
        wish = Doubt("clone", kind, "", copy, "")
        made = self._done(client, wish, "POST", f"/volumes/{id_}/clone", {"name": copy})
        self.owned[kind, made] = copy, size

    def _done(self, client: Client, wish: Doubt, method: str, path: str, body: object = None) -> str:
        self.doubt = wish
        place = client.job(method, path, body)
        self.doubt = replace(wish, place=place)
        made = client.end(place)
        self.doubt = None
        self.done[wish.verb] += 1
        return made.rsplit("/", 1)[-1]

    def settle(self, client: Client, dump: Any) -> None:
        """Hold the server to its promises; take over what came of the wish whose end was not heard of."""
        found = {
            (kind, id_): (told["Info"]["name"], told["Info"]["size"])
            for kind, part in (("volumes", "volumeentries"), ("blockvolumes", "blockvolumeentries"))
            for id_, told in dump[part].items()
            if told["Info"]["name"].startswith(f"{self.name}-")
        }
        doubt, self.doubt = self.doubt, None
        kept = {key: value for key, value in self.owned.items() if doubt is None or key != (doubt.kind, doubt.id)}
        new = {key: value for key, value in found.items() if key not in kept}
        assert {key: value for key, value in found.items() if key in kept} == kept
        if doubt is None:
            assert new == {}
        else:
            self._resolve(client, doubt, new)
        self.owned = found

    def _resolve(self, client: Client, doubt: Doubt, new: dict[tuple[str, str], tuple[str, int]]) -> None:
        before = self.owned.get((doubt.kind, doubt.id))
        grown = (doubt.name, before[1] + 1) if before else None
        happened = {"create": [doubt.name], "clone": [doubt.name], "delete": [], "expand": [grown]}[doubt.verb]
        found = [value if doubt.verb == "expand" else value[0] for value in new.values()]
        if doubt.place:  # then there is an end, and it is true
            try:
                client.end(doubt.place)
            except Refusal:
                happened = {"delete": [doubt.name], "expand": [before]}.get(doubt.verb, [])
            assert found == happened, doubt
        else:
            assert found in (happened, [] if before is None else [before if doubt.verb == "expand" else doubt.name])


class Crowd:
    """Visitors, all at once."""

    def __init__(self, count: int, **how: Any) -> None:
        self.visitors = [Visitor(f"v{number}", **how) for number in range(count)]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def come(self, port: int) -> None:
        """Begin, at a server that may be a new one."""
        self._stop.clear()
        self._threads = [threading.Thread(target=visitor.live, args=(port, self._stop)) for visitor in self.visitors]
        for thread in self._threads:
            thread.start()

    def go(self) -> None:
        """End, after the wishes at work."""
        self._stop.set()
        self.wait()

    def wait(self) -> None:
        """Wait until each has met with trouble."""
        for thread in self._threads:
            thread.join()

    def settle(self, port: int) -> None:
        """Hold the server to its promises once it is quiet, and look whether anybody else has volumes."""
        with Client(port) as client:
            client.quiet()
            dump = client.json("/db/dump")
            for visitor in self.visitors:
                visitor.settle(client, dump)
            require_agreement(client)
        volumes = {id_ for id_, told in dump["volumeentries"].items() if not told["Info"].get("block")}
        assert volumes == {id_ for visitor in self.visitors for kind, id_ in visitor.owned if kind == "volumes"}

    @property
    def done(self) -> Counter[str]:
        return sum((visitor.done for visitor in self.visitors), Counter())

    @property
    def statuses(self) -> Counter[int]:
        return sum((visitor.statuses for visitor in self.visitors), Counter())

    @property
    def trouble(self) -> list[str]:
        return [each for visitor in self.visitors for each in visitor.trouble]
