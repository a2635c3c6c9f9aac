import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shared import shared_dir

from pyheketi.config import jsonc
from pyheketi.config.load import _ANY_TEXT_IS_YES, _ENVIRONMENT, PLACE, ConfigError, _type_of, load, parse_settings
from pyheketi.config.settings import (
    GlusterSettings,
    KubeSettings,
    NodeSettings,
    Settings,
    SshSettings,
)

ROOT = Path(__file__).resolve().parents[3]
MOCK = '{"port": "8080", "jwt": {"admin": {"key": "a"}, "user": {"key": "b"}}, "glusterfs": {"executor": "mock"}}'
NO_KEYS = (
    "jwt: Missing JWT information in config file: set jwt.admin.key and jwt.user.key (or HEKETI_ADMIN_KEY and "
    "HEKETI_USER_KEY), or start the server with --disable-auth"
)


def faults(text: str, environ: dict[str, str] | None = None, *, disable_auth: bool = False) -> list[str]:
    try:
        parse_settings(text, "f", environ or {}, disable_auth=disable_auth)
    except ConfigError as error:
        return list(error.faults)
    return []


def test_defaults() -> None:
    loaded = parse_settings(MOCK, "f", {})
    assert loaded.warnings == ()
    assert loaded.settings == Settings(
        port=8080, admin_key="a", user_key="b", glusterfs=GlusterSettings(executor="mock")
    )


@pytest.mark.parametrize("guide", ["01-three-servers-glusterfs-heketi", "04-dynamic-provisioning-ubuntu"])
def test_the_guides_files_load_as_they_are(guide: str) -> None:
    text = (shared_dir() / "seeds" / f"{guide}.md").read_text(errors="replace")
    found = re.search(r"heketi\.json\s*(?:<< EOF)?\n(\{.*?^\})", text, re.DOTALL | re.MULTILINE)
    assert found
    settings = parse_settings(found[1], "heketi.json", {}).settings
    assert settings.port == 8080
    assert settings.glusterfs.ssh.user == "root"
    assert settings.glusterfs.db == "/var/lib/heketi/heketi.db"


def test_the_third_guide_s_file_loads_once_its_blanks_are_filled_in() -> None:
    text = (shared_dir() / "seeds" / "03-heketi-standalone-and-kubernetes.md").read_text()
    found = re.search(r"^```\n(\{\n  \"_port_comment.*?^\})", text, re.DOTALL | re.MULTILINE)
    assert found
    (fault,) = faults(found[1])
    assert fault.endswith("glusterfs.sshexec.port: expected a TCP port, 1 to 65535, found '<ваш ssh-порт>'")
    settings = parse_settings(found[1].replace("<ваш ssh-порт>", "2222"), "f", {}).settings
    assert (settings.glusterfs.ssh.port, settings.glusterfs.ssh.user) == (2222, "root")


def test_our_own_example_loads() -> None:
    loaded = load(str(ROOT / "deploy" / "heketi.json"), {})
    assert loaded.warnings == ()
    assert loaded.settings.glusterfs.executor == "ssh"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["f:1:1: the file ends here, a value is missing"]),
        ("{", ["f:1:2: the file ends here, a } is missing"]),
        ('{"a": 1\n "b": 2}', ["f:2:2: a comma is missing before this"]),
        ('{"a" 1}', ['f:1:6: a colon is expected here, after the key "a"']),
        ("{'a': 1}", ['f:1:2: a key in double quotes is expected here: "key": value']),
        ('{"a": yes}', ["f:1:7: this is no value (text stands in double quotes)"]),
        ('{"a": "x\n"}', ["f:1:7: this text has no closing double quote on its line"]),
        ('{, "a": 1}', ["f:1:2: there is nothing before this comma"]),
        ('{"a": 1' + "0" * 5000 + "}", ["f:1:7: this number is too long"]),
        (r'{"a": "\q"}', ["f:1:7: this text has a backslash that means nothing; a plain one is written twice"]),
        ("/* x", ["f:1:1: this comment has no end"]),
        ("[" * 200, ["f:1:102: too deeply nested"]),
        ("[]", ["f:1:1: the file: expected a section in braces, found a section or list"]),
    ],
)
def test_what_is_no_json_is_told_with_its_place(text: str, expected: list[str]) -> None:
    assert faults(text)[: len(expected)] == expected


def test_all_faults_at_once() -> None:
    text = """{
  "port": "http",
  "enable_tls": "no",
  "glusterfs": {
    "brick_max_size_gb": "1024",
    "sshexec": {"gluster_cli_timeout": "Optional: seconds", "sudo": 1}
  }
}"""
    assert faults(text, {"HEKETI_SNAPSHOT_LIMIT": "many"}) == [
        "f:2:3: port: expected a TCP port, 1 to 65535, found 'http'",
        "f:3:3: enable_tls: expected true or false, without quotes, found 'no'",
        "f:5:5: glusterfs.brick_max_size_gb: expected a whole number, without quotes, found '1024'",
        "f:6:61: glusterfs.sshexec.sudo: expected true or false, without quotes, found 1",
        (
            "f:6:17: glusterfs.sshexec.gluster_cli_timeout: expected a whole number, without quotes, "
            "found 'Optional: seconds'"
        ),
        "HEKETI_SNAPSHOT_LIMIT: expected a whole number, found 'many'",
        f"f: {NO_KEYS}",
        "f: glusterfs.sshexec.keyfile: Missing ssh private key file in configuration",
    ]


EXECUTORS = "(ssh, kubernetes or mock; inject/ and one of them)"


@pytest.mark.parametrize(
    ("change", "environ", "expected"),
    [
        (
            {"executor": "x"},
            {},
            "f:1:86: glusterfs.executor: invalid executor: x (ssh, kubernetes or mock; inject/ and one of them)",
        ),
        ({}, {"HEKETI_EXECUTOR": "x"}, f"HEKETI_EXECUTOR: invalid executor: x {EXECUTORS}"),
        ({}, {"HEKETI_HTTP_PORT": "70000"}, "HEKETI_HTTP_PORT: expected a TCP port, 1 to 65535, found '70000'"),
        ({}, {"HEKETI_SSH_PORT": "0"}, "HEKETI_SSH_PORT: expected a TCP port, 1 to 65535, found '0'"),
        (
            {},
            {"HEKETI_DEFAULT_STATE": "x"},
            "HEKETI_DEFAULT_STATE: expected one of normal, read-only, local-client, found 'x'",
        ),
        ({"executor": 1}, {}, "f:1:86: glusterfs.executor: expected text in quotes, found 1"),
        (
            {"db_read_only": "x"},
            {},
            "f:1:106: glusterfs.db_read_only: expected true or false, without quotes, found 'x'",
        ),
    ],
    ids=str,
)
def test_a_fault_names_what_to_change_and_nothing_else(
    change: dict[str, object], environ: dict[str, str], expected: str
) -> None:
    text = json.dumps(json.loads(MOCK) | {"glusterfs": {"executor": "mock"} | change})
    assert faults(text, environ) == [expected]


@pytest.mark.parametrize(
    "meaningless",
    [
        {"db": "", "loglevel": "", "zone_checking": "", "block_hosting_volume_options": ""},
        {"brick_max_size_gb": 0, "max_inflight_operations": 0, "refresh_time_background_cleaner": 0},
        {"block_hosting_volume_size": -1, "operation_retry_limits": {"volume_create": -1}},
        {"sshexec": {"fstab": "", "user": "", "port": "", "gluster_cli_timeout": 0}},
        {"sshexec": None, "db": None},
    ],
    ids=str,
)
def test_nothing_and_zero_mean_the_default(meaningless: dict[str, object]) -> None:
    text = json.dumps(json.loads(MOCK) | {"glusterfs": {"executor": "mock"} | meaningless})
    loaded = parse_settings(text, "f", {})
    assert loaded.settings.glusterfs == GlusterSettings(executor="mock")
    assert loaded.warnings == ()


def test_zero_means_the_default_at_the_top_too() -> None:
    text = json.dumps(json.loads(MOCK) | {"job_retention_hours": 0, "history_days": 0, "request_body_limit_kb": 0})
    assert parse_settings(text, "f", {}).settings == parse_settings(MOCK, "f", {}).settings


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"port": None}, 'port: must be set, for example "port": "8080"'),
        ({"jwt": {}}, "Missing JWT information in config file"),
        ({"glusterfs": {"executor": "x"}}, "invalid executor: x"),
        ({"glusterfs": {"executor": "inject/x"}}, "invalid executor: inject/x"),
        ({"glusterfs": {}}, "Missing ssh private key file in configuration"),
        ({"glusterfs": {"executor": "mock", "brick_min_size_gb": 5000}}, "5000 is more than brick_max_size_gb"),
        ({"glusterfs": {"executor": "mock", "zone_checking": "some"}}, "expected none or strict"),
        ({"enable_tls": True}, "cert_file: must be set with enable_tls"),
        ({"enable_tls": True, "cert_file": "/no/such"}, "there is no file /no/such"),
        ({"default_state": "frozen"}, "expected one of normal, read-only, local-client, found 'frozen'"),
    ],
    ids=str,
)
def test_rules_between_settings(change: dict[str, object], text: str) -> None:
    assert any(text in fault for fault in faults(json.dumps(json.loads(MOCK) | change)))


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        (MOCK + " more", {}, "f:1:107: what follows here is ignored"),
        (MOCK.replace('"mock"', '"mock",'), {}, "f:1:105: a comma before the end is not needed"),
        (MOCK.replace("{", '{"port": 1, ', 1), {}, 'f:1:13: "port" is given twice, the last one counts'),
        (MOCK.replace("{", '{"Port": 1, ', 1), {}, 'f:1:13: "port" is given twice, the last one counts'),
        (
            MOCK.replace("{", '{"use_auth": false, ', 1),
            {},
            (
                "f:1:2: use_auth: has no effect, as in Heketi 10: clients need a token unless the server is started "
                "with --disable-auth"
            ),
        ),
        (
            MOCK.replace('"mock"', '"mock", "sshexec": {"port": "Optional: ssh port. Default is 22"}'),
            {},
            "f:1:118: glusterfs.sshexec.port: is no number, 22 is used",
        ),
    ],
)
def test_what_is_odd_but_clear_earns_one_warning(text: str, environ: dict[str, str], expected: str) -> None:
    loaded = parse_settings(text, "f", environ)
    assert loaded.warnings == (expected,)
    assert loaded.settings == parse_settings(MOCK, "f", {}).settings


def test_unknown_settings_are_warned_about_and_comments_are_not() -> None:
    text = MOCK.replace('"glusterfs": {', '"_note": 1, "prot": 1, "glusterfs": {"loglevl": "x", ')
    warnings = parse_settings(text, "f", {}).warnings
    assert [warning.split(": ", 1)[1] for warning in warnings] == [
        "prot: unknown setting, did you mean port?",
        "glusterfs.loglevl: unknown setting, did you mean loglevel?",
    ]


def test_the_environment_comes_first_and_the_command_line_before_it() -> None:
    environ = {
        "HEKETI_EXECUTOR": "mock",
        "HEKETI_DB_PATH": "/x",
        "HEKETI_HTTP_PORT": "81",
        "HEKETI_DISABLE_HEALTH_MONITOR": "true",
        "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION": "false",
        "SSH_KNOWN_HOSTS": "/a:/b",
        "HEKETI_ADMIN_KEY": "",
    }
    settings = parse_settings('{"port": 80, "glusterfs": {}}', "f", environ, disable_auth=True).settings
    assert settings.port == 81
    assert settings.disable_auth
    assert settings.glusterfs.db == "/x"
    assert settings.glusterfs.disable_monitor_gluster_nodes
    assert not settings.glusterfs.nodes.rebalance_on_expansion
    assert settings.glusterfs.ssh.trusted_known_hosts == ("/a", "/b")


IN_WORDS: dict[str, tuple[str, str]] = {
    "executor": ("inject/mock", "mock"),
    "loglevel": ("debug", "error"),
    "zone_checking": ("strict", "none"),
    "default_state": ("local-client", "read-only"),
}
"""For fields that take few words only: what a variable says, and what the file does."""
OF_THE_ENVIRONMENT_ONLY = {"mock_device_size_gb", "iat_leeway_seconds", "backup_name", "rebalance_on_expansion"}


@pytest.mark.parametrize("word", sorted(_ENVIRONMENT))
def test_every_variable_overrides_its_key(word: str) -> None:
    kind, name = _ENVIRONMENT[word]
    wanted = next(_type_of(each.type).__name__ for each in fields(kind) if each.name == name)
    texts = {"int": ("77", 66), "bool": ("true", False), "str": IN_WORDS.get(name, ("variable", "file"))}
    told, in_file = texts[wanted]
    if name == "rebalance_on_expansion":  # the file's value does not count, and the default is yes
        told = "false"
    value = {"int": 77, "bool": told == "true"}.get(wanted, told)
    document: dict[str, object] = {"port": 1, "jwt": {"admin": {"key": "file"}, "user": {"key": "file"}}}
    section: dict[str, object] = {} if name in OF_THE_ENVIRONMENT_ONLY else {name: in_file}
    if kind is KubeSettings:
        document["glusterfs"] = {"executor": "kubernetes", "kubeexec": section}
    elif kind in (NodeSettings, SshSettings):
        document["glusterfs"] = {"executor": "mock", PLACE[kind][-1]: section}
    elif kind is GlusterSettings:
        document["glusterfs"] = {"executor": "mock"} | section
    else:
        document |= {"glusterfs": {"executor": "mock"}} | ({} if name.endswith("_key") else section)

    def found(environ: dict[str, str]) -> object:
        top = parse_settings(json.dumps(document), "f", environ).settings
        gluster = top.glusterfs
        owner = {Settings: top, GlusterSettings: gluster, NodeSettings: gluster.nodes, SshSettings: gluster.ssh}
        return getattr(owner.get(kind, gluster.kube), name)

    assert found({word: value if isinstance(value, str) else told}) == value
    assert found({word: ""}) == found({}) != value
    if name not in OF_THE_ENVIRONMENT_ONLY:
        assert found({}) == in_file


@pytest.mark.parametrize("name", ["backup_db_to_kube_secret", "profiling"])
@pytest.mark.parametrize(
    ("text", "in_file", "value"), [("false", False, True), ("x", False, True), ("", True, True), ("", False, False)]
)
def test_some_variables_mean_yes_whatever_they_say(name: str, text: str, in_file: bool, value: bool) -> None:
    (word,) = (word for word, field in _ANY_TEXT_IS_YES.items() if field == name)
    document = json.dumps(json.loads(MOCK) | {name: in_file})
    assert getattr(parse_settings(document, "f", {word: text}).settings, name) is value


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("HEKETI_DISABLE_HEALTH_MONITOR", "disable_monitor_gluster_nodes"),
        ("HEKETI_DISABLE_BACKGROUND_CLEANER", "disable_background_cleaner"),
    ],
)
@pytest.mark.parametrize(
    ("text", "in_file", "value"),
    [("true", False, True), ("True", False, False), ("1", False, False), ("false", True, True), ("", True, True)],
)
def test_some_variables_mean_yes_by_one_word_only(word: str, name: str, text: str, in_file: bool, value: bool) -> None:
    document = json.dumps(json.loads(MOCK) | {"glusterfs": {"executor": "mock", name: in_file}})
    assert getattr(parse_settings(document, "f", {word: text}).settings.glusterfs, name) is value


@pytest.mark.parametrize("text", ["0", "-1"])
def test_limits_that_a_variable_lifts(text: str) -> None:
    given = {"HEKETI_MAX_INFLIGHT_OPERATIONS": text, "HEKETI_GLUSTER_MAX_VOLUMES_PER_CLUSTER": text}
    gluster = parse_settings(MOCK, "f", given).settings.glusterfs
    expected = (8, 1000) if text == "0" else (-1, -1)
    assert (gluster.max_inflight_operations, gluster.max_volumes_per_cluster) == expected


def test_offline_needs_nothing_that_clients_need() -> None:
    text = '{"glusterfs": {"executor": "mock"}, "enable_tls": true, "default_state": "x"}'
    assert parse_settings(text, "f", {}, disable_auth=True, serving=False).settings.port == 0
    with pytest.raises(ConfigError) as caught:
        parse_settings(text.replace("mock", "x"), "f", {}, disable_auth=True, serving=False)
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"a"', '"hush"'),
        ('"a"', "hush"),
        ('"a"', "hush-hush, 17"),
        ('"a"', r'"hush\q"'),
        ('"a"', '"hush'),
        ('"a"', '["hush"]'),
        ('{"key": "a"}', '"hush"'),
        ('{"admin": {"key": "a"}, "user": {"key": "b"}}', '"hush"'),
        ('"port"', '"database_url": "postgresql+psycopg://heketi:hush@db/heketi", "port"'),
        ('"port"', '"database_url": hush, "port"'),
    ],
)
def test_secrets_are_never_shown(old: str, new: str) -> None:
    text = MOCK.replace(old, new)
    assert text != MOCK
    try:
        shown = repr(parse_settings(text, "f", {}))
    except ConfigError as error:
        shown = str(error)
    assert "hush" not in shown


def rows() -> dict[str, tuple[str, str]]:
    """Return the default and the variable that the document tells of each key; ``port`` of both kinds apart."""
    found: dict[str, tuple[str, str]] = {}
    for section in (ROOT / "docs" / "settings.md").read_text().split("\n## ")[1:]:
        title = section.partition("\n")[0]
        prefix = "ssh." if "reached" in title else "kube." if "pods" in title else ""
        for key, default, variable in re.findall(r"^\| `(\w+)` \| (.*?) \| ?(.*?) \| .+ \|$", section, re.MULTILINE):
            found[prefix + key] = default.strip("` "), variable.strip("` ")
    return found


def documented(kind: type, prefix: str = "") -> dict[str, tuple[str, str]]:
    """Return what the document must say of the fields of a kind of settings."""
    variables = {name: word for word, (owner, name) in _ENVIRONMENT.items() if owner is kind}
    variables |= {
        "disable_monitor_gluster_nodes": "HEKETI_DISABLE_HEALTH_MONITOR=true",
        "disable_background_cleaner": "HEKETI_DISABLE_BACKGROUND_CLEANER=true",
    }
    variables |= {name: word for word, name in _ANY_TEXT_IS_YES.items()}
    return {
        prefix + each.name: (_shown(each.default), variables.get(each.name, ""))
        for each in fields(kind)
        if each.name not in TOLD_IN_PROSE
    }


def _shown(default: object) -> str:
    if default is MISSING:
        return "must be set"
    if isinstance(default, bool):
        return json.dumps(default)
    return "" if default is None else str(default)


TOLD_IN_PROSE = {
    *("admin_key", "user_key", "iat_leeway_seconds", "disable_auth", "glusterfs", "nodes", "ssh"),
    *("volume_create_retries", "mock_device_size_gb", "trusted_known_hosts", "injectexec"),
    *("kube", "backup_name"),
}


def test_every_setting_is_documented_with_its_default_and_its_variable() -> None:
    assert rows() == (
        documented(Settings)
        | documented(GlusterSettings)
        | documented(NodeSettings)
        | documented(SshSettings, "ssh.")
        | documented(KubeSettings, "kube.")
    )


def test_every_variable_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    words = {*_ENVIRONMENT, *_ANY_TEXT_IS_YES, "SSH_KNOWN_HOSTS"}
    assert [word for word in sorted(words) if f"`{word}`" not in text] == []


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
_blanks = st.sampled_from(["", " ", "\n\t", " # x\n", '// {["\n', "/* , */", "\r\n"])


@given(_json, st.data())
def test_comments_and_blanks_change_nothing(value: object, data: st.DataObject) -> None:
    text = json.dumps(value)
    pieces = re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\[\]{},:"\s]+', text)
    spaced = "".join(data.draw(_blanks) + piece for piece in pieces) + data.draw(_blanks)
    assert jsonc.parse(spaced).value == value
