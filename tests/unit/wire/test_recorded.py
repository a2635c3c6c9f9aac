"""Requests and answers of the original, as recorded on the wire."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.shared import golden

from pyheketi.wire import base, clusters, devices, nodes, volumes

_ID = "[0-9a-f]{32}"
REQUESTS: dict[str, type[base.WireModel]] = {
    "/clusters": clusters.ClusterFlags,
    f"/clusters/{_ID}/flags": clusters.ClusterFlags,
    "/nodes": nodes.NodeAdd,
    f"/nodes/{_ID}/state": nodes.StateChange,
    f"/nodes/{_ID}/tags": nodes.TagsChange,
    "/devices": devices.DeviceAdd,
    f"/devices/{_ID}/state": nodes.StateChange,
    f"/devices/{_ID}/tags": nodes.TagsChange,
    "/volumes": volumes.VolumeCreate,
    f"/volumes/{_ID}/expand": volumes.VolumeExpand,
}
ANSWERS: dict[str, type[base.WireModel]] = {
    "/clusters": clusters.ClusterList,
    f"/clusters/{_ID}": clusters.Cluster,
    f"/nodes/{_ID}": nodes.Node,
    f"/devices/{_ID}": devices.Device,
    "/volumes": volumes.VolumeList,
    f"/volumes/{_ID}": volumes.Volume,
}
LATER_REFUSALS = re.compile(
    "No clusters configured|Cluster id .* not found|Requested volume size|None of the nodes|New Node|device: .* is not"
)
"""Texts of 400 that need the topology."""
IMPROVED = {'{"size": 10, "durability": {"type": "replicate", "replicate": {"replica": -1}}}'}
"""Bodies that the original takes and we refuse (rest-api.md §7.5)."""


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    request: str
    status: int
    answer: str

    def __str__(self) -> str:
        return f"{self.method} {re.sub(_ID, 'ID', self.path)} {self.request[:60]}"

    def model(self, models: dict[str, type[base.WireModel]]) -> type[base.WireModel] | None:
        return next((model for path, model in models.items() if re.fullmatch(path, self.path)), None)


def exchanges() -> Iterator[Exchange]:
    pattern = re.compile(r"^>> (\S+) (\S+) ?(.*)\n {3}(\d+) .*\n {3}(['\"].*['\"])$", re.MULTILINE)
    for method, path, request, status, answer in pattern.findall(golden("http.txt")):
        yield Exchange(method, path, request, int(status), ast.literal_eval(answer))


ALL = tuple(exchanges())
POSTED = [exchange for exchange in ALL if exchange.method == "POST" and exchange.model(REQUESTS)]
REFUSED = [exchange for exchange in POSTED if exchange.status == 400 and not LATER_REFUSALS.match(exchange.answer)]
TAKEN = [
    exchange
    for exchange in POSTED
    if (exchange.status not in (400, 401, 422) or LATER_REFUSALS.match(exchange.answer))
    and exchange.request not in IMPROVED
]
UNPARSED = [exchange for exchange in POSTED if exchange.status == 422]
TOLD = [exchange for exchange in ALL if exchange.method == "GET" and exchange.status == 200 and exchange.model(ANSWERS)]


def requested(exchange: Exchange) -> base.WireModel:
    model = exchange.model(REQUESTS)
    assert model is not None
    return base.parse(model, exchange.request)


@pytest.mark.parametrize("exchange", REFUSED, ids=str)
def test_refused_with_the_same_text(exchange: Exchange) -> None:
    assert requested(exchange).problem() == exchange.answer.removesuffix("\n")


@pytest.mark.parametrize("exchange", TAKEN, ids=str)
def test_taken(exchange: Exchange) -> None:
    assert requested(exchange).problem() is None


@pytest.mark.parametrize("exchange", UNPARSED, ids=str)
def test_unparsed(exchange: Exchange) -> None:
    with pytest.raises(base.Malformed):
        requested(exchange)


@pytest.mark.parametrize("exchange", TOLD, ids=str)
def test_an_answer_survives_decoding(exchange: Exchange) -> None:
    model = exchange.model(ANSWERS)
    assert model is not None
    assert base.to_json(base.parse(model, exchange.answer)) + "\n" == exchange.answer


def test_there_are_recordings_of_each_kind() -> None:
    assert min(len(REFUSED), len(TAKEN), len(UNPARSED), len(TOLD)) > 10
