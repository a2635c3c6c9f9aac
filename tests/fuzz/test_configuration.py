"""Configuration files that are nearly right: settings, or faults with their places, never anything else."""

import json
import random
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.depth import often
from tests.shared import shared_dir

from pyheketi.config import jsonc
from pyheketi.config.load import ConfigError, parse_settings
from pyheketi.config.settings import Settings

ROOT = Path(__file__).parents[2]


def examples() -> list[str]:
    guides = "".join(each.read_text() for each in sorted((shared_dir() / "seeds").glob("*.md")))
    found = [text for text in re.findall(r"^(\{\n.*?^\})", guides, re.MULTILINE | re.DOTALL) if '"glusterfs"' in text]
    return [(ROOT / "deploy" / "heketi.json").read_text(), *found]


def settings_of(text: str, **environ: str) -> Settings | None:
    """Return the settings of a text; None if it is refused, in words that have a place."""
    try:
        return parse_settings(text, "heketi.json", environ).settings
    except ConfigError as error:
        faults = error.faults
    assert faults
    assert all(each.startswith("heketi.json") or each.split(":")[0].isupper() for each in faults), faults
    assert all(each.isprintable() for each in faults), faults
    return None


@settings(max_examples=often(400, 30_000))
@given(data=st.data())
def test_damaged_text(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(examples()))
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(begin + 30, len(text))))
        new = data.draw(
            st.sampled_from(["", '"', "{", "}", "[", "]", ",", ":", "//", "/*", "\\", "\x00", "é", "1e999"])
            | st.text(max_size=5)
        )
        text = text[:begin] + new + text[end:]
    settings_of(text)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["0", "ssh", "mock"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=often(400, 30_000))
@given(data=st.data())
def test_values_of_other_kinds(data: st.DataObject) -> None:
    document = jsonc.parse(data.draw(st.sampled_from(examples()))).value
    for _ in range(data.draw(st.integers(1, 4))):
        place: Any = document
        while isinstance(place, dict) and place:
            key = data.draw(st.sampled_from(sorted(place)))
            if not isinstance(place[key], dict) or data.draw(st.integers(0, 4)) == 0:
                place[key] = data.draw(anything)
                break
            place = place[key]
    settings_of(json.dumps(document))


@settings(max_examples=often(200, 10_000))
@given(
    st.sampled_from(
        [
            "HTTP_PORT",
            "SSH_PORT",
            "MAX_INFLIGHT_OPERATIONS",
            "JWT_IAT_LEEWAY_SECONDS",
            "DEFAULT_STATE",
            "FSTAB",
            "MOUNT_OPTS",
        ]
    ),
    st.text(max_size=20) | st.integers().map(str) | st.sampled_from(["1e9", "0x1", "٣", " 1", "1\n", "9" * 5000]),
)
def test_variables(name: str, value: str) -> None:
    settings_of(examples()[0], **{f"HEKETI_{name}": value})


@pytest.mark.parametrize("kind", ["keys", "nested", "comments", "lines", "one string", "open brackets", "commas"])
def test_the_work_grows_with_the_size(kind: str) -> None:
    """Places are counted once: each size takes the time of its characters, which pytest would never wait for else."""
    chance, size = random.Random(1), 20_000
    names = ["".join(chance.choices(string.ascii_lowercase, k=8)) for _ in range(size)]
    text = {
        "keys": "{" + ",".join(f'"{each}":\n1' for each in names) + "}",
        "nested": "[" * size,
        "comments": "/* */ # x\n" * size,
        "lines": "\n" * 10 * size + "x",
        "one string": '"' + "\\n" * 10 * size,
        "open brackets": '{"a": ' * size,
        "commas": "[" + "1,\n" * size + "]",
    }[kind]
    assert settings_of(text) is None
