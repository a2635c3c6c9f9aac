"""Hypothesis: documents of Heketi's with any fault: everything is about few ids, so that all sorts of links arise."""

from typing import Any

from hypothesis import strategies as st

from pyheketi.wire import base
from pyheketi.wire.dump import Dump

_ids = st.sampled_from(["", "1", "2", "3"])
_parents = st.sampled_from(["1", "1", "1", "1", "2", ""])
"""Mostly right: every section has a 1."""
_lists = st.lists(_ids, max_size=4)
_names = st.sampled_from(["", "a", "b"])
_hosts: st.SearchStrategy[list[str]] = st.lists(
    st.integers(0, 50).map(lambda number: f"h{number}"), min_size=1, max_size=2
) | st.just([])
_numbers = st.sampled_from([-(2**40), -1, 0, 1, 2, 3, 10, 100, 2**40])
_sizes = st.sampled_from([1, 100, 2**20, 2**20, 0, -1])
_states = st.sampled_from(["", "online", "offline", "failed", "odd"])
_durabilities = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["", "none", "replicate", "replicate", "none"]),
        "replicate": st.fixed_dictionaries({}, optional={"replica": st.integers(0, 3)}),
        "disperse": st.fixed_dictionaries({}, optional={"data": _numbers, "redundancy": _numbers}),
    }
)
_marks = st.fixed_dictionaries({"Id": _ids})


def _section(entry: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    more = st.dictionaries(st.sampled_from(["2", "3"]), entry, max_size=2)
    return st.builds(lambda first, others: {"1": first} | others, entry, more)


_entries: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "clusterentries": {
        "Info": st.fixed_dictionaries(
            {
                "id": _ids,
                "nodes": _lists,
                "volumes": _lists,
                "block": st.booleans(),
                "file": st.booleans(),
                "blockvolumes": _lists,
            }
        )
    },
    "nodeentries": {
        "State": _states,
        "Info": st.fixed_dictionaries(
            {
                "zone": _numbers,
                "hostnames": st.fixed_dictionaries({"manage": _hosts, "storage": _hosts}),
                "cluster": _parents,
                "id": _ids,
            }
        ),
        "Devices": _lists,
    },
    "deviceentries": {
        "State": _states,
        "Info": st.fixed_dictionaries(
            {
                "name": _names,
                "storage": st.fixed_dictionaries({"total": _numbers, "free": _numbers, "used": _numbers}),
                "id": _ids,
            }
        ),
        "Bricks": _lists,
        "NodeId": _parents,
        "ExtentSize": _numbers,
    },
    "brickentries": {
        "Info": st.fixed_dictionaries(
            {"id": _ids, "path": _names, "device": _parents, "node": _parents, "volume": _parents, "size": _sizes}
        ),
        "TpSize": _sizes,
        "PoolMetadataSize": _numbers,
        "Pending": _marks,
        "LvmThinPool": _names,
        "LvmLv": _names,
        "SubType": st.integers(0, 3),
    },
    "volumeentries": {
        "Info": st.fixed_dictionaries(
            {
                "size": _numbers,
                "name": st.integers(0, 20).map(str) | _names,
                "durability": _durabilities,
                "gid": _numbers,
                "block": st.booleans(),
                "snapshot": st.fixed_dictionaries({"enable": st.booleans(), "factor": st.sampled_from([-1, 0, 1.5])}),
                "id": _ids,
                "cluster": _parents,
                "mount": st.just({"glusterfs": {"hosts": ["h1"], "device": "", "options": {}}}),
                "blockinfo": st.fixed_dictionaries(
                    {"freesize": _numbers, "reservedsize": _numbers, "blockvolume": _lists, "restriction": _names}
                ),
            }
        ),
        "Bricks": _lists,
        "GlusterVolumeOptions": st.none() | st.lists(_names, max_size=2),
        "Pending": _marks,
    },
    "blockvolumeentries": {
        "Info": st.fixed_dictionaries(
            {"size": _numbers, "name": _names, "id": _ids, "cluster": _parents, "blockhostingvolume": _parents}
        ),
        "Pending": _marks,
    },
    "pendingoperations": {
        "Id": _ids,
        "Timestamp": _numbers,
        "Type": st.integers(1, 9),
        "Actions": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {
                    "Change": st.integers(-1, 16),
                    "Id": _parents,
                    "Delta": st.none() | st.sampled_from([-1.0, 0.0, 2.5, 10.0]),
                }
            ),
            max_size=5,
        ),
        "Status": st.sampled_from(["", "stale", "failed"]),
    },
}


def _document(made: dict[str, dict[str, Any]], own: bool) -> Dump:
    for section in made.values() if own else ():
        for key, entry in section.items():
            entry["Info" if "Info" in entry else "Id"] = {**entry["Info"], "id": key} if "Info" in entry else key
    return base.validated(Dump, {"dbattributeentries": {}} | made)


documents: st.SearchStrategy[Dump] = st.builds(
    _document,
    st.fixed_dictionaries({section: _section(st.fixed_dictionaries(fields)) for section, fields in _entries.items()}),
    st.sampled_from([True, True, True, False]),
)
"""Any document: what it says need not make sense."""
