"""Which settings take effect when the file is read again, and which wait for a restart (docs/settings.md).

Settings are told by the names of their keys in heketi.json, never with their values: some are secrets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeAlias

from pyheketi.config.load import PLACE
from pyheketi.config.settings import (
    KUBERNETES,
    GlusterSettings,
    KubeSettings,
    NodeSettings,
    Settings,
    SshSettings,
)

_Section: TypeAlias = Settings | GlusterSettings | NodeSettings | SshSettings | KubeSettings

_CERTIFICATE = frozenset({"cert_file", "key_file"})

LIVE: Mapping[type, frozenset[str]] = {
    Settings: frozenset(
        {"admin_key", "user_key", "request_body_limit_kb", "job_retention_hours", "history_days"}
        | {"shutdown_grace_seconds"}
    )
    | _CERTIFICATE,
    GlusterSettings: frozenset(
        {"loglevel", "brick_max_size_gb", "brick_min_size_gb", "max_bricks_per_volume", "average_file_size_kb"}
        | {"pre_request_volume_options", "post_request_volume_options", "zone_checking", "max_volumes_per_cluster"}
        | {"auto_create_block_hosting_volume", "block_hosting_volume_size", "block_hosting_volume_options"}
        | {"disable_monitor_gluster_nodes", "refresh_time_monitor_gluster_nodes", "start_time_monitor_gluster_nodes"}
        | {"disable_background_cleaner", "refresh_time_background_cleaner", "start_time_background_cleaner"}
        | {"max_inflight_operations", "volume_create_retries"}
    ),
}
"""Fields that take effect at once; ``in_force`` and the server must do something about each."""

AT_START: Mapping[type, frozenset[str]] = {
    Settings: frozenset(
        {"port", "bind_address", "enable_tls", "database_url", "default_state", "profiling"}
        | {"backup_folder", "backup_every_hours", "backup_keep", "backup_db_to_kube_secret"}
        | {"iat_leeway_seconds", "backup_name", "disable_auth"}  # not in the file
    ),
    GlusterSettings: frozenset({"db", "db_read_only", "executor", "seed", "mock_device_size_gb", "injectexec"}),
    **{kind: frozenset(each.name for each in fields(kind)) for kind in (NodeSettings, SshSettings, KubeSettings)},
}
"""Fields that are looked at when the server starts, and then never again."""

_OTHER_NAMES: Mapping[tuple[type, str], str] = {
    (Settings, "admin_key"): "jwt.admin.key",
    (Settings, "user_key"): "jwt.user.key",
    (Settings, "iat_leeway_seconds"): "HEKETI_JWT_IAT_LEEWAY_SECONDS",
    (Settings, "backup_name"): "HEKETI_KUBE_DB_SECRET_NAME",
    (Settings, "disable_auth"): "--disable-auth",
    (GlusterSettings, "volume_create_retries"): "glusterfs.operation_retry_limits.volume_create",
    (GlusterSettings, "mock_device_size_gb"): "HEKETI_MOCK_DEVICE_SIZE_GB",
    (SshSettings, "trusted_known_hosts"): "SSH_KNOWN_HOSTS",
}
"""Where the key is not named as the field is, in the section of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Names of the keys that differ."""

    now: tuple[str, ...]
    """Those that take effect at once."""
    later: tuple[str, ...]
    """Those that take effect after a restart."""


def compare(before: Settings, after: Settings) -> Changes:
    """Return what is different in ``after``, which has just been read."""
    found = list(_different(before, after))
    pods = after.glusterfs.executor.removeprefix("inject/") in KUBERNETES
    live = _live(before, after)
    names = [(key(kind, name, pods=pods), name in live.get(kind, ())) for kind, name in found]
    return Changes(
        now=tuple(name for name, at_once in names if at_once),
        later=tuple(name for name, at_once in names if not at_once),
    )


def in_force(before: Settings, after: Settings) -> Settings:
    """Return the settings that hold once ``after`` was read: ``before`` in all that waits for a restart."""
    live = _live(before, after)
    gluster = {name: getattr(after.glusterfs, name) for name in live[GlusterSettings]}
    top = {name: getattr(after, name) for name in live[Settings]}
    return replace(before, **top, glusterfs=replace(before.glusterfs, **gluster))


def key(kind: type, name: str, *, pods: bool = False) -> str:
    """Return what a field is called in heketi.json, or outside; ``pods`` tells that the executor uses Kubernetes."""
    place = PLACE[KubeSettings if pods and kind is NodeSettings else kind]
    return _OTHER_NAMES.get((kind, name)) or ".".join((*place, name))


def _live(before: Settings, after: Settings) -> Mapping[type, frozenset[str]]:
    """Return what takes effect at once: without TLS, now or after a restart, there is no certificate to renew."""
    return LIVE if before.enable_tls and after.enable_tls else {**LIVE, Settings: LIVE[Settings] - _CERTIFICATE}


def _different(before: _Section, after: _Section) -> Iterator[tuple[type, str]]:
    kind = type(before)
    for name in (each.name for each in fields(kind)):
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(old, _Section):
            yield from _different(old, new)
        elif old != new:
            yield kind, name
