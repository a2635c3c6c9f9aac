"""Where the recordings of the original are: a folder beside the repository, not part of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared"


def shared_dir() -> Path:
    """Return the folder; a test that needs it is skipped without it, but fails in CI."""
    folder = Path(os.environ.get("PYHEKETI_SHARED", _BESIDE))
    if not folder.is_dir():
        reason = f"no recordings at {folder} (set PYHEKETI_SHARED to the folder that holds them)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)
    return folder


def golden(path: str) -> Any:
    """Return a recording: parsed if it is JSON, text otherwise."""
    text = (shared_dir() / "golden" / path).read_text()
    return json.loads(text) if path.endswith(".json") else text
