"""Whatever a document says, it is checked; it is taken over whole, or refused with reasons."""

import asyncio
import contextlib

from hypothesis import given, settings
from tests.unit.migrate.odd_documents import documents

from pyheketi.domain import errors
from pyheketi.domain.topology import Topology
from pyheketi.migrate import checking, exporting, importing
from pyheketi.store import copying
from pyheketi.store.base import Loaded
from pyheketi.wire.dump import Dump


@settings(max_examples=500, deadline=None)
@given(documents)
def test_a_check_never_raises_and_counts_right(document: Dump) -> None:
    found, check = checking.findings(document), checking.check(document)
    sections = [getattr(check, name) for name in type(check).model_fields if name != "totalinconsistencies"]
    assert len(found) == check.totalinconsistencies == sum(len(each.inconsistencies) for each in sections)
    assert sum(each.notok for each in sections) == len({(each.kind, each.object) for each in found})
    assert all(each.total == each.ok + each.notok for each in sections)


@settings(max_examples=300, deadline=None)
@given(documents)
def test_an_import_refuses_or_makes_something_that_can_be_stored(document: Dump) -> None:
    with contextlib.suppress(errors.StoreError):
        found = importing.imported(document)
        loaded = Loaded(entities=tuple(found.topology.entities()), unfinished=found.operations, revision=0)
        assert Topology(loaded.entities) == found.topology
        checking.check(exporting.exported(found.topology, found.operations, "g", at_rest=True))


@settings(max_examples=25, deadline=None)
@given(documents)
def test_what_is_taken_over_is_stored(document: Dump) -> None:
    with contextlib.suppress(errors.StoreError):
        found = importing.imported(document)
        loaded = Loaded(entities=tuple(found.topology.entities()), unfinished=found.operations, revision=0)
        asyncio.run(copying.copied(loaded))
