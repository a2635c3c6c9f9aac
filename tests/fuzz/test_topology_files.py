"""Topology files of all sorts: ``topology load`` tells what is wrong, and ends."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import scripted_server
from tests.depth import often
from tests.scripted_server import Canned

from pyheketi.cli.main import run

SAMPLE = json.loads((Path(__file__).parents[2] / "deploy" / "topology.json").read_text())
KNOWN = {("GET", "/clusters"): [Canned(body={"clusters": []})], ("POST", "/clusters"): [Canned(500, "no")]}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with scripted_server.serving(KNOWN) as running:
        yield running.url


def load(server: str, path: Path) -> tuple[int, str]:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as error:
        status = run(["topology", "load", f"--json={path}", f"--server={server}", "--user=admin", "--secret=k"])
    said = out.getvalue() + error.getvalue()
    assert "Traceback" not in said
    return status, said


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["node", "devices", "name", "zone"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=often(150, 5000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_of_other_kinds(data: st.DataObject, server: str, tmp_path: Path) -> None:
    document = json.loads(json.dumps(SAMPLE))
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 4)) == 0:
            place[key] = data.draw(anything)
            break
        place = place[key]
    file = tmp_path / "topology.json"
    file.write_text(json.dumps(document))
    status, said = load(server, file)
    assert status in {0, 255}
    assert status == 0 or "Unable" in said or "Error: " in said


@settings(max_examples=often(150, 5000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 1500), cut=st.integers(0, 40), new=st.binary(max_size=6))
def test_damaged_text(at: int, cut: int, new: bytes, server: str, tmp_path: Path) -> None:
    text = json.dumps(SAMPLE, indent=1).encode()
    file = tmp_path / "topology.json"
    file.write_bytes(text[:at] + new + text[at + cut :])
    status, said = load(server, file)
    assert (status, said) == (0, "") or (status in {0, 255} and said)


@pytest.mark.parametrize("text", ["", "[" * 10**6, '{"clusters":' * 10**5, "9" * 10**6, '"' * 10**6, "\x00" * 10**6])
def test_large_nonsense_is_refused(text: str, server: str, tmp_path: Path) -> None:
    file = tmp_path / "topology.json"
    file.write_text(text)
    assert load(server, file)[0] == 255
