"""Read heketi.json and the environment into settings, and tell of all faults at once."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from pyheketi.config import injection, jsonc
from pyheketi.config.injection import Injection
from pyheketi.config.settings import (
    KUBERNETES,
    UNUSED_OF_KUBE,
    GlusterSettings,
    KubeSettings,
    NodeSettings,
    Settings,
    SshSettings,
)

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_MODES = ("normal", "read-only", "local-client")
_LEVELS = ("none", "critical", "error", "warning", "info", "debug")
_TOP = frozenset({"port", "bind_address", "enable_tls", "cert_file", "key_file", "request_body_limit_kb"}) | frozenset(
    {"database_url", "job_retention_hours", "shutdown_grace_seconds", "default_state", "backup_db_to_kube_secret"}
    | {"history_days", "backup_folder", "backup_every_hours", "backup_keep"}
    | {"profiling"}
)
_ELSEWHERE = frozenset(
    {"volume_create_retries", "mock_device_size_gb", "trusted_known_hosts", "nodes", "ssh", "kube", "injectexec"}
    | {"backup_name"}
)
"""Fields that are no keys of their section."""

PLACE: dict[type, jsonc.Path] = {
    Settings: (),
    GlusterSettings: ("glusterfs",),
    NodeSettings: ("glusterfs", "sshexec"),
    SshSettings: ("glusterfs", "sshexec"),
    KubeSettings: ("glusterfs", "kubeexec"),
}
"""The section of the file that holds the keys of each kind of settings. How nodes are set up is told in the section of
the executor."""

_SECRET = frozenset({"jwt", "database_url"})
"""Keys at the top whose values are never part of a message."""

_ENVIRONMENT: dict[str, tuple[type, str]] = {
    "HEKETI_EXECUTOR": (GlusterSettings, "executor"),
    "HEKETI_DB_PATH": (GlusterSettings, "db"),
    "HEKETI_GLUSTERAPP_LOGLEVEL": (GlusterSettings, "loglevel"),
    "HEKETI_AUTO_CREATE_BLOCK_HOSTING_VOLUME": (GlusterSettings, "auto_create_block_hosting_volume"),
    "HEKETI_BLOCK_HOSTING_VOLUME_SIZE": (GlusterSettings, "block_hosting_volume_size"),
    "HEKETI_BLOCK_HOSTING_VOLUME_OPTIONS": (GlusterSettings, "block_hosting_volume_options"),
    "HEKETI_MAX_INFLIGHT_OPERATIONS": (GlusterSettings, "max_inflight_operations"),
    "HEKETI_PRE_REQUEST_VOLUME_OPTIONS": (GlusterSettings, "pre_request_volume_options"),
    "HEKETI_POST_REQUEST_VOLUME_OPTIONS": (GlusterSettings, "post_request_volume_options"),
    "HEKETI_ZONE_CHECKING": (GlusterSettings, "zone_checking"),
    "HEKETI_GLUSTER_MAX_VOLUMES_PER_CLUSTER": (GlusterSettings, "max_volumes_per_cluster"),
    "HEKETI_MOCK_DEVICE_SIZE_GB": (GlusterSettings, "mock_device_size_gb"),
    "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION": (NodeSettings, "rebalance_on_expansion"),
    "HEKETI_FSTAB": (NodeSettings, "fstab"),
    "HEKETI_MOUNT_OPTS": (NodeSettings, "mountopts"),
    "HEKETI_SNAPSHOT_LIMIT": (NodeSettings, "snapshot_limit"),
    "HEKETI_GLUSTER_CLI_TIMEOUT": (NodeSettings, "gluster_cli_timeout"),
    "HEKETI_DEBUG_UMOUNT_FAILURES": (NodeSettings, "debug_umount_failures"),
    "HEKETI_BLOCK_VOLUME_DEFAULT_PREALLOC": (NodeSettings, "block_prealloc"),
    "HEKETI_LVM_WRAPPER": (NodeSettings, "lvm_wrapper"),
    "HEKETI_SSH_KEYFILE": (SshSettings, "keyfile"),
    "HEKETI_SSH_USER": (SshSettings, "user"),
    "HEKETI_SSH_PORT": (SshSettings, "port"),
    "HEKETI_KUBE_NAMESPACE": (KubeSettings, "namespace"),
    "HEKETI_KUBE_GLUSTER_DAEMONSET": (KubeSettings, "gluster_daemonset"),
    "HEKETI_KUBE_USE_POD_NAMES": (KubeSettings, "use_pod_names"),
    "HEKETI_KUBE_DB_SECRET_NAME": (Settings, "backup_name"),
    "HEKETI_DEFAULT_STATE": (Settings, "default_state"),
    "HEKETI_USER_KEY": (Settings, "user_key"),
    "HEKETI_ADMIN_KEY": (Settings, "admin_key"),
    "HEKETI_HTTP_PORT": (Settings, "port"),
    "HEKETI_JWT_IAT_LEEWAY_SECONDS": (Settings, "iat_leeway_seconds"),
}
"""Variables that override fields (config.md §2); those that only turn things on or off are apart."""

_ANY_TEXT_IS_YES = {
    "HEKETI_BACKUP_DB_TO_KUBE_SECRET": "backup_db_to_kube_secret",
    "HEKETI_PROFILING": "profiling",
}
"""Variables that turn a field at the top on, whatever they say."""

_ZERO_IS_DEFAULT = frozenset(
    {
        "brick_max_size_gb",
        "brick_min_size_gb",
        "max_bricks_per_volume",
        "average_file_size_kb",
        "max_volumes_per_cluster",
        "block_hosting_volume_size",
        "max_inflight_operations",
        "mock_device_size_gb",
        "gluster_cli_timeout",
        "volume_create_retries",
        "request_body_limit_kb",
        "job_retention_hours",
        "history_days",
        "backup_every_hours",
        "backup_keep",
        "max_connections",
        "sessions_per_node",
        "connect_timeout",
        "refresh_time_monitor_gluster_nodes",
        "refresh_time_background_cleaner",
    }
)
_NEGATIVE_IS_DEFAULT = frozenset({"block_hosting_volume_size", "volume_create"})
_MAY_BE_NEGATIVE = _NEGATIVE_IS_DEFAULT | {
    "max_volumes_per_cluster",
    "max_connections",
    "max_inflight_operations",
    "history_days",
    "backup_every_hours",
    "seed",
}


_PORT = "a TCP port, 1 to 65535"
_PREALLOC = re.compile(r"[a-zA-Z0-9_-]+")


class ConfigError(Exception):
    """The configuration cannot be used; tells of every fault."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = tuple(map(_printable, faults))
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and what is worth knowing about them."""

    settings: Settings
    warnings: tuple[str, ...]


def load(path: str, environ: Mapping[str, str], *, disable_auth: bool = False, serving: bool = True) -> Loaded:
    """Read a configuration file and the environment; the command line's ``disable_auth`` comes first.

    What only matters to clients, such as the port, need not be there unless ``serving``.

    Raises:
        ConfigError: the file cannot be read, or something in it or in a variable makes no sense.
    """
    try:
        text = Path(path).read_bytes().decode()
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror}",)) from error
    except UnicodeDecodeError as error:
        raise ConfigError((f"{path}: is no text in UTF-8: byte {error.start}",)) from error
    return parse_settings(text, path, environ, disable_auth=disable_auth, serving=serving)


def parse_settings(
    text: str, name: str, environ: Mapping[str, str], *, disable_auth: bool = False, serving: bool = True
) -> Loaded:
    """Return the settings that a text and variables mean; ``name`` is told in faults.

    Raises:
        ConfigError: with all faults.
    """
    try:
        document = jsonc.parse(text)
    except jsonc.Fault as fault:
        line, column = fault.position
        raise ConfigError((f"{name}:{line}:{column}: {fault.text}",)) from fault
    reader = _Reader(document, name, environ)
    settings = reader.settings(disable_auth=disable_auth, rules=_RULES if serving else _OFFLINE_RULES)
    if reader.faults:
        raise ConfigError(tuple(reader.faults))
    return Loaded(settings, tuple(map(_printable, reader.warnings)))


def _printable(text: str) -> str:
    """Return a text without control characters: what stands in a file is not to rule the terminal."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


class _Reader:
    """Collects values, faults and warnings."""

    def __init__(self, document: jsonc.Document, name: str, environ: Mapping[str, str]) -> None:
        self._document, self._name, self._environ = document, name, environ
        self.faults: list[str] = []
        self._faulty: set[jsonc.Path] = set()
        self._positions = {_lower(path): place for path, place in document.positions.items()}
        self._variables: dict[jsonc.Path, str] = {}
        self._places = dict(PLACE)
        self.warnings = [f"{name}:{line}:{column}: {text}" for (line, column), text in document.warnings]

    def settings(self, *, disable_auth: bool, rules: "Iterable[_Rule]") -> Settings:
        top = self._section((), self._document.value, _TOP | {"use_auth", "jwt", "glusterfs"})
        values = self._values(Settings, top)
        use_auth = self._typed(top["use_auth"], bool, "use_auth") if "use_auth" in top else None
        if use_auth is False and not disable_auth:
            self.warnings.append(
                f"{self._at(top['use_auth'][0])}: use_auth: has no effect, as in Heketi 10: clients need a token "
                "unless the server is started with --disable-auth"
            )
        values |= {name: True for word, name in _ANY_TEXT_IS_YES.items() if self._environ.get(word)}
        for role in ("admin", "user"):
            key = self._key(top, role)
            values.setdefault(f"{role}_key", key)
        values["port"] = values.get("port", 0)
        values["disable_auth"] = disable_auth
        values["glusterfs"] = self._gluster(top, cluster=values.get("backup_db_to_kube_secret", False))
        settings = Settings(**values)
        self._check(settings, rules)
        return settings

    def _gluster(self, top: "_Section", *, cluster: bool) -> GlusterSettings:
        """Return the settings of gluster; ``cluster`` tells whether Kubernetes is needed whatever the executor is."""
        if "glusterfs" not in top:
            self.faults.append(f'{self._name}: glusterfs: this section is missing: "glusterfs": {{…}}')
            self._faulty.add(("glusterfs",))
            return GlusterSettings()
        path, value = top["glusterfs"]
        known = {each.name for each in fields(GlusterSettings)} - _ELSEWHERE
        known |= {"sshexec", "injectexec", "kubeexec", "operation_retry_limits", "allocator"}
        section = self._section(path, value, known)
        values = self._values(GlusterSettings, section)
        if "operation_retry_limits" in section:
            limits = self._section(*section["operation_retry_limits"], {"volume_create"})
            if "volume_create" in limits:
                given = self._typed(limits["volume_create"], int, "volume_create")
                values |= {"volume_create_retries": given} if given and given > 0 else {}
        for word, flag in (
            ("HEKETI_DISABLE_HEALTH_MONITOR", "disable_monitor_gluster_nodes"),
            ("HEKETI_DISABLE_BACKGROUND_CLEANER", "disable_background_cleaner"),
        ):
            if self._environ.get(word) == "true":
                values[flag] = True
        if "injectexec" in section:
            values["injectexec"] = self._injection(*section["injectexec"])
        return GlusterSettings(**values, **self._of_nodes(section, values.get("executor", ""), cluster=cluster))

    def _of_nodes(self, gluster: "_Section", executor: str, *, cluster: bool) -> dict[str, Any]:
        """Return how nodes are set up and reached. A section that nobody needs is not looked at: samples have all."""
        pods = executor.removeprefix("inject/") in KUBERNETES
        kube = self._section_of(KubeSettings, gluster, UNUSED_OF_KUBE) if pods or cluster else {}
        ssh = {} if pods else self._section_of(SshSettings, gluster)
        if pods:
            self._places[NodeSettings] = self._places[KubeSettings]
        for key in UNUSED_OF_KUBE:
            if key in kube:
                advice = "the pod's service account is used, or kubeconfig"
                self.warnings.append(f"{self._where(kube[key][0])}: has no effect: {advice}")
        trusted = tuple(filter(None, self._environ.get("SSH_KNOWN_HOSTS", "").split(":")))
        return {
            "nodes": NodeSettings(**self._node_values(kube if pods else ssh)),
            "ssh": SshSettings(**self._values(SshSettings, ssh), trusted_known_hosts=trusted),
            "kube": KubeSettings(**self._values(KubeSettings, kube)),
        }

    def _section_of(self, kind: type, gluster: "_Section", more: Iterable[str] = ()) -> "_Section":
        name = self._places[kind][-1]
        path, value = gluster.get(name, (("glusterfs", name), {}))
        keys = {each.name for part in (NodeSettings, kind) for each in fields(part)} - _ELSEWHERE
        return self._section(path, value, keys | {*more})

    def _node_values(self, section: "_Section") -> dict[str, Any]:
        values = self._values(NodeSettings, section)
        if _PREALLOC.fullmatch(values.get("block_prealloc", "full")) is None:
            del values["block_prealloc"]
            where = self._where((*self._places[NodeSettings], "block_prealloc"))
            self.warnings.append(f"{where}: expected letters, digits, - and _; full is used")
        if "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION" not in self._environ:
            values.pop("rebalance_on_expansion", None)
        return values

    def _injection(self, path: jsonc.Path, value: object) -> Injection:
        def complain(below: tuple[str, ...], text: str) -> None:
            where = (*path, *below)
            self.faults.append(f"{self._at(where)}: {'.'.join(where)}: {text}")

        return injection.parse(value, complain)

    # -- sections ------------------------------------------------------------------------------------------------

    def _section(self, path: jsonc.Path, value: object, known: "frozenset[str] | set[str]") -> "_Section":
        """Return the keys of a section by their names here, each with its path and value."""
        if value is None and path:
            return {}
        if not isinstance(value, dict):
            self._expected(path, "a section in braces", value)
            return {}
        by_lower = {each.lower(): each for each in known}
        found: _Section = {}
        for key, item in value.items():
            if (name := by_lower.get(key.lower())) is not None:
                if name in found:
                    self.warnings.append(f'{self._at((*path, key))}: "{name}" is given twice, the last one counts')
                found[name] = ((*path, key), item)
            elif not key.startswith("_"):
                close = difflib.get_close_matches(key.lower(), sorted(known), 1)
                hint = f", did you mean {close[0]}?" if close else ""
                self.warnings.append(f"{self._at((*path, key))}: {'.'.join((*path, key))}: unknown setting{hint}")
        return found

    def _values(self, kind: type, section: "_Section") -> dict[str, Any]:
        """Return the fields of ``kind`` that a section or a variable gives."""
        values: dict[str, Any] = {}
        for each in fields(kind):
            if each.name in section and each.name not in _ELSEWHERE | {"glusterfs"}:
                value = self._typed(section[each.name], _type_of(each.type), each.name)
                if value is not None:
                    values[each.name] = value
        for word, (owner, name) in _ENVIRONMENT.items():
            if owner is kind and self._environ.get(word):
                wanted = next(_type_of(each.type) for each in fields(kind) if each.name == name)
                self._variables[self._places[kind] + (name,)] = word
                value = self._from_text(word, wanted, name)
                if value is None:
                    self._faulty.add((*self._places[kind], name))
                else:
                    values[name] = value
        return {name: value for name, value in values.items() if not _means_default(name, value)}

    def _typed(self, given: tuple[jsonc.Path, object], wanted: type, name: str) -> Any:
        """Return a value of the wanted type, or None after a fault."""
        path, value = given
        if value is None:
            return None
        if name == "port":
            return self._port(path, value)
        if wanted is int and isinstance(value, int) and not isinstance(value, bool):
            if value < 0 and name not in _MAY_BE_NEGATIVE:
                self._expected(path, "a number that is not negative", value)
                return None
            return value
        if wanted is not int and isinstance(value, wanted):
            return value
        words = {int: "a whole number, without quotes", bool: "true or false, without quotes", str: "text in quotes"}
        self._expected(path, words[wanted], value)
        return None

    def _port(self, path: jsonc.Path, value: object) -> int | None:
        if value == "" or (number := _tcp_port(value)) is not None:
            return None if value == "" else number
        if len(path) > 1 and isinstance(value, str) and re.search(r"[a-z] [a-z]", value, re.IGNORECASE):
            self.warnings.append(f"{self._at(path)}: {'.'.join(path)}: is no number, 22 is used")
            return None  # the sample file of the original has a sentence here
        self._expected(path, _PORT, value)
        return None

    def _from_text(self, word: str, wanted: type, name: str) -> Any:
        text = self._environ[word]
        if wanted is str:
            return text
        if name == "port":
            if (port := _tcp_port(text)) is None:
                self.faults.append(f"{word}: expected {_PORT}, found {text!r}")
            return port
        if wanted is bool:
            if word.startswith("HEKETI_KUBE_") and text[0].lower() in "yn10":
                return text[0].lower() in "y1"
            if text in _TRUE | _FALSE:
                return text in _TRUE
            self.faults.append(f"{word}: expected true or false, found {text!r}")
            return None
        try:
            number = int(text)
        except ValueError:
            self.faults.append(f"{word}: expected a whole number, found {text!r}")
            return None
        if number < 0 and name not in _MAY_BE_NEGATIVE:
            self.faults.append(f"{word}: expected a number that is not negative, found {text!r}")
            return None
        return number

    def _key(self, top: "_Section", role: str) -> str:
        """Return the secret of a role. It is never part of a message."""
        if "jwt" not in top:
            return ""
        roles = self._section(*top["jwt"], {"admin", "user"})
        if role not in roles:
            return ""
        path, value = roles[role]
        section = self._section(path, value, {"key"})
        return self._typed(section["key"], str, "key") or "" if "key" in section else ""

    # -- rules ---------------------------------------------------------------------------------------------------

    def _check(self, settings: Settings, rules: "Iterable[_Rule]") -> None:
        """Add what is wrong between settings, except where a fault of one of them is told already."""
        for rule in rules:
            for about, text in rule(settings):
                if not any(_touches(path, faulty) for path in about for faulty in self._faulty):
                    self.faults.append(f"{self._where(about[0])}: {text}")

    def _where(self, path: jsonc.Path) -> str:
        """Return the variable that gave a setting, or its place in the file and its name."""
        return self._variables.get(_lower(path)) or f"{self._at(path)}: {'.'.join(path)}"

    def _at(self, path: jsonc.Path) -> str:
        place = self._document.positions.get(path) or self._positions.get(_lower(path))
        return f"{self._name}:{place[0]}:{place[1]}" if place else self._name

    def _expected(self, path: jsonc.Path, what: str, found: object) -> None:
        self._faulty.add(_lower(path))
        shown = "a section or list" if isinstance(found, dict | list) else repr(found)[:60]
        if path and path[0].lower() in _SECRET:
            shown = "something else"
        fault = f"{self._at(path)}: {'.'.join(path) or 'the file'}: expected {what}, found {shown}"
        if fault not in self.faults:
            self.faults.append(fault)


_Section = dict[str, tuple[jsonc.Path, object]]


def _type_of(annotation: object) -> type:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return {"int": int, "bool": bool}.get(text.split(" |")[0], str)


def _lower(path: jsonc.Path) -> jsonc.Path:
    return tuple(part.lower() for part in path)


def _touches(path: jsonc.Path, other: jsonc.Path) -> bool:
    """Tell whether one of two settings is the other, or holds it."""
    shared = min(len(path), len(other))
    return path[:shared] == other[:shared]


def _means_default(name: str, value: object) -> bool:
    if isinstance(value, int) and name in _NEGATIVE_IS_DEFAULT:
        return value <= 0
    return value == "" or (value == 0 and name in _ZERO_IS_DEFAULT)


def _tcp_port(value: object) -> int | None:
    """Return a port that is given as number or as text."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536 else None


# -- rules between settings ----------------------------------------------------------------------------------------

_Finding: TypeAlias = tuple[tuple[jsonc.Path, ...], str]
"""The settings that a fault is about, the one to change first, and what is wrong."""

_EXECUTOR = ("glusterfs", "executor")


def _has_port(settings: Settings) -> Iterator[_Finding]:
    if not settings.port:
        yield (("port",),), 'must be set, for example "port": "8080"'


def _has_keys(settings: Settings) -> Iterator[_Finding]:
    if not settings.disable_auth and not (settings.admin_key and settings.user_key):
        yield (
            (("jwt",),),
            (
                "Missing JWT information in config file: set jwt.admin.key and jwt.user.key (or HEKETI_ADMIN_KEY and "
                "HEKETI_USER_KEY), or start the server with --disable-auth"
            ),
        )


def _has_certificate(settings: Settings) -> Iterator[_Finding]:
    if settings.enable_tls:
        for name, file in (("cert_file", settings.cert_file), ("key_file", settings.key_file)):
            about = ((name,), ("enable_tls",))
            if not file:
                yield about, "must be set with enable_tls"
            elif not Path(file).is_file():
                yield about, f"there is no file {file}"


def _has_executor(settings: Settings) -> Iterator[_Finding]:
    executor = settings.glusterfs.executor
    if executor.removeprefix("inject/") not in {"ssh", "mock", *KUBERNETES}:
        yield (_EXECUTOR,), f"invalid executor: {executor} (ssh, kubernetes or mock; inject/ and one of them)"
    elif executor.endswith("ssh") and not settings.glusterfs.ssh.keyfile:
        about = (("glusterfs", "sshexec", "keyfile"), _EXECUTOR)
        yield about, "Missing ssh private key file in configuration"


def _has_sane_limits(settings: Settings) -> Iterator[_Finding]:
    gluster = settings.glusterfs
    if gluster.brick_min_size_gb > gluster.brick_max_size_gb:
        about = (("glusterfs", "brick_min_size_gb"), ("glusterfs", "brick_max_size_gb"))
        yield about, f"{gluster.brick_min_size_gb} is more than brick_max_size_gb, {gluster.brick_max_size_gb}"
    if gluster.zone_checking not in ("none", "strict"):
        yield (("glusterfs", "zone_checking"),), f"expected none or strict, found {gluster.zone_checking!r}"
    if gluster.loglevel not in _LEVELS:
        yield (("glusterfs", "loglevel"),), f"expected one of {', '.join(_LEVELS)}, found {gluster.loglevel!r}"


def _has_mode(settings: Settings) -> Iterator[_Finding]:
    if settings.default_state not in _MODES:
        yield (("default_state",),), f"expected one of {', '.join(_MODES)}, found {settings.default_state!r}"


_Rule: TypeAlias = Callable[[Settings], Iterator[_Finding]]
_OFFLINE_RULES: tuple[_Rule, ...] = (_has_executor, _has_sane_limits)
_RULES: tuple[_Rule, ...] = (_has_port, _has_keys, _has_certificate, *_OFFLINE_RULES, _has_mode)
