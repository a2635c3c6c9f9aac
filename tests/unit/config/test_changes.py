"""Every setting is decided: it takes effect at once or after a restart, and is told by its name in the file."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from pyheketi import server
from pyheketi.config import changes
from pyheketi.config.changes import AT_START, LIVE, Changes
from pyheketi.config.injection import Injection
from pyheketi.config.load import parse_settings
from pyheketi.config.settings import GlusterSettings, KubeSettings, NodeSettings, Settings, SshSettings

ROOT = Path(__file__).parents[3]
BEFORE = Settings(port=8080, admin_key="a", user_key="u", enable_tls=True, cert_file="c", key_file="k")
KINDS = (Settings, GlusterSettings, NodeSettings, SshSettings, KubeSettings)
SECTIONS = {"glusterfs", "nodes", "ssh", "kube"}
OTHERS: dict[str, Any] = {
    "zone_checking": "strict",
    "loglevel": "debug",
    "default_state": "read-only",
    "executor": "inject/mock",
    "seed": 17,
    "injectexec": Injection(commands=("x",)),  # type: ignore[arg-type]  # anything else than none
    "trusted_known_hosts": ("x",),
}
NOT_IN_THE_FILE = {
    "disable_auth",
    "iat_leeway_seconds",
    "backup_name",
    "mock_device_size_gb",
    "trusted_known_hosts",
} | {
    "injectexec",  # a section with rules of its own
    "rebalance_on_expansion",  # of the environment only, though its name is known
}


EVERYTHING = [(kind, each.name) for kind in KINDS for each in fields(kind) if each.name not in SECTIONS]


def another(name: str, value: object) -> Any:
    """Return a value that is not the one a setting has."""
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x"


def changed(kind: type, name: str, before: Settings = BEFORE) -> Settings:
    gluster = before.glusterfs
    if kind is Settings:
        return replace(before, **{name: another(name, getattr(before, name))})
    if kind is GlusterSettings:
        return replace(before, glusterfs=replace(gluster, **{name: another(name, getattr(gluster, name))}))
    section = {NodeSettings: "nodes", SshSettings: "ssh", KubeSettings: "kube"}[kind]
    present = getattr(gluster, section)
    new = replace(present, **{name: another(name, getattr(present, name))})
    return replace(before, glusterfs=replace(gluster, **{section: new}))


def effects(settings: Settings) -> tuple[object, ...]:
    """Return all that the server does about settings that it has read again."""
    gluster, keys = settings.glusterfs, server._keys(settings)
    shown = keys and (keys.admin, keys.user, keys.iat_leeway)
    files = settings.cert_file, settings.key_file
    return (
        *(server.make_limits(gluster), server.make_rules(settings), shown),
        *(server._body_limit(settings), gluster.loglevel, files),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_decided(kind: type) -> None:
    live, at_start = LIVE.get(kind, frozenset()), AT_START[kind]
    assert live & at_start == frozenset()
    assert live | at_start == {each.name for each in fields(kind)} - SECTIONS


@pytest.mark.parametrize(("kind", "name"), EVERYTHING)
def test_what_changed_is_told_and_put_in_force_if_it_is_live(kind: type, name: str) -> None:
    after = changed(kind, name)
    assert after != BEFORE
    key, live = changes.key(kind, name), name in LIVE.get(kind, ())
    assert changes.compare(BEFORE, after) == (Changes(now=(key,), later=()) if live else Changes(now=(), later=(key,)))
    now = changes.in_force(BEFORE, after)
    assert now == (after if live else BEFORE)
    assert (effects(now) != effects(BEFORE)) is live
    assert changes.compare(now, after) == Changes(now=(), later=() if live else (key,)), "until the restart"


@pytest.mark.parametrize(("kind", "name"), EVERYTHING)
def test_keys_are_called_as_in_the_file(kind: type, name: str) -> None:
    if name in NOT_IN_THE_FILE:
        assert "." not in changes.key(kind, name) or name in {"injectexec", "rebalance_on_expansion"}
        return
    before = parse_settings(json.dumps(document()), "f", {}).settings
    path, text = changes.key(kind, name).split("."), document()
    section: Any = text
    for part in path[:-1]:
        section = section.setdefault(part, {})
    owner = getattr(before.glusterfs, {NodeSettings: "nodes", SshSettings: "ssh"}.get(kind, ""), before.glusterfs)
    if kind is KubeSettings:
        text["glusterfs"]["executor"] = "kubernetes"
        owner = before.glusterfs.kube
    present = getattr(before if kind is Settings else owner, name)
    section[path[-1]] = str(ROOT / "README.md") if present == __file__ else another(name, present)
    after = parse_settings(json.dumps(text), "f", {}).settings
    found = changes.compare(before, after)
    assert {*found.now, *found.later} - ({"glusterfs.executor"} if kind is KubeSettings else set()) == {".".join(path)}


def document() -> dict[str, Any]:
    keys = {"admin": {"key": "a"}, "user": {"key": "u"}}
    files = {"enable_tls": True, "cert_file": __file__, "key_file": __file__}
    return {"port": 8080, "jwt": keys, "glusterfs": {"executor": "mock"}} | files


def test_nodes_that_are_pods_are_set_up_by_the_section_of_pods() -> None:
    pods = replace(BEFORE, glusterfs=replace(BEFORE.glusterfs, executor="inject/kubernetes"))
    assert changes.compare(pods, changed(NodeSettings, "fstab", pods)).later == ("glusterfs.kubeexec.fstab",)


@pytest.mark.parametrize("tls", [(False, False), (False, True), (True, False)])
def test_without_tls_there_is_no_certificate_to_renew(tls: tuple[bool, bool]) -> None:
    before, after = replace(BEFORE, enable_tls=tls[0]), replace(BEFORE, enable_tls=tls[1], cert_file="", key_file="x")
    found = changes.compare(before, after)
    assert found.now == ()
    assert {"cert_file", "key_file"} <= {*found.later}
    assert changes.in_force(before, after) == before


def test_what_takes_effect_at_once_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text().split("\n## Changing settings")[1].split("\n## ")[0]
    listed = re.findall(r"`([\w.]+)`", text.split("\n\n")[2])
    assert sorted(listed) == sorted(
        changes.key(kind, name).removeprefix("glusterfs.") for kind, names in LIVE.items() for name in names
    )


def test_kinds_of_settings_are_all_looked_into() -> None:
    assert {*KINDS} == {*get_args(changes._Section)}
