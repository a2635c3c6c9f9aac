"""Every string that a client controls, with everything that a shell would mind: refused, or kept as it is.

``tests/lab/test_hostile_strings.py`` does the same on real nodes.
"""

import logging
from collections import Counter
from urllib.parse import unquote

import pytest
from tests import hostile
from tests.api import asgi
from tests.hostile import Attack
from tests.house import House

from pyheketi.api.table import table
from pyheketi.commands.command import Command
from pyheketi.executors.faults import Fail, Rule

pytestmark = pytest.mark.anyio

WHERE = sorted({each.where for each in hostile.attacks(dict.fromkeys(hostile.IDS, "0" * 32))})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Attacked:
    """A furnished house behind the application, and the commands that its nodes were given."""

    async def up(self) -> "Attacked":
        self.house = House()
        await self.house.start()
        cluster = await self.house.furnish()
        volume = await self.house.create()
        topology = self.house.topology
        self.ids = {
            "clusters": cluster,
            "nodes": next(iter(topology.nodes())).id,
            "devices": next(iter(topology.devices())).id,
            "bricks": next(iter(topology.bricks())).id,
            "volumes": volume,
            "blockvolumes": "0" * 32,
        }
        self.app = asgi.application(self.house.plane, body_limit=2**20)
        self.commands: list[Command] = []
        self.house.break_(Rule(self._hear, Fail()))
        return self

    def _hear(self, _: str, command: Command) -> bool:
        self.commands.append(command)
        return False

    async def ask(self, attack: Attack) -> asgi.Reply:
        body = b"" if attack.body is None else attack.body
        path, mark, query = attack.target.partition("?")
        decoded = path if "%3F" in path else unquote(path, errors="surrogateescape")
        return await asgi.request(self.app, attack.method, decoded + mark + query, body)


def test_every_request_is_attacked() -> None:
    models = {each.request for each in table().endpoints if each.request}
    assert set(hostile.bodies(dict.fromkeys(hostile.IDS, ""))) == models
    for model, body in hostile.bodies(dict.fromkeys(hostile.IDS, "0" * 32)).items():
        model.model_validate(body)
    parameters = {f"{each.path}?{name}" for each in table().endpoints for name in each.parameters}
    paths = {each.path for each in table().endpoints if "{id}" in each.path}
    places = {where for where in WHERE if "." in where}
    assert set(WHERE) == places | parameters | paths
    assert {"NodeAdd.hostnames.manage[]", "VolumeCreate.durability.type", *hostile.TAGS, hostile.OPTION_VALUE} <= places


@pytest.mark.parametrize("where", WHERE)
async def test_what_is_refused_reaches_no_node(where: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pyheketi")
    world = await Attacked().up()
    before, nodes = world.house.topology, world.house.inventory()
    for attack in hostile.attacks(world.ids):
        if attack.where != where or hostile.kept(where, attack.text) is not None:
            continue
        reply = await world.ask(attack)
        assert reply.status in {400, 404, 422}, (attack, reply)
        assert reply.text.strip()
        if where not in hostile.LOOKED_FOR:
            assert world.commands == [], attack
    assert not any(hostile.CANARY in str(command) for command in world.commands)
    assert (world.house.topology, world.house.inventory()) == (before, nodes)
    assert not any(record.exc_info for record in caplog.records)
    await world.house.crash()


async def test_option_values_reach_gluster_as_one_argument() -> None:
    world = await Attacked().up()
    taken = 0
    for attack in hostile.attacks(world.ids):
        value = hostile.kept(attack.where, attack.text) if attack.where == hostile.OPTION_VALUE else None
        if value is None:
            continue
        taken += 1
        world.commands.clear()
        reply = await world.ask(attack)
        assert reply.status == 202, (attack, reply)
        made = await world.house.done(reply.headers["location"].rsplit("/", 1)[1])
        (call,) = (command.args for command in world.commands if command.args[2:4] == ("volume", "set"))
        assert call[4:] == (f"vol_{made}", "user.x", value, "user.heketi.id", made)
        others = Counter(word for command in world.commands for word in command.args if command.args != call)
        assert attack.text not in others or attack.text == "-"
        await world.house.done(await world.house.plane.volumes.delete(made))
    assert taken > 30
    await world.house.crash()


@pytest.mark.parametrize("kind", ["nodes", "devices"])
async def test_tags_are_kept_as_they_are(kind: str) -> None:
    world = await Attacked().up()
    for attack in hostile.attacks(world.ids):
        kept = hostile.kept(attack.where, attack.text)
        if not attack.where.startswith("TagsChange.tags") or kept is None or f"/{kind}/" not in attack.target:
            continue
        tags = {kept: "x"} if attack.where in hostile.TAG_NAMES else {"key": kept}
        reply = await world.ask(attack)
        assert (reply.status, reply.json) == (200, tags)
        shown = await asgi.request(world.app, "GET", f"/{kind}/{world.ids[kind]}")
        assert shown.json["tags"] == tags
    assert world.commands == []
    await world.house.crash()
