"""Heketi's metrics, as dashboards ask for them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.api import asgi
from tests.house import House

from pyheketi.executors.faults import Fail, Rule, matching

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def scraped(house: House) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return all samples by name and labels. Nobody needs a token."""
    reply = await asgi.request(asgi.application(house.plane, keys=asgi.KEYS), "GET", "/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(reply.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


async def test_an_empty_server_is_up() -> None:
    house = House()
    await house.start()
    found = await scraped(house)
    assert found["heketi_up"] == {(): 1}
    assert found["heketi_cluster_count"] == {(): 0}
    assert found["heketi_operations_total_count"] == {(): 0}
    assert "process_resident_memory_bytes" in found


async def test_clusters_devices_and_operations_are_counted() -> None:
    house = House()
    await house.start()
    cluster = await house.furnish(devices=2)
    await house.create(10)
    house.break_(Rule(matching("lvremove"), Fail(5, stderr="busy")))
    volume = await house.create()
    await house.job(await house.plane.volumes.delete(volume))
    found = await scraped(house)
    assert found["heketi_operations_failed_count"] == {(): 1}
    assert found["heketi_operations_inFlight_count"] == {(): 0}
    here = ("cluster", cluster)
    assert found["heketi_nodes_count"] == {(here,): 3}
    assert found["heketi_block_volumes_count"] == {(here,): 0}
    assert set(found["heketi_device_count"].values()) == {2}
    assert (here, ("hostname", "node0"), ("storage_hostname", "10.0.0.0")) in found["heketi_device_count"]
    assert sum(found["heketi_device_brick_count"].values()) == 6
    for device in house.topology.devices():
        node = house.topology.node(device.node)
        assert node is not None
        names = {"hostname": node.manage_host, "storage_hostname": node.storage_host, "cluster": cluster}
        names |= {"id": device.id, "device": device.name, "pv_uuid": device.pv_uuid}
        labels = tuple(sorted(names.items()))
        assert found["heketi_device_size"][labels] == device.total
        assert found["heketi_device_used"][labels] == house.topology.used(device)
        assert found["heketi_device_free_bytes"][labels] == house.topology.free(device) * 1024


async def test_requests_are_counted() -> None:
    house = House()
    await house.start()
    app = asgi.application(house.plane)
    for _ in range(3):
        await asgi.request(app, "GET", "/clusters")
    text = (await asgi.request(app, "GET", "/metrics")).text
    assert 'pyheketi_http_request_seconds_count{method="GET",status="200"} 3.0' in text
