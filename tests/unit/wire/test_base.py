import contextlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyheketi.wire import base, clusters, devices, nodes, volumes

READ = {
    "any case": (b'{"SIZE":10,"Name":"x"}', {"size": 10, "name": "x"}),
    "folded letters": ('{"\u017fize":10}'.encode(), {"size": 10}),
    "null is nothing": (b'{"size":null,"name":null,"clusters":null,"durability":null}', {}),
    "null document": (b"null", {}),
    "unknown names": (b'{"zzz":[{"a":1}],"size":1}', {"size": 1}),
    "last duplicate wins": (b'{"size":1,"size":2}', {"size": 2}),
    "last duplicate wins in any case": (b'{"size":1,"SIZE":2,"size":3}', {"size": 3}),
    "null after a value changes nothing": (b'{"size":1,"size":null,"SIZE":null}', {"size": 1}),
    "blanks around": (b' \r\n\t{"size":1} \n', {"size": 1}),
    "largest integer": (b'{"gid":9223372036854775807}', {"gid": 2**63 - 1}),
    "a float may be whole": (b'{"snapshot":{"factor":2}}', {"snapshot": volumes.Snapshot(factor=2)}),
    "bytes that are no UTF-8": (b'{"name":"\xff"}', {"name": "\ufffd"}),
    "half a surrogate pair": (rb'{"name":"\ud800\ud83d\ude00"}', {"name": "\ufffd\U0001f600"}),
}

MALFORMED = {
    "empty": (b"", "unexpected end of JSON input"),
    "truncated": (b'{"size":', "unexpected end of JSON input"),
    "text": (b"hello", "invalid character 'h' looking for beginning of value"),
    "trailing": (b"{} x", "invalid character 'x' after top-level value"),
    "byte order mark": (b"\xef\xbb\xbf{}", "invalid character"),
    "list": (b"[]", "dictionary"),
    "number": (b"3", "dictionary"),
    "fraction": (b'{"size":1.5}', "size: "),
    "exponent": (b'{"size":1e1}', "size: "),
    "quoted integer": (b'{"size":"3"}', "size: "),
    "bool as integer": (b'{"size":true}', "size: "),
    "integer as bool": (b'{"block":1}', "block: "),
    "text as bool": (b'{"block":"true"}', "block: "),
    "number as text": (b'{"name":5}', "name: "),
    "text as list": (b'{"clusters":"a"}', "clusters"),
    "number in list": (b'{"clusters":[5]}', "clusters.0: "),
    "list as object": (b'{"durability":[]}', "durability: "),
    "beyond 64 bits": (b'{"size":9223372036854775808}', "size: "),
    "beyond 32 bits": (b'{"snapshot":{"factor":1e39}}', "snapshot.factor: "),
    "infinite": (b'{"snapshot":{"factor":1e999}}', "snapshot.factor: "),
    "no number": (b'{"x":NaN}', "invalid character 'N'"),
    "very many digits": (b'{"x":' + b"9" * 10_000 + b"}", "digits"),
    "very deep": (b"[" * 200_000, "deep"),
    "deep objects": (b'{"durability":' * 50_000, "deep"),
}


@pytest.mark.parametrize(("document", "fields"), READ.values(), ids=READ)
def test_reads_as_go(document: bytes, fields: dict[str, object]) -> None:
    assert base.parse(volumes.VolumeCreate, document) == volumes.VolumeCreate.model_validate(fields)


@pytest.mark.parametrize(("document", "complaint"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(document: bytes, complaint: str) -> None:
    with pytest.raises(base.Malformed) as caught:
        base.parse(volumes.VolumeCreate, document)
    assert complaint in str(caught.value)


def test_the_first_value_of_a_text() -> None:
    assert base.parse_first(volumes.VolumeCreate, ' {"size":1} and so on') == volumes.VolumeCreate(size=1)
    with pytest.raises(base.Malformed):
        base.parse_first(volumes.VolumeCreate, "and so on")


def test_tags_keep_their_case_in_nested_objects() -> None:
    node = base.parse(nodes.Node, b'{"DEVICES":[{"Tags":{"Disk":"SSD"},"Storage":{"TOTAL":7}}]}')
    assert node.devices == (devices.Device(tags={"Disk": "SSD"}, storage=devices.Storage(total=7)),)


WRITTEN = {
    "zero values": (clusters.ClusterFlags(), '{"block":false,"file":false}'),
    "lists given": (clusters.ClusterList(clusters=()), '{"clusters":[]}'),
    "lists not given": (clusters.ClusterList(), '{"clusters":null}'),
    "maps given": (volumes.GlusterMount(hosts=(), options={}), '{"hosts":[],"device":"","options":{}}'),
    "maps not given": (nodes.TagsChange(change_type="set"), '{"tags":null,"change_type":"set"}'),
    "omitted": (devices.DeviceAdd(name="/d", node="n"), '{"name":"/d","node":"n"}'),
    "not omitted": (
        devices.DeviceAdd(name="/d", node="n", tags={"a": "b"}, destroydata=True),
        '{"name":"/d","tags":{"a":"b"},"node":"n","destroydata":true}',
    ),
    "empty objects stay": (
        volumes.Durability(type="replicate"),
        '{"type":"replicate","replicate":{},"disperse":{}}',
    ),
    "sorted map": (
        devices.DeviceAdd(tags={"b": "", "a": "", "B": ""}),
        '{"name":"","tags":{"B":"","a":"","b":""},"node":""}',
    ),
    "html": (
        clusters.ClusterList(clusters=("<a>&\u2028\u2029",)),
        r'{"clusters":["\u003ca\u003e\u0026\u2028\u2029"]}',
    ),
    "control": (
        clusters.ClusterList(clusters=("\n\r\t\b\f\x01", "\\b")),
        r'{"clusters":["\n\r\t\u0008\u000c\u0001","\\b"]}',
    ),
    "raw": (clusters.ClusterList(clusters=("\x7fé\U0001f600",)), '{"clusters":["\x7fé\U0001f600"]}'),
    "surrogates of a command line": (clusters.ClusterList(clusters=("\udcff",)), '{"clusters":["\\ufffd"]}'),
}


@pytest.mark.parametrize(("model", "text"), WRITTEN.values(), ids=WRITTEN)
def test_writes_as_go(model: base.WireModel, text: str) -> None:
    assert base.dump(model) == text.encode()


FACTORS = [(1.1, "1.1"), (1.25, "1.25"), (1, "1"), (1.0000001, "1.0000001"), (1.00000001, "1"), (1e22, "1e+22")]
FACTORS += [(123456789, "123456790"), (0.0, "0"), (16777217.0, "16777216"), (1e20, "100000000000000000000")]


@pytest.mark.parametrize(("factor", "text"), FACTORS)
def test_shortest_32_bit_float(factor: float, text: str) -> None:
    assert base.dump(volumes.Snapshot(factor=factor)) == f'{{"enable":false,"factor":{text}}}'.encode()


@given(st.floats(min_value=2**-10, max_value=2**100, width=32))
def test_shortest_float_is_the_same_in_32_bits(factor: float) -> None:
    assert struct.pack("f", base.shortest(factor)) == struct.pack("f", factor)


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_what_is_written_is_read_back(name: str, tags: dict[str, str]) -> None:
    device = devices.DeviceAdd(name=name, tags=tags)
    document = base.dump(device)
    assert base.parse(devices.DeviceAdd, document) == device
    assert json.loads(document).get("tags", {}) == tags
    assert not set(b"<>&") & set(document)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_malformed(document: bytes) -> None:
    with contextlib.suppress(base.Malformed):
        assert isinstance(base.parse(volumes.VolumeCreate, document), volumes.VolumeCreate)
