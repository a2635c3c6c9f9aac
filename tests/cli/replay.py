"""What it takes to repeat a recorded session: our server, our client, and texts without what chance decides.

Ids are random and bricks are placed at random, so ids, host names, devices and what hangs on them are levelled before
the outputs are compared. Commands name objects by id: recorded ids are translated to ours as both appear.
"""

import contextlib
import io
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
from tests.cli.conftest import Outcome

from pyheketi.cli.main import run

Call: TypeAlias = Callable[[Sequence[str], Mapping[str, str | None]], Outcome]

_ID = r"\b[0-9a-f]{32}\b|(?<=vol_)[0-9a-f]{32}"
ID = re.compile(_ID)
NOTHING = "0" * 32
"""The id of nothing."""


@dataclass
class Translation:
    """Which of our ids stands for which recorded one."""

    ours: dict[str, str] = field(default_factory=lambda: {NOTHING: NOTHING})

    def argv(self, words: Sequence[str]) -> list[str]:
        return [ID.sub(lambda found: self.ours.get(found[0], found[0]), word) for word in words]

    def learn(self, recorded: str, ours: str) -> None:
        """Pair ids that appear for the first time, in their order."""
        known = set(self.ours.values())
        theirs = [name for name in dict.fromkeys(ID.findall(recorded)) if name not in self.ours]
        new = [name for name in dict.fromkeys(ID.findall(ours)) if name not in known]
        self.ours |= dict(zip(theirs, new, strict=False))


_LEVELLED = (
    (re.compile(rf"{_ID}|(?<=[gkp]_)[0-9a-f]{{32}}"), "<id>"),
    (re.compile(r"(?<=glusterfs-)[0-9a-f]{8}\b"), "<id>"),
    (re.compile(r"\b192\.168\.\d+\.\d+"), "<ip>"),
    (re.compile(r"\b[bcd]?node\d\b"), "<node>"),
    (re.compile(r"/dev/[sv]d[a-z]\b"), "<device>"),
    (re.compile(r"\bfakeIQN\b|\biqn\.2016-12\.org\.gluster-block:[0-9a-f-]{36}"), "<iqn>"),  # ours look like real ones
    (re.compile(r"(?<=Username: ).+"), "<username>"),
    (re.compile(r"(?<=Password: ).+"), "<password>"),
    (re.compile(r"(?<=Known Paths: ).*"), "<paths>"),  # the original's simulated disks have no other names,
    (re.compile(r"(?<=Physical Volume UUID: ).*"), "<uuid>"),  # and no uuid
    (re.compile(r"(?<=Zone: )\d+"), "<zone>"),
    (re.compile(r"((?:Used|Free) \(GiB\)|Bricks):( ?)\d+ *"), r"\1:\2<n>"),
)


def levelled(text: str) -> Any:
    """Return text or JSON without what chance decides: as sorted lines, or as nested values."""
    if text.startswith("{"):
        return _levelled_json(json.loads(text))
    for pattern, replacement in _LEVELLED:
        text = pattern.sub(replacement, text)
    return sorted(text.split("\n"))


def _levelled_json(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_levelled_json(item) for item in value), key=json.dumps)
    if isinstance(value, dict) and value and all(ID.fullmatch(key) for key in value):
        return _levelled_json(list(value.values()))
    if isinstance(value, dict):
        chance = {"zone": 0, "used": 0, "free": 0} | ({"bricks": "<n>"} if "storage" in value else {})
        chance |= {"heketi.db": "<database>"} if "heketi.db" in value else {}
        chance |= {"Bricks": "<n>"} if "NodeId" in value else {}
        chance |= {key: bool(value[key]) for key in ("username", "password") if key in value}
        kept = {key: item for key, item in value.items() if key not in ("paths", "pv_uuid")}
        return {key: chance.get(key, _levelled_json(item)) for key, item in kept.items()}
    if isinstance(value, str):
        return "\n".join(levelled(value)) if not value.startswith("{") else value
    return value


_WHY = re.compile(r"^(Why nothing fits in cluster \w+:|  .*)\n", re.MULTILINE)
"""Below the original's text we say why."""


def assert_same(theirs: Outcome, ours: Outcome) -> None:
    """Compare what the original did with what we did."""
    assert levelled(ours.stdout) == levelled(theirs.stdout)
    assert levelled(_WHY.sub("", ours.errors)) == levelled(theirs.stderr)
    assert ours.exit == theirs.exit


def calling(url: str, recorded_port: int) -> Call:
    """Return a way to call our client as the original was called, on our server's port."""
    theirs, ours = f":{recorded_port}", f":{url.rpartition(':')[2]}"
    usual = {"HEKETI_CLI_SERVER": url, "HEKETI_CLI_USER": "admin", "HEKETI_CLI_KEY": "adminkey"}

    def call(argv: Sequence[str], env: Mapping[str, str | None]) -> Outcome:
        settings: dict[str, str | None] = {**usual, **env}
        written, complained = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("time.sleep", _patient)
            for name, value in settings.items():
                if value is None:
                    patch.delenv(name, raising=False)
                else:
                    patch.setenv(name, value.replace(theirs, ours))
            with contextlib.redirect_stdout(written), contextlib.redirect_stderr(complained):
                status = run([word.replace(theirs, ours) for word in argv])
        return Outcome(status, written.getvalue().replace(ours, theirs), complained.getvalue().replace(ours, theirs))

    return call


_sleep = time.sleep


def _patient(seconds: float) -> None:
    """Wait, but not while the person reconsiders."""
    _sleep(min(seconds, 1))
