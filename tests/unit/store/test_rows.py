import pytest

from pyheketi.domain.change import Put, Remove
from pyheketi.domain.durability import DISPERSIONS, Disperse, Distribute, Replicate
from pyheketi.domain.entities import Brick, Cluster, Node
from pyheketi.domain.ids import BrickId, ClusterId, DeviceId, NodeId, VolumeId
from pyheketi.store import rows, tables

CLUSTER = Cluster(id=ClusterId("c"), file=True, block=False)
NODE = Node(id=NodeId("n"), cluster=CLUSTER.id, zone=1, manage=("m",), storage=("s1", "s2"))


def a_brick(id_: str) -> Brick:
    return Brick(
        id=BrickId(id_),
        device=DeviceId("d"),
        volume=VolumeId("v"),
        size=1,
        pool_size=2,
        metadata_size=3,
        thin_pool="t",
        gid=4,
    )


@pytest.mark.parametrize("durability", [Distribute(), *map(Replicate, (1, 2, 3)), *(Disperse(*d) for d in DISPERSIONS)])
def test_durability_survives_as_text(durability: Distribute | Replicate | Disperse) -> None:
    assert rows.parse_durability(str(durability)) == durability


@pytest.mark.parametrize("text", ["", "replica", "disperse 4", "raid 5", "replica x"])
def test_other_texts_are_no_durability(text: str) -> None:
    with pytest.raises(ValueError):
        rows.parse_durability(text)


def test_neighbours_of_a_kind_are_written_together_and_order_is_kept() -> None:
    one, two, three = map(a_brick, "123")

    written = list(rows.writes([Put(CLUSTER), Put(one), Put(two), Remove(one), Remove(two), Put(three)], []))

    assert written == [
        (tables.CLUSTERS.put, [("c", True, False)]),
        (tables.BRICKS.put, [("1", "d", "v", 1, 2, 3, "t", 4, "", ""), ("2", "d", "v", 1, 2, 3, "t", 4, "", "")]),
        (tables.BRICKS.remove, [("1",), ("2",)]),
        (tables.BRICKS.put, [("3", "d", "v", 1, 2, 3, "t", 4, "", "")]),
    ]


def test_host_names_of_a_node_replace_those_before() -> None:
    written = list(rows.writes([Put(NODE)], []))

    assert written[1:] == [
        (tables.REMOVE_HOSTS, [("n",)]),
        (tables.ADD_HOST, [("n", "manage", 0, "m"), ("n", "storage", 0, "s1"), ("n", "storage", 1, "s2")]),
    ]


def test_nothing_to_write() -> None:
    assert list(rows.writes([], [])) == []


def test_statements_take_as_many_values_as_they_have_columns() -> None:
    for table in (each for each in vars(tables).values() if isinstance(each, tables.Table)):
        assert table.put.count("?") == len(table.columns)
        assert not set("%:") & set(table.put + table.remove + table.select)  # they would mean something to drivers
