"""Files with secrets that others may read earn a warning."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyheketi.config import exposure, load

KEYS: Mapping[str, Any] = {"jwt": {"admin": {"key": "a"}, "user": {"key": "u"}}}
BY_VARIABLES = {"HEKETI_ADMIN_KEY": "a", "HEKETI_USER_KEY": "u"}
DATABASES = (Path("heketi.db"), Path("backups/heketi.db.20200101T000000Z"))
TLS = {"enable_tls": True, "cert_file": "key.pem", "key_file": "key.pem"}
POSTGRESQL = {"database_url": "postgresql://u:p@h/d"}


@pytest.mark.parametrize(
    ("more", "environ", "modes", "exposed"),
    [
        (KEYS, {}, {}, {"heketi.json"}),
        (KEYS, {}, {"heketi.json": 0o640}, set()),
        ({}, BY_VARIABLES, {}, set()),
        (POSTGRESQL, BY_VARIABLES, {}, {"heketi.json"}),
        (TLS, BY_VARIABLES, {"key.pem": 0o644, "heketi.json": 0o600}, {"key.pem"}),
        (TLS, BY_VARIABLES, {"key.pem": 0o600}, set()),
        ({}, BY_VARIABLES, {"heketi.db": 0o604, "heketi.db.lock": 0o644}, {"heketi.db"}),
        (
            {},
            BY_VARIABLES,
            {"heketi.db-wal": 0o602, "heketi.db.heketi10": 0o644},
            {"heketi.db-wal", "heketi.db.heketi10"},
        ),
        ({}, BY_VARIABLES, {str(DATABASES[1]): 0o644}, {str(DATABASES[1])}),
    ],
)
def test_who_may_read_what(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
    environ: dict[str, str],
    modes: dict[str, int],
    exposed: set[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    glusterfs = {"executor": "mock"}
    for name, mode in {"heketi.json": 0o644, **modes}.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(json.dumps({"port": 1, "glusterfs": glusterfs, **more}))
        Path(name).chmod(mode)
    settings = load.load("heketi.json", environ).settings
    told = list(exposure.warnings("heketi.json", settings, environ, DATABASES))
    assert {each.split()[0] for each in told} == exposed
    assert all("chmod o-rwx" in each for each in told)
