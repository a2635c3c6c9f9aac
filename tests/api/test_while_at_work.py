"""What is refused while an operation is at work on something: each kind of operation with each request it may meet.

``=`` is what the original answers (operations.md §3 to §5, rest-api.md §7 and §11), ``!`` what we answer instead:
docs/differences.md tells those. 202 means that the request is being carried out.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.api import asgi
from tests.house import House

from pyheketi.api.endpoint import Application
from pyheketi.domain.topology import Topology
from pyheketi.executors.faults import Pause, Rule
from pyheketi.planning.limits import Limits

pytestmark = pytest.mark.anyio

IN_USE = "The target exists, contains other items, or is in use."
REPLICA_3 = {"type": "replicate", "replicate": {"replica": 3}}

BODIES: Mapping[str, Any] = {
    "volumes expand": {"expand_size": 1},
    "volumes clone": {},
    "volumes block-restriction": {"restriction": "locked"},
    "blockvolumes expand": {"new_size": 30},
    "operations cleanup": {},
}
"""What is sent with requests that need a body, by the first and the last word of the path."""

BEGUN: Mapping[str, tuple[str, ...]] = {
    "create": ('POST /volumes {"size": 5, "durability": REPLICA_3}',),
    "expand": ("POST /volumes/{V}/expand",),
    "host expand": ("POST /volumes/{B}/expand",),
    "delete": ("DELETE /volumes/{V}",),
    "clone": ("POST /volumes/{V}/clone",),
    "evict": ("POST /bricks/to-evict/{brick}",),
    "device remove": ("POST /devices/{D}/state offline", "POST /devices/{D}/state failed"),
    "node remove": ("POST /nodes/{N}/state offline", "POST /devices/{D}/state offline", "POST /nodes/{N}/state failed"),
    "block create": ('POST /blockvolumes {"size": 5, "name": "new"}',),
    "block and host": ("POST /volumes/{B}/block-restriction", 'POST /blockvolumes {"size": 5, "name": "new"}'),
    "block delete": ("DELETE /blockvolumes/{K}",),
    "block expand": ("POST /blockvolumes/{K}/expand",),
    "node add": ("POST /nodes NODE",),
    "node delete": ("DELETE /nodes/{M}",),
    "device add": ("POST /devices DEVICE",),
    "device delete": ("DELETE /devices/{F}",),
    "resync": ("GET /devices/{E}/resync",),
}
"""What is at work; all but the last request are done."""

TABLE = """
create         = GET /volumes/{new volume}                      404 Id not found
create         = DELETE /volumes/{new volume}                   500 Failed to set up volume delete: IN USE
create         ! POST /volumes/{new volume}/expand              500 Failed to allocate volume expansion: IN USE
create         ! POST /volumes/{new volume}/clone               404 Id not found
create         ! POST /volumes/{new volume}/block-restriction   404 Id not found
create         = POST /bricks/to-evict/{new brick}              500 Failed to set up brick eviction: PENDING {new brick}
create         = POST /devices/{new place}/state offline        204
create         = POST /devices/{new place}/state failed         500 IN USE
create         = POST /nodes/{new home}/state failed            500 IN USE
create         = GET /devices/{new place}/resync                500 IN USE
create         = DELETE /devices/{new place}                    400 device: {new place} is not in failed state
create         = DELETE /clusters/{cluster}                     409 Unable to delete cluster [{cluster}]
create         = DELETE /volumes/{V}                            202
create         = POST /volumes/{V}/expand                       202

expand         = GET /volumes/{V}                               200
expand         = DELETE /volumes/{V}                            500 Failed to set up volume delete: IN USE
expand         ! POST /volumes/{V}/expand                       500 Failed to allocate volume expansion: IN USE
expand         ! POST /volumes/{V}/clone                        500 Failed clone volume {V}: IN USE
expand         = POST /bricks/to-evict/{brick}                  500 Failed to set up brick eviction: BUSY {brick}
expand         = POST /bricks/to-evict/{new brick}              500 Failed to set up brick eviction: PENDING {new brick}
expand         = POST /devices/{new place}/state failed         500 IN USE
expand         = GET /devices/{new place}/resync                500 IN USE
expand         = DELETE /blockvolumes/{K}                       202

host expand    = POST /blockvolumes small                       202
host expand    = POST /blockvolumes/{K}/expand                  202
host expand    = DELETE /blockvolumes/{K}                       202
host expand    = POST /volumes/{B}/block-restriction            303
host expand    = DELETE /volumes/{B}                            409 Cannot delete a block hosting volume containing

delete         = GET /volumes/{V}                               404 Id not found
delete         = DELETE /volumes/{V}                            500 Failed to set up volume delete: IN USE
delete         ! POST /volumes/{V}/expand                       500 Failed to allocate volume expansion: IN USE
delete         ! POST /volumes/{V}/clone                        404 Id not found
delete         = POST /bricks/to-evict/{brick}                  500 Failed to set up brick eviction: PENDING {brick}
delete         = POST /devices/{D}/state failed                 500 IN USE
delete         ! GET /devices/{D}/resync                        500 IN USE
delete         = POST /volumes SAME                            500 Failed to allocate new volume: Volume name 'same'

clone          ! GET /volumes/{V}                               200
clone          = GET /volumes/{new volume}                      404 Id not found
clone          = DELETE /volumes/{V}                            500 Failed to set up volume delete: IN USE
clone          ! DELETE /volumes/{new volume}                   500 Failed to set up volume delete: IN USE
clone          ! POST /volumes/{V}/expand                       500 Failed to allocate volume expansion: IN USE
clone          ! POST /volumes/{V}/clone                        500 Failed clone volume {V}: IN USE
clone          = POST /bricks/to-evict/{brick}                  500 Failed to set up brick eviction: BUSY {brick}
clone          = POST /devices/{D}/state failed                 500 IN USE
clone          = GET /devices/{D}/resync                        500 IN USE

evict          = GET /volumes/{V}                               200
evict          = DELETE /volumes/{V}                            500 Failed to set up volume delete: IN USE
evict          ! POST /volumes/{V}/expand                       500 Failed to allocate volume expansion: IN USE
evict          ! POST /volumes/{V}/clone                        500 Failed clone volume {V}: IN USE
evict          ! POST /bricks/to-evict/{brick}                  500 Failed to set up brick eviction: BUSY {brick}
evict          = POST /bricks/to-evict/{other brick}            500 Failed to set up brick eviction: BUSY {other brick}
evict          = POST /bricks/to-evict/{new brick}              500 Failed to set up brick eviction: PENDING {new brick}
evict          = POST /devices/{new place}/state failed         500 IN USE
evict          ! POST /devices/{D}/state failed                 500 Can not evict brick {brick} from volume {V}
evict          = GET /devices/{new place}/resync                500 IN USE
evict          ! GET /devices/{D}/resync                        500 IN USE

device remove  = POST /devices/{D}/state failed                 500 IN USE
device remove  = POST /devices/{D}/state offline                204
device remove  ! POST /devices/{D}/state online                 500 IN USE
device remove  = GET /devices/{D}/resync                        500 IN USE
device remove  = DELETE /devices/{D}                            400 device: {D} is not in failed state
device remove  = POST /nodes/{N}/state failed                   500 IN USE
device remove  = POST /nodes/{N}/state offline                  204
device remove  = DELETE /nodes/{N}                              409 Unable to delete node [{N}]
device remove  = DELETE /volumes/{V}                            500 Failed to set up volume delete: IN USE
device remove  = POST /bricks/to-evict/{other brick}            500 Failed to set up brick eviction: BUSY {other brick}
device remove  = GET /volumes/{V}                               200

node remove    = POST /nodes/{N}/state failed                   500 IN USE
node remove    = POST /nodes/{N}/state offline                  204
node remove    ! POST /nodes/{N}/state online                   500 IN USE
node remove    = DELETE /nodes/{N}                              409 Unable to delete node [{N}]
node remove    = POST /devices/{D}/state failed                 500 IN USE
node remove    = GET /devices/{D}/resync                        500 IN USE
node remove    = DELETE /volumes/{V}                            500 Failed to set up volume delete: IN USE

block create   = GET /blockvolumes/{new block}                  404 Id not found
block create   = DELETE /blockvolumes/{new block}               500 Failed to set up block volume delete: IN USE
block create   = POST /blockvolumes/{new block}/expand          500 Failed to allocate block volume expansion: IN USE
block create   = DELETE /volumes/{B}                            409 Cannot delete a block hosting volume containing
block create   = POST /volumes/{B}/expand                       202
block create   = POST /volumes/{B}/clone                        500 Failed clone volume {B}: Cloning of block hosting
block create   = POST /blockvolumes small                       202
block create   = POST /blockvolumes/{K}/expand                  202

block and host = POST /blockvolumes small                       429 Server busy. Retry operation later.
block and host = GET /volumes/{new volume}                      404 Id not found
block and host = DELETE /volumes/{new volume}                   409 Cannot delete a block hosting volume containing
block and host ! POST /volumes/{new volume}/expand              500 Failed to allocate volume expansion: IN USE
block and host = DELETE /blockvolumes/{new block}               500 Failed to set up block volume delete: IN USE
block and host = POST /devices/{new place}/state failed         500 IN USE
block and host = DELETE /blockvolumes/{K}                       202

block delete   = GET /blockvolumes/{K}                          404 Id not found
block delete   = DELETE /blockvolumes/{K}                       500 Failed to set up block volume delete: IN USE
block delete   = POST /blockvolumes/{K}/expand                  500 Failed to allocate block volume expansion: IN USE
block delete   = DELETE /volumes/{B}                            409 Cannot delete a block hosting volume containing
block delete   = POST /volumes/{B}/expand                       202
block delete   = POST /blockvolumes small                       202

block expand   = GET /blockvolumes/{K}                          200
block expand   ! DELETE /blockvolumes/{K}                       500 Failed to set up block volume delete: IN USE
block expand   ! POST /blockvolumes/{K}/expand                  500 Failed to allocate block volume expansion: IN USE
block expand   = DELETE /volumes/{B}                            409 Cannot delete a block hosting volume containing
block expand   = POST /volumes/{B}/expand                       202
block expand   = POST /blockvolumes small                       202

node add       = GET /nodes/{new node}                          404 Id not found
node add       = DELETE /nodes/{new node}                       404 Id not found
node add       = POST /nodes NODE                               409 Hostname fresh already used by node

node delete    ! GET /nodes/{M}                                 404 Id not found
node delete    ! DELETE /nodes/{M}                              404 Id not found
node delete    ! POST /nodes/{M}/state offline                  404 Id not found
node delete    ! POST /devices DEVICE                           404 Node id does not exist

device add     = GET /devices/{new device}                      404 Id not found
device add     ! POST /devices DEVICE                           409 Device /dev/sdz on empty is already in use
device add     ! DELETE /nodes/{M}                              409 Unable to delete node [{M}]
device add     ! POST /nodes/{M}/state failed                   500 IN USE

device delete  ! GET /devices/{F}                               404 Id not found
device delete  ! DELETE /devices/{F}                            404 Id not found
device delete  = DELETE /nodes/{home of F}                      409 Unable to delete node [{home of F}]

resync         = GET /devices/{E}                               200
resync         ! GET /devices/{E}/resync                        500 IN USE
resync         = POST /devices/{E}/state offline                204
resync         ! POST /devices/{E}/state online                 500 IN USE
resync         ! POST /devices/{E}/state failed                 500 IN USE
resync         = DELETE /devices/{E}                            400 device: {E} is not in failed state
"""

Row = tuple[str, str, int, str]
ROWS: list[Row] = [
    (match["begun"].strip(), match["request"].strip(), int(match["status"]), match["text"].strip())
    for match in re.finditer(
        r"^(?P<begun>\w[\w ]*?) +[=!] (?P<request>\w+ /.*?) +(?P<status>\d{3})\b(?P<text>.*)$", TABLE, re.MULTILINE
    )
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_every_line_of_the_table_is_read() -> None:
    assert len(ROWS) == len([line for line in TABLE.splitlines() if line])
    assert {begun for begun, *_ in ROWS} == BEGUN.keys()


@dataclass
class Scene:
    """A server on simulated nodes, and what things in it are called."""

    house: House
    app: Application
    names: dict[str, str]

    async def ask(self, request: str) -> tuple[int, str]:
        """Make a request; return status and text of its answer, or of its job as far as it comes."""
        method, path, *rest = re.split(r" (?![^{]*\})", request, maxsplit=2)
        answer = await asgi.request(self.app, method, self.named(path), self._body(path, rest[0] if rest else ""))
        if answer.status == 202:
            for _ in range(300):
                job = await asgi.request(self.app, "GET", answer.headers["location"])
                if "x-pending" not in job.headers:
                    return job.status, job.headers.get("location", "") or job.text
                await asyncio.sleep(0)
        return answer.status, answer.text

    def named(self, text: str) -> str:
        return re.sub(r"\{(.*?)\}", lambda match: self.names[match[1]], text)

    def _body(self, path: str, rest: str) -> object:
        node = {"zone": 5, "cluster": self.names["cluster"]}
        kinds: dict[str, object] = {
            "small": {"size": 1, "name": "small"},
            "SAME": {"size": 1, "name": "same", "durability": REPLICA_3},
            "NODE": node | {"hostnames": {"manage": ["fresh"], "storage": ["10.9.9.8"]}},
            "EMPTY": node | {"hostnames": {"manage": ["empty"], "storage": ["10.9.9.9"]}},
            "DEVICE": {"node": self.names.get("M", ""), "name": "/dev/sdz"},
        }
        if rest in kinds:
            return kinds[rest]
        if rest.startswith("{"):
            return json.loads(rest.replace("REPLICA_3", json.dumps(REPLICA_3)))
        if rest:
            return {"state": rest}
        words = path.strip("/").split("/")
        return BODIES.get(f"{words[0]} {words[-1]}", b"")


async def scene(begun: str) -> Scene:
    """Furnish a server, and leave an operation at work in it: the nodes answer no more."""
    house = House(limits=Limits(block_hosting_creation=True, block_hosting_size_gib=50))
    await house.start()
    made = Scene(house, asgi.application(house.plane), {})
    made.names["cluster"] = await house.furnish(zones=(1, 2, 3, 4), devices=2)
    await furnish(made)
    before = house.plane.tip
    *first, last = BEGUN[begun]
    for request in first:
        status, text = await made.ask(request)
        assert status < 400, text
    house.break_(Rule(lambda _, command: "glusterd" not in str(command), Pause(3600)))
    assert (await made.ask(last))[0] == 202
    made.names |= dict(new_names(before, house.plane.tip))
    return made


async def furnish(scene: Scene) -> None:
    """Make a volume V, a hosting volume B with a block volume K, a node M without devices, and name the rest."""
    names = scene.names
    wishes = {
        "V": 'POST /volumes {"size": 10, "name": "same", "durability": REPLICA_3}',
        "B": 'POST /volumes {"size": 100, "block": true, "durability": REPLICA_3}',
        "K": 'POST /blockvolumes {"size": 10, "name": "k"}',
        "M": "POST /nodes EMPTY",
    }
    for name, wish in wishes.items():
        status, text = await scene.ask(wish)
        assert status == 303, text
        names[name] = text.rpartition("/")[2]
    topology = scene.house.plane.tip
    names |= of_volume(topology, names["V"])
    spare, free = (device for device in topology.devices() if not topology.count_bricks(device.id))
    names |= {"F": spare.id, "home of F": spare.node, "E": free.id}
    for state in ("offline", "failed"):
        assert (await scene.ask(f"POST /devices/{{F}}/state {state}"))[0] == 204


def of_volume(topology: Topology, id_: str) -> dict[str, str]:
    volume = topology.volume(id_)
    assert volume is not None
    first, second, _ = (topology.brick(brick) for brick in volume.bricks)
    assert first is not None
    assert second is not None
    device = topology.device(first.device)
    assert device is not None
    return {"brick": first.id, "other brick": second.id, "D": device.id, "N": device.node}


def new_names(before: Topology, now: Topology) -> Iterable[tuple[str, str]]:
    yield from (("new volume", each.id) for each in now.volumes() if before.volume(each.id) is None)
    yield from (("new block", each.id) for each in now.block_volumes() if before.block_volume(each.id) is None)
    yield from (("new node", each.id) for each in now.nodes() if before.node(each.id) is None)
    yield from (("new device", each.id) for each in now.devices() if before.device(each.id) is None)
    for brick in now.bricks():
        device = now.device(brick.device)
        if before.brick(brick.id) is None and device is not None:
            yield from (("new brick", brick.id), ("new place", device.id), ("new home", device.node))


@pytest.mark.parametrize(("begun", "request_", "status", "text"), ROWS, ids=lambda value: str(value)[:60])
async def test_a_request_meets_an_operation(begun: str, request_: str, status: int, text: str) -> None:
    made = await scene(begun)
    try:
        if request_.endswith(" failed"):
            await made.ask(request_.replace(" failed", " offline"))
        told = await made.ask(request_)
        expected = re.sub(r"PENDING (.*)", r"Can not evict brick \1: brick is pending", text)
        expected = re.sub(r"BUSY (.*)", r"Can not evict brick \1 from volume {V}: volume has pending", expected)
        expected = made.named(expected.replace("IN USE", IN_USE))
        assert (told[0], told[1][: len(expected)]) == (status, expected), told
    finally:
        await made.house.crash()


THROTTLED = """
POST /volumes SAME
DELETE /volumes/{V}
POST /volumes/{V}/expand
POST /volumes/{V}/clone
POST /volumes/{B}/block-restriction
POST /blockvolumes small
DELETE /blockvolumes/{K}
POST /blockvolumes/{K}/expand
POST /bricks/to-evict/{brick}
POST /devices/{D}/state failed
POST /nodes/{N}/state failed
"""
NOT_THROTTLED = """
POST /nodes NODE
DELETE /nodes/{M}
POST /nodes/{N}/state offline
POST /devices DEVICE
DELETE /devices/{F}
POST /devices/{D}/state offline
GET /devices/{E}/resync
GET /volumes/{V}
POST /operations/pending/cleanup
"""


@pytest.mark.parametrize(
    ("request_", "refused"),
    [(line, True) for line in THROTTLED.split("\n") if line]
    + [(line, False) for line in NOT_THROTTLED.split("\n") if line],
)
async def test_what_the_limit_of_operations_is_for(request_: str, refused: bool) -> None:
    """rest-api.md §5."""
    made = await scene("block create")
    made.house.plane.work.rules = type(made.house.rules)(max_in_flight=1, job_patience=0)
    try:
        status, text = await made.ask(request_)
        assert (status == 429) is refused, text
        if refused:
            assert text == "Server busy. Retry operation later.\n"
        else:
            assert status < 400
    finally:
        await made.house.crash()


@pytest.mark.parametrize(
    ("begun", "hidden", "listed"),
    [
        ("create", ["new volume"], ["V", "B", "K"]),
        ("expand", [], ["V", "B", "K"]),
        ("delete", ["V"], ["B", "K"]),
        ("clone", ["new volume"], ["V", "B", "K"]),
        ("evict", [], ["V", "B", "K"]),
        ("block create", ["new block"], ["V", "B", "K"]),
        ("block and host", ["new block", "new volume"], ["V", "B", "K"]),
        ("block delete", ["K"], ["V", "B"]),
        ("block expand", [], ["V", "B", "K"]),
    ],
)
async def test_what_lists_tell_meanwhile(begun: str, hidden: list[str], listed: list[str]) -> None:
    """rest-api.md §7.2, §7.5, §7.6."""
    made = await scene(begun)
    try:
        cluster = (await made.ask("GET /clusters/{cluster}"))[1]
        lists = (await made.ask("GET /volumes"))[1] + (await made.ask("GET /blockvolumes"))[1]
        for told in (cluster, lists):
            assert [name for name in hidden if made.names[name] in told] == []
            assert [name for name in listed if made.names[name] not in told] == []
    finally:
        await made.house.crash()
