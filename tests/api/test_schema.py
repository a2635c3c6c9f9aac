"""The OpenAPI document against the server: Schemathesis makes requests of it and looks at the answers."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.compat.test_library import REPLICA_3
from tests.served import serving

from pyheketi import HeketiClient
from pyheketi.client import tokens

KEY = "adminkey"
CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
"""Heketi answers 500 to what cannot be done, so that alone is no fault."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with something of everything, on simulated nodes."""
    with serving(tmp_path_factory.mktemp("schema")) as running:
        with HeketiClient(running.url, "admin", KEY, poll_delay=0.05) as client:
            cluster = client.cluster_create({"file": True, "block": True})
            for number in range(3):
                hosts = {"manage": [f"node{number}"], "storage": [f"10.0.0.{number}"]}
                node = client.node_add({"cluster": cluster["id"], "zone": 1, "hostnames": hosts})
                client.device_add({"name": "/dev/sdb", "node": node["id"]})
            client.volume_create({"size": 20, "durability": REPLICA_3, "block": True})
            client.block_volume_create({"size": 2})
        yield running.url


def test_nothing_that_the_document_allows_breaks_the_server(server: str) -> None:
    schema = schemathesis.openapi.from_url(f"{server}/openapi.json")
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    assert len(operations) > 40
    for operation in operations:
        if operation.path in ("/admin", "/internal/logging"):
            continue  # a server that is read-only answers everything alike

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def send(case: schemathesis.Case[Any]) -> None:
            path = case.formatted_path
            token = tokens.bearer("admin", KEY, case.method.upper(), path, time.time())
            answer = case.call(base_url=server, headers={"Authorization": token})
            assert b"Internal error" not in answer.content
            case.validate_response(answer, checks=CHECKS)

        send()
